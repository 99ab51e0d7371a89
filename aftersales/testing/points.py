"""Points in memory, and the contract of every membership system: what is owed under one key is given once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import Protocol

import pytest

from aftersales.errors import Rejected, Unknown
from aftersales.ports import Points
from aftersales.testing.builders import NOW

#: What one key gave: whose shop, to whom, how many, and why.
Gift = tuple[str, str, int, str]


@dataclass
class FakePoints:
    """Keeps points in memory, from any thread. ``script`` has one entry per lost answer: whether it was done all the same.

    ``refuses`` are buyers of whom nothing is known. ``asked`` has every key in the order of the calls.
    """

    gifts: dict[str, Gift] = field(default_factory=dict)
    script: list[bool] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    _lock: RLock = field(default_factory=RLock)

    def give(self, key: str, merchant: str, buyer_id: str, points: int, reason: str, now: datetime) -> None:  # noqa: ARG002
        """See :class:`~aftersales.ports.Points`."""
        with self._lock:
            self.asked.append(key)
            lost = self.script.pop(0) if self.script else None
            if lost is not False:
                self._done(key, (merchant, buyer_id, points, reason))
            if lost is not None:
                raise Unknown("No answer.")

    def balance(self, merchant: str, buyer_id: str) -> int:
        """How many points a buyer was given in a shop."""
        with self._lock:
            return sum(n for shop, buyer, n, _ in self.gifts.values() if (shop, buyer) == (merchant, buyer_id))

    def _done(self, key: str, gift: Gift) -> None:
        if gift[1] in self.refuses:
            raise Rejected("Nobody knows this member.", found=gift[1])
        if gift[2] < 1 or self.gifts.setdefault(key, gift) != gift:
            raise Rejected("This key gave something else.", key=key)


class PointsBench(Protocol):
    """A membership system under test."""

    points: Points

    def balance(self, merchant: str, buyer_id: str) -> int:
        """How many points a buyer was given in a shop."""

    def stranger(self) -> str:
        """A buyer whom the system does not know."""

    def lose_answer(self, *, done: bool) -> None:
        """The next answer is lost, whether the points are given or not."""


class PointsContract:
    """What every membership system keeps; a subclass gives the fixture ``bench``."""

    def test_one_key_is_given_once(self, bench: PointsBench) -> None:
        """Asked three times under one key, the buyer has the points once; another key's are others."""
        for _ in range(3):
            bench.points.give("c1/late", "m1", "b1", 20, "late_answer", NOW)
        assert bench.balance("m1", "b1") == 20
        bench.points.give("c2/late", "m1", "b1", 5, "late_answer", NOW)
        assert (bench.balance("m1", "b1"), bench.balance("m2", "b1"), bench.balance("m1", "b2")) == (25, 0, 0)

    @pytest.mark.parametrize("done", [True, False])
    def test_a_lost_answer_is_asked_for_again(self, bench: PointsBench, *, done: bool) -> None:
        """Without an answer it is Unknown, given or not, and the same key again ends as if it had been answered."""
        bench.lose_answer(done=done)
        with pytest.raises(Unknown):
            bench.points.give("c1/late", "m1", "b1", 20, "late_answer", NOW)
        bench.points.give("c1/late", "m1", "b1", 20, "late_answer", NOW)
        assert bench.balance("m1", "b1") == 20

    @pytest.mark.parametrize(("merchant", "buyer", "points"), [("m1", "b1", 21), ("m1", "b2", 20), ("m2", "b1", 20)])
    def test_a_key_stands_for_what_it_gave_first(self, bench: PointsBench, merchant: str, buyer: str, points: int) -> None:
        """Another number, buyer or shop under a known key is refused, and what it gave stays."""
        bench.points.give("c1/late", "m1", "b1", 20, "late_answer", NOW)
        with pytest.raises(Rejected):
            bench.points.give("c1/late", merchant, buyer, points, "late_answer", NOW)
        assert (bench.balance("m1", "b1"), bench.balance(merchant, buyer)) == (20, 20 if (merchant, buyer) == ("m1", "b1") else 0)

    def test_a_stranger_is_given_none(self, bench: PointsBench) -> None:
        """A buyer whom the system does not know is a final no: people have to see to it."""
        with pytest.raises(Rejected):
            bench.points.give("c1/late", "m1", bench.stranger(), 20, "late_answer", NOW)
        assert bench.balance("m1", bench.stranger()) == 0

    def test_odd_names_are_the_same_names(self, bench: PointsBench) -> None:
        """Whatever a mall calls its buyers: key and names travel whole."""
        bench.points.give("c/1?x#y%41", "商家 1", "买家/1", 7, "late_answer", NOW)
        assert bench.balance("商家 1", "买家/1") == 7
