"""A batch, counted: waiting cases approved in one go by one worker, beside the bare calls of its requests, and killed on the way.

``python -m infra.local.bench.batch ENDPOINT TABLE BATCH`` is that worker: it works on one batch to its end, unless it is killed.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from aftersales.batch import MOVING, PART, Batch
from aftersales.case import Case, State
from aftersales.change import Change, Step
from aftersales.ledger import Ledger
from aftersales.order import Order
from aftersales.query import StepsOf
from aftersales.registry import Registry
from aftersales.testing.channel import FakeChannel
from aftersales.testing.queue import FakeQueue
from functions import batched, batches, http
from infra.local.bench.refund import SECRET, token
from infra.local.engine import dynamodb_client, seed
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.record import value
from plugins.dynamodb_store.schema import create

TIMED, ASKED, BARE, KILLED = (f"aftersales-bench-batch-{name}" for name in ("timed", "asked", "bare", "killed"))
#: How often the worker is killed on the way.
KILLS = 5
#: How often the batch and the bare calls take turns.
TURNS = 50
WAIT_S = 300.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BatchCost:
    """What approving ``count`` waiting cases took. ``twice`` and ``forgotten`` are cases after ``kills`` of the worker."""

    count: int
    requests: int
    read_units: float
    write_units: float
    seconds: float
    bare_seconds: float
    kills: int
    twice: int
    forgotten: int

    @property
    def requests_each(self) -> float:
        """Requests per case, the batch's own included."""
        return self.requests / self.count

    @property
    def rate(self) -> float:
        """Cases per second, against those that the bare calls of the same requests would do: 1 is as fast as they are."""
        return self.bare_seconds / self.seconds

    def plain(self) -> dict[str, Any]:
        """The figures per case."""
        units = {"read_units": self.read_units / self.count, "write_units": self.write_units / self.count}
        killed = {"kills": self.kills, "twice": self.twice, "forgotten": self.forgotten}
        return {"count": self.count, "requests_each": self.requests_each, **units, "rate": round(self.rate, 3), **killed}

    def told(self) -> str:
        """The figures, for people."""
        return (
            f"A batch over {self.count:,} waiting cases, by one worker:\n"
            f"  per case: {self.requests_each:.2f} requests, {self.read_units / self.count:.2f} read units, "
            f"{self.write_units / self.count:.2f} write units\n"
            f"  {self.count / self.seconds:.0f} cases a second, {self.rate:.2f} of what the bare calls of the same requests do\n"
            f"  killed {self.kills} times: {self.twice} decided twice, {self.forgotten} forgotten"
        )


class Waiting:
    """A shop on a table of its own, with cases that wait for a person: one real one, and its like under other names."""

    def __init__(self, endpoint: str, table: str, *, seeded: bool = False) -> None:
        self.registry = _registry(endpoint, table)
        self.store = cast("Any", self.registry.store)
        self.table = table
        if not seeded:
            create(self.store.client, table)

    def seed(self, count: int) -> None:
        """Put ``count`` cases there, each with an order and a buyer of its own."""
        order, ledger, case, steps = self._real()
        changes = (_like(order, ledger, case, steps, number) for number in range(count))
        seed(self.store.client, self.table, (item for change in changes for item in self.store.items(change)))

    def _real(self) -> tuple[Order, Ledger, Case, tuple[Step, ...]]:
        now = datetime.now(UTC)
        line = {"line_id": "l1", "sku": "LM-07", "title": "Desk lamp", "vertical": "general", "unit_price_minor": 6000, "pieces": 1}
        paid = {"payment_id": "p1", "channel": "wechatpay", "transaction_id": "4200000001", "paid_minor": 6000}
        head = {"order_id": "real", "merchant": "m1", "buyer": {"id": "real", "phone": "13800000000"}, "currency": "CNY"}
        days = {name: (now - timedelta(days=ago)).isoformat() for name, ago in (("paid_at", 3), ("shipped_at", 2))}
        order = {**head, **days, "status": "shipped", "lines": [line], "payments": [paid]}
        self.ask("PUT", "/v1/orders/{order_id}", {"order_id": "real"}, order, "integrator", "mall")
        wish = {"order_id": "real", "kind": "refund_only", "reason": "not_received", "items": [{"line_id": "l1", "pieces": 1}]}
        case = self.ask("POST", "/v1/cases", {}, {**wish, "submit": True}, "buyer", "real")
        file, whole = self.store.case(case["case_id"]), self.store.order("m1", "real")
        if file.case.state is not State.REVIEWING:
            raise RuntimeError(f"the case waits for nobody: it is {file.case.state}")
        steps = self.store.find(StepsOf(file.case.case_id)).found
        self.ask("POST", "/v1/cases/{case_id}/withdraw", {"case_id": file.case.case_id}, None, "buyer", "real")
        return whole.order, whole.ledger, file.case, steps

    def ask(self, method: str, path: str, places: dict[str, str], body: Any, role: str, sub: str) -> Any:
        """The answer to a request, which has to succeed."""
        import app

        route = next(r for r in app.ROUTES if (r.method, r.path) == (method, path))
        headers = {"authorization": token(role, sub), "content-type": "application/json", "idempotency-key": uuid4().hex}
        request = http.Request(method, path.format_map(places), headers, {}, b"" if body is None else json.dumps(body).encode())
        answer = http.respond(self.registry, route, request, places)
        if answer.status >= 300:
            raise RuntimeError(answer.body)
        return json.loads(answer.body)

    def begin(self) -> str:
        """Ask for a batch over all cases that wait; its id."""
        wish = {"action": "approve", "reason": "Lost on the way.", "choice": {"state": "reviewing"}}
        return str(self.ask("POST", "/v1/merchant/batches", {}, wish, "approver", "bo")["batch_id"])

    def work(self, batch_id: str, parts: int = sys.maxsize) -> None:
        """Be the worker until the batch is done, or that many parts are; one job selects, the next ones carry out."""
        steps = iter(range(parts))
        while self.batch(batch_id).state in MOVING:
            batches.work(self.registry, {"batch_id": batch_id}, lambda: next(steps, None) is None)
            if next(steps, None) is None:
                return

    def batch(self, batch_id: str) -> Batch:
        """The batch as it is."""
        found = batched.stored(self.registry, batch_id)
        assert found is not None
        return found


