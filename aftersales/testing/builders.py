"""Builders with defaults: name only what a test is about.

The default order is five jin of strawberries at CNY 19.90 a jin, paid by WeChat Pay and signed for two hours ago. What a caller
changes is kept balanced: the payment follows the lines unless it is given, the instants follow the status.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aftersales.case import TIMEOUTS, Case, Ending, Item, Kind, State
from aftersales.deadline import Deadline
from aftersales.decision import Finding, Verdict
from aftersales.entry import Payout
from aftersales.evidence import Evidence, EvidenceKind, EvidenceState
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.order import Buyer, Line, Order, OrderStatus, Payment, Shipment
from aftersales.parcel import PARCEL_TIMEOUTS, Parcel, ParcelState
from aftersales.pickup import Party, Pickup, PickupState, Slot
from aftersales.refund import Refund, RefundState, refund_key
from aftersales.report import Report
from aftersales.ticket import Spend, Ticket, TicketKind
from aftersales.vertical import Facts, Merchant

#: A Friday, noon in Shanghai.
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)

PAID_AT = NOW - timedelta(days=2)
SHIPPED_AT = NOW - timedelta(days=1)
SIGNED_AT = NOW - timedelta(hours=2)

_SHIPPED = (OrderStatus.SHIPPED, OrderStatus.SIGNED, OrderStatus.FINISHED)
_SIGNED = (OrderStatus.SIGNED, OrderStatus.FINISHED)


def a_line(**changes: Any) -> Line:
    """Five jin of strawberries at CNY 19.90 a jin: line ``l1``, vertical ``fresh``."""
    line = Line("l1", "STRAWBERRY-JIN", "丹东草莓 Dandong strawberries, 1 jin", "fresh", 1990, 5, category="fruit")
    return replace(line, **changes)


def a_payment(**changes: Any) -> Payment:
    """CNY 99.50 through WeChat Pay."""
    return replace(Payment("p1", "wechatpay", "4200000000202611200000000001", 9950, PAID_AT), **changes)


def an_order(**changes: Any) -> Order:
    """One strawberry line, signed for two hours ago.

    Without ``payments`` one payment of exactly what the order adds up to; ``status`` alone sets the instants that belong to it.
    """
    status = changes.pop("status", OrderStatus.SIGNED)
    order = Order(
        "o1",
        "m1",
        Buyer("b1", "13800000000"),
        "CNY",
        status,
        (a_line(),),
        (),
        paid_at=None if status is OrderStatus.UNPAID else PAID_AT,
        shipped_at=SHIPPED_AT if status in _SHIPPED else None,
        signed_at=SIGNED_AT if status in _SIGNED else None,
        shipment=Shipment("sf", "SF1000000000001") if status in _SHIPPED else None,
    )
    order = replace(order, **changes)
    return order if "payments" in changes else replace(order, payments=(a_payment(paid_minor=_due(order)),))


def _due(order: Order) -> int:
    """What the parts of the order add up to; 0 where they would be negative (``allocate`` then says what is wrong)."""
    lines = sum(x.unit_price_minor * x.pieces - x.discount_minor + x.tax_minor for x in order.lines)
    freight = order.freight.charged_minor - order.freight.discount_minor
    return max(lines - sum(d.amount_minor for d in order.discounts) + freight, 0)


def a_ledger(order: Order | None = None, **changes: Any) -> Ledger:
    """The fresh ledger of ``order`` (the default order when None)."""
    return replace(Ledger.open(order or an_order()), **changes)


def a_merchant(**changes: Any) -> Merchant:
    """Merchant ``m1`` with the default thresholds, in Shanghai."""
    return replace(Merchant("m1"), **changes)


def a_finding(verdict: Verdict = Verdict.PASS, check: str = "test.check", **changes: Any) -> Finding:
    """A fact that passes."""
    return replace(Finding(check, verdict, check), **changes)


def an_evidence(**changes: Any) -> Evidence:
    """A photo the buyer has uploaded, not verified yet."""
    kind, state = EvidenceKind.PHOTO, EvidenceState.UPLOADED
    return replace(Evidence("e1", kind, "m1/c1/e1.jpg", "image/jpeg", state, "buyer:b1", NOW - timedelta(minutes=5)), **changes)


def a_case(**changes: Any) -> Case:
    """A draft claim for one jin of the default order; deadline and ending follow the state unless given."""
    state = changes.pop("state", State.DRAFT)
    length = TIMEOUTS.get(state)
    case = Case(
        "c1", "m1", "o1", "b1", Kind.CLAIM, "fresh", "1", "spoiled", (Item("l1", 1),), Money(1990, "CNY"), state, NOW, NOW,
        deadline=Deadline.after(NOW, length, "default") if length else None,
        ending=Ending.REFUNDED if state is State.CLOSED else None,
    )  # fmt: skip
    return replace(case, **changes)


def a_refund(**changes: Any) -> Refund:
    """The first leg of case ``c1``: CNY 19.90 of the default payment, reserved and not called yet; ``key`` follows the case."""
    case_id, number = changes.get("case_id", "c1"), changes.get("number", 1)
    paid = a_payment()
    refund = Refund(
        refund_key(case_id, number), case_id, number, "m1", "o1", "b1", paid.payment_id, paid.channel, paid.transaction_id,
        paid.paid_minor, 1990, 0, 0, "CNY", RefundState.RESERVED, NOW, Deadline.after(NOW, timedelta(minutes=1), "poll"),
    )  # fmt: skip
    return replace(refund, **changes)


def a_ticket(**changes: Any) -> Ticket:
    """A refund of ``m1`` that has not arrived after 48 hours."""
    return replace(Ticket("T-Rc1-1", TicketKind.REFUND_DELAYED, "m1", NOW), **changes)


def a_report(**changes: Any) -> Report:
    """What was found for WeChat Pay's 20 November at ``m1``."""
    return replace(Report("m1", "wechatpay", date(2026, 11, 20), "CNY", NOW), **changes)


