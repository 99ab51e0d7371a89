"""Channel: what a refund channel is asked and answers, what it allows, and what it tells of money that moved without us."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from aftersales.money import Money
from aftersales.refund import Cause


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel allows; 0 and None mean no limit of that kind, no currencies mean all of them.

    ``window`` runs from the payment, ``most`` counts refunds of one payment and ``gap`` lies between two of them. Calls are
    counted per merchant account and second, ``errors_per_second`` those that end in an error.
    """

    window: timedelta | None = None
    most: int = 0
    gap: timedelta = timedelta()
    per_second: int = 0
    errors_per_second: int = 0
    currencies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What a channel is asked: send ``amount`` of the payment ``transaction_id`` (of ``paid`` in all) back, under ``key``.

    It is the same at every call for one key: ``asked_at`` is when the leg was reserved, not when it is sent again.
    """

    key: str
    merchant: str
    order_id: str
    buyer_id: str
    payment_id: str
    transaction_id: str
    amount: Money
    paid: Money
    asked_at: datetime
    reason: str = ""


class ReceiptStatus(StrEnum):
    """What a channel says about a refund."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RefundReceipt:
    """A channel's trustworthy word on the refund ``key``. ``payer_amount`` is what the buyer receives, if the channel says."""

    key: str
    status: ReceiptStatus
    amount: Money
    channel_id: str = ""
    payer_amount: Money | None = None
    account: str = ""
    cause: Cause | None = None
    at: datetime | None = None


class OutsideKind(StrEnum):
    """How money left a payment without us."""

    REFUND = "refund"  # made in the channel's own console, or by another system
    CHARGEBACK = "chargeback"  # taken back by the buyer's bank


class OutsideState(StrEnum):
    """How far it is."""

    OPEN = "open"  # disputed: counts as gone until it is won
    GONE = "gone"
    BACK = "back"  # the dispute was won, or the refund failed


@dataclass(frozen=True, slots=True)
class Outside:
    """Money that moved without us. ``key`` is the channel's number for it; ``amount`` may exceed the payment (exchange rates)."""

    key: str
    transaction_id: str
    amount: Money
    kind: OutsideKind
    state: OutsideState
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Where a refund goes instead, named by the buyer: ``bank`` is the channel's code. Never stored, never logged."""

    bank: str
    number: str = field(repr=False)
    holder: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefundNotice:
    """A verified callback: about a refund (``receipt``), or about money that moved without us (``outside``).

    Both are None for a genuine message that asks nothing of us. ``reply_type`` and ``reply`` are what the channel wants to hear
    once it is stored.
    """

    receipt: RefundReceipt | None
    notice_id: str
    outside: Outside | None = None
    reply_status: int = 204
    reply_type: str = ""
    reply: str = ""
