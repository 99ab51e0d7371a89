"""Batch: one decision of one person over many cases, in parts of ten that are each done once.

::

    selecting ─┬─ dry run ──────────────────────► previewed ── its maker says run ─┐
               │                                                                   ├─► running ──► done
               └─ to be carried out ──┬─ up to the merchant's limit ───────────────┘     ▲
                                      └─ above it ──► waiting ── another person says run ┘
    any of these but done ──► stopped

What was selected is decided at the version that was selected, or not at all. Nothing here is stored and nobody is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from aftersales.caller import Caller, Role
from aftersales.case import Case

#: Cases in one part: what is read, decided and written together.
PART = 10

#: Cases that can be named one by one.
MOST_NAMED = 500

#: Cases that a choice selects; what lies beyond is for another batch.
MOST_SELECTED = 50_000

#: When a schedule looks whether a batch still moves, and how long before that the instant is moved on.
LOOK, SOON = timedelta(minutes=15), timedelta(minutes=5)


class Act(StrEnum):
    """What is done to each case."""

    APPROVE = "approve"
    REJECT = "reject"
    ASK_EVIDENCE = "ask_evidence"
    ASSIGN = "assign"


class BatchState(StrEnum):
    """How far a batch is."""

    SELECTING = "selecting"
    PREVIEWED = "previewed"  # nothing is done; its maker has to say so
    WAITING = "waiting"  # above the limit: another person has to say so
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


#: States in which a worker has something to do.
MOVING = frozenset({BatchState.SELECTING, BatchState.RUNNING})
#: States that nothing leads out of.
ENDED = frozenset({BatchState.DONE, BatchState.STOPPED})


class Result(StrEnum):
    """What became of one case."""

    PENDING = "pending"
    DONE = "done"
    SECOND_PERSON = "second_person"  # this was the first yes of two
    SKIPPED = "skipped"  # it is another case than the one that was selected
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which open cases of the merchant: those in ``state`` that have all that is said here; "" and 0 say nothing.

    ``clerk`` is a ``sub``, ``-`` for cases that nobody took; ``min_minor`` and ``max_minor`` are included.
    """

    state: str = ""
    kind: str = ""
    vertical: str = ""
    category: str = ""
    evidence: str = ""
    lane: str = ""
    clerk: str = ""
    min_minor: int = 0
    max_minor: int = 0
    late: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One selected case. ``version`` is the one that was selected, 0 while nobody looked it up.

    ``foreseen`` is what a dry run says would become of it. ``code`` and ``text`` say why it is not done. ``amount_minor`` is what
    a yes pays (what it is about, until it is done).
    """

    case_id: str
    version: int = 0
    amount_minor: int = 0
    currency: str = ""
    result: Result = Result.PENDING
    foreseen: Result | None = None
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Up to ten entries of a batch, the ``number``-th from 0."""

    batch_id: str
    number: int
    entries: tuple[Entry, ...]
    version: int = 0

    def with_entry(self, entry: Entry) -> Part:
        """This part with another word about one of its cases."""
        return replace(self, entries=tuple(entry if e.case_id == entry.case_id else e for e in self.entries))

    @property
    def pending(self) -> tuple[Entry, ...]:
        """What is still to be done, in order."""
        return tuple(e for e in self.entries if e.result is Result.PENDING)


@dataclass(frozen=True, slots=True)
class Total:
    """How many cases came to ``result`` and what they are about together, in minor units of one currency."""

    result: Result
    currency: str
    cases: int
    minor: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. ``sub`` and ``role`` are its maker's: each case is decided as if that person decided it.

    ``parts`` are written so far, ``at`` is the next one to be done, ``named`` how many cases were named one by one (0: by
    ``choice``), ``cursor`` where selecting goes on. ``totals`` count what became of the selected cases, ``foreseen`` what a dry
    run says. ``to`` is who gets the cases that are assigned, with ``take_over`` also those that a colleague has.
    ``reason`` is "" where each case is told the shop's own words for it. ``go_by`` is the second person, ``go_for`` in whose
    place. ``look_at`` is when a schedule looks after it; None once it rests.
    """

    batch_id: str
    merchant: str
    sub: str
    role: Role
    opened_at: datetime
    updated_at: datetime
    action: Act
    state: BatchState
    reason: str = ""
    to: str = ""
    take_over: bool = False
    choice: Choice = Choice()
    named: int = 0
    dry_run: bool = False
    parts: int = 0
    at: int = 0
    cursor: str = ""
    totals: tuple[Total, ...] = ()
    foreseen: tuple[Total, ...] = ()
    go_by: str = ""
    go_for: str = ""
    look_at: datetime | None = None
    version: int = 0

    @property
    def by(self) -> str:
        """How events name its maker."""
        return Caller(self.sub, self.role, self.merchant).name

    @property
    def selected(self) -> int:
        """How many cases it holds."""
        return sum(t.cases for t in self.totals)

    @property
    def done(self) -> int:
        """How many of them need nothing more."""
        return sum(t.cases for t in self.totals if t.result is not Result.PENDING)

    def moved(self, state: BatchState, now: datetime) -> Batch:
        """This batch in another state; it is looked after while there is work."""
        return replace(self, state=state, updated_at=now, look_at=now + LOOK if state in MOVING else None)

    def seen(self, now: datetime) -> Batch:
        """This batch as somebody was at work on it just now; the look is put off when it is near, and not at every part."""
        near = self.look_at is None or self.look_at - now < SOON
        return replace(self, updated_at=now, look_at=now + LOOK if near and self.state in MOVING else self.look_at)

    def counted(self, before: Iterable[Entry], after: Iterable[Entry]) -> Batch:
        """This batch with its totals after entries changed."""
        before, after = tuple(before), tuple(after)
        return replace(
            self,
            totals=_added(self.totals, [(e, e.result) for e in before], [(e, e.result) for e in after]),
            foreseen=_added(
                self.foreseen,
                [(e, e.foreseen) for e in before if e.foreseen],
                [(e, e.foreseen) for e in after if e.foreseen],
            ),
        )

    def approves(self, currency: str) -> tuple[int, bool]:
        """What it pays or may still pay, in minor units of ``currency``; and whether some of it is in another one."""
        counting = [t for t in self.totals if t.result in (Result.PENDING, Result.DONE) and self.action is Act.APPROVE]
        return sum(t.minor for t in counting if t.currency == currency), any(t.currency not in ("", currency) for t in counting)


def entry_of(case: Case) -> Entry:
    """The entry of a case as it was selected."""
    return Entry(case.case_id, case.version, case.payable.minor, case.amount.currency)


def parts_of(batch_id: str, first: int, entries: Iterable[Entry]) -> tuple[Part, ...]:
    """Parts of these entries, numbered from ``first`` on."""
    found = tuple(entries)
    chunks = [found[i : i + PART] for i in range(0, len(found), PART)]
    return tuple(Part(batch_id, first + n, chunk) for n, chunk in enumerate(chunks))


def _added(
    totals: tuple[Total, ...], less: Iterable[tuple[Entry, Result]], more: Iterable[tuple[Entry, Result]]
) -> tuple[Total, ...]:
    known = {(t.result, t.currency): (t.cases, t.minor) for t in totals}
    for sign, entries in ((-1, less), (1, more)):
        for entry, result in entries:
            cases, minor = known.get((result, entry.currency), (0, 0))
            known[result, entry.currency] = (cases + sign, minor + sign * entry.amount_minor)
    return tuple(Total(*name, *sums) for name, sums in sorted(known.items()) if sums[0])
