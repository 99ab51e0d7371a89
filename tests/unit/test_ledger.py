from dataclasses import replace
from datetime import timedelta

import pytest

from aftersales.case import Item
from aftersales.entry import Cost
from aftersales.errors import DuplicateKey, Invalid, NotFound, OverRefund, PiecesTaken
from aftersales.ledger import Ledger, Leg, Payout
from aftersales.money import Money
from aftersales.order import Freight
from aftersales.testing.builders import NOW, a_ledger, a_line, a_payment, an_order

CARD, BALANCE = a_payment(paid_minor=5000), a_payment(payment_id="p2", channel="balance", paid_minor=5750)


def held(pieces: int = 5, case_id: str = "c1", ledger: Ledger | None = None) -> Ledger:
    """The default order's ledger, with pieces held for a case."""
    return (ledger or a_ledger()).hold(case_id, (Item("l1", pieces),))[0]


def pay(ledger: Ledger, key: str, goods: int, case_id: str = "c1") -> Ledger:
    """The ledger with this much of the goods reserved through the first payment."""
    return ledger.reserve(key, case_id, Leg(ledger.payments[0], goods, 0, 0), NOW)


# --- pieces -----------------------------------------------------------------------------------------------------------
def test_a_piece_is_spoken_for_once():
    """A second case on the same piece is refused and told how many are free (T31)."""
    ledger = held(4)
    with pytest.raises(PiecesTaken) as refusal:
        ledger.hold("c2", (Item("l1", 2),))
    assert (refusal.value.details["expected"], refusal.value.details["found"]) == (2, 1)


def test_two_then_three_and_no_sixth():
    """After two of five pieces the other three can go back too, and there is no sixth (T50)."""
    ledger, first = a_ledger().hold("c1", (Item("l1", 2),))
    ledger, second = ledger.hold("c2", (Item("l1", 3),))
    assert (first[0].units, second[0].units) == (((0, 2),), ((2, 5),))
    assert ledger.free_units("l1") == ()
    with pytest.raises(PiecesTaken):
        ledger.hold("c3", (Item("l1", 1),))


def test_freed_pieces_can_be_held_again_with_the_gaps_between():
    """A rejected case gives its pieces back; a later case takes them in order, around those still held."""
    ledger = held(2, "c1")
    ledger = held(2, "c2", ledger).free("c1")
    _, items = ledger.hold("c3", (Item("l1", 3),))
    assert items[0].units == ((0, 2), (4, 5))


def test_paid_pieces_stay_taken():
    """Once money is reserved on a case's pieces nothing frees them; released money does."""
    ledger = pay(held(1), "R1", 1990)
    assert ledger.free("c1") == ledger
    assert ledger.release("R1", NOW).free("c1").free_units("l1") == ((0, 5),)


def test_pieces_are_never_negative():
    """Asking for fewer than none is refused (T52)."""
    with pytest.raises(PiecesTaken):
        a_ledger().hold("c1", (Item("l1", -1),))


def test_a_case_holds_its_pieces_once():
    """Handing a case in twice does not take twice the pieces."""
    with pytest.raises(PiecesTaken):
        held(1, "c1", held(1, "c1"))


def test_an_unknown_line_has_no_pieces():
    """A line that is not in the order cannot be held."""
    with pytest.raises(NotFound):
        a_ledger().hold("c1", (Item("l9", 1),))


# --- refunds ----------------------------------------------------------------------------------------------------------
def test_the_last_cent_is_the_last():
    """After 9949 of 9950 only 1 is left, whatever the second refund asks (T32)."""
    ledger = pay(held(), "R1", 9949)
    assert ledger.refundable == Money(1, "CNY")
    with pytest.raises(OverRefund) as refusal:
        pay(ledger, "R2", 2)
    assert refusal.value.details["refundable_minor"] == 1
    assert pay(ledger, "R2", 1).refundable == Money(0, "CNY")


def test_a_case_cannot_be_paid_for_pieces_of_another():
    """One of five pieces held allows one piece's money, although the order has more (lilishop's line-wide cap)."""
    with pytest.raises(OverRefund):
        pay(held(1), "R1", 1991)
    assert pay(held(1), "R1", 1990).spent == Money(1990, "CNY")


@pytest.mark.parametrize("leg", [(0, 0, 0), (-1, 0, 0), (2, -1, 0), (0, 0, -5)], ids=str)
def test_a_refund_is_more_than_nothing(leg):
    """Nothing owed, or a negative part, is never reserved, so no channel is called (T25, T30)."""
    ledger = held()
    with pytest.raises(Invalid):
        ledger.reserve("R1", "c1", Leg(ledger.payments[0], *leg), NOW)


def test_one_key_is_used_once():
    """A key that was reserved, released or settled is never used for another amount."""
    for ledger in (pay(held(), "R1", 10), pay(held(), "R1", 10).release("R1", NOW), pay(held(), "R1", 10).settle("R1", NOW)):
        with pytest.raises(DuplicateKey):
            pay(ledger, "R1", 20)


def test_freight_goes_back_once():
    """Freight is capped by what was paid for it, and what is left is never below nothing (T27)."""
    ledger = held(5, "c1", a_ledger(an_order(freight=Freight(800))))
    once = ledger.reserve("R1", "c1", Leg(ledger.payments[0], 0, 800, 0), NOW)
    assert once.freight_left == 0
    with pytest.raises(OverRefund):
        once.reserve("R2", "c1", Leg(ledger.payments[0], 0, 1, 0), NOW)


