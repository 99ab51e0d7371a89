import pytest

from aftersales.errors import Invalid, UnbalancedOrder
from aftersales.order import Discount, DiscountKind, Freight, Order, OrderStatus, allocate
from aftersales.testing.builders import NOW, a_line, a_payment, an_order


def goods(order: Order) -> list[int]:
    """What was paid for the goods of each line."""
    return [line.goods_of(((0, line.pieces),)) for line in allocate(order).lines]


def a_coupon(minor: int, *lines: str) -> Discount:
    """A coupon over the named lines, or over all when none is named."""
    return Discount(DiscountKind.COUPON, minor, lines or None)


SIX_AND_FOUR = (a_line(unit_price_minor=600, pieces=1), a_line(line_id="l2", unit_price_minor=400, pieces=1))


def test_an_order_discount_is_shared_by_what_lines_cost():
    """Items of 6 and 4 with 1 off: the first is worth 5.40, the second 3.60, together the 9 that were paid (T19)."""
    assert goods(an_order(lines=SIX_AND_FOUR, discounts=(a_coupon(100),))) == [540, 360]


def test_a_lines_discount_stays_with_its_line():
    """A coupon for one line leaves the others alone, and an order discount sees what is left (T19, T22)."""
    assert goods(an_order(lines=SIX_AND_FOUR, discounts=(a_coupon(200, "l1"),))) == [400, 400]
    assert goods(an_order(lines=SIX_AND_FOUR, discounts=(a_coupon(200, "l1"), a_coupon(100)))) == [350, 350]


def test_pieces_carry_whole_cents():
    """Ten cents over three pieces: the first carries the odd one, and any two of them add up (T17, T18)."""
    line = allocate(an_order(lines=(a_line(unit_price_minor=4, pieces=3, discount_minor=2),))).lines[0]
    assert line.goods == ((1, 4), (2, 3))
    assert [line.goods_of(((i, i + 1),)) for i in range(3)] == [4, 3, 3]
    assert line.goods_of(((0, 1), (2, 3))) == 7


def test_tax_on_top_of_a_discounted_order_comes_back_whole():
    """Tax that came on top is refunded as it was paid; the discount is not counted against it again (T34)."""
    order = an_order(lines=(a_line(unit_price_minor=1000, pieces=3, discount_minor=500, tax_minor=250),))
    line = allocate(order).lines[0]
    assert order.payments[0].paid_minor == 2750
    assert line.goods_of(((0, 3),)) + line.tax_of(((0, 3),)) == 2750
    assert line.tax == ((1, 84), (2, 83))


def test_the_parts_of_an_order_add_up_to_what_was_paid():
    """Goods, tax and freight together are the 318.00 that were paid, not a cent less (T26)."""
    lines = (
        a_line(unit_price_minor=9999, pieces=3, discount_minor=297),
        a_line(line_id="l2", unit_price_minor=1500, pieces=1, tax_minor=300),
    )
    found = allocate(
        an_order(lines=lines, discounts=(a_coupon(100),), freight=Freight(800, 400), payments=(a_payment(paid_minor=31800),))
    )
    whole = sum(x.goods_of(((0, x.pieces),)) + x.tax_of(((0, x.pieces),)) for x in found.lines)
    assert whole + found.freight_minor == 31800


@pytest.mark.parametrize(
    ("freight", "left"),
    [(Freight(500), 500), (Freight(500, 200), 300), (Freight(500, 500), 0), (Freight(), 0)],
    ids=["tax inside", "part discounted", "free", "none"],
)
def test_freight_is_worth_what_was_paid_for_it(freight, left):
    """Freight of 5.00 including its tax is 5.00; freight that was given free is worth nothing (T27, T36)."""
    assert allocate(an_order(freight=freight)).freight_minor == left


def test_a_free_order_is_worth_nothing():
    """A coupon that covers everything leaves every piece at 0, never below (T29)."""
    order = an_order(discounts=(a_coupon(9950),), payments=(a_payment(paid_minor=0),))
    found = allocate(order)
    assert found.lines[0].goods == ((5, 0),)
    assert found.freight_minor == 0


