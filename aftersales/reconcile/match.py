"""Matching: the refunds of one part of the numbers, ours against theirs.

On disk a refund is its number and one text with the rest of it. The texts of both sides are equal where nothing differs and nothing
is open, so that nearly all refunds are matched by comparing two texts; only the others are taken apart and looked at.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import islice, product
from typing import NamedTuple

from aftersales.reconcile.difference import CLASSES, Difference, DifferenceClass, told
from aftersales.reconcile.spill import Pair

#: Where a row of ours lies: inside the day, in one of its two minutes around midnight, on a neighbouring day, or on no day yet.
TODAY, MIDNIGHT, NEAR, NOWHERE = range(4)

#: Between the parts of the text: order, transaction, minor units, currency and mark. The mark is status and place ...
SEP = "\x1f"
#: ... and this one for what is done: settled on the day itself, a success on the bill.
DONE = "done"
#: How the marks of our rows of other days end: nobody misses them on this day's bill.
ELSEWHERE = (f" {NEAR}", f" {NOWHERE}")


class Row(NamedTuple):
    """A refund of one side, taken apart; ``place`` is of ours only."""

    key: str
    order: str
    transaction: str
    minor: int
    currency: str
    status: str
    place: int


#: The channel may have these: one that its bill lacks is a difference.
MAY_HAVE_MOVED = frozenset({"sent", "processing", "settled"})

#: What the two words on one refund come to. A bill's word is as of the day of the bill: PROCESSING there proves nothing later.
AGREE, ASK, CONTRADICT = range(3)
VERDICT: dict[tuple[str, str], int] = {
    (ours, theirs): verdict
    for ours, row in {
        "settled": (AGREE, AGREE, CONTRADICT),
        "reserved": (ASK, ASK, ASK),
        "sent": (ASK, ASK, ASK),
        "processing": (ASK, ASK, ASK),
        "failed": (CONTRADICT, ASK, AGREE),
        "released": (CONTRADICT, ASK, AGREE),
    }.items()
    for theirs, verdict in zip(("success", "processing", "failed", "closed", "abnormal"), (*row, row[2], row[2]), strict=True)
}


@dataclass(slots=True)
class Tally:
    """Counts and sums (minor units by currency) while parts are matched. ``matched_minor`` begins as all that is on the bill."""

    matched: int = 0
    matched_minor: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    to_query: int = 0
    midnight: list[str] = field(default_factory=list)
    differences: dict[DifferenceClass, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))


@dataclass(frozen=True, slots=True)
class Matcher:
    """Matches parts and gives every difference to ``tell``."""

    day: str
    tell: Callable[[Difference], None]
    tally: Tally

    def part(self, our_pairs: list[Pair], their_pairs: list[Pair]) -> None:
        """Match all refunds of some numbers."""
        ours, theirs = dict(our_pairs), dict(their_pairs)
        our_more = _several(our_pairs, "settled") if len(ours) < len(our_pairs) else {}
        their_more = _several(their_pairs, "success") if len(theirs) < len(their_pairs) else {}
        left = [key for key, text in theirs.items() if ours.get(key) != text]
        if our_more or their_more:
            self._told_twice(our_more, their_more, theirs)
            left = [key for key in {*left, *our_more, *their_more} if key in theirs]
        self.tally.matched += len(theirs) - len(left)
        for key in left:
            their_rows = their_more.get(key) or [_row(key, theirs[key], "success")]
            for row in their_rows:
                self.tally.matched_minor[row.currency] -= row.minor
            if key in ours:
                self._compare(*_closest(our_more.get(key) or [_row(key, ours[key], "settled")], their_rows))
            else:
                self._theirs_only(min(their_rows))
        for key in ours.keys() - theirs.keys():
            if not ours[key].endswith(ELSEWHERE) or key in our_more:
                self._ours_only(_first(our_more.get(key) or [_row(key, ours[key], "settled")]))

    def _add(self, kind: DifferenceClass, our: Row | None, their: Row | None, text: str, side: str = "") -> None:
        one = our or their
        assert one is not None
        minors = (our.minor if our else None, their.minor if their else None)
        states = (our.status if our else None, their.status if their else None)
        self.tally.differences[kind] += 1
        self.tell(Difference(kind, one.key, side, one.order, one.transaction, *minors, one.currency, *states, text))

    def _theirs_only(self, their: Row) -> None:
        amount = told(their.minor, their.currency)
        text = f"The bill of {self.day} has {amount} ({their.status}), our ledger has no such refund near that day."
        self._add("theirs_only", None, their, text, "theirs")

    def _ours_only(self, our: Row) -> None:
        if our.place >= NEAR or our.status not in MAY_HAVE_MOVED:
            return
        if our.place == MIDNIGHT:
            self.tally.midnight.append(our.key)
            return
        text = f"Our ledger has {told(our.minor, our.currency)} ({our.status}), the bill of {self.day} does not have it."
        self._add("ours_only", our, None, text, "ours")

    def _told_twice(self, ours: dict[str, list[Row]], theirs: dict[str, list[Row]], billed: Collection[str]) -> None:
        """One difference for every number that one side has more than once. Of ours, those of other days are not looked at."""
        for key, rows in ours.items():
            if key in billed or _first(rows).place <= MIDNIGHT:
                self._add("duplicate", _first(rows), None, f"Our ledger has this number {_times(rows)}.", "ours")
        for rows in theirs.values():
            self._add("duplicate", None, min(rows), f"The bill of {self.day} has this number {_times(rows)}.", "theirs")

    def _compare(self, our: Row, their: Row) -> None:
        found = problems(our, their)
        for kind in found:
            self._add(kind, our, their, _said(kind, our, their))
        if "status" not in found and VERDICT[our.status, their.status] == ASK:
            self.tally.to_query += 1
        if not found:
            self.tally.matched += 1
            self.tally.matched_minor[our.currency] += our.minor


def problems(our: Row, their: Row) -> tuple[DifferenceClass, ...]:
    """The classes in which one refund differs between the two sides. What a side does not tell is not compared."""
    found: list[DifferenceClass] = []
    if (our.minor, our.currency) != (their.minor, their.currency):
        found.append("amount")
    if VERDICT[our.status, their.status] == CONTRADICT:
        found.append("status")
    if any(a and b and a != b for a, b in ((our.order, their.order), (our.transaction, their.transaction))):
        found.append("wrong_order")
    return tuple(found)


def _said(kind: DifferenceClass, our: Row, their: Row) -> str:
    if kind == "amount":
        return f"We asked for {told(our.minor, our.currency)}, the bill says {told(their.minor, their.currency)}."
    if kind == "wrong_order":
        ours, theirs = (f"order {row.order}, payment {row.transaction}" for row in (our, their))
        return f"Ours is for {ours}; the bill has it for {theirs}."
    if their.status == "success":
        return f"The channel has sent the money, our ledger says {our.status}."
    return f"Our ledger says {our.status}, the bill says {their.status}: ask the channel whether the buyer has the money."


def _times(rows: list[Row]) -> str:
    return f"{len(rows)} times: {', '.join(sorted({told(row.minor, row.currency) for row in rows}))}"


# --- rows and their texts ---------------------------------------------------------------------------------------------
def _row(key: str, text: str, done: str) -> Row:
    """Take a text apart; ``done`` is the word of this side for what is done."""
    names, minor, currency, mark = text.rsplit(SEP, 3)
    order, _, transaction = names.partition(SEP)
    status, _, place = mark.partition(" ")
    return Row(key, order, transaction, int(minor), currency, done if mark == DONE else status, int(place or TODAY))


def _several(pairs: list[Pair], done: str) -> dict[str, list[Row]]:
    """All rows of the numbers that are there more than once."""
    counts = Counter(key for key, _ in pairs)
    more: dict[str, list[Row]] = {}
    for key, text in pairs:
        if counts[key] > 1:
            more.setdefault(key, []).append(_row(key, text, done))
    return more


def _first(rows: list[Row]) -> Row:
    """Of our rows of one number the one that would be missed most, whatever order they came in."""
    return min(rows, key=lambda row: (row.place, row.status not in MAY_HAVE_MOVED, row))


def _closest(ours: list[Row], theirs: list[Row]) -> tuple[Row, Row]:
    """Of numbers that are there more than once, the pair that differs least; the same whatever order the rows came in."""
    pairs = product(islice(sorted(set(ours)), 100), islice(sorted(set(theirs)), 100))
    return min(pairs, key=lambda pair: (len(problems(*pair)), pair))
