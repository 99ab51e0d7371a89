"""Stock in memory, and the contract of every source of it: what is kept for an exchange is there when it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Protocol, TypeVar

from aftersales.errors import Rejected, Unknown
from aftersales.fact import Plain
from aftersales.lookup import Lookup, Subject, pairs
from aftersales.testing.builders import NOW, a_line, an_order
from aftersales.testing.clock import FakeClock
from aftersales.testing.source import HoldingBench, HoldingContract

STATUSES = ("available", "none")

T = TypeVar("T")


@dataclass
class Shelf:
    """``free`` pieces, what each key keeps until when, and which keys took theirs."""

    free: int
    holds: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


class FakeStock:
    """Keeps pieces in memory, from any thread; ``clock`` is its own. ``script`` names calls whose answers are lost."""

    def __init__(self, clock: FakeClock | None = None, name: str = "stock", hold_days: int = 60) -> None:
        self.clock, self.name, self.hold_days = clock or FakeClock(), name, hold_days
        self.shelves: dict[str, Shelf] = {}
        self.script: list[tuple[str, bool]] = []
        self._kept: dict[str, int] = {}
        self._lock = RLock()

    def put(self, sku: str, pieces: int) -> None:
        """Let there be so many, free."""
        with self._lock:
            self.shelves.setdefault(sku, Shelf(0)).free = pieces

    def buy(self, sku: str) -> bool:
        """Somebody else buys one; False when none is free."""
        with self._lock:
            shelf = self._shelf(sku)
            if shelf.free == 0:
                return False
            shelf.free -= 1
            return True

    # --- the port -----------------------------------------------------------------------------------------------------
    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """See :class:`~aftersales.ports.Source`."""
        return self._answered("ask", lambda: self._look(subject, now))

    def hold(self, subject: Subject, now: datetime) -> Lookup:
        """See :class:`~aftersales.ports.Holding`."""

        def work() -> Lookup:
            shelf = self._shelf(subject.line.sku)
            if subject.key in shelf.gone:  # it was sent: kept for this key without an end
                data: dict[str, Plain] = {"sku": subject.line.sku, "free": shelf.free}
                return Lookup(self.name, subject.line.line_id, "available", now, held=True, data=pairs(data))
            mine = shelf.holds.get(subject.key, (0, NOW))[0]
            if shelf.free + mine >= subject.pieces:
                shelf.free += mine - subject.pieces
                shelf.holds[subject.key] = (subject.pieces, self.clock.now() + timedelta(days=self.hold_days))
                self._kept[subject.key] = subject.pieces
            return self._look(subject, now)

        return self._answered("hold", work)

    def consume(self, subject: Subject, now: datetime) -> None:  # noqa: ARG002 (now is part of the port)
        """See :class:`~aftersales.ports.Holding`."""

        def work() -> None:
            shelf = self._shelf(subject.line.sku)
            if subject.key in shelf.gone:
                return
            if shelf.holds.pop(subject.key, None) is None:  # it ran out: what is free still is taken
                pieces = self._kept.get(subject.key)
                if pieces is None or shelf.free < pieces:
                    raise Rejected("Nothing is kept under this key.", key=subject.key)
                shelf.free -= pieces
            shelf.gone.add(subject.key)

        self._answered("consume", work)

    def release(self, subject: Subject, now: datetime) -> None:  # noqa: ARG002 (now is part of the port)
        """See :class:`~aftersales.ports.Holding`."""

        def work() -> None:
            shelf = self._shelf(subject.line.sku)
            shelf.free += shelf.holds.pop(subject.key, (0, NOW))[0]
            self._kept.pop(subject.key, None)

        self._answered("release", work)

    # --- inside -------------------------------------------------------------------------------------------------------
    def _answered(self, call: str, work: Callable[[], T]) -> T:
        with self._lock:
            lost = next((entry for entry in self.script if entry[0] == call), None)
            if lost:
                self.script.remove(lost)
            if lost is None or lost[1]:
                found = work()
                if lost is None:
                    return found
            raise Unknown("No answer.")

    def _shelf(self, sku: str) -> Shelf:
        """The shelf as it is now: holds that ran out are over."""
        shelf = self.shelves.setdefault(sku, Shelf(0))
        for key, (pieces, until) in list(shelf.holds.items()):
            if until <= self.clock.now():
                del shelf.holds[key]
                shelf.free += pieces
        return shelf

    def _look(self, subject: Subject, now: datetime) -> Lookup:
        shelf = self._shelf(subject.line.sku)
        kept, until = shelf.holds.get(subject.key, (0, NOW))
        data: dict[str, Plain] = {"sku": subject.line.sku, "free": shelf.free}
        if kept:
            data["held_until"] = until.isoformat()
        status = "available" if shelf.free + kept >= subject.pieces else "none"
        return Lookup(self.name, subject.line.line_id, status, now, 0 < subject.pieces <= kept, pairs(data))


def subject_of(sku: str, key: str = "k1", pieces: int = 1) -> Subject:
    """So many pieces of a line of that sku."""
    line = a_line(sku=sku, pieces=pieces)
    return Subject(key, "c1", an_order(lines=(line,)), line, pieces)


class StockBench(HoldingBench, Protocol):
    """A source of stock under test. The kit's one thing is the last piece of a sku."""

    def put(self, sku: str, pieces: int) -> None:
        """Let there be so many, free."""


class StockContract(HoldingContract):
    """What every source of stock keeps, beside what every one that holds does; a subclass gives the fixture ``bench``."""

    def test_it_says_whether_as_many_are_there(self, bench: StockBench) -> None:
        """Enough is available, one less is none, and a sku that nobody knows is none."""
        bench.put("tv", 2)
        found = [bench.source.ask(subject_of("tv", pieces=n), NOW).status for n in (1, 2, 3)]
        assert found == ["available", "available", "none"]
        assert bench.source.ask(subject_of("unheard-of"), NOW).status == "none"
        assert not bench.source.hold(subject_of("unheard-of"), NOW).held

    def test_several_are_kept_together_or_not_at_all(self, bench: StockBench) -> None:
        """Of two exchanges that want two of three pieces, one gets both and the other none; the third piece stays free."""
        bench.put("tv", 3)
        first, second = (bench.source.hold(subject_of("tv", key, 2), NOW) for key in ("k1", "k2"))
        assert (first.held, second.held, second.status) == (True, False, "none")
        assert bench.source.hold(subject_of("tv", "k3"), NOW).held

    def test_a_sku_with_odd_letters_is_the_same_sku(self, bench: StockBench) -> None:
        """Whatever a mall calls its goods: the name travels whole."""
        for sku in ("海信 55/4K", "a?b#c%41", "x y+z"):
            bench.put(sku, 1)
            found = bench.source.hold(subject_of(sku), NOW)
            assert (found.held, found.get("sku"), found.status in STATUSES) == (True, sku, True)
