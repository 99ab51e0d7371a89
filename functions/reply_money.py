"""Replies about money: plans, refunds for the books, tickets, and files."""

from __future__ import annotations

from datetime import datetime

from aftersales.case import Fault
from aftersales.channel import OutsideKind, OutsideState
from aftersales.entry import Payout
from aftersales.refund import Cause, RefundState
from aftersales.ticket import TicketKind
from functions.reply import ApprovalView
from functions.reply_base import FailureView, View


class PartsView(View):
    """What an amount is made of, in minor units; tax is what came on top of the prices."""

    goods: int
    freight: int
    tax: int


class LegView(View):
    """What one payment gives. ``state`` is ``planned`` before the money is reserved; ``key`` is the channel's refund number.

    ``warning`` says what the channel will refuse, before it is asked; "" when nothing is known against it.
    """

    key: str
    payment_id: str
    channel: str
    state: str
    amount_minor: int
    payer_minor: int | None
    warning: str = ""
    text: str = ""
    next: str = ""
    failure: FailureView | None = None


class PlanView(View):
    """What a case's refund is made of; ``covered`` is false when the money is gone.

    ``components`` are after ``fee_minor``, and after ``pickup_minor``, which is kept back for bringing the goods back.
    ``beyond_minor`` is owed on top, as compensation to the mall balance.
    """

    case_id: str
    order_id: str
    currency: str
    amount_minor: int
    components: PartsView
    fee_minor: int
    pickup_minor: int
    beyond_minor: int
    fault: Fault
    covered: bool
    legs: list[LegView]
    refundable_after_minor: int


class File(View):
    """A file to be saved, with its media type and its name."""

    content: bytes
    media: str
    name: str


class RefundRow(View):
    """One refund or compensation as the books want it: who approved, when, how much, through which channel, when it arrived.

    ``pickup_minor`` was kept back for bringing the goods back, and is told with the first leg of its case: with it the legs of a
    case add up to what was approved.
    """

    key: str
    case_id: str
    order_id: str
    buyer_id: str
    kind: str
    payout: Payout
    amount_minor: int
    components: PartsView
    pickup_minor: int
    payer_minor: int | None
    currency: str
    channel: str
    transaction_id: str
    channel_id: str
    account: str
    state: RefundState
    cause: Cause | None
    overdue: bool
    replaces: str
    rule: str
    approvals: list[ApprovalView]
    reserved_at: datetime
    accepted_at: datetime | None
    settled_at: datetime | None


class RefundPage(View):
    """Some refunds; ``cursor`` asks for more."""

    refunds: list[RefundRow]
    cursor: str | None


class OutsideView(View):
    """Money that moved without us, as it is booked, and what is left of the order."""

    key: str
    order_id: str
    payment_id: str
    kind: OutsideKind
    state: OutsideState
    amount_minor: int
    refundable_minor: int
    ticket_id: str


class TicketView(View):
    """Something about money that a person has to see to. ``seen_at`` is when it was last told again."""

    ticket_id: str
    kind: TicketKind
    merchant: str
    is_open: bool
    text: str
    next: str
    failure: FailureView | None
    order_id: str
    case_id: str
    key: str
    channel: str
    channel_id: str
    amount_minor: int
    currency: str
    about: dict[str, str | int | bool | None]
    opened_at: datetime
    seen_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    resolution: str


class TicketPage(View):
    """Some tickets; ``cursor`` asks for more."""

    tickets: list[TicketView]
    cursor: str | None
