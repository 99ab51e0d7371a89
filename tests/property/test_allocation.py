from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.case import Item
from aftersales.errors import PiecesTaken
from aftersales.ledger import Ledger
from aftersales.order import Order, allocate
from aftersales.testing.builders import NOW
from aftersales.testing.strategies import orders

usual = settings(max_examples=150, deadline=None)


@st.composite
def dealt(draw: st.DrawFn, order: Order) -> list[Item]:
    """All pieces of the order, dealt into cases of some pieces of one line each, in any order."""
    cases = []
    for line in order.lines:
        left = line.pieces
        while left:
            some = draw(st.integers(1, left))
            cases.append(Item(line.line_id, some))
            left -= some
    return draw(st.permutations(cases))


def refunded(ledger: Ledger, number: int, items: tuple[Item, ...], freight: int = 0) -> Ledger:
    """The ledger after a case of its own was paid for these pieces and this freight."""
    case_id = f"c{number}"
    ledger, _ = ledger.hold(case_id, items)
    goods, tax = ledger.held_value(case_id)
    for leg_number, leg in enumerate(ledger.legs(goods, freight, tax), 1):
        ledger = ledger.reserve(f"R{case_id}-{leg_number}", case_id, leg, NOW)
    return ledger


@usual
@given(orders())
def test_the_parts_of_any_order_are_what_was_paid(order):
    """Every piece and the freight are whole minor units from 0, and together exactly the payments (T17, T18, T26, T34)."""
    found = allocate(order)
    values = [value for line in found.lines for _, value in (*line.goods, *line.tax)]
    assert min([*values, found.freight_minor]) >= 0
    whole = sum(line.goods_of(((0, line.pieces),)) + line.tax_of(((0, line.pieces),)) for line in found.lines)
    assert whole + found.freight_minor == sum(p.paid_minor for p in order.payments)


@usual
@given(orders())
def test_pieces_of_a_line_differ_by_a_minor_unit_at_most(order):
    """No piece of a line is worth noticeably more than another, so it does not matter which one goes back."""
    for line in allocate(order).lines:
        for runs in (line.goods, line.tax):
            values = [value for _, value in runs]
            assert max(values) - min(values) <= 1
            assert sum(count for count, _ in runs) == line.pieces


@usual
@given(orders(), st.data())
def test_all_pieces_in_any_order_of_partial_refunds_are_exactly_what_was_paid(order, data):
    """However an order is refunded piece by piece, in the end each payment gave back exactly what it paid (T17)."""
    ledger = Ledger.open(order)
    cases = data.draw(dealt(order))
    freight_with = data.draw(st.integers(0, len(cases) - 1))
    for number, item in enumerate(cases):
        ledger = refunded(ledger, number, (item,), ledger.freight_left if number == freight_with else 0)
        assert ledger.spent <= ledger.paid
        assert all(ledger.left_of(payment) >= 0 for payment in ledger.payments)
    assert [ledger.left_of(payment) for payment in ledger.payments] == [0] * len(ledger.payments)
    assert not ledger.refundable
    assert ledger.freight_left == 0


@usual
@given(orders(), st.data())
def test_what_one_case_gives_does_not_depend_on_the_others(order, data):
    """The same pieces are worth the same money whether they go back first, last or alone."""
    cases = data.draw(dealt(order))
    together = Ledger.open(order)
    for number, item in enumerate(cases):
        together, picked = together.hold(f"c{number}", (item,))
        alone, same = Ledger.open(order).hold("c", tuple(replace(i, units=()) for i in picked))
        goods, _ = together.held_value(f"c{number}")
        assert abs(goods - alone.held_value("c")[0]) <= sum(i.pieces for i in same)


@usual
@given(orders(), st.integers(1, 3))
def test_a_line_cannot_be_refunded_beyond_its_pieces(order, more):
    """However many cases ask, the pieces of a line are given once; the rest of the ask is refused (T31, T50)."""
    line = order.lines[0]
    ledger = refunded(Ledger.open(order), 1, (Item(line.line_id, line.pieces),))
    assert ledger.free_units(line.line_id) == ()
    with pytest.raises(PiecesTaken):
        ledger.hold("c2", (Item(line.line_id, more),))
