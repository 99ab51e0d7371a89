"""Reconciliation: a channel's bill of one day against our ledger, difference by difference.

A refund is on the bill of the day on which the channel accepted it (Beijing), with the status it had that day. So numbers are
matched within a day of each other, a bill's "processing" contradicts nothing, and a refund accepted within a minute of midnight
may be on the neighbouring day's bill instead.

    with reconcile(bill, ledger, day) as found:
        for difference in found.differences: ...
        found.totals

Both sides stream through parts on disk by a hash of the refund number: memory does not grow with them, and their order is free.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any

from aftersales.bill import Bill
from aftersales.reconcile.difference import Difference
from aftersales.reconcile.match import DONE, MIDNIGHT, NEAR, NOWHERE, SEP, TODAY, Matcher, Tally
from aftersales.reconcile.row import LedgerRow, read_ledger
from aftersales.reconcile.spill import Pair, Runs, Spill
from aftersales.refund import BEIJING

__all__ = ["Difference", "LedgerRow", "Reconciled", "Side", "read_ledger", "reconcile"]

#: Parts on disk. With so many, a part of a million rows is a thousand.
PARTS = 1024
#: A part with more rows than this, both sides together, is cut up again.
TOO_MANY = 40_000
#: Rows of one number cannot be cut up: after this many cuts they are matched as they are.
CUTS = 3

MINUTE = 60
DAY = 24 * 60 * MINUTE


@dataclass(slots=True)
class Side:
    """What one side has of the day: ``count`` refunds, ``minor`` by currency, and ``read`` rows in all (other days' too)."""

    read: int = 0
    count: int = 0
    minor: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def plain(self) -> dict[str, Any]:
        """As JSON tells it."""
        return {"count": self.count, "minor": dict(sorted(self.minor.items())), "read": self.read}


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found. ``differences`` can be read until the ``with`` ends; the counts stay."""

    bill: Bill
    day: date
    ours: Side
    theirs: Side
    tally: Tally
    other_day: int  # refunds on the bill that were accepted more than a day away: is it the right bill?
    _found: Runs

    @property
    def differences(self) -> Iterator[Difference]:
        """All differences by class, number and side, anew each time."""
        return (Difference(*row) for row in self._found)

    @property
    def totals(self) -> dict[str, Any]:
        """Counts and sums, ready for JSON: of both sides, of what agrees entirely, of every class, and what the summary said."""
        return {
            "channel": self.bill.channel,
            "date": self.day.isoformat(),
            "ours": self.ours.plain(),
            "theirs": {**self.theirs.plain(), "other_day": self.other_day},
            "matched": self.tally.matched,
            "matched_minor": dict(sorted(self.tally.matched_minor.items())),
            "differences": dict(self.tally.differences),
            "at_midnight": len(self.tally.midnight),
            "at_midnight_keys": sorted(self.tally.midnight),
            "to_query": self.tally.to_query,
            "summary": {"said": dict(self.bill.said), "counted": dict(self.bill.counted)},
        }


@contextmanager
def reconcile(bill: Bill, ledger: Iterable[LedgerRow], day: date, *, parts: int = PARTS) -> Iterator[Reconciled]:
    """Match ``bill`` (that of ``day``, Beijing) with ``ledger``, which may hold other days too; only those next to ``day`` count.

    Raises what the two sides raise while they are read. Whatever happens, to the process too, nothing is left on disk.
    """
    ours, theirs, days = Side(), Side(), _Days(day)
    with ExitStack() as files:
        our_rows, their_rows = _spills(files, parts)
        found = files.enter_context(closing(Runs()))
        their_rows.fill(days.theirs(bill, theirs))
        our_rows.fill(days.ours(ledger, ours))
        matcher = Matcher(day.isoformat(), found.add, Tally(matched_minor=theirs.minor.copy()))
        _summary(bill, matcher)
        _match(matcher, our_rows, their_rows)
        yield Reconciled(bill, day, ours, theirs, matcher.tally, days.other, found)


def _spills(files: ExitStack, parts: int, salt: int = 0) -> tuple[Spill, Spill]:
    """Files for our side and theirs, closed at the end of ``files``."""
    return files.enter_context(closing(Spill(parts, salt))), files.enter_context(closing(Spill(parts, salt)))


def _match(matcher: Matcher, ours: Spill, theirs: Spill) -> None:
    """Match part by part; what is too large for memory is cut up once more."""
    for part in range(ours.parts):
        if ours.counts[part] + theirs.counts[part] <= TOO_MANY or ours.salt == CUTS:
            matcher.part(_all(ours, part), _all(theirs, part))
            continue
        with ExitStack() as files:
            smaller = _spills(files, ours.parts, ours.salt + 1)
            for rows, into in zip((ours, theirs), smaller, strict=True):
                into.fill(chain.from_iterable(rows.part(part)))
            _match(matcher, *smaller)


def _all(rows: Spill, part: int) -> list[Pair]:
    return list(chain.from_iterable(rows.part(part)))


def _summary(bill: Bill, matcher: Matcher) -> None:
    """One difference if the bill contradicts itself."""
    wrong = bill.disagreements
    if wrong:
        said = "; ".join(f"{name}: {a} in the summary, {b} in the rows" for name, a, b in wrong)
        matcher.tally.differences["summary"] += 1
        matcher.tell(Difference("summary", "summary", side="theirs", text=f"The bill's summary does not add up: {said}."))


class _Days:
    """Puts the rows of both sides on their day, and counts them."""

    def __init__(self, day: date) -> None:
        self.start = datetime.combine(day, time(), BEIJING)
        self.near = frozenset((day + timedelta(days=n)).isoformat() for n in (-1, 0, 1))
        self.other = 0

    def theirs(self, bill: Bill, side: Side) -> Iterator[Pair]:
        """The bill's refunds as they are matched."""
        near, minors, count, other = self.near, side.minor, 0, 0
        for key, _, transaction, order, minor, currency, status, accepted in bill:
            count += 1
            minors[currency] += minor
            if accepted[:10] not in near:
                other += 1
            mark = DONE if status == "success" else status
            yield key, f"{order}{SEP}{transaction}{SEP}{minor}{SEP}{currency}{SEP}{mark}"
        side.count, self.other = count, other
        side.read = bill.counted.get("rows", count)

    def ours(self, ledger: Iterable[LedgerRow], side: Side) -> Iterator[Pair]:
        """Our refunds of the day, of the two days beside it, and those that the channel has not accepted yet."""
        start, minors, read, count = self.start, side.minor, 0, 0
        for key, order, transaction, minor, currency, accepted, status in ledger:
            read += 1
            place = NOWHERE
            if accepted is not None:
                since = accepted - start
                days = since.days
                if days == 0:
                    place = TODAY if MINUTE <= since.seconds < DAY - MINUTE else MIDNIGHT
                    if status != "reserved":
                        count += 1
                        minors[currency] += minor
                elif -1 <= days <= 1:
                    place = NEAR
                else:
                    continue
            mark = DONE if place == TODAY and status == "settled" else f"{status} {place}"
            yield key, f"{order}{SEP}{transaction}{SEP}{minor}{SEP}{currency}{SEP}{mark}"
        side.read, side.count = read, count
