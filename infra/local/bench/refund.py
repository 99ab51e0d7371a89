"""One refund, counted: asked for before shipping, approved by the rules, sent over WeChat Pay's protocol, settled by its notice."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

from aftersales.registry import Registry
from functions import follow, http
from infra.local.bench.parts import Follower, Stopwatch, Timed
from infra.local.engine import dynamodb_client
from infra.local.sandbox import Sandbox
from plugins.dynamodb_gate.gate import DynamoGate
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.schema import create

TABLE, REPLAYED = "aftersales-bench", "aftersales-bench-bare"
SECRET = "a secret of the bench, at least 32 characters long"
DELAY_S = 0.02  # how long the sandbox takes to pay out, so that its first answer is "processing", as the real one's is
MOST_WAIT_S = 10.0

Say = Callable[[str], None]


@dataclass(slots=True)
class RefundCost:
    """What ``count`` refunds took. CPU is of the thread that does our work, in milliseconds per refund."""

    count: int
    requests: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0
    write_units: float = 0.0
    cpu_ms: float = 0.0
    channel_ms: float = 0.0
    bare_ms: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def requests_each(self) -> float:
        """Requests per refund, all operations together."""
        return self.requests.total() / self.count

    @property
    def ratio(self) -> float:
        """Our CPU, the channel's part apart, against the bare calls of the same requests."""
        return (self.cpu_ms - self.channel_ms) / self.bare_ms

    def plain(self) -> dict[str, Any]:
        """The figures per refund."""
        each = {name: number / self.count for name, number in self.requests.items()}
        units = {"read_units": self.read_units / self.count, "write_units": self.write_units / self.count}
        times = {n: round(getattr(self, n), 3) for n in ("cpu_ms", "channel_ms", "bare_ms", "ratio", "p50_ms", "p99_ms")}
        return {"count": self.count, "requests": each, "requests_each": self.requests_each, **units, **times}


class Bench:
    """The whole way of a refund in one process, on one table."""

    def __init__(self, endpoint: str, sandbox: Sandbox) -> None:
        from plugins.wechatpay_refund import build as wechatpay

        self.registry = Registry(
            {
                "ports": {
                    "store": "dynamodb_store",
                    "stream": "dynamodb_store",
                    "clock": "system_clock",
                    "tables": "zen_rules",
                },
                "verticals": {"active": ["general", "fresh"]},
                "merchants": {"default": {"one_click_day_minor": 10**12}},  # however many claims are counted over
                "settings": {
                    "dynamodb_store": {"table": TABLE, "endpoint": endpoint, "phone_key": "bench"},
                    "token": {"secret": SECRET},
                },
            }
        )
        self.sandbox = sandbox
        self.aside = Stopwatch()  # what Lambda or the bench does, not our code
        self.channel = Timed(wechatpay(sandbox.settings("http://127.0.0.1:9/v1/callbacks/wechatpay")))
        self.registry.put("channel:wechatpay", self.channel)
        self.client = self.registry.store.client  # type: ignore[attr-defined]  # the stage says dynamodb_store
        self.registry.put("gate", DynamoGate(TABLE, client=self.client))  # the same client, so that its requests count
        create(self.client, TABLE)
        self.meter = Meter(self.client)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.client.meta.events.register("provide-client-params.dynamodb.*", self._keep)
        self.follower = Follower(endpoint, TABLE, self.aside)
        self.tokens = {"buyer": token("buyer", "b1"), "integrator": token("integrator", "mall")}

    def close(self) -> None:
        """End every connection."""
        self.channel.channel.close()
        self.client.close()
        self.follower.client.close()

    def _keep(self, params: dict[str, Any], model: Any, **_: object) -> None:
        with self.aside:
            self.asked.append((model.name, copy.deepcopy(params)))

    def push(self, number: int) -> None:
        """Push the order of that number, paid at the provider before."""
        order = self.order(number)
        self.sandbox.pay(order["payments"][0]["transaction_id"], order["payments"][0]["paid_minor"])
        self.ask("PUT", "/v1/orders/{order_id}", {"order_id": f"o{number}"}, order, "integrator")

    def order(self, number: int) -> dict[str, Any]:
        """An order of CNY 60.00, paid and not shipped."""
        line = {"line_id": "l1", "sku": "LM-07", "title": "Desk lamp", "vertical": "general", "unit_price_minor": 6000, "pieces": 1}
        paid = {"payment_id": "p1", "channel": "wechatpay", "transaction_id": f"42{number:026}", "paid_minor": 6000}
        return {**self.head(number), "status": "paid", "lines": [line], "payments": [paid]}

    def buyer(self, number: int) -> str:  # noqa: ARG002  # claims have one each
        """Whose order that is."""
        return "b1"

    def head(self, number: int, signed_hours_ago: float | None = None) -> dict[str, Any]:
        """Whose order it is, and when it was paid, shipped and signed for."""
        now = datetime.now(UTC)
        buyer = {"id": self.buyer(number), "phone": "13800000000"}
        order = {"order_id": f"o{number}", "merchant": "m1", "buyer": buyer, "currency": "CNY"}
        if signed_hours_ago is None:
            return {**order, "paid_at": now.isoformat()}
        signed_at = now - timedelta(hours=signed_hours_ago)
        shipped_at, paid_at = (signed_at - timedelta(days=days) for days in (1, 2))
        return {
            **order,
            **{n: at.isoformat() for n, at in (("paid_at", paid_at), ("shipped_at", shipped_at), ("signed_at", signed_at))},
        }

    def refund(self, number: int) -> Iterator[None]:
        """One refund; stops where the provider takes its time."""
        asked = {"order_id": f"o{number}", "kind": "refund_only", "reason": "changed_mind", "submit": True}
        case = self.ask("POST", "/v1/cases", {}, {**asked, "items": [{"line_id": "l1", "pieces": 1}]}, "buyer")
        self.follow()
        yield
        self.settled(case["refunds"][0]["key"])

    def settled(self, key: str) -> None:
        """Hear the provider's notice, and follow what it brings."""
        headers, body = self.sandbox.notice_of(key)
        answer = http.callback(self.registry, "wechatpay", http.Request("POST", "/v1/callbacks/wechatpay", headers, {}, body))
        if answer.status != 204:
            raise RuntimeError(f"the notice was refused: {answer.body!r}")
        self.follow()

    def follow(self) -> None:
        """Follow the stream to its end, as Lambda would be called."""
        for records in self.follower.batches():
            failed = follow.follow(self.registry, records)
            if failed:
                raise RuntimeError(f"stream records failed: {failed}")

    def ask(self, method: str, path: str, places: dict[str, str], body: dict[str, Any] | None, role: str) -> Any:
        """The answer to a request, which has to succeed."""
        import app

        route = next(r for r in app.ROUTES if (r.method, r.path) == (method, path))
        headers = {
            "authorization": self.tokens[role],
            "content-type": "application/json",
            "idempotency-key": f"bench-{time.time_ns()}",
        }
        request = http.Request(method, path.format_map(places), headers, {}, b"" if body is None else json.dumps(body).encode())
        answer = http.respond(self.registry, route, request, places)
        if answer.status >= 300:
            raise RuntimeError(answer.body)
        return json.loads(answer.body)


