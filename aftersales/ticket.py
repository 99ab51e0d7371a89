"""Ticket: something about money that a person has to see to, kept until somebody or something explains it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from aftersales.entry import Payout


class TicketKind(StrEnum):
    """What it is about."""

    REFUND_DELAYED = "refund_delayed"  # not arrived after 48 hours: ask the channel, with its number (RF-4)
    REFUND_FAILED = "refund_failed"  # a cause that does not pass by itself
    REFUND_BOUNCED = "refund_bounced"  # arrived, and came back to the merchant
    PAID_OUTSIDE = "paid_outside"  # refunded without us
    CHARGEBACK = "chargeback"  # disputed at the buyer's bank
    OVERPAID = "overpaid"  # more left a payment than came in
    DIFFERENCE = "difference"  # the channel's bill and our ledger disagree
    BILL_MISSING = "bill_missing"  # no bill of a day could be had
    COMPENSATION_OWED = "compensation_owed"  # owed beyond a refund, and something keeps it from being paid by itself
    NOT_VOIDED = "not_voided"  # paid for, and its source does not let it be made void
    NOT_SHELVED = "not_shelved"  # goods are back, and stock was not told
    POINTS_OWED = "points_owed"  # for an answer that came late, and whoever keeps points did not give them
    PICKUP = "pickup"  # a carrier does not say whether it comes, or came when nobody wanted it any more
    PARCEL = "parcel"  # goods on their way back about which silence may not decide
    DEAD_LETTER = "dead_letter"  # work that failed again and again; it can be run again


@dataclass(frozen=True, slots=True)
class Ticket:
    """One matter. ``ticket_id`` is a pure function of what it is about, so that telling it twice opens one ticket.

    ``merchant`` is "" where no merchant is known (an operator's matter). ``about`` holds plain facts for people and for a re-run.
    ``resolution`` says what closed it, ``closed_by`` who.
    """

    ticket_id: str
    kind: TicketKind
    merchant: str
    opened_at: datetime
    order_id: str = ""
    case_id: str = ""
    key: str = ""
    channel: str = ""
    channel_id: str = ""
    amount_minor: int = 0
    currency: str = ""
    about: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    seen_at: datetime | None = None  # when it was last told again
    closed_at: datetime | None = None
    closed_by: str = ""
    resolution: str = ""
    version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look."""
        return self.closed_at is None

    def closed(self, by: str, resolution: str, now: datetime) -> Ticket:
        """The ticket, explained."""
        return replace(self, closed_at=now, closed_by=by, resolution=resolution)


#: Merchant, year or day, kind of payout and currency.
Allowance = tuple[str, str, Payout, str]


@dataclass(frozen=True, slots=True)
class Spend:
    """A payout counted against a yearly allowance, in the same transaction as the payout. Negative gives back.

    With a ``day`` (``2026-11-22``, the merchant's own) the allowance is that day's.
    """

    merchant: str
    year: int
    payout: Payout
    minor: int
    cap_minor: int
    currency: str
    day: str = ""

    @property
    def allowance(self) -> Allowance:
        """What it is counted against: a merchant's payouts of a kind in a year, or on a day, and a currency."""
        return self.merchant, self.day or str(self.year), self.payout, self.currency


def netted(spends: Iterable[Spend]) -> tuple[Spend, ...]:
    """One spend per allowance, of the sum under the lowest cap; none where the sum is nothing."""
    sums: dict[object, Spend] = {}
    for spend in spends:
        known = sums.get(spend.allowance, replace(spend, minor=0))
        sums[spend.allowance] = replace(known, minor=known.minor + spend.minor, cap_minor=min(known.cap_minor, spend.cap_minor))
    return tuple(spend for spend in sums.values() if spend.minor)
