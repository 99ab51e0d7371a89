from dataclasses import replace
from datetime import timedelta

import pytest

from aftersales.case import Fault, Item
from aftersales.ledger import Leg
from aftersales.money import Money
from aftersales.order import Freight, OrderStatus
from aftersales.quote import completes, freight_due, lowered, quote, worth
from aftersales.testing.builders import NOW, a_case, a_ledger, a_line, an_order, facts


def cny(minor: int) -> Money:
    """That many fen."""
    return Money(minor, "CNY")


@pytest.mark.parametrize(
    ("item", "goods", "share"),
    [
        (Item("l1", 1), 1990, (1, 5)),
        (Item("l1", 5, 20), 1990, (1, 5)),
        (Item("l1", 2, 50), 1990, (1, 5)),
        (Item("l1", 5), 9950, (1, 1)),
        (Item("l1", 1, 1), 20, (1, 500)),
        (Item("l1", 6), 9950, (1, 1)),
        (Item("l1", -1), 0, (0, 1)),
        (Item("l1", 5, 120), 9950, (1, 1)),
        (Item("l1", 5, -5), 0, (0, 1)),
        (Item("unknown", 1), 0, (0, 1)),
    ],
    ids=str,
)
def test_pieces_are_worth_their_bad_share(item, goods, share):
    """One jin of five and a fifth of all five are the same money; nothing is worth more than the pieces that are free."""
    found = quote(facts(items=(item,)), "amount.share", freight=False)
    assert (found.goods, found.share) == (cny(goods), share)
    assert found.amount == found.goods


def test_the_same_piece_is_not_worth_its_money_twice():
    """Two items on one line take different pieces."""
    assert worth(facts(items=(Item("l1", 3), Item("l1", 3))))[0] == cny(9950)


def test_held_pieces_keep_their_own_price():
    """The cent that a discount leaves on the first pieces stays with them."""
    order = an_order(lines=(a_line(discount_minor=1),))
    ledger, _ = a_ledger(order).hold("c0", (Item("l1", 4),))
    ledger, items = ledger.hold("c1", (Item("l1", 1),))
    assert worth(facts(order, ledger=ledger, items=items))[0] == cny(1989)
    assert worth(facts(order, items=(Item("l1", 1),)))[0] == cny(1990)


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        (None, (1000, 100, 800)),
        (2000, (1000, 100, 800)),
        (1900, (1000, 100, 800)),
        (1899, (1000, 100, 799)),
        (1100, (1000, 100, 0)),
        (1099, (999, 100, 0)),
        (550, (500, 50, 0)),
        (1, (1, 0, 0)),
        (0, (0, 0, 0)),
        (-5, (0, 0, 0)),
    ],
)
def test_a_buyer_gives_up_freight_first(asked, parts):
    """What is asked below the worth comes off the freight, then off goods and tax in proportion; the sum is what was asked."""
    whole = (cny(1000), cny(100), cny(800))
    assert lowered(whole, None if asked is None else cny(asked)) == tuple(cny(p) for p in parts)


def test_another_currency_lowers_nothing():
    """An amount that cannot be compared is left to the edge, which refuses it."""
    whole = (cny(1000), cny(100), cny(800))
    assert lowered(whole, Money(1, "JPY")) == whole


FREIGHT = Freight(charged_minor=800)
SIGNED = an_order(freight=FREIGHT)
UNSHIPPED = an_order(freight=FREIGHT, status=OrderStatus.PAID)
ALL, SOME = (Item("l1", 5),), (Item("l1", 4),)


@pytest.mark.parametrize(
    ("order", "items", "asked_for", "fault", "due"),
    [
        pytest.param(UNSHIPPED, ALL, False, Fault.BUYER, True, id="nothing shipped, all pieces"),
        pytest.param(UNSHIPPED, SOME, True, Fault.BUYER, False, id="nothing shipped, but the rest will be"),
        pytest.param(SIGNED, ALL, False, Fault.SELLER, True, id="all back for the seller's fault"),
        pytest.param(SIGNED, ALL, False, Fault.CARRIER, True, id="all back for the carrier's fault"),
        pytest.param(SIGNED, ALL, True, Fault.BUYER, False, id="all back for no reason"),
        pytest.param(SIGNED, SOME, False, Fault.SELLER, False, id="some back, not asked for"),
        pytest.param(SIGNED, SOME, True, Fault.SELLER, True, id="some back, asked for, seller's fault"),
        pytest.param(SIGNED, SOME, True, Fault.NONE, False, id="some back, asked for, nobody's fault"),
        pytest.param(SIGNED, (), True, Fault.SELLER, True, id="freight alone, seller's fault"),
        pytest.param(SIGNED, (), True, Fault.BUYER, False, id="freight alone, buyer's reason"),
    ],
)
def test_freight_follows_the_fault(order, items, asked_for, fault, due):
    """Freight goes with the last of the goods, or when it is asked for and the seller answers for the reason."""
    assert freight_due(facts(order, items=items, freight=asked_for), fault) is due


def test_freight_goes_with_the_last_pieces_not_with_the_first():
    """After four of five pieces went back, the fifth completes the order and brings the freight."""
    ledger, _ = a_ledger(SIGNED).hold("c0", (Item("l1", 4),))
    paid = ledger.payments[0]
    last = facts(SIGNED, ledger=ledger, items=(Item("l1", 1),))
    assert not completes(last)
    spent = ledger.reserve("R1", "c0", Leg(paid, 7960, 0, 0), NOW)
    assert completes(replace(last, ledger=spent))


def test_a_parcel_that_left_after_the_application_keeps_the_freight_in():
    """What the buyer was promised when applying still holds when the shop ships in the meantime."""
    case = a_case(submitted_at=NOW - timedelta(hours=30))
    shipped = an_order(freight=FREIGHT, status=OrderStatus.SHIPPED, shipped_at=NOW - timedelta(hours=29))
    assert freight_due(facts(shipped, items=ALL, case=case), Fault.BUYER)
    assert not freight_due(facts(shipped, items=ALL), Fault.BUYER)


def test_only_freight_that_was_paid_and_not_given_back_is_left():
    """Freight that was discounted away, or went back before, is worth nothing."""
    free = an_order(freight=Freight(charged_minor=800, discount_minor=800))
    assert quote(facts(free), "x", freight=True).freight == cny(0)
    ledger = a_ledger(SIGNED)
    ledger = ledger.reserve("R1", "c0", Leg(ledger.payments[0], 0, 800, 0), NOW)
    assert quote(facts(SIGNED, ledger=ledger), "x", freight=True).freight == cny(0)


def test_tax_follows_its_goods():
    """Tax on top goes back at the same share as the goods it was paid on."""
    order = an_order(lines=(a_line(tax_minor=500),))
    found = quote(facts(order, items=(Item("l1", 5, 20),)), "x", freight=False)
    assert (found.goods, found.tax) == (cny(1990), cny(100))
