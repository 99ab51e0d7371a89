"""Many refunds at once, and a channel that is away for half an hour: on the durable engine, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from functions import sweep
from infra.local.bench.burst import measure_burst
from infra.local.bench.refund import Bench
from infra.local.engine import Engine
from infra.local.sandbox import Sandbox
from infra.local.sandbox.fault import At, Fault, Kind
from plugins.local_clock import LocalClock, move

pytestmark = pytest.mark.e2e

ORDERS = 36


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """An engine of its own."""
    with Engine(tmp_path / "engine") as engine:
        yield engine.endpoint


def test_a_burst_keeps_to_the_channels_limits(endpoint: str) -> None:
    """600 refunds through three processes: in no second more calls than WeChat Pay allows, by its own count, and each paid once."""
    cost = measure_burst(endpoint, 600, lambda _: None, workers=3, threads=6)
    assert (cost.executed, cost.twice, cost.over) == (600, 0, 0)
    assert cost.fullest <= 150
    assert cost.fullest_errors < 6
    assert cost.held > 0, "the burst never met the gate: it shows nothing"


def test_without_a_gate_the_same_burst_breaks_the_limits(endpoint: str) -> None:
    """What the gate is for: the provider refuses calls by the hundred, and still nobody is paid twice."""
    cost = measure_burst(endpoint, 400, lambda _: None, workers=3, threads=6, gated=False)
    assert cost.over > 0
    assert (cost.executed, cost.twice) == (400, 0)


def away(sandbox: Sandbox) -> None:
    """The provider is down: a proxy answers; the first five calls were carried out all the same."""
    sandbox.fault(
        Fault(At.CREATE, Kind.HTML, executed=True, times=5, status=502),
        Fault(At.CREATE, Kind.HTML, executed=False, times=10_000, status=502),
        Fault(At.QUERY, Kind.HTML, executed=False, times=10_000, status=502),
    )


def asked(sandbox: Sandbox) -> int:
    """How often the provider was asked for refunds, or about them."""
    calls = sandbox.truth()["calls"]
    return int(calls.get("create", 0) + calls.get("query", 0))


def test_half_an_hour_without_the_channel(endpoint: str, tmp_path: Path) -> None:
    """Approved refunds wait, the channel is asked a few dozen times in all, and afterwards each is paid once by itself."""
    with Sandbox(gap_s=0, retry_scale=1e6) as sandbox, closing(Bench(endpoint, sandbox)) as bench:
        clock = LocalClock(tmp_path / "clock")
        bench.registry.put("clock", clock)
        for number in range(ORDERS):
            bench.push(number)
        away(sandbox)
        cases = []
        for number in range(ORDERS):
            wish = {"order_id": f"o{number}", "kind": "refund_only", "reason": "changed_mind", "submit": True}
            cases.append(bench.ask("POST", "/v1/cases", {}, {**wish, "items": [{"line_id": "l1", "pieces": 1}]}, "buyer"))
            bench.follow()
            move(tmp_path / "clock", timedelta(seconds=1))
        minutes(bench, tmp_path / "clock", 30)
        during = asked(sandbox)
        states = [bench.registry.store.case(case["case_id"]).refunds[0].state for case in cases]  # type: ignore[union-attr]
        assert set(states) <= {"reserved", "sent"}
        assert 5 < during < 60
        for env in sandbox.envs.values():
            env.script.clear()
        minutes(bench, tmp_path / "clock", 65)
        truth = sandbox.truth()
        ends = [bench.registry.store.case(case["case_id"]).case.ending for case in cases]  # type: ignore[union-attr]
    assert ends == ["refunded"] * ORDERS
    assert {refund["paid"] for refund in truth["refunds"].values()} == {6000}
    assert len(truth["refunds"]) == len({r["transaction_id"] for r in truth["refunds"].values()}) == ORDERS


def minutes(bench: Bench, clock: Path, times: int) -> None:
    """Minutes, each with its schedule and what follows from it."""
    for _ in range(times):
        move(clock, timedelta(minutes=1))
        assert sweep.poll_refunds(bench.registry).failed == 0
        bench.follow()