def a_spend(minor: int = 300, **changes: Any) -> Spend:
    """CNY 3.00 of the CNY 10.00 that ``m1`` may pay beyond its refunds in 2026."""
    return replace(Spend("m1", 2026, Payout.COMPENSATION, minor, 1000, "CNY"), **changes)


def a_pickup(**changes: Any) -> Pickup:
    """The pickup of case ``c1`` tomorrow from nine to eleven in China, on record and not called for."""
    start = (NOW + timedelta(days=1)).replace(hour=1, minute=0, second=0, microsecond=0)
    door = Party("王小明", "13800001111", "浙江省杭州市西湖区文三路 9 号")
    pickup = Pickup(
        "c1", "m1", "swift", "swift", PickupState.ASKED, Slot(start, start + timedelta(hours=2)), NOW,
        Deadline.after(NOW, timedelta(minutes=1), "look"), sender=door,
    )  # fmt: skip
    return replace(pickup, **changes)


def a_parcel(**changes: Any) -> Parcel:
    """The parcel of case ``c1``; it waits to be sent unless ``state`` says otherwise, and its deadline follows the state."""
    state = changes.pop("state", ParcelState.AWAITING_SHIPMENT)
    length = PARCEL_TIMEOUTS.get(state)
    return replace(Parcel("c1", state, Deadline.after(NOW, length, "default") if length else None), **changes)


def facts(order: Order | None = None, **changes: Any) -> Facts:
    """What a rule sees when one piece of the first line of ``order`` is claimed at :data:`NOW`; the ledger is the order's own."""
    order = order or an_order()
    ledger = changes.pop("ledger", None) or Ledger.open(order)
    return replace(Facts(order, ledger, a_merchant(), Kind.CLAIM, (Item(order.lines[0].line_id, 1),), NOW), **changes)
