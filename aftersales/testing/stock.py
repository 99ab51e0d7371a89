"""Stock in memory, and the contract of every source of it: what is kept for an exchange is there when it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Protocol, TypeVar

import pytest

from aftersales.errors import Rejected, Unknown
from aftersales.fact import Plain
from aftersales.goods import Disposition
from aftersales.lookup import Lookup, Subject, pairs
from aftersales.ports import Shelving
from aftersales.testing.builders import NOW, a_line, an_order
from aftersales.testing.clock import FakeClock
from aftersales.testing.source import HoldingBench, HoldingContract, Keeper

STATUSES = ("available", "none")

T = TypeVar("T")


@dataclass
class Shelf:
    """``free`` pieces, what each key keeps until when, which keys took theirs, and what each key brought back."""

    free: int
    holds: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    backs: dict[str, tuple[int, Disposition]] = field(default_factory=dict)


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

    def put_back(self, key: str, sku: str, pieces: int, disposition: Disposition, now: datetime) -> None:  # noqa: ARG002
        """See :class:`~aftersales.ports.Shelving`."""

        def work() -> None:
            shelf = self.shelves.get(sku)
            if shelf is None:
                raise Rejected("Nobody sells this sku.", found=sku)
            if any(
                key in other.backs and (other, other.backs[key]) != (shelf, (pieces, disposition))
                for other in self.shelves.values()
            ):
                raise Rejected("This key brought something else back.", key=key)
            if key not in shelf.backs:
                shelf.backs[key] = (pieces, disposition)
                shelf.free += pieces if disposition is Disposition.SOUND else 0

        self._answered("put_back", work)

    def back(self, sku: str) -> dict[str, int]:
        """How many pieces of a sku came back, by where they went."""
        with self._lock:
            backs = self.shelves[sku].backs.values()
            return {str(to): sum(n for n, where in backs if where is to) for to in Disposition if any(w is to for _, w in backs)}

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


class Stock(Keeper, Shelving, Protocol):
    """A source that keeps, and takes goods in."""


class ShelvingBench(StockBench, Protocol):
    """One that takes goods in."""

    source: Stock

    def free(self, sku: str) -> int:
        """How many may be sold."""

    def back(self, sku: str) -> dict[str, int]:
        """How many came back, by disposition; those of none are left out."""


class ShelvingContract:
    """What every source that takes goods in keeps; a subclass gives the fixture ``bench``. A lost call is a ``put_back``."""

    def test_only_sound_goods_may_be_sold_again(self, bench: ShelvingBench) -> None:
        """Of pieces that come back, one of each disposition, exactly the sound one is free; the others are where they belong."""
        bench.put("tv", 1)
        for to in Disposition:
            bench.source.put_back(f"b-{to}", "tv", 1, to, NOW)
        assert (bench.free("tv"), bench.back("tv")) == (2, {str(to): 1 for to in Disposition})

    def test_one_key_is_taken_once(self, bench: ShelvingBench) -> None:
        """Told three times, the same goods came back once; another key's are others."""
        bench.put("tv", 0)
        for _ in range(3):
            bench.source.put_back("b1", "tv", 2, Disposition.SOUND, NOW)
        bench.source.put_back("b2", "tv", 1, Disposition.SOUND, NOW)
        assert (bench.free("tv"), bench.back("tv")) == (3, {"sound": 3})

    @pytest.mark.parametrize("done", [True, False])
    def test_a_lost_answer_is_asked_for_again(self, bench: ShelvingBench, *, done: bool) -> None:
        """Without an answer it is Unknown, whether it was taken or not, and the same key again ends as if it had been answered."""
        bench.put("tv", 0)
        bench.lose_answer("put_back", done=done)
        with pytest.raises(Unknown):
            bench.source.put_back("b1", "tv", 2, Disposition.FLAWED, NOW)
        bench.source.put_back("b1", "tv", 2, Disposition.FLAWED, NOW)
        assert (bench.free("tv"), bench.back("tv")) == (0, {"flawed": 2})

    @pytest.mark.parametrize(
        ("sku", "pieces", "to"), [("tv", 3, Disposition.SOUND), ("tv", 2, Disposition.SCRAP), ("radio", 2, Disposition.SOUND)]
    )
    def test_a_key_stands_for_what_it_brought_first(self, bench: ShelvingBench, sku: str, pieces: int, to: Disposition) -> None:
        """Another number, disposition or sku under a known key is refused, and what it brought stays."""
        bench.put("tv", 0)
        bench.put("radio", 0)
        bench.source.put_back("b1", "tv", 2, Disposition.SOUND, NOW)
        with pytest.raises(Rejected):
            bench.source.put_back("b1", sku, pieces, to, NOW)
        assert (bench.back("tv"), bench.back("radio")) == ({"sound": 2}, {})

    def test_nobody_takes_what_nobody_sells(self, bench: ShelvingBench) -> None:
        """Goods of a sku that the warehouse does not know are refused for good: people have to see to it."""
        with pytest.raises(Rejected):
            bench.source.put_back("b1", "unheard-of", 1, Disposition.SOUND, NOW)

    def test_what_came_back_is_not_what_a_key_keeps(self, bench: ShelvingBench) -> None:
        """A hold and a return under one name are two things: releasing the hold takes nothing of the return away."""
        bench.put("tv", 1)
        assert bench.source.hold(subject_of("tv", "k1"), NOW).held
        bench.source.put_back("k1", "tv", 1, Disposition.SOUND, NOW)
        bench.source.release(subject_of("tv", "k1"), NOW)
        assert (bench.free("tv"), bench.back("tv")) == (2, {"sound": 1})


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
