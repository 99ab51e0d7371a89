"""Planning: whatever is asked of an order, in whatever order, no payment gives more than it took, and all of it can go back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aftersales.case import Fault, Item
from aftersales.entry import WALLETS, Turn
from aftersales.errors import AftersalesError
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.order import Order
from aftersales.plan import Plan, Terms, Wish, carried_out, reserved
from aftersales.testing.builders import NOW
from aftersales.testing.strategies import orders

CURRENCIES = st.sampled_from(["CNY", "USD", "JPY", "KWD"])
ITEMS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=3)
WISHES = st.lists(st.tuples(ITEMS, st.none() | st.integers(-1, 60_000), st.booleans(), st.sampled_from(Fault)), max_size=8)


@st.composite
def sold(draw: st.DrawFn) -> Order:
    """An order in one of four currencies, paid through several channels, some of them the mall's own wallets."""
    order = draw(orders())
    channels = st.sampled_from(["wechatpay", "balance", "alipay", "gift_card"])
    return replace(order, currency=draw(CURRENCIES), payments=tuple(replace(p, channel=draw(channels)) for p in order.payments))


def wish(order: Order, items: list[tuple[int, int]], minor: int | None, freight: bool, fault: Fault) -> Wish:
    """What is asked; a line that the order does not have is asked for now and then."""
    named = tuple(Item(order.lines[n].line_id if n < len(order.lines) else "none", pieces) for n, pieces in items if pieces)
    return Wish(named, None if minor is None else Money(minor, order.currency), freight, fault)


@given(sold(), WISHES, st.sampled_from(Turn), st.integers(0, 100))
def test_no_sequence_exceeds_what_was_paid(order: Order, asked, turn: Turn, fee: int) -> None:
    """After every request: the parts add up to the legs, and no payment has given back more than it took (T17, T26, T42)."""
    ledger, given_back = Ledger.open(order), Counter[str]()
    for number, one in enumerate(asked):
        before = ledger
        try:
            made, after = reserved(ledger, f"c{number}", wish(order, *one), Terms(fee, turn), NOW)
        except AftersalesError:
            assert ledger is before
            continue
        ledger = carried_out(after, f"c{number}", NOW)
        given_back.update({leg.payment.payment_id: leg.goods_minor + leg.freight_minor + leg.tax_minor for leg in made.legs})
        assert min(made.goods.minor, made.freight.minor, made.tax.minor, made.fee.minor) >= 0
        assert made.amount.minor == sum(leg.goods_minor + leg.freight_minor + leg.tax_minor for leg in made.legs)
        assert one[1] is None or made.amount.minor + made.fee.minor <= one[1]
        for payment in order.payments:
            assert given_back[payment.payment_id] == payment.paid_minor - ledger.left_of(_paid(ledger, payment.payment_id))
            assert given_back[payment.payment_id] <= payment.paid_minor
        assert ledger.refundable.minor == ledger.paid.minor - given_back.total()


@given(sold(), WISHES, st.sampled_from(Turn))
def test_refunding_everything_equals_what_was_paid(order: Order, asked, turn: Turn) -> None:
    """Whatever was refunded before, by piece or by amount: asking for all the rest empties every payment to the last unit."""
    ledger = Ledger.open(order)
    for number, one in enumerate(asked):
        try:
            _, after = reserved(ledger, f"c{number}", wish(order, *one), Terms(turn=turn), NOW)
        except AftersalesError:
            continue
        ledger = carried_out(after, f"c{number}", NOW)
    free = [Item(x.line_id, sum(b - a for a, b in ledger.free_units(x.line_id))) for x in ledger.lines]
    if ledger.refundable:
        _, ledger = reserved(ledger, "rest", Wish(tuple(i for i in free if i.pieces), freight=True), Terms(turn=turn), NOW)
    assert ledger.refundable.minor == 0
    assert all(ledger.left_of(p) == 0 for p in ledger.payments)


@given(sold(), st.sampled_from(Turn), st.data())
def test_wallets_give_in_their_turn(order: Order, turn: Turn, data: st.DataObject) -> None:
    """A payment gives only once all before it in the turn are empty."""
    ledger = Ledger.open(order)
    if not ledger.refundable:
        return
    minor = data.draw(st.integers(1, ledger.refundable.minor))
    made: Plan
    made, _ = reserved(
        ledger,
        "c1",
        Wish(tuple(Item(x.line_id, x.pieces) for x in ledger.lines), Money(minor, order.currency), True),
        Terms(turn=turn),
        NOW,
    )
    assert made.amount.minor == minor
    gave = {leg.payment.payment_id: leg.goods_minor + leg.freight_minor + leg.tax_minor for leg in made.legs}
    rank = {
        Turn.AS_PAID: lambda _: 0,
        Turn.WALLETS_FIRST: lambda p: p.channel not in WALLETS,
        Turn.WALLETS_LAST: lambda p: p.channel in WALLETS,
    }
    payments = sorted(order.payments, key=rank[turn])
    for earlier, later in pairwise(payments):
        assert gave.get(later.payment_id, 0) == 0 or gave.get(earlier.payment_id, 0) == earlier.paid_minor


@given(sold(), st.integers(1, 100), st.sampled_from(Fault))
def test_the_seller_at_fault_takes_no_fee(order: Order, fee: int, fault: Fault) -> None:
    """The fee is the platform's rate of the goods, rounded half up, and nothing where the seller or the carrier answers (T38)."""
    ledger = Ledger.open(order)
    items = tuple(Item(x.line_id, x.pieces) for x in ledger.lines)
    made, _ = reserved(ledger, "c1", Wish(items, fault=fault), Terms(fee), NOW)
    goods = made.goods.minor + made.fee.minor
    assert goods == sum(line.goods_of(((0, line.pieces),)) for line in ledger.lines)
    expected = 0 if fault in (Fault.SELLER, Fault.CARRIER) else (2 * goods * fee + 1000) // 2000
    assert made.fee.minor == expected


def _paid(ledger: Ledger, payment_id: str):
    return next(p for p in ledger.payments if p.payment_id == payment_id)
