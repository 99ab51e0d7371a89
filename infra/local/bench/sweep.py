"""A sweep, counted: how many index items it reads per due case, among many open ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aftersales.case import Case, Item, Kind, State
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.order import Buyer, Line, Order, OrderStatus, Payment
from aftersales.registry import Registry
from functions.sweep import sweep
from infra.local.engine import seed
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.schema import create

TABLE = "aftersales-bench-sweep"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SweepCost:
    """What one sweep read and asked."""

    open: int
    due: int
    index_items: int
    requests: int
    seconds: float

    @property
    def reads_each(self) -> float:
        """Index items read per due case."""
        return self.index_items / self.due

    @property
    def requests_each(self) -> float:
        """Requests per due case, everything together."""
        return self.requests / self.due

    @property
    def cases_per_s(self) -> float:
        """Due cases advanced per second."""
        return self.due / self.seconds

    def plain(self) -> dict[str, Any]:
        """The figures."""
        each = {"reads_each": self.reads_each, "requests_each": self.requests_each}
        return {"open": self.open, "due": self.due, "index_items": self.index_items, **each}


def measure_sweep(endpoint: str, number: int, due: int, say: Say) -> SweepCost:
    """Seed ``number`` open drafts, ``due`` of them past their deadline, and sweep once."""
    settings = {"dynamodb_store": {"table": TABLE, "endpoint": endpoint, "phone_key": "bench"}}
    stage = {
        "ports": {"store": "dynamodb_store", "clock": "system_clock"},
        "verticals": {"active": ["general"]},
        "settings": settings,
    }
    registry = Registry(stage)
    store: Any = registry.store
    create(store.client, TABLE)
    say(f"seeding {number:,} open cases …")
    begun = time.monotonic()
    for start in range(0, number, 10_000):
        stop = min(start + 10_000, number)
        seed(store.client, TABLE, (item for i in range(start, stop) for item in _items(store, i, past=i % (number // due) == 0)))
        if time.monotonic() - begun > 2:
            say(f"  {stop:,} of {number:,}")
    really_due = len(range(0, number, number // due))
    read = _IndexItems(store.client)
    meter = Meter(store.client)
    say(f"sweeping {really_due:,} due cases …")
    begun = time.perf_counter()
    tally = sweep(registry)
    seconds = time.perf_counter() - begun
    if tally.advanced != really_due or tally.failed:
        raise RuntimeError(f"{really_due} cases were due, the sweep says {tally}")
    store.client.close()
    return SweepCost(number, really_due, read.count, meter.requests.total(), seconds)


class _IndexItems:
    """Counts the items that queries of the due index read, by the server's own word."""

    def __init__(self, client: Any) -> None:
        self.count = 0
        self._asked: dict[str, Any] = {}
        client.meta.events.register("provide-client-params.dynamodb.Query", self._ask)
        client.meta.events.register("after-call.dynamodb.Query", self._add)

    def _ask(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["index"] = params.get("IndexName")

    def _add(self, parsed: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        if context.get("index") == "due":
            self.count += parsed["ScannedCount"]


def _items(store: Any, number: int, *, past: bool) -> Iterator[Any]:
    now = datetime.now(UTC)
    payment = Payment("p1", "wechatpay", f"42{number:026}", 6000)
    line = Line("l1", "LM-07", "Desk lamp", "general", 6000, 1)
    order = Order(f"o{number}", "m1", Buyer("b1"), "CNY", OrderStatus.PAID, (line,), (payment,), paid_at=now)
    deadline = Deadline(now - timedelta(minutes=1) if past else now + timedelta(days=1), "default")
    case = Case(
        f"{number:032x}",
        "m1",
        order.order_id,
        "b1",
        Kind.REFUND_ONLY,
        "general",
        "1",
        "changed_mind",
        (Item("l1", 1),),
        Money(6000, "CNY"),
        State.DRAFT,
        now,
        now,
        deadline=deadline,
    )
    if past:
        yield from store.items(Change(order=order, ledger=Ledger.open(order)))
        yield from store.items(Change.opened(case, "buyer:b1", now))
    else:  # what is not due is never touched: its head, which the index holds, is all that matters
        yield next(item for item in store.items(Change(case)) if item["SK"]["S"] == "HEAD")