@pytest.mark.parametrize(("paid", "difference", "word"), [(9949, -1, "too little"), (9951, 1, "too much")])
def test_an_order_that_does_not_add_up_is_refused_with_the_difference(paid, difference, word):
    """A cent too little or too much is named: what it adds up to, what was paid, and what to send."""
    with pytest.raises(UnbalancedOrder, match=rf"CNY 99\.50.*CNY 0\.01 {word}") as refusal:
        allocate(an_order(payments=(a_payment(paid_minor=paid),)))
    assert refusal.value.details["difference_minor"] == difference
    assert refusal.value.todo


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"lines": (a_line(unit_price_minor=-1),)}, id="negative price (T30)"),
        pytest.param({"lines": (a_line(unit_price_minor=19.9),), "payments": (a_payment(),)}, id="fraction of a cent (T18)"),
        pytest.param({"lines": (a_line(pieces=0),)}, id="no pieces (T52)"),
        pytest.param({"lines": (a_line(pieces=-2),)}, id="negative pieces (T52)"),
        pytest.param({"lines": (a_line(pieces=True),)}, id="pieces that are no number"),
        pytest.param({"lines": (a_line(discount_minor=9951),)}, id="line discount above its price"),
        pytest.param({"lines": (a_line(tax_minor=-1),)}, id="negative tax"),
        pytest.param({"lines": ()}, id="no lines"),
        pytest.param({"lines": (a_line(), a_line())}, id="two lines of one id"),
        pytest.param({"payments": ()}, id="no payment"),
        pytest.param({"payments": (a_payment(paid_minor=5000), a_payment(paid_minor=4950))}, id="two payments of one id"),
        pytest.param({"payments": (a_payment(paid_minor=-9950),)}, id="negative payment (T30)"),
        pytest.param({"discounts": (a_coupon(9951),)}, id="discount above the order"),
        pytest.param({"discounts": (a_coupon(-1),)}, id="negative discount"),
        pytest.param({"discounts": (a_coupon(1, "l9"),)}, id="discount on an unknown line"),
        pytest.param({"freight": Freight(500, 501)}, id="freight discounted below nothing (T27)"),
        pytest.param({"freight": Freight(-500)}, id="negative freight"),
        pytest.param({"currency": "XXX"}, id="unknown currency"),
    ],
)
def test_what_cannot_be_an_order_is_refused(changes):
    """Amounts below nothing, in fractions, above what they come off, or named twice never become money."""
    with pytest.raises(Invalid):
        allocate(an_order(**changes))


def test_a_discount_that_names_a_line_twice_is_refused():
    """Counting a line twice would let a discount take more than the line is worth."""
    lines = (a_line(unit_price_minor=100, pieces=1), a_line(line_id="l2", unit_price_minor=100, pieces=1))
    with pytest.raises(Invalid):
        allocate(an_order(lines=lines, discounts=(a_coupon(150, "l1", "l1"),)))


@pytest.mark.parametrize(
    ("status", "shipped", "signed"),
    [
        (OrderStatus.UNPAID, False, False),
        (OrderStatus.PAID, False, False),
        (OrderStatus.SHIPPED, True, False),
        (OrderStatus.SIGNED, True, True),
        (OrderStatus.FINISHED, True, True),
        (OrderStatus.CANCELLED, False, False),
    ],
)
def test_a_state_alone_says_where_the_goods_are(status, shipped, signed):
    """Malls that send states without instants are understood; an instant counts whatever the state says."""
    order = an_order(status=status, shipped_at=None, signed_at=None)
    assert (order.is_shipped, order.is_signed) == (shipped, signed)
    assert an_order(status=status, shipped_at=NOW).is_shipped
    assert an_order(status=status, signed_at=NOW).is_signed


def test_a_line_is_found_by_its_id():
    """An unknown line is named together with the ones there are."""
    assert an_order().line("l1").pieces == 5
    with pytest.raises(Invalid, match="l9"):
        an_order().line("l9")