def measure_batch(endpoint: str, count: int, say: Say) -> BatchCost:
    """Approve ``count`` waiting cases in one batch, beside a bare replay of its requests; then under a worker that is killed.

    Each of these has a table of its own with the same cases. What is asked is kept and metered in a run of its own, so that it
    costs the timed one nothing; the timed one and the replay take turns, so that what else the machine does hurts both.
    """
    say(f"seeding {count:,} waiting cases, four times …")
    shops = {table: Waiting(endpoint, table) for table in (TIMED, ASKED, BARE, KILLED)}
    for shop in shops.values():
        shop.seed(count)
    say("keeping what a batch asks …")
    meter = Meter(shops[ASKED].store.client)
    asked = _kept(shops[ASKED])
    say(f"approving {count:,} in one batch, and asking the same barely, in turns …")
    seconds, bare = _in_turns(endpoint, shops[TIMED], asked, count)
    _check(shops[TIMED], count)
    say(f"and once more, the worker killed {KILLS} times …")
    twice, forgotten = _killed(endpoint, shops[KILLED], count)
    for shop in shops.values():
        shop.store.client.close()
    return BatchCost(count, meter.requests.total(), meter.read_units, meter.write_units, seconds, bare, KILLS, twice, forgotten)


def _registry(endpoint: str, table: str) -> Registry:
    """A shop whose refunds are reserved and never sent: nobody follows its stream."""
    registry = Registry(
        {
            "ports": {"store": "dynamodb_store", "stream": "dynamodb_store", "clock": "system_clock", "tables": "zen_rules"},
            "channels": {"wechatpay": "wechatpay_refund"},
            "verticals": {"active": ["general"]},
            "settings": {
                "dynamodb_store": {"table": table, "endpoint": endpoint, "phone_key": "bench"},
                "token": {"secret": SECRET},
            },
            "merchants": {"m1": {"batch_two_minor": 0}},
        }
    )
    registry.put("channel:wechatpay", FakeChannel())
    registry.put("queue", FakeQueue())  # a job that is sent on is taken up at once
    return registry


def _like(order: Order, ledger: Ledger, case: Case, steps: tuple[Step, ...], number: int) -> Change:
    """The order and the case under other names."""
    order_id, case_id, buyer = f"o{number}", f"{number:032x}", f"b{number}"
    payments = tuple(replace(p, transaction_id=f"42{number:026}") for p in order.payments)
    order = replace(order, order_id=order_id, buyer=replace(order.buyer, id=buyer), payments=payments, version=0)
    paid = tuple(replace(p, transaction_id=f"42{number:026}") for p in ledger.payments)
    holds = tuple(replace(h, case_id=case_id) for h in ledger.holds)
    ledger = replace(ledger, order_id=order_id, payments=paid, holds=holds, version=0)
    case = replace(case, case_id=case_id, order_id=order_id, buyer_id=buyer, version=0)
    return Change(case=case, steps=tuple(replace(s, case_id=case_id) for s in steps), order=order, ledger=ledger)


