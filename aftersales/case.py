"""Case: one after-sales matter, the table of what may happen to it, and what silence means in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from aftersales.deadline import Deadline
from aftersales.decision import Decision
from aftersales.errors import IllegalTransition
from aftersales.lookup import Lookup
from aftersales.money import Money
from aftersales.order import Runs
from aftersales.pledge import Pledge
from aftersales.remedy import Promise


class Kind(StrEnum):
    """The five kinds of case (IN-1)."""

    REFUND_ONLY = "refund_only"  # 仅退款
    RETURN_REFUND = "return_refund"  # 退货退款
    EXCHANGE = "exchange"  # 换货
    CLAIM = "claim"  # 特殊理赔
    REPAIR = "repair"  # 维修


class Fault(StrEnum):
    """Who has to answer for the reason; it decides on freight and fees."""

    BUYER = "buyer"
    SELLER = "seller"
    CARRIER = "carrier"
    NONE = "none"


class Lane(StrEnum):
    """How hard a case is for those who decide it (RV-5); who handles which lane is the merchant's setting."""

    ORDINARY = "ordinary"
    DIFFICULT = "difficult"
    LEGAL = "legal"


class State(StrEnum):
    """Where a case stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    VERIFYING = "verifying"
    REVIEWING = "reviewing"
    SECOND_REVIEW = "second_review"
    AWAITING_EVIDENCE = "awaiting_evidence"
    COUNTERED = "countered"
    APPROVED = "approved"
    SETTLING = "settling"
    AWAITING_PAYMENT = "awaiting_payment"  # the thing wanted in exchange is dearer: the buyer pays the difference
    FULFILLING = "fulfilling"  # a replacement or a repair is on its way, in place of money
    REJECTED = "rejected"
    CLOSED = "closed"


class Ending(StrEnum):
    """How a closed case ended."""

    REFUNDED = "refunded"
    FULFILLED = "fulfilled"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class Event(StrEnum):
    """What can happen to a case."""

    OPENED = "opened"
    EDITED = "edited"
    EVIDENCE_ADDED = "evidence_added"
    SUBMITTED = "submitted"
    VERIFICATION_STARTED = "verification_started"
    FINDINGS_RECORDED = "findings_recorded"
    SOURCE_ASKED = "source_asked"  # an outside system is about to be asked to keep something as it is
    SOURCE_ANSWERED = "source_answered"
    HOLD_ENDED = "hold_ended"  # what was kept for this case is used up for good, or free again
    APPROVED = "approved"
    REJECTED = "rejected"
    EVIDENCE_ASKED = "evidence_asked"
    PERSON_ASKED = "person_asked"
    TRIAGED = "triaged"  # it is harder, or easier, than it was taken for
    CLAIMED = "claimed"  # somebody of the shop took it
    RELEASED = "released"
    ANSWER_LATE = "answer_late"  # the shop did not answer within the time it promises
    POINTS_GIVEN = "points_given"  # for that
    POINTS_FAILED = "points_failed"
    SECOND_PERSON_ASKED = "second_person_asked"
    COUNTERED = "countered"
    COUNTER_ACCEPTED = "counter_accepted"
    COUNTER_REFUSED = "counter_refused"
    GOODS_AWAITED = "goods_awaited"
    GOODS_SENT = "goods_sent"
    GOODS_MOVED = "goods_moved"  # a carrier tells where they are
    GOODS_DOUBTED = "goods_doubted"  # what carriers say speaks against this being the return
    GOODS_NOT_FOUND = "goods_not_found"  # the carrier knows no such number: another one is wanted
    GOODS_TURNED_BACK = "goods_turned_back"  # on the way back to who sent them
    GOODS_LOST = "goods_lost"
    GOODS_ESCALATED = "goods_escalated"  # nobody answered, and silence may not decide: a person is asked again
    GOODS_DELIVERED = "goods_delivered"
    GOODS_ACCEPTED = "goods_accepted"
    GOODS_REFUSED = "goods_refused"
    GOODS_NOT_SENT = "goods_not_sent"
    PAYMENT_AWAITED = "payment_awaited"
    PAYMENT_MADE = "payment_made"
    REMEDY_STARTED = "remedy_started"
    REMEDY_SENT = "remedy_sent"  # the replacement, or the repaired thing, is on its way to the buyer
    REMEDY_DONE = "remedy_done"
    REMEDY_FAILED = "remedy_failed"  # cannot be repaired, is not to be had: a person decides anew
    REPRICED = "repriced"  # it was paid further, or an outside system answered: what the case is worth was computed anew
    PICKUP_ASKED = "pickup_asked"  # on record, and the carrier is about to be called
    PICKUP_BOOKED = "pickup_booked"
    PICKUP_MOVED = "pickup_moved"
    PICKUP_CANCEL_ASKED = "pickup_cancel_asked"
    PICKUP_CANCELLED = "pickup_cancelled"
    PICKUP_FAILED = "pickup_failed"  # the carrier will not come
    PICKUP_COLLECTED = "pickup_collected"  # the goods were collected
    REFUND_RESERVED = "refund_reserved"
    REFUND_ACCEPTED = "refund_accepted"
    REFUND_DELAYED = "refund_delayed"
    REFUND_FAILED = "refund_failed"
    REFUND_RETRIED = "refund_retried"
    REFUND_SETTLED = "refund_settled"
    REFUND_BOUNCED = "refund_bounced"  # it had arrived, and came back to the merchant
    REFUND_RENUMBERED = "refund_renumbered"  # the channel closed a refund: a new leg stands in for it
    REFUND_CONSENTED = "refund_consented"  # the buyer agrees to another account
    REFUND_REDIRECTED = "refund_redirected"  # it goes to that account
    REFUND_GIVEN_UP = "refund_given_up"  # a person says that it was paid another way, or never will be
    COMPENSATION_ASKED = "compensation_asked"  # one person's yes to a sum that needs two
    COMPENSATED = "compensated"
    COMPENSATION_SETTLED = "compensation_settled"
    COMPENSATION_FAILED = "compensation_failed"
    COMPENSATION_RETRIED = "compensation_retried"
    COMPENSATION_GIVEN_UP = "compensation_given_up"
    PAID_OUTSIDE = "paid_outside"  # money of this order moved without us
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    APPEALED = "appealed"  # told no, the buyer asks for somebody else to look
    REOPENED = "reopened"
    DEADLINE_PASSED = "deadline_passed"
    DEADLINE_MOVED = "deadline_moved"
    DEADLINE_PAUSED = "deadline_paused"
    DEADLINE_RESUMED = "deadline_resumed"
    MESSAGE_SENT = "message_sent"
    PROOF_ADDED = "proof_added"  # the merchant's own evidence
    ORIGINAL_OPENED = "original_opened"  # somebody was let to the unmasked file
    FILES_ERASED = "files_erased"  # as the merchant's policy says


S, E = State, Event

#: The whole life of a case. What is not here cannot happen.
TRANSITIONS: dict[tuple[State, Event], State] = {
    (S.DRAFT, E.EDITED): S.DRAFT,
    (S.DRAFT, E.EVIDENCE_ADDED): S.DRAFT,
    (S.DRAFT, E.SUBMITTED): S.SUBMITTED,
    (S.DRAFT, E.WITHDRAWN): S.CLOSED,
    (S.DRAFT, E.DEADLINE_PASSED): S.CLOSED,
    (S.SUBMITTED, E.VERIFICATION_STARTED): S.VERIFYING,
    (S.SUBMITTED, E.APPROVED): S.APPROVED,
    (S.SUBMITTED, E.REJECTED): S.REJECTED,
    (S.SUBMITTED, E.EVIDENCE_ASKED): S.AWAITING_EVIDENCE,
    (S.SUBMITTED, E.PERSON_ASKED): S.REVIEWING,
    (S.VERIFYING, E.FINDINGS_RECORDED): S.VERIFYING,
    (S.VERIFYING, E.SOURCE_ASKED): S.VERIFYING,
    (S.VERIFYING, E.SOURCE_ANSWERED): S.VERIFYING,
    (S.VERIFYING, E.APPROVED): S.APPROVED,
    (S.VERIFYING, E.REJECTED): S.REJECTED,
    (S.VERIFYING, E.EVIDENCE_ASKED): S.AWAITING_EVIDENCE,
    (S.VERIFYING, E.PERSON_ASKED): S.REVIEWING,
    (S.VERIFYING, E.WITHDRAWN): S.CLOSED,
    (S.VERIFYING, E.DEADLINE_PASSED): S.REVIEWING,  # verification did not answer: a person looks
    (S.REVIEWING, E.FINDINGS_RECORDED): S.REVIEWING,  # a late verification still goes on record
    (S.REVIEWING, E.SOURCE_ASKED): S.REVIEWING,
    (S.REVIEWING, E.SOURCE_ANSWERED): S.REVIEWING,
    (S.REVIEWING, E.APPROVED): S.APPROVED,
    (S.REVIEWING, E.REJECTED): S.REJECTED,
    (S.REVIEWING, E.EVIDENCE_ASKED): S.AWAITING_EVIDENCE,
    (S.REVIEWING, E.SECOND_PERSON_ASKED): S.SECOND_REVIEW,  # one said yes, or nobody answered: silence is no second person
    (S.REVIEWING, E.COUNTERED): S.COUNTERED,
    (S.REVIEWING, E.WITHDRAWN): S.CLOSED,
    (S.REVIEWING, E.DEADLINE_PASSED): S.APPROVED,  # silence is consent after 48 h (自动同意)
    (S.SECOND_REVIEW, E.APPROVED): S.APPROVED,
    (S.SECOND_REVIEW, E.REJECTED): S.REJECTED,
    (S.SECOND_REVIEW, E.SECOND_PERSON_ASKED): S.SECOND_REVIEW,  # an appeal about a sum that needs two
    (S.SECOND_REVIEW, E.EVIDENCE_ASKED): S.AWAITING_EVIDENCE,
    (S.SECOND_REVIEW, E.WITHDRAWN): S.CLOSED,
    (S.SECOND_REVIEW, E.DEADLINE_PASSED): S.SECOND_REVIEW,  # escalated and asked again, never approved by silence
    (S.AWAITING_EVIDENCE, E.EVIDENCE_ADDED): S.AWAITING_EVIDENCE,
    (S.AWAITING_EVIDENCE, E.SUBMITTED): S.SUBMITTED,
    (S.AWAITING_EVIDENCE, E.WITHDRAWN): S.CLOSED,
    (S.AWAITING_EVIDENCE, E.DEADLINE_PASSED): S.CLOSED,
    (S.COUNTERED, E.COUNTER_ACCEPTED): S.APPROVED,
    (S.COUNTERED, E.SECOND_PERSON_ASKED): S.SECOND_REVIEW,  # accepted, and above what one person may grant
    (S.COUNTERED, E.COUNTER_REFUSED): S.REVIEWING,
    (S.COUNTERED, E.WITHDRAWN): S.CLOSED,
    (S.COUNTERED, E.DEADLINE_PASSED): S.CLOSED,
    (S.APPROVED, E.GOODS_AWAITED): S.APPROVED,
    (S.APPROVED, E.GOODS_SENT): S.APPROVED,
    (S.APPROVED, E.GOODS_MOVED): S.APPROVED,
    (S.APPROVED, E.GOODS_DOUBTED): S.APPROVED,
    (S.APPROVED, E.GOODS_NOT_FOUND): S.APPROVED,
    (S.APPROVED, E.GOODS_TURNED_BACK): S.APPROVED,
    (S.APPROVED, E.GOODS_LOST): S.APPROVED,
    (S.APPROVED, E.GOODS_ESCALATED): S.APPROVED,
    (S.APPROVED, E.GOODS_DELIVERED): S.APPROVED,
    (S.APPROVED, E.GOODS_ACCEPTED): S.APPROVED,
    (S.APPROVED, E.GOODS_REFUSED): S.REJECTED,
    (S.APPROVED, E.SECOND_PERSON_ASKED): S.SECOND_REVIEW,  # not all of what is to be exchanged or repaired came back
    (S.APPROVED, E.GOODS_NOT_SENT): S.CLOSED,
    (S.APPROVED, E.WITHDRAWN): S.CLOSED,
    (S.APPROVED, E.PAYMENT_AWAITED): S.AWAITING_PAYMENT,
    (S.AWAITING_PAYMENT, E.PAYMENT_MADE): S.APPROVED,
    (S.AWAITING_PAYMENT, E.SECOND_PERSON_ASKED): S.SECOND_REVIEW,  # it was not, and so much money takes two persons
    (S.AWAITING_PAYMENT, E.DEADLINE_PASSED): S.APPROVED,  # the difference was not paid: money in place of the dearer thing
    (S.APPROVED, E.REMEDY_STARTED): S.FULFILLING,
    (S.FULFILLING, E.REMEDY_STARTED): S.FULFILLING,  # somebody is at it
    (S.FULFILLING, E.REMEDY_SENT): S.FULFILLING,
    (S.FULFILLING, E.REMEDY_DONE): S.CLOSED,
    (S.FULFILLING, E.REMEDY_FAILED): S.REVIEWING,
    (S.FULFILLING, E.DEADLINE_PASSED): S.REVIEWING,  # the promise was not kept: a person decides anew
    (S.FULFILLING, E.REFUND_RESERVED): S.SETTLING,  # the difference in price goes back
    (S.SETTLING, E.REMEDY_DONE): S.SETTLING,  # the thing was given; the difference is on its way
    (S.APPROVED, E.REFUND_RESERVED): S.SETTLING,
    (S.APPROVED, E.SETTLED): S.CLOSED,  # nothing was paid for it, so no money moves
    (S.SETTLING, E.REFUND_ACCEPTED): S.SETTLING,
    (S.SETTLING, E.REFUND_DELAYED): S.SETTLING,
    (S.SETTLING, E.REFUND_FAILED): S.SETTLING,
    (S.SETTLING, E.REFUND_RETRIED): S.SETTLING,
    (S.SETTLING, E.REFUND_SETTLED): S.SETTLING,
    (S.SETTLING, E.REFUND_BOUNCED): S.SETTLING,
    (S.SETTLING, E.REFUND_RENUMBERED): S.SETTLING,
    (S.SETTLING, E.REFUND_CONSENTED): S.SETTLING,
    (S.SETTLING, E.REFUND_REDIRECTED): S.SETTLING,
    (S.SETTLING, E.REFUND_GIVEN_UP): S.SETTLING,
    (S.SETTLING, E.SETTLED): S.CLOSED,
    (S.REJECTED, E.APPEALED): S.SECOND_REVIEW,
    (S.REJECTED, E.DEADLINE_PASSED): S.CLOSED,
    (S.CLOSED, E.REFUND_BOUNCED): S.SETTLING,  # the buyer does not have it after all
    (S.CLOSED, E.REOPENED): S.AWAITING_EVIDENCE,  # only after a lapse while evidence was awaited, and only inside the window
}

#: Events that leave every open state as it is.
ASIDE: frozenset[Event] = frozenset(
    {
        E.MESSAGE_SENT,
        E.PROOF_ADDED,
        E.REPRICED,
        E.TRIAGED,
        E.CLAIMED,
        E.RELEASED,
        E.PICKUP_ASKED,
        E.PICKUP_BOOKED,
        E.PICKUP_MOVED,
        E.PICKUP_CANCEL_ASKED,
        E.DEADLINE_MOVED,
        E.DEADLINE_PAUSED,
        E.DEADLINE_RESUMED,
    }
)

#: Events that leave every state as it is, the closed one too: money beside the case's own, what is done with its files, a
#: pickup that ends after it, and what an answer that came late costs.
BESIDE: frozenset[Event] = frozenset(
    {
        E.COMPENSATION_ASKED,
        E.COMPENSATED,
        E.COMPENSATION_SETTLED,
        E.COMPENSATION_FAILED,
        E.COMPENSATION_RETRIED,
        E.COMPENSATION_GIVEN_UP,
        E.PAID_OUTSIDE,
        E.ORIGINAL_OPENED,
        E.FILES_ERASED,
        E.HOLD_ENDED,
        E.ANSWER_LATE,
        E.POINTS_GIVEN,
        E.POINTS_FAILED,
        E.PICKUP_CANCELLED,
        E.PICKUP_FAILED,
        E.PICKUP_COLLECTED,
    }
)

#: How long a state waits before ``deadline_passed`` happens to it. Merchants, verticals and tiers may override each.
TIMEOUTS: dict[State, timedelta] = {
    S.DRAFT: timedelta(days=30),
    S.VERIFYING: timedelta(minutes=15),
    S.REVIEWING: timedelta(hours=48),
    S.SECOND_REVIEW: timedelta(hours=24),
    S.AWAITING_EVIDENCE: timedelta(hours=72),
    S.COUNTERED: timedelta(hours=72),
    S.AWAITING_PAYMENT: timedelta(hours=72),
    S.FULFILLING: timedelta(days=15),
    S.REJECTED: timedelta(days=7),
}

#: States that pass on inside one transaction, or that wait on a parcel or refund with a deadline of its own.
CARRIED: dict[State, str] = {S.SUBMITTED: "the same transaction", S.APPROVED: "the parcel", S.SETTLING: "the refund"}

TERMINAL: frozenset[State] = frozenset({S.CLOSED})

#: States in which a person of the shop decides: in these a case can be claimed.
WAITS: frozenset[State] = frozenset({S.REVIEWING, S.SECOND_REVIEW})

#: States of which a shop is told how many cases are in each.
QUEUED: frozenset[State] = WAITS | {S.AWAITING_EVIDENCE, S.COUNTERED}

#: States in which a buyer who handed a case in has no answer yet. A second person who is asked is none.
UNANSWERED: frozenset[State] = frozenset({S.SUBMITTED, S.VERIFYING, S.REVIEWING, S.SECOND_REVIEW})

#: How long after a case closed a call about it may still be under way.
CALM = timedelta(minutes=15)

#: Which ending a move to ``closed`` gives.
ENDINGS: dict[tuple[State, Event], Ending] = {
    (S.REJECTED, E.DEADLINE_PASSED): Ending.REJECTED,
    (S.SETTLING, E.SETTLED): Ending.REFUNDED,
    (S.APPROVED, E.SETTLED): Ending.REFUNDED,
    (S.APPROVED, E.GOODS_NOT_SENT): Ending.LAPSED,
    (S.FULFILLING, E.REMEDY_DONE): Ending.FULFILLED,
}


@dataclass(frozen=True, slots=True)
class Item:
    """What a case asks for on one line: ``pieces`` of it, of which ``share_percent`` is bad.

    Where a piece holds smaller units (a box of five jin), ``bad`` of the ``of`` units in these pieces says it instead.
    ``units`` are the very pieces, as half-open ranges of their indexes, once the ledger holds them for this case.
    """

    line_id: str
    pieces: int
    share_percent: int = 100
    units: Runs = ()
    bad: int = 0
    of: int = 0

    @property
    def share(self) -> tuple[int, int]:
        """The bad part as (part, whole), between nothing and all."""
        part, whole = (self.bad, self.of) if self.of > 0 else (self.share_percent, 100)
        return max(0, min(part, whole)), whole


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes (or the system's), to exactly this amount; ``on_behalf`` is in whose place it was said, "" for nobody's."""

    by: str
    at: datetime
    amount: Money
    reason: str = ""
    on_behalf: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One after-sales matter. ``amount`` is what will be paid if approved, ``asked`` what the buyer lowered it to.

    Of the amount ``tax_minor`` is tax and ``freight_minor`` freight; the rest is for goods, after ``fee_minor``
    was kept back from them, and after ``pickup_minor`` for bringing them back, which is kept back when the money is reserved:
    amount and that together are what was approved. ``beyond_minor`` is owed on top of what was paid, as compensation.

    ``submitted_at`` is when the buyer first handed it in: windows are judged by it, however long verification and review take.
    ``version`` counts stored changes, ``seq`` events; ``chain`` is the hash of the last event.
    ``lookups`` are what outside systems said about it, and what they keep for it. ``promise`` is what is given in place of money.
    ``has_files``: evidence was added to it; once it is closed its files are kept until ``files_until``. ``has_pickup``: goods
    were asked to be collected for it. ``apart_of`` is the case with whose parcel these pieces should have come and did not.

    ``category`` is the product category of its first line, ``rank`` the weight of the buyer's tier (a larger one comes first).
    ``lane`` says how hard it is, once a person was asked; ``clerk`` (a ``sub``) took it at ``claimed_at``. ``pledge`` is how
    soon the shop promised to answer. ``queued``: it was in one of the states that a shop is told the number of.
    """

    case_id: str
    merchant: str
    order_id: str
    buyer_id: str
    kind: Kind
    vertical: str
    vertical_version: str
    reason: str
    items: tuple[Item, ...]
    amount: Money
    state: State
    opened_at: datetime
    updated_at: datetime
    note: str = ""
    freight: bool = False
    asked: Money | None = None
    fault: Fault = Fault.NONE
    tier: str = ""
    locale: str = "zh-CN"
    ending: Ending | None = None
    deadline: Deadline | None = None
    decision: Decision | None = None
    approvals: tuple[Approval, ...] = ()
    escalations: int = 0
    lapsed_from: State | None = None
    submitted_at: datetime | None = None
    tax_minor: int = 0
    freight_minor: int = 0
    fee_minor: int = 0
    beyond_minor: int = 0
    pickup_minor: int = 0
    pieces_stay: bool = False  # once it is paid, its pieces can be asked about again, for what is left of their worth
    lookups: tuple[Lookup, ...] = ()
    reopened: int = 0  # how often: what is kept for it is kept under another key then
    promise: Promise | None = None
    version: int = 0
    seq: int = 0
    chain: str = ""
    appealed: bool = False
    has_files: bool = False
    has_pickup: bool = False
    apart_of: str = ""
    files_until: datetime | None = None
    rules: int = 0  # the version of the merchant's own rules that it was handed in under; 0 where there was none
    category: str = ""
    rank: int = 0
    lane: Lane | None = None
    clerk: str = ""
    claimed_at: datetime | None = None
    pledge: Pledge | None = None
    queued: bool = False

    @property
    def holds_until(self) -> datetime | None:
        """When what outside systems kept for this closed case is let go for the last time; None while nothing is."""
        return self.updated_at + CALM if self.terminal and any(x.held for x in self.lookups) else None

    @property
    def due_at(self) -> datetime | None:
        """When it is to be looked at next: its deadline, or its pledge's instant where that comes first."""
        waits = (self.deadline.due_at if self.deadline else None, self.pledge.due_at if self.pledge else None)
        return min((at for at in waits if at is not None), default=None)

    @property
    def payable(self) -> Money:
        """What a yes pays: the amount, and what is owed on top of it."""
        return replace(self.amount, minor=self.amount.minor + self.beyond_minor)

    @property
    def terminal(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in TERMINAL


def advance(case: Case, event: Event, now: datetime, timeouts: Mapping[State, tuple[timedelta, str]] | None = None) -> Case:
    """The case after ``event``, its deadline set anew when its state changed (or it was asked again).

    ``timeouts`` overrides the defaults as (length, cause); the cause is written on the case. Raises IllegalTransition if the
    table has no such row.
    """
    if event in BESIDE or (event in ASIDE and not case.terminal):
        return replace(case, updated_at=now)
    key = (case.state, event)
    unlapsed = event is E.REOPENED and case.lapsed_from is not S.AWAITING_EVIDENCE
    unpaid = key == (S.CLOSED, E.REFUND_BOUNCED) and case.ending is not Ending.REFUNDED
    if key not in TRANSITIONS or unlapsed or unpaid:
        raise IllegalTransition(
            f"A case that is {case.state} cannot be {event.replace('_', ' ')}.",
            todo="Read the case again; its state says what is possible.",
            state=str(case.state),
            event=str(event),
        )
    state = TRANSITIONS[key]
    anew = state is not case.state or event is E.DEADLINE_PASSED
    length, cause = (timeouts or {}).get(state) or (TIMEOUTS.get(state), "default")
    deadline = (Deadline.after(now, length, cause) if length else None) if anew else case.deadline
    closing = state is S.CLOSED
    silent = event is E.DEADLINE_PASSED
    default = Ending.WITHDRAWN if event is E.WITHDRAWN else Ending.LAPSED
    return replace(
        case,
        state=state,
        updated_at=now,
        deadline=deadline,
        ending=ENDINGS.get(key, default) if closing else None,
        escalations=case.escalations + (silent and state is S.SECOND_REVIEW),
        lapsed_from=case.state if closing and silent else None,
        submitted_at=case.submitted_at or (now if state is S.SUBMITTED else None),
        pledge=_pledge(case, event, state, now),
        clerk=case.clerk if state is case.state else "",
        claimed_at=case.claimed_at if state is case.state else None,
        queued=case.queued or case.state in QUEUED or state in QUEUED,
    )


def _pledge(case: Case, event: Event, state: State, now: datetime) -> Pledge | None:
    """The pledge after a move: kept by an answer in time, and gone where the buyer took the case back before that."""
    if case.pledge is None or state in UNANSWERED:
        return case.pledge
    after = case.pledge.answered(now)
    return None if event is E.WITHDRAWN and after != case.pledge else after
