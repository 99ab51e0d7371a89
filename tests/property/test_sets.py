"""Sets: any mix and order of returns adds up, whatever was agreed about discounts and gifts."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from hypothesis import given, note, settings
from hypothesis import strategies as st

from aftersales.case import Item, Kind
from aftersales.decision import Verdict
from aftersales.ledger import Ledger
from aftersales.order import Discount, DiscountKind, Line, Order, Payment
from aftersales.part import Part
from aftersales.testing.builders import NOW, a_case, a_line, a_merchant, an_order
from aftersales.vertical import Facts
from verticals.bundle import around
from verticals.general import VERTICAL as GENERAL

SETS = around(GENERAL)
RETURN = SETS.offer(Kind.RETURN_REFUND)
assert RETURN is not None

thorough = settings(max_examples=300, deadline=None)


@st.composite
def sets(draw: st.DrawFn) -> Order:
    """One to three sets of two to four parts and a plain line, a discount over all of it, paid in one or two payments."""
    pieces, terms = draw(st.integers(1, 3)), {}
    if draw(st.booleans()):
        terms["together"] = draw(st.sampled_from(["proportional", "alone"]))
    if draw(st.booleans()):
        terms["gift"] = draw(st.sampled_from(["back", "keep"]))
    lines: list[Line] = []
    for number in range(draw(st.integers(2, 4))):
        each, value, gift = draw(st.integers(1, 2)), draw(st.integers(0, 9_000)), number > 0 and draw(st.booleans())
        worth = draw(st.integers(0, 12_000))
        lines.append(
            a_line(
                line_id=f"l1.{number}",
                vertical=SETS.name,
                unit_price_minor=0 if gift and draw(st.booleans()) else value,
                pieces=each * pieces,
                terms=terms,
                part=Part("l1", each, gift, worth),
            )
        )
    lines.append(a_line(line_id="l2", vertical="general", unit_price_minor=draw(st.integers(0, 5_000)), pieces=1))
    goods = sum(x.unit_price_minor * x.pieces for x in lines)
    off = draw(st.integers(0, goods))
    payments = [goods - off]
    if draw(st.booleans()):
        first = draw(st.integers(0, goods - off))
        payments = [first, goods - off - first]
    return an_order(
        lines=tuple(lines),
        discounts=(Discount(DiscountKind.COUPON, off),),
        payments=tuple(Payment(f"p{n}", "wechatpay", f"t{n}", minor) for n, minor in enumerate(payments)),
    )


def asked(order: Order, ledger: Ledger, case_id: str, items: tuple[Item, ...], reason: str) -> Facts:
    """What the rules see of a return of these pieces."""
    case = a_case(case_id=case_id, submitted_at=NOW)
    return Facts(order, ledger, a_merchant(), Kind.RETURN_REFUND, items, NOW, reason, case=case)


def free(ledger: Ledger) -> dict[str, int]:
    """How many pieces of each part of a set no case speaks for."""
    return {
        line.line_id: left
        for line in ledger.lines
        if line.part_of and (left := sum(stop - start for start, stop in ledger.free_units(line.line_id)))
    }


def paid_back(ledger: Ledger, facts: Facts) -> Ledger:
    """The ledger with the case held and paid as quoted; what is quoted can always be paid."""
    assert facts.case is not None
    ledger, items = ledger.hold(facts.case.case_id, facts.items)
    quote = RETURN.amount(replace(facts, ledger=ledger, items=items))
    assert quote == RETURN.amount(facts), "held or not, the same pieces are worth the same"
    assert min(quote.goods.minor, quote.tax.minor, quote.freight.minor) >= 0
    numbers = count(1)
    for leg in ledger.legs(quote.goods.minor, quote.freight.minor, quote.tax.minor):
        ledger = ledger.reserve(f"{facts.case.case_id}-{next(numbers)}", facts.case.case_id, leg, NOW)
    return ledger.gone(facts.case.case_id)


@thorough
@given(order=sets(), data=st.data())
def test_parts_of_sets_come_back_in_any_order_for_exactly_what_was_paid(order: Order, data: st.DataObject) -> None:
    """Whatever parts come back first, for whatever reason, never more than was paid goes out, and in the end exactly that."""
    ledger = Ledger.open(order)
    note("\n".join(f"{x.line_id} {x.pieces} {x.part} {x.terms} {s.goods}" for x, s in zip(order.lines, ledger.lines, strict=True)))
    whole = sum(line.goods_of(((0, line.pieces),)) for line in ledger.lines if line.part_of)
    for number in range(data.draw(st.integers(0, 6))):
        left = free(ledger)
        if not left:
            break
        chosen = data.draw(st.lists(st.sampled_from(sorted(left)), min_size=1, max_size=3, unique=True))
        items = tuple(Item(line_id, data.draw(st.integers(1, left[line_id]))) for line_id in chosen)
        facts = asked(order, ledger, f"c{number}", items, data.draw(st.sampled_from(["no_reason", "faulty"])))
        if any(rule(facts).verdict is Verdict.FAIL for rule in RETURN.when):
            note(f"{items} {facts.reason}: refused")
            continue
        note(f"{items} {facts.reason}")
        ledger = paid_back(ledger, facts)
        assert ledger.spent.minor <= whole
    if left := free(ledger):
        rest = asked(order, ledger, "last", tuple(Item(*item) for item in left.items()), "no_reason")
        assert [rule(rest).reason for rule in RETURN.when if rule(rest).verdict is Verdict.FAIL] == []
        ledger = paid_back(ledger, rest)
    assert ledger.spent.minor == whole
