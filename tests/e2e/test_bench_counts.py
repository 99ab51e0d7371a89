"""The counts of `make bench` are gates; its times are not."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.local.bench import BATCH_REQUESTS_GOAL
from infra.local.bench.batch import measure_batch
from infra.local.cli import main
from infra.local.engine import Engine

pytestmark = pytest.mark.e2e


def test_a_refund_and_a_sweep_stay_within_their_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """An auto-approved refund takes at most seven requests and 37 write units, and a sweep reads what is due and hardly more."""
    status = main(
        [
            "bench",
            "--refunds",
            "20",
            "--claims",
            "5",
            "--open",
            "1500",
            "--due",
            "50",
            "--rows",
            "20000",
            "--burst",
            "0",
            "--batch",
            "0",
            "--waiting",
            "--json",
        ]
    )
    said = json.loads(capsys.readouterr().out)
    assert status == 0, said["goals"]
    assert said["refund"]["requests_each"] <= 7  # one of them the gate's
    assert said["refund"]["write_units"] <= 37  # indexes included, every item under 1 KB
    assert said["claim"]["requests_each"] >= said["refund"]["requests_each"]  # printed beside it, without a goal
    assert said["sweeps"][0]["reads_each"] <= 1.01
    assert (said["bills"][0]["missed"], said["bills"][0]["false"]) == (0, 0)


def test_a_missed_goal_fails_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count above its goal is a non-zero exit status: the gate can fail."""
    monkeypatch.setattr("infra.local.bench.REQUESTS_GOAL", 6.0)
    assert main(["bench", "--refunds", "3", "--claims", "1", "--open", "--rows", "--burst", "0", "--batch", "0", "--waiting"]) == 1


def test_a_batch_asks_little_and_survives_its_worker() -> None:
    """A case of a batch costs two requests at most, and five deaths of the worker decide none twice and forget none."""
    with TemporaryDirectory() as folder, Engine(Path(folder)) as engine:
        cost = measure_batch(engine.endpoint, 150, lambda _: None)
    assert cost.requests_each <= BATCH_REQUESTS_GOAL
    assert (cost.kills, cost.twice, cost.forgotten) == (5, 0, 0)
