"""Matching: the rows of one part of the numbers, ours against theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice, product
from typing import TypeVar

from aftersales.reconcile.difference import CLASSES, Difference, DifferenceClass, told

#: (key, order, transaction, minor, currency, status, place); theirs have no place.
Ours = tuple[str, str, str, int, str, str, int]
Theirs = tuple[str, str, str, int, str, str]
R = TypeVar("R", Ours, Theirs)

#: Where a row of ours lies: inside the day, in one of its two minutes around midnight, on a neighbouring day, or on no day yet.
TODAY, MIDNIGHT, NEAR, NOWHERE = range(4)

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
    """Counts and sums (minor units by currency) while parts are matched."""

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
    tally: Tally = field(default_factory=Tally)

    def part(self, our_rows: Iterable[Ours], their_rows: Iterable[Theirs]) -> None:
        """Match all rows of some numbers."""
        ours, our_more = _by_key(our_rows)
        theirs, their_more = _by_key(their_rows)
        for key, several in our_more.items():
            ours[key] = min(several, key=lambda row: (row[6], row[5] not in MAY_HAVE_MOVED, row))
            if key in theirs or ours[key][6] <= MIDNIGHT:  # else it is another day's matter
                self._duplicate("ours", several)
        for key, copies in their_more.items():
            theirs[key] = min(copies)
            self._duplicate("theirs", copies)
        matched, sums = 0, self.tally.matched_minor
        for key, their in theirs.items():
            our = ours.pop(key, None)
            if our is None:
                self._theirs_only(their)
            elif key in our_more or key in their_more:
                self._compare(*_closest(our_more.get(key, [our]), their_more.get(key, [their])))
            elif our[1:5] == their[1:5] and our[5] == "settled" and their[5] == "success":  # nearly all of them
                matched += 1
                sums[our[4]] += our[3]
            else:
                self._compare(our, their)
        self.tally.matched += matched
        for our in ours.values():
            self._ours_only(our)

    def _add(self, kind: DifferenceClass, our: Ours | None, their: Theirs | None, text: str, side: str = "") -> None:
        one = our or their
        assert one is not None
        self.tally.differences[kind] += 1
        minors = (our[3] if our else None, their[3] if their else None)
        states = (our[5] if our else None, their[5] if their else None)
        self.tell(Difference(kind, one[0], side, one[1], one[2], *minors, one[4], *states, text))

    def _theirs_only(self, their: Theirs) -> None:
        text = f"The bill of {self.day} has {told(their[3], their[4])} ({their[5]}), our ledger has no such refund near that day."
        self._add("theirs_only", None, their, text, "theirs")

    def _ours_only(self, our: Ours) -> None:
        if our[6] >= NEAR or our[5] not in MAY_HAVE_MOVED:
            return
        if our[6] == MIDNIGHT:
            self.tally.midnight.append(our[0])
            return
        text = f"Our ledger has {told(our[3], our[4])} ({our[5]}), the bill of {self.day} does not have it."
        self._add("ours_only", our, None, text, "ours")

    def _duplicate(self, side: str, rows: list[Ours] | list[Theirs]) -> None:
        where = "Our ledger" if side == "ours" else f"The bill of {self.day}"
        amounts = ", ".join(sorted({told(row[3], row[4]) for row in rows}))
        text = f"{where} has this number {len(rows)} times: {amounts}."
        if side == "ours":
            self._add("duplicate", min(rows), None, text, side)  # type: ignore[arg-type] # rows of that side
        else:
            self._add("duplicate", None, min(rows), text, side)  # type: ignore[arg-type] # rows of that side

    def _compare(self, our: Ours, their: Theirs) -> None:
        found = problems(our, their)
        for kind in found:
            self._add(kind, our, their, _said(kind, our, their))
        if "status" not in found and VERDICT[our[5], their[5]] == ASK:
            self.tally.to_query += 1
        if not found:
            self.tally.matched += 1
            self.tally.matched_minor[our[4]] += our[3]


def problems(our: Ours, their: Theirs) -> tuple[DifferenceClass, ...]:
    """The classes in which one refund differs between the two sides. What a side does not tell is not compared."""
    found: list[DifferenceClass] = []
    if our[3:5] != their[3:5]:
        found.append("amount")
    if VERDICT[our[5], their[5]] == CONTRADICT:
        found.append("status")
    if any(a != b and a and b for a, b in zip(our[1:3], their[1:3], strict=True)):
        found.append("wrong_order")
    return tuple(found)


def _said(kind: DifferenceClass, our: Ours, their: Theirs) -> str:
    if kind == "amount":
        return f"We asked for {told(our[3], our[4])}, the bill says {told(their[3], their[4])}."
    if kind == "wrong_order":
        return f"Ours is for order {our[1]}, payment {our[2]}; the bill has it for order {their[1]}, payment {their[2]}."
    if their[5] == "success":
        return f"The channel has sent the money, our ledger says {our[5]}."
    return f"Our ledger says {our[5]}, the bill says {their[5]}: ask the channel whether the buyer has the money."


def _by_key(rows: Iterable[R]) -> tuple[dict[str, R], dict[str, list[R]]]:
    """One row of every number, and all rows of the numbers that are there more than once."""
    them = list(rows)
    one = {row[0]: row for row in them}
    more: dict[str, list[R]] = {}
    if len(one) < len(them):
        for row in them:
            more.setdefault(row[0], []).append(row)
    return one, {key: several for key, several in more.items() if len(several) > 1}


def _closest(ours: list[Ours], theirs: list[Theirs]) -> tuple[Ours, Theirs]:
    """Of numbers that are there more than once, the pair that differs least; the same whatever order the rows came in."""
    pairs = product(islice(sorted(set(ours)), 100), islice(sorted(set(theirs)), 100))
    return min(pairs, key=lambda pair: (len(problems(*pair)), pair))