def test_released_money_can_go_back_under_another_key_and_settled_money_cannot():
    """A final no gives the money free again; a yes keeps it spent, and saying either twice changes nothing."""
    ledger = pay(held(), "R1", 9950)
    released = ledger.release("R1", NOW)
    assert released.release("R1", NOW) == released
    assert released.refundable == ledger.paid
    settled = ledger.settle("R1", NOW)
    assert settled.settle("R1", NOW) == settled
    assert settled.release("R1", NOW) == settled
    assert (settled.settled, settled.refundable) == (ledger.paid, Money(0, "CNY"))


def test_a_released_refund_that_was_paid_after_all_counts_as_spent():
    """The channel's late yes wins over our no: the money did move."""
    ledger = pay(held(), "R1", 9950).release("R1", NOW).settle("R1", NOW)
    assert ledger.spent == ledger.paid


def test_an_unknown_key_is_settled_nowhere():
    """The ledger settles and releases only what it reserved."""
    with pytest.raises(NotFound):
        a_ledger().settle("R1", NOW)
    with pytest.raises(NotFound):
        a_ledger().release("R1", NOW)


# --- several payments -------------------------------------------------------------------------------------------------
def test_legs_never_exceed_what_each_payment_paid():
    """A refund of everything takes from each payment what it paid, in their order, and no more (T42)."""
    ledger = a_ledger(an_order(freight=Freight(800), payments=(CARD, BALANCE)))
    legs = ledger.legs(9950, 800, 0)
    assert [(leg.payment.payment_id, leg.goods_minor, leg.freight_minor) for leg in legs] == [("p1", 5000, 0), ("p2", 4950, 800)]
    with pytest.raises(OverRefund):
        ledger.legs(9951, 800, 0)


def test_a_payment_that_gave_its_share_gives_no_more():
    """A later refund starts where the earlier one stopped."""
    ledger = held(5, "c1", a_ledger(an_order(freight=Freight(800), payments=(CARD, BALANCE))))
    ledger = pay(ledger, "R1", 4000)
    assert [(leg.payment.payment_id, leg.goods_minor) for leg in ledger.legs(1500, 0, 0)] == [("p1", 1000), ("p2", 500)]


def test_nothing_needs_no_legs():
    """A case worth nothing has nothing to send (T25, T29)."""
    assert a_ledger().legs(0, 0, 0) == ()


def test_an_overdrawn_payment_does_not_reach_into_another():
    """Where a released refund was paid after all and its money was given again, the next refund takes only from what is left."""
    ledger = held(5, "c1", a_ledger(an_order(freight=Freight(800), payments=(CARD, BALANCE))))
    ledger = pay(pay(ledger, "R1", 5000).release("R1", NOW), "R2", 4000).settle("R1", NOW)
    assert ledger.left_of(ledger.payments[0]) == -4000
    assert [(leg.payment.payment_id, leg.goods_minor) for leg in ledger.legs(500, 0, 0)] == [("p2", 500)]


def test_a_payment_of_another_order_gives_nothing():
    """A leg names a payment of this order, as it was paid."""
    ledger = held()
    stranger = replace(ledger.payments[0], payment_id="p9")
    with pytest.raises(OverRefund):
        ledger.reserve("R1", "c1", Leg(stranger, 1, 0, 0), NOW)


# --- compensation -----------------------------------------------------------------------------------------------------
def test_compensation_has_a_cap_of_its_own():
    """At 105 % of what was paid, refund and compensation together stop; a refund alone never reaches beyond what was paid."""
    ledger = pay(held(5, "c1", a_ledger(an_order(lines=(a_line(unit_price_minor=2000),)))), "R1", 10_000)
    with pytest.raises(OverRefund):
        ledger.compensate("K1", "c1", Money(501, "CNY"), 1050, NOW)
    more = ledger.compensate("K1", "c1", Money(500, "CNY"), 1050, NOW)
    assert more.spent == more.paid
    assert [e.minor for e in more.open_entries(Payout.COMPENSATION)] == [500]
    with pytest.raises(OverRefund):
        more.compensate("K2", "c1", Money(1, "CNY"), 1050, NOW)
    with pytest.raises(DuplicateKey):
        more.compensate("R1", "c1", Money(1, "CNY"), 1050, NOW)


@pytest.mark.parametrize("amount", [Money(0, "CNY"), Money(-1, "CNY"), Money(1, "JPY")], ids=str)
def test_a_compensation_is_more_than_nothing_in_the_orders_currency(amount):
    """Nothing, less than nothing and another currency are refused."""
    with pytest.raises(Invalid):
        a_ledger().compensate("K1", "c1", amount, 1050, NOW)


def test_a_carriers_price_changes_nothing_that_may_be_refunded() -> None:
    """It is a memo: what is left to be refunded, pieces and freight are as before; told twice it is one, the last counts."""
    before = Ledger.open(an_order())
    cost = Cost("c1-pickup-1", "c1", 1_200, "CNY", 0, NOW)
    ledger = before.bear(cost)
    assert ledger.bear(replace(cost, at=NOW + timedelta(hours=1))) is ledger
    ledger = ledger.bear(replace(cost, kept_minor=300))
    assert (ledger.refundable, ledger.spent, ledger.freight_left) == (before.refundable, before.spent, before.freight_left)
    assert [(c.minor, c.kept_minor) for c in ledger.borne()] == [(1_200, 300)]
    assert (ledger.kept("c1"), ledger.kept("c2")) == (300, 0)
    assert ledger.after(ledger).costs == ledger.costs


@pytest.mark.parametrize(("minor", "kept"), [(1_200, 1_201), (1_200, -1), (0, 1), (-5, 0)])
def test_no_more_is_kept_than_it_cost(minor: int, kept: int) -> None:
    """More than the price, less than nothing, and a price below nothing are no costs."""
    with pytest.raises(Invalid):
        Ledger.open(an_order()).bear(Cost("k", "c1", minor, "CNY", kept, NOW))