def measure_refunds(endpoint: str, count: int, say: Say) -> RefundCost:
    """Push ``count`` orders, refund each, and replay the very requests barely against a table of its own."""
    cost = RefundCost(count)
    with Sandbox(delay_s=DELAY_S, gap_s=0, retry_scale=1e6) as sandbox, closing(Bench(endpoint, sandbox)) as bench:
        say(f"pushing {count + 1} orders …")
        for number in range(count + 1):
            bench.push(number)
        run(bench, 0)  # the first one loads what is loaded lazily
        bench.meter.reset()
        bench.channel.watch.cpu_s = bench.aside.cpu_s = 0.0
        before = len(bench.asked)
        say(f"refunding {count} …")
        runs = [run(bench, number) for number in range(1, count + 1)]
        asked = list(bench.asked)
        if sandbox.truth()["total"]["paid"] != 6000 * (count + 1):
            raise RuntimeError("the provider did not pay each refund exactly once")
    cost.requests, cost.read_units, cost.write_units = bench.meter.requests, bench.meter.read_units, bench.meter.write_units
    cost.cpu_ms = 1000 * (sum(cpu for cpu, _ in runs) - bench.aside.cpu_s) / count
    cost.channel_ms = 1000 * bench.channel.watch.cpu_s / count
    percentiles = quantiles([1000 * wall for _, wall in runs], n=100)
    cost.p50_ms, cost.p99_ms = percentiles[49], percentiles[98]
    say("replaying the same requests barely …")
    cost.bare_ms = 1000 * _replay(endpoint, asked, before) / count
    return cost


def run(bench: Bench, number: int) -> tuple[float, float]:
    """CPU and wall seconds of our parts of one refund."""
    cpu = wall = 0.0
    parts = bench.refund(number)
    while True:
        began = time.thread_time(), time.perf_counter()
        more = next(parts, parts)
        cpu, wall = cpu + time.thread_time() - began[0], wall + time.perf_counter() - began[1]
        if more is parts:
            return cpu, wall
        _wait_for_payout(bench, number)


def _wait_for_payout(bench: Bench, number: int) -> None:
    until = time.monotonic() + MOST_WAIT_S
    while bench.sandbox.truth()["payments"][f"42{number:026}"]["paid"] == 0:
        if time.monotonic() > until:
            raise RuntimeError("the sandbox does not pay out")
        time.sleep(DELAY_S)


def _replay(endpoint: str, asked: list[tuple[str, dict[str, Any]]], before: int) -> float:
    """CPU seconds of the same calls, from the same beginning, by a bare client; those before ``before`` only prepare."""
    from botocore import xform_name

    with closing(dynamodb_client(endpoint)) as client:
        create(client, REPLAYED)
        begun = 0.0
        for index, (operation, params) in enumerate(asked):
            if index == before:
                begun = time.thread_time()
            getattr(client, xform_name(operation))(**_moved(params))
        return time.thread_time() - begun


def _moved(params: Any) -> Any:
    """The same parameters for the other table."""
    if isinstance(params, dict):
        kept = ((n, v) for n, v in params.items() if n != "ClientRequestToken")  # a token belongs to one request: boto3 makes one
        return {name: REPLAYED if name == "TableName" else _moved(value) for name, value in kept}
    return [_moved(value) for value in params] if isinstance(params, list) else params


def token(role: str, sub: str) -> str:
    """The header that says who asks."""
    import jwt

    claims = {"sub": sub, "role": role, "merchant": "m1", "exp": datetime.now(UTC) + timedelta(hours=1)}
    return "Bearer " + jwt.encode(claims, SECRET, algorithm="HS256")
