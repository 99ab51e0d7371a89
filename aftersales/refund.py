"""Refund: one leg of money on its way back through one channel.

::

    reserve in the ledger ──► call the channel ──► yes, at once ────────────► settled
      (same transaction         │   │   └─► accepted ► processing ► notice ─► settled
       as the approval)         │   └─► final no ► failed ► same key again, or released by a person
                                └─► no answer ► sent: the same key again, or ``find``; never a new one

    settled ► bounced ► failed: the money came back to the merchant, and the case is open again
    failed, and the channel says that nothing moved and nothing will ► released, and a new leg under a new number
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

from aftersales.case import Approval
from aftersales.deadline import Deadline
from aftersales.entry import Payout
from aftersales.errors import IllegalTransition
from aftersales.money import Money


class RefundState(StrEnum):
    """How far one leg is."""

    RESERVED = "reserved"
    SENT = "sent"  # called, and no trustworthy answer: counts as spent
    PROCESSING = "processing"
    SETTLED = "settled"
    FAILED = "failed"
    RELEASED = "released"


class RefundEvent(StrEnum):
    """What can happen to it."""

    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    RETRIED = "retried"
    GIVEN_UP = "given_up"
    LOOKED = "looked"
    BOUNCED = "bounced"
    DEADLINE_PASSED = "deadline_passed"


S, E = RefundState, RefundEvent

REFUND_TRANSITIONS: dict[tuple[RefundState, RefundEvent], RefundState] = {
    (S.RESERVED, E.UNANSWERED): S.SENT,
    (S.RESERVED, E.ACCEPTED): S.PROCESSING,
    (S.RESERVED, E.SUCCEEDED): S.SETTLED,
    (S.RESERVED, E.REFUSED): S.FAILED,
    (S.RESERVED, E.DEADLINE_PASSED): S.RESERVED,  # the call never happened, or its answer was not stored: call, same key
    (S.SENT, E.UNANSWERED): S.SENT,
    (S.SENT, E.ACCEPTED): S.PROCESSING,
    (S.SENT, E.SUCCEEDED): S.SETTLED,
    (S.SENT, E.REFUSED): S.FAILED,
    (S.SENT, E.DEADLINE_PASSED): S.SENT,
    (S.PROCESSING, E.ACCEPTED): S.PROCESSING,
    (S.PROCESSING, E.UNANSWERED): S.PROCESSING,
    (S.PROCESSING, E.SUCCEEDED): S.SETTLED,
    (S.PROCESSING, E.REFUSED): S.FAILED,
    (S.PROCESSING, E.DEADLINE_PASSED): S.PROCESSING,  # polled; after 48 h a ticket, never a second refund
    (S.FAILED, E.ACCEPTED): S.PROCESSING,  # an early "no" that the channel corrected
    (S.FAILED, E.SUCCEEDED): S.SETTLED,
    (S.FAILED, E.UNANSWERED): S.SENT,  # called again, by a record that was told twice: the money may have moved after all
    (S.FAILED, E.RETRIED): S.SENT,
    (S.FAILED, E.DEADLINE_PASSED): S.SENT,  # causes that pass by themselves (merchant short of money): same key again
    (S.FAILED, E.LOOKED): S.FAILED,  # asked again while a person has it: at the provider it may have been mended
    (S.FAILED, E.GIVEN_UP): S.RELEASED,
    (S.SETTLED, E.BOUNCED): S.FAILED,  # paid, and the buyer's bank sent it back to the merchant
}

#: When a leg is looked at next, after its first, second, ... look without news; the last one repeats.
POLLS: tuple[timedelta, ...] = tuple(timedelta(minutes=m) for m in (1, 1, 3, 10, 20, 30, 60, 180, 360))

#: A refund that has not arrived after this long, answered or not, gets a ticket with the channel's number if it has one (RF-4).
OVERDUE = timedelta(hours=48)

#: How often a refund that a person has to see to is asked for: cards are mended and abnormal refunds completed at the provider.
MENDED = timedelta(hours=6)

#: What is still to arrive.
UNDER_WAY = frozenset({S.RESERVED, S.SENT, S.PROCESSING})

REFUND_TERMINAL = frozenset({S.SETTLED, S.RELEASED})


class Cause(StrEnum):
    """Why a refund does not go through; :data:`LATER` ones pass by themselves."""

    NOT_ENOUGH = "not_enough"  # the merchant's account is short
    TOO_SOON = "too_soon"  # the channel wants a pause between two refunds of one payment
    ACCOUNT_ABNORMAL = "account_abnormal"  # the payer's account or card is closed or frozen
    OVER_LIMIT = "over_limit"  # past the channel's window, count or amount
    NOT_FOUND = "not_found"  # the channel does not know the payment
    NOT_SYNCED = "not_synced"  # the channel does not know the payment yet
    CLOSED = "closed"  # the channel closed the refund and nothing moved: a new number is needed
    BOUNCED = "bounced"  # it was paid and came back to the merchant: a new number is needed
    RISK_CONTROL = "risk_control"  # the payment is frozen or disputed at the channel
    PAID_OUTSIDE = "paid_outside"  # the money went back another way meanwhile
    NOT_KEPT = "not_kept"  # what it is for is not kept any more by whom it was judged: nothing was sent
    CONFIGURATION = "configuration"  # keys, rights, parameters: an operator has to look
    OTHER = "other"


#: Channels count days in Beijing, which has had one offset and no summer time since 1991 (tz database).
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

#: Causes that pass by themselves: the same number is sent again later.
LATER = frozenset({Cause.NOT_ENOUGH, Cause.TOO_SOON, Cause.NOT_SYNCED})

#: Causes after which nothing has moved and nothing will under this number, by the channel's own final word.
RENUMBER = frozenset({Cause.CLOSED, Cause.BOUNCED})


@dataclass(frozen=True, slots=True)
class Refund:
    """One leg. ``key`` is the channel's refund number: a pure function of case and leg, the same at every attempt.

    ``goods``, ``freight`` and ``tax`` add up to what is sent; ``pickup_minor`` is what was kept back for bringing the goods back,
    told with the first of a case's legs. ``looks`` counts looks without news since the last news.
    """

    key: str
    case_id: str
    number: int
    merchant: str
    order_id: str
    buyer_id: str
    payment_id: str
    channel: str
    transaction_id: str
    payment_minor: int  # the whole payment, which WeChat Pay wants to hear again
    goods_minor: int
    freight_minor: int
    tax_minor: int
    currency: str
    state: RefundState
    reserved_at: datetime
    deadline: Deadline | None
    looks: int = 0
    overdue: bool = False
    channel_id: str = ""
    account: str = ""
    payer_minor: int | None = None  # what the buyer really receives
    cause: Cause | None = None
    accepted_at: datetime | None = None
    settled_at: datetime | None = None
    payout: Payout = Payout.REFUND
    replaces: str = ""  # the number that this leg stands in for
    reported: bool = False  # a ticket about it was opened
    kind: str = ""  # of its case
    rule: str = ""  # that decided the case, or ``person``
    approvals: tuple[Approval, ...] = ()  # who agreed, to how much of the case, and when; without their words
    kept: bool = False  # outside systems keep what it is for: they are asked again before it is sent
    pickup_minor: int = 0
    version: int = 0

    @property
    def amount(self) -> Money:
        """What this leg sends."""
        return Money(self.goods_minor + self.freight_minor + self.tax_minor, self.currency)

    @property
    def month(self) -> str:
        """The calendar month (UTC) it was reserved in: ``2026-11``."""
        return self.reserved_at.astimezone(UTC).strftime("%Y-%m")

    @property
    def day(self) -> date:
        """The day (Beijing) its channel accepted it; without the channel's word, the day it was reserved."""
        return (self.accepted_at or self.reserved_at).astimezone(BEIJING).date()