# --- the same requests, barely ----------------------------------------------------------------------------------------
def _kept(shop: Waiting) -> list[tuple[str, dict[str, Any]]]:
    """What a batch over all cases of the shop asks its database."""
    asked: list[tuple[str, dict[str, Any]]] = []
    unasked = frozenset({"ReturnConsumedCapacity"})  # the meter's own wish

    def keep(params: dict[str, Any], model: Any, **_: object) -> None:
        asked.append((model.name, copy.deepcopy({n: v for n, v in params.items() if n not in unasked})))

    shop.store.client.meta.events.register("provide-client-params.dynamodb.*", keep)
    shop.work(shop.begin())
    return asked


def _in_turns(endpoint: str, shop: Waiting, asked: list[tuple[str, dict[str, Any]]], count: int) -> tuple[float, float]:
    """Seconds that the batch takes, and those that the same requests take a bare client on a table that nobody has asked yet."""
    from botocore import xform_name

    moved = [(xform_name(name), _moved(params)) for name, params in asked]
    beside = Waiting(endpoint, shop.table, seeded=True)  # looks on through connections of its own
    seconds = bare = 0.0
    sent, parts = 0, max(count // PART // TURNS, 1)
    with closing(dynamodb_client(endpoint)) as client, closing(beside.store.client):
        client.describe_table(TableName=BARE)  # the connection stands
        begun = time.perf_counter()
        batch_id = shop.begin()
        seconds += time.perf_counter() - begun
        while beside.batch(batch_id).state in MOVING:
            begun = time.perf_counter()
            shop.work(batch_id, parts)
            seconds += time.perf_counter() - begun
            batch = beside.batch(batch_id)
            upto = len(moved) * batch.done // count if batch.state in MOVING else len(moved)
            begun = time.perf_counter()
            for name, params in moved[sent:upto]:
                getattr(client, name)(**params)
            bare += time.perf_counter() - begun
            sent = upto
    return seconds, bare


def _moved(params: Any) -> Any:
    """The same parameters for the bare table."""
    if isinstance(params, dict):
        kept = ((n, v) for n, v in params.items() if n != "ClientRequestToken")  # boto3 makes one for each request
        return {BARE if n == ASKED else n: BARE if n == "TableName" else _moved(v) for n, v in kept}
    return [_moved(value) for value in params] if isinstance(params, list) else params


# --- killed on the way ------------------------------------------------------------------------------------------------
def _killed(endpoint: str, shop: Waiting, count: int) -> tuple[int, int]:
    """How many cases were decided twice, and never, by a worker that was killed at about even distances."""
    batch_id = shop.begin()
    for number in range(1, KILLS + 2):
        worker = subprocess.Popen([sys.executable, "-m", "infra.local.bench.batch", endpoint, KILLED, batch_id])
        try:
            if number > KILLS:
                worker.wait(WAIT_S)
            else:
                _wait(lambda at=count * number // (KILLS + 1): shop.batch(batch_id).done >= at)  # type: ignore[misc]  # bound per turn
        finally:
            worker.kill()  # -9
            worker.wait()
    return _counted(shop, count)


def _wait(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not reached():
        if time.monotonic() > until:
            raise RuntimeError("the worker does not get on")
        time.sleep(0.01)


def _counted(shop: Waiting, count: int) -> tuple[int, int]:
    """Over all that is stored: cases with more than one yes or one reservation, and cases without any."""
    once = twice = 0
    for item in _items(shop):
        kind, sort = item["PK"]["S"].partition("#")[0], item["SK"]["S"]
        if kind == "CASE" and sort == "HEAD":
            case = value(Case, item, case_id=item["PK"]["S"].partition("#")[2])
            once += case.state is State.SETTLING
            twice += len(case.approvals) > 1
        elif kind == "ORDER" and sort == "MONEY":
            twice += len(value(Ledger, item).entries) > 1
    return twice, count - once


def _items(shop: Waiting) -> Iterator[Any]:
    for page in shop.store.client.get_paginator("scan").paginate(TableName=shop.table):
        yield from page["Items"]


def _check(shop: Waiting, count: int) -> None:
    twice, forgotten = _counted(shop, count)
    if twice or forgotten:
        raise RuntimeError(f"of {count} cases {twice} were decided twice and {forgotten} not at all")


def main() -> int:
    """Work on one batch until it is done."""
    endpoint, table, batch_id = sys.argv[1:]
    Waiting(endpoint, table, seeded=True).work(batch_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
