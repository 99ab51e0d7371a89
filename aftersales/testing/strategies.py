"""Generated values for property tests (Hypothesis): orders that balance, and facts as odd as a mall and a buyer can make them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import nan
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from aftersales.case import Item
from aftersales.decision import Finding, Source, Verdict
from aftersales.evidence import Evidence, EvidenceKind, EvidenceState
from aftersales.fact import Field, FieldKind, OrderFact, Plain
from aftersales.ledger import Ledger
from aftersales.lookup import ASKED, Ask, Lookup, pairs
from aftersales.money import Money
from aftersales.order import Discount, DiscountKind, Freight, Line, Order, OrderStatus, Payment
from aftersales.part import Part
from aftersales.testing.builders import NOW, a_case, a_line, a_merchant, an_evidence, an_order
from aftersales.vertical import Facts, Vertical

_terms = st.dictionaries(
    st.sampled_from(["no_return", "window_days", "together", "gift", "other"]),
    st.one_of(st.booleans(), st.integers(-10, 10**9), st.sampled_from(["yes", "15", "", "alone", "keep"])),
    max_size=3,
)
_categories = st.sampled_from(["", "fruit", "custom_made", "cosmetics", "near_expiry", "food", "shoes"])
_instants = st.none() | st.integers(-40 * 86_400, 86_400).map(lambda s: NOW + timedelta(seconds=s))

_parts = st.builds(Part, st.sampled_from(["set", "other"]), st.integers(1, 3), st.booleans(), st.integers(0, 200_000))

#: What odd malls send where a trade declares a value.
_values: dict[FieldKind, st.SearchStrategy[Plain]] = {
    FieldKind.TEXT: st.sampled_from(["", "x1", "2101000000", "membership"]),
    FieldKind.WHOLE: st.integers(0, 400),
    FieldKind.MINOR: st.integers(0, 200_000),
    FieldKind.PERMILLE: st.integers(0, 1_000),
    FieldKind.YES_NO: st.booleans(),
    FieldKind.INSTANT: st.integers(-60 * 86_400, 60 * 86_400).map(lambda s: (NOW + timedelta(seconds=s)).isoformat()),
    FieldKind.DAY: st.integers(-60, 60).map(lambda d: (NOW + timedelta(days=d)).date().isoformat()),
}


@st.composite
def data_of(draw: st.DrawFn, fields: tuple[Field, ...]) -> dict[str, Plain]:
    """Values for these fields, each of its kind; those that are not required are sometimes left out."""
    asked = [field for field in fields if field.required or draw(st.booleans())]
    return {f.name: draw(st.sampled_from(f.one_of) if f.one_of else _values[f.kind]) for f in asked}


@st.composite
def told_of(draw: st.DrawFn, vertical: Vertical, ids: list[str]) -> OrderFact:
    """A fact that the trade understands, about a line or the whole order."""
    tells = draw(st.sampled_from(vertical.tells))
    at = NOW + timedelta(seconds=draw(st.integers(-60 * 86_400, 0)))
    about = draw(st.sampled_from(ids)) if tells.per_line else ""
    return OrderFact(tells.name, at, about, draw(st.sampled_from(["", "source"])), draw(data_of(tells.fields)))


@st.composite
def looked_up(draw: st.DrawFn, ask: Ask, line_id: str) -> Lookup:
    """What a source may answer about a line: also a status that the trade has never heard of."""
    status = draw(st.sampled_from([*ask.statuses, ASKED, "unheard_of"]))
    return Lookup(ask.source, line_id, status, NOW, ask.holds and draw(st.booleans()), pairs(draw(data_of(ask.fields))))


@st.composite
def lines(draw: st.DrawFn, number: int, vertical: str = "general") -> Line:
    """A line whose own discount is at most its price."""
    price, pieces = draw(st.integers(0, 100_000)), draw(st.integers(1, 8))
    return a_line(
        line_id=f"l{number}",
        vertical=vertical,
        category=draw(_categories),
        unit_price_minor=price,
        pieces=pieces,
        discount_minor=draw(st.integers(0, price * pieces)),
        tax_minor=draw(st.integers(0, 5_000)),
        terms=draw(_terms),
        part=draw(_parts) if ":" in vertical else None,
    )


@st.composite
def orders(draw: st.DrawFn, vertical: str = "general") -> Order:
    """An order that adds up: one to three lines, discounts over all or one of them, freight, one to three payments."""
    found = tuple(draw(lines(number, vertical)) for number in range(1, draw(st.integers(1, 3)) + 1))
    left = {x.line_id: x.unit_price_minor * x.pieces - x.discount_minor for x in found}
    discounts = []
    if draw(st.booleans()):
        one = draw(st.sampled_from(sorted(left)))
        minor = draw(st.integers(0, left[one]))
        left[one] -= minor
        discounts.append(Discount(DiscountKind.COUPON, minor, (one,)))
    whole = draw(st.integers(0, sum(left.values())))
    discounts.append(Discount(DiscountKind.ORDER, whole))
    charged = draw(st.integers(0, 2_000))
    freight = Freight(charged, draw(st.integers(0, charged)))
    due = sum(left.values()) - whole + sum(x.tax_minor for x in found) + charged - freight.discount_minor
    cuts = sorted(draw(st.lists(st.integers(0, due), max_size=2)))
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, due], strict=True)]
    payments = tuple(Payment(f"p{n}", "wechatpay", f"t{n}", part) for n, part in enumerate(parts, 1))
    return an_order(lines=found, discounts=tuple(discounts), freight=freight, payments=payments)


@st.composite
def facts_of(draw: st.DrawFn, vertical: Vertical) -> Facts:
    """Facts about any order of this trade: any state and instants, pieces taken or not there, odd shares, terms and findings."""
    order = replace(
        draw(orders(vertical.name)),
        status=draw(st.sampled_from(OrderStatus)),
        shipped_at=draw(_instants),
        signed_at=draw(_instants),
    )
    offer = draw(st.sampled_from(vertical.offers))
    ids = [line.line_id for line in order.lines]
    order = replace(
        order,
        lines=tuple(replace(line, data=draw(data_of(vertical.needs))) for line in order.lines),
        facts=tuple(draw(st.lists(told_of(vertical, ids), max_size=4))) if vertical.tells else (),
        paid_at=draw(_instants),
    )
    asked = [(ask, line_id) for ask in offer.asks for line_id in ids if draw(st.booleans())]
    piece = st.builds(Item, st.sampled_from(ids), st.integers(-1, 9), st.integers(-10, 150))
    submitted_at = draw(_instants)
    return Facts(
        order=order,
        ledger=draw(ledgers(order)),
        merchant=a_merchant(
            window_days=draw(st.sampled_from([-1, 0, 7, 15, 10**9])),
            zone=ZoneInfo(draw(st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Pacific/Kiritimati"]))),
        ),
        kind=offer.kind,
        items=tuple(draw(st.lists(piece, max_size=4))),
        now=NOW,
        reason=draw(st.sampled_from(["", "nonsense", *(r.code for r in offer.reasons)])),
        freight=draw(st.booleans()),
        asked=draw(st.none() | st.builds(Money, st.integers(-5, 200_000), st.sampled_from(["CNY", "JPY"]))),
        evidence=tuple(draw(st.lists(photos(), max_size=3))),
        case=draw(st.none() | st.just(a_case(submitted_at=submitted_at))),
        lookups=tuple(draw(looked_up(ask, line_id)) for ask, line_id in asked),
    )


@st.composite
def ledgers(draw: st.DrawFn, order: Order) -> Ledger:
    """The order's ledger, some pieces held by another case, which may have been paid for them."""
    ledger = Ledger.open(order)
    line = draw(st.sampled_from(order.lines))
    taken = draw(st.integers(0, line.pieces))
    ledger, _ = ledger.hold("another", (Item(line.line_id, taken),))
    goods, tax = ledger.held_value("another")
    if draw(st.booleans()):
        for number, leg in enumerate(ledger.legs(goods, draw(st.integers(0, ledger.freight_left)), tax), 1):
            ledger = ledger.reserve(f"Ranother-{number}", "another", leg, NOW)
    return ledger


@st.composite
def photos(draw: st.DrawFn) -> Evidence:
    """A photo with any findings verification may have left on it."""
    value = st.one_of(st.floats(0, 1), st.sampled_from([nan, -1.0, 2.0, "much", True]))
    data = draw(st.just(()) | value.map(lambda v: (("spoiled_share", v),)))
    checks = st.sampled_from(["vision.spoilage", "vision.reused", "vision.sharp"])
    finding = st.builds(
        Finding, checks, st.sampled_from(Verdict), st.just("seen"), st.just(Source.MODEL), st.floats(0, 1), st.just(data)
    )
    return an_evidence(
        kind=draw(st.sampled_from(EvidenceKind)),
        state=draw(st.sampled_from(EvidenceState)),
        findings=tuple(draw(st.lists(finding, max_size=3))),
    )