def refund_key(case_id: str, number: int) -> str:
    """The refund number of a case's leg ``number``: letters, digits and ``-`` only, at most 64 characters."""
    return f"R{case_id}-{number}"


def case_of(key: str) -> str | None:
    """The case a refund number belongs to; None when it is not one of ours."""
    body, dash, number = key.rpartition("-")
    return body[1:] if dash and body.startswith("R") and number.isdigit() else None


def advance_refund(refund: Refund, event: RefundEvent, now: datetime) -> Refund:
    """The leg after ``event``, with the instant of the next look. Raises IllegalTransition if the table has no such row."""
    state = REFUND_TRANSITIONS.get((refund.state, event))
    if state is None:
        raise IllegalTransition(
            f"A refund that is {refund.state} cannot be {event.replace('_', ' ')}.", state=str(refund.state), event=str(event)
        )
    looks = refund.looks + 1 if state is refund.state or event is E.DEADLINE_PASSED else 0
    if (refund.state, event) == (S.SENT, E.REFUSED):
        looks = refund.looks  # a no again, after it was called again, is no news
    overdue = refund.overdue or (state in UNDER_WAY and now - refund.reserved_at >= OVERDUE)
    moved = replace(refund, state=state, looks=looks, overdue=overdue, deadline=None)
    if state in REFUND_TERMINAL:
        return replace(moved, settled_at=now if state is S.SETTLED else None)
    if state is S.FAILED and refund.cause not in LATER:  # a person decides; meanwhile it may be mended at the provider
        return replace(moved, deadline=Deadline.after(now, MENDED, "poll"))
    return replace(moved, deadline=Deadline.after(now, POLLS[min(looks, len(POLLS) - 1)], "poll"))
