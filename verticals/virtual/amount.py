"""What virtual goods are worth: what was paid for the pieces, at the uses or days that are left of each."""

from __future__ import annotations

from fractions import Fraction

from aftersales.case import Item
from aftersales.money import Money
from aftersales.quote import completes, freight_due, lowered, picked, quote
from aftersales.vertical import Facts, Quote
from verticals.virtual.answer import part_left, status
from verticals.virtual.rules import fault

WHOLE = (Fraction(1),)


def amount(facts: Facts) -> Quote:
    """Each piece at its part that is left, rounded half up to the minor unit; freight only with the last of everything.

    No part is left out that is not known to be used: what cannot be read is paid in full, and a person looks at it.
    """
    parts = {line.line_id: part_left(facts, line) for line in facts.lines}
    if all(part == WHOLE for part in parts.values()):
        freight = completes(facts) and freight_due(facts, fault(facts))
        return quote(facts, "amount.pieces_freight" if freight else "amount.pieces", freight=freight)
    goods = tax = none = Money(0, facts.order.currency)
    given = whole = Fraction(0)
    for item in picked(facts):
        for part, unit in _each(item, parts[item.line_id]):
            goods_left, tax_left = facts.ledger.worth(item.line_id, ((unit, unit + 1),))
            goods += _part(Money(goods_left, goods.currency), part)
            tax += _part(Money(tax_left, tax.currency), part)
            given += part
    for line_id in {item.line_id for item in facts.items}:
        whole += facts.ledger.line(line_id).pieces
    running = any(status(facts, line) == "active" for line in facts.lines)
    goods, tax, none = lowered((goods, tax, none), facts.asked)
    share = given / whole if whole else Fraction(0)
    return Quote(goods, tax, none, "amount.days" if running else "amount.uses", (share.numerator, share.denominator))


def claimed(facts: Facts) -> Quote:
    """The share that a buyer claims of what was paid for the pieces; what was used of them a person weighs."""
    partial = any(item.share_percent < 100 for item in facts.items)
    freight = completes(facts) and freight_due(facts, fault(facts))
    key = "amount.share" if partial else "amount.pieces"
    return quote(facts, f"{key}_freight" if freight else key, freight=freight)


def _each(item: Item, parts: tuple[Fraction, ...]) -> list[tuple[Fraction, int]]:
    """The part of each piece, with its index; the last part is that of all further pieces."""
    units = [unit for start, stop in item.units for unit in range(start, stop)]
    return [(parts[min(n, len(parts) - 1)] * Fraction(item.share_percent, 100), unit) for n, unit in enumerate(units)]


def _part(money: Money, part: Fraction) -> Money:
    return money.share(part.numerator, part.denominator)
