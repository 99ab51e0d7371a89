"""Order: the snapshot a mall pushes, and how what was paid is spread over every single piece."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aftersales.errors import Invalid, UnbalancedOrder
from aftersales.fact import OrderFact, Plain
from aftersales.money import Money
from aftersales.part import Part
from aftersales.place import Place

Runs = tuple[tuple[int, int], ...]
"""Equal values side by side: ``((3, 1990), (2, 1989))`` means three pieces at 1990 minor units, then two at 1989."""


#: A mobile number in China, with or without the country's code.
_MOBILE = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})", re.ASCII)


def dialled(phone: str) -> str:
    """``phone`` as it is looked up, however it was written: ``+86 138-0000-0000`` and ``13800000000`` are one; "" for none."""
    bare = re.sub(r"[ ()-]", "", phone)
    plain = f"+{bare[2:]}" if bare.startswith("00") else bare
    mobile = _MOBILE.fullmatch(plain)
    return mobile[1] if mobile else plain


class OrderStatus(StrEnum):
    """The order's state as the mall tells it; what can be asked for follows from it."""

    UNPAID = "unpaid"
    PAID = "paid"
    SHIPPED = "shipped"
    SIGNED = "signed"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class DiscountKind(StrEnum):
    """Where a discount came from."""

    ORDER = "order"
    COUPON = "coupon"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class Buyer:
    """``phone`` is used to notify and, as a keyed hash only, to look things up. ``locale`` is ``zh-CN`` or ``en``."""

    id: str
    phone: str = ""
    tier: str = ""
    locale: str = "zh-CN"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order. Prices include tax unless ``tax_minor`` says what came on top for the whole line.

    ``discount_minor`` is the line's own discount. ``terms`` are what the buyer confirmed when ordering, ``data`` is what its trade
    needs to know beside that (:attr:`aftersales.vertical.Vertical.needs`). ``part`` says of which line of the mall's it is a part.
    ``weight_g`` is what one piece weighs as it is sent, in grams.
    """

    line_id: str
    sku: str
    title: str
    vertical: str
    unit_price_minor: int
    pieces: int
    category: str = ""
    discount_minor: int = 0
    tax_minor: int = 0
    terms: Mapping[str, Plain] = field(default_factory=dict)
    data: Mapping[str, Plain] = field(default_factory=dict)
    part: Part | None = None
    weight_g: int | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount over ``lines`` (line ids), or over all of them when None."""

    kind: DiscountKind
    amount_minor: int
    lines: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Freight:
    """What was charged for freight and what was taken off it again."""

    charged_minor: int = 0
    discount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of an order. ``transaction_id`` is the channel's number for it."""

    payment_id: str
    channel: str
    transaction_id: str
    paid_minor: int
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """The outbound parcel."""

    carrier: str
    number: str


@dataclass(frozen=True, slots=True)
class Order:
    """The snapshot of one order, with the version we stored it under (0: not stored yet).

    ``facts`` are what its trades were told since, in the order of telling. ``watch_at`` is the next instant at which one of its
    trades wants to look at it by itself. ``ship_to`` is where it went: of the buyer's address what parcels are checked by.
    """

    order_id: str
    merchant: str
    buyer: Buyer
    currency: str
    status: OrderStatus
    lines: tuple[Line, ...]
    payments: tuple[Payment, ...]
    discounts: tuple[Discount, ...] = ()
    freight: Freight = Freight()
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    signed_at: datetime | None = None
    shipment: Shipment | None = None
    facts: tuple[OrderFact, ...] = ()
    watch_at: datetime | None = None
    ship_to: Place | None = None
    version: int = 0

    def told(self, name: str, line_id: str = "") -> OrderFact | None:
        """The latest fact of that name about the line (or about the whole order), None while it was not told."""
        about = [f for f in self.facts if f.name == name and f.line_id in (line_id, "")]
        return max(about, key=lambda fact: fact.at, default=None)

    @property
    def is_shipped(self) -> bool:
        """Whether the parcel has left, by its instant or by the order's state where a mall sends the state only."""
        return self.shipped_at is not None or self.status is OrderStatus.SHIPPED or self.is_signed

    @property
    def is_signed(self) -> bool:
        """Whether the buyer has it. ``signed_at`` may still be unknown: what depends on the instant is then unsure."""
        return self.signed_at is not None or self.status in (OrderStatus.SIGNED, OrderStatus.FINISHED)

    def line(self, line_id: str) -> Line:
        """The line of that id. Raises Invalid when the order has none."""
        for line in self.lines:
            if line.line_id == line_id:
                return line
        raise Invalid(f"The order has no line {line_id}.", found=line_id, expected=[x.line_id for x in self.lines])


