"""A queue's first page, counted: what it reads over few waiting cases and over many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aftersales.case import Case, Item, Kind, State
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.money import Money
from aftersales.query import OfMerchant
from infra.local.engine import seed
from plugins.dynamodb_store import build
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.schema import create

TABLE = "aftersales-bench-queue"
PAGE = 50
Say = Callable[[str], None]

#: What is looked for: all that waits, and two thirds of it.
QUERIES = {"plain": OfMerchant("m1", State.REVIEWING), "filtered": OfMerchant("m1", State.REVIEWING, category="fruit", min_minor=1)}


@dataclass(frozen=True, slots=True)
class QueueCost:
    """Read units and requests of a first page, plain and with a filter, by how many cases wait."""

    units: dict[int, dict[str, float]]
    requests: dict[int, dict[str, int]]

    @property
    def growth(self) -> float:
        """How many read units more a first page takes over the most cases than over the fewest."""
        few, many = self.units[min(self.units)], self.units[max(self.units)]
        return max(many[name] - few[name] for name in QUERIES)

    def plain(self) -> dict[str, Any]:
        """The figures."""
        return {"units": self.units, "requests": self.requests, "growth": self.growth}

    def told(self) -> str:
        """The figures, for people."""
        lines = [f"The first page ({PAGE} cases) of a shop's queue:"]
        for number, units in sorted(self.units.items()):
            told = ", ".join(f"{name} {units[name]:.1f} read units, {self.requests[number][name]} requests" for name in QUERIES)
            lines.append(f"  over {number:>9,} waiting cases  {told}")
        return "\n".join(lines)


def measure_queue(endpoint: str, numbers: list[int], say: Say) -> QueueCost:
    """Fill one queue up to each of ``numbers`` in turn, and read its first page."""
    store = build({"table": TABLE, "endpoint": endpoint, "phone_key": "bench"})
    create(store.client, TABLE)
    meter = Meter(store.client)
    units: dict[int, dict[str, float]] = {}
    requests: dict[int, dict[str, int]] = {}
    there = 0
    for number in sorted(numbers):
        say(f"filling a queue up to {number:,} waiting cases …")
        seed(store.client, TABLE, (item for n in range(there, number) for item in _items(store, n)))
        there, units[number], requests[number] = number, {}, {}
        for name, query in QUERIES.items():
            meter.reset()
            if len(store.find(query, None, PAGE).found) != PAGE:
                raise RuntimeError(f"the first page over {number} cases is not full")
            units[number][name], requests[number][name] = meter.read_units, meter.requests.total()
    store.client.close()
    return QueueCost(units, requests)


def _items(store: Any, number: int) -> Iterator[Any]:
    """The head of a waiting case, which the index holds; deadlines lie over two days, tiers and amounts vary."""
    now = datetime(2026, 11, 12, tzinfo=UTC)
    case = Case(
        f"{number:032x}",
        "m1",
        f"o{number}",
        "b1",
        Kind.REFUND_ONLY,
        "general",
        "1",
        "not_received",
        (Item("l1", 1),),
        Money(5_000 + number * 7_919 % 100_000, "CNY"),
        State.REVIEWING,
        now,
        now,
        deadline=Deadline(now + timedelta(minutes=number * 617 % 2_880), "default"),
        category="tea" if number % 3 == 0 else "fruit",
        rank=number % 5,
    )
    yield next(item for item in store.items(Change(case)) if item["SK"]["S"] == "HEAD")