@dataclass(frozen=True, slots=True)
class LineShare:
    """What was really paid for one line, piece by piece: ``goods`` after all discounts and ``tax`` on top, in minor units.

    ``part_of`` is the line of the mall's that it is a part of (:mod:`aftersales.part`), "" for none.
    """

    line_id: str
    goods: Runs
    tax: Runs
    part_of: str = ""

    @property
    def pieces(self) -> int:
        """How many pieces the line has."""
        return sum(count for count, _ in self.goods)

    def goods_of(self, units: Runs) -> int:
        """Minor units paid for goods on ``units``, given as half-open ranges ``(start, stop)`` of piece indexes."""
        return _sum_over(self.goods, units)

    def tax_of(self, units: Runs) -> int:
        """Minor units of tax paid on top for ``units``."""
        return _sum_over(self.tax, units)


@dataclass(frozen=True, slots=True)
class Allocation:
    """What an order's payments paid for, complete to the minor unit: every piece, and the freight."""

    lines: tuple[LineShare, ...]
    freight_minor: int


def _sum_over(runs: Runs, ranges: Runs) -> int:
    total = at = 0
    for count, value in runs:
        total += value * sum(max(0, min(stop, at + count) - max(start, at)) for start, stop in ranges)
        at += count
    return total


def _per_piece(minor: int, pieces: int) -> Runs:
    each, rest = divmod(minor, pieces)
    return tuple(run for run in ((rest, each + 1), (pieces - rest, each)) if run[0])


def _unique(name: str, ids: list[str]) -> None:
    if len(set(ids)) != len(ids):
        raise Invalid(f"No two {name}s of an order share an id.", found=ids)


def _check(order: Order) -> None:
    if not order.lines:
        raise Invalid("An order has at least one line.")
    _unique("line", [line.line_id for line in order.lines])
    _unique("payment", [p.payment_id for p in order.payments])
    amounts: list[tuple[str, tuple[int, ...]]] = [
        (f"lines.{x.line_id}", (x.unit_price_minor, x.discount_minor, x.tax_minor)) for x in order.lines
    ]
    amounts += [("discounts", (d.amount_minor,)) for d in order.discounts]
    amounts += [("freight", (order.freight.charged_minor, order.freight.discount_minor))]
    amounts += [(f"payments.{p.payment_id}", (p.paid_minor,)) for p in order.payments]
    for where, values in amounts:
        if any(type(v) is not int or v < 0 for v in values):
            raise Invalid("Amounts are whole minor units from 0.", where=where, found=list(values))
    for line in order.lines:
        if type(line.pieces) is not int or line.pieces < 1:
            raise Invalid("A line has at least one piece.", where=f"lines.{line.line_id}.pieces", found=line.pieces)


def allocate(order: Order) -> Allocation:
    """Spread discounts over lines and lines over pieces, to the minor unit (largest remainder).

    Raises UnbalancedOrder, the difference named, when goods + tax + freight - discounts is not what was paid, and Invalid for
    negative amounts, repeated ids, a discount above the lines it is for, or a discount on an unknown line.
    """
    _check(order)
    Money(0, order.currency)  # refuses an unknown currency
    left = {x.line_id: x.unit_price_minor * x.pieces - x.discount_minor for x in order.lines}
    for line_id, minor in left.items():
        if minor < 0:
            raise Invalid("A line's discount is larger than its price.", where=f"lines.{line_id}", found=minor)
    for discount in order.discounts:
        targets = [order.line(i).line_id for i in discount.lines] if discount.lines is not None else list(left)
        if len(set(targets)) != len(targets):
            raise Invalid("A discount names a line once.", where=f"discounts.{discount.kind}", found=targets)
        weights = [left[i] for i in targets]
        if discount.amount_minor > sum(weights):
            raise Invalid(
                "A discount is larger than the lines it is for.",
                where=f"discounts.{discount.kind}",
                expected=f"at most {sum(weights)}",
                found=discount.amount_minor,
            )
        if discount.amount_minor:
            parts = Money(discount.amount_minor, order.currency).split(weights)
            for line_id, part in zip(targets, parts, strict=True):
                left[line_id] -= part.minor
    freight = order.freight.charged_minor - order.freight.discount_minor
    if freight < 0:
        raise Invalid("The discount on freight is larger than the freight.", where="freight", found=freight)
    due = sum(left.values()) + sum(x.tax_minor for x in order.lines) + freight
    paid = sum(p.paid_minor for p in order.payments)
    if due != paid:
        raise UnbalancedOrder(
            f"The order adds up to {Money(due, order.currency)}, its payments to {Money(paid, order.currency)}: "
            f"{Money(abs(due - paid), order.currency)} {'too little' if due > paid else 'too much'} was paid.",
            todo="Send every line, discount, tax and freight amount and every payment, so that they add up.",
            expected=due,
            found=paid,
            difference_minor=paid - due,
        )
    shares = (
        LineShare(x.line_id, _per_piece(left[x.line_id], x.pieces), _per_piece(x.tax_minor, x.pieces), x.part.of if x.part else "")
        for x in order.lines
    )
    return Allocation(tuple(shares), freight)
