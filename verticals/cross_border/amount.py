"""What goods from abroad are worth: goods, the taxes that nobody keeps, and the international freight by who bears it."""

from __future__ import annotations

from aftersales.money import Money
from aftersales.quote import lowered, picked, share
from aftersales.vertical import Facts, Quote
from verticals.cross_border.levy import stays, tax_kept
from verticals.cross_border.regime import regime_of
from verticals.cross_border.rules import freight_alone, freight_back


def freight_left(facts: Facts) -> int:
    """The freight that may still come back, at most what standard delivery would have cost where the order says it."""
    left = max(0, facts.ledger.freight_left_for(facts.case.case_id if facts.case else ""))
    caps = [cap for line in facts.lines if type(cap := line.data.get("standard_freight_minor")) is int]
    return min([left, *caps])


def amount(facts: Facts) -> Quote:
    """The pieces at their share, their taxes less what stays with the buyer, and all freight that is left when it is due."""
    currency, goods, tax, items = facts.order.currency, 0, 0, picked(facts)
    for item in items:
        goods_left, tax_left = facts.ledger.worth(item.line_id, item.units)
        tax_left -= stays(facts, item, tax_left)
        goods += Money(goods_left, currency).share(*item.share).minor
        tax += Money(tax_left, currency).share(*item.share).minor
    alone = freight_alone(facts)
    freight = alone or freight_back(facts)
    parts = (Money(goods, currency), Money(tax, currency), Money(freight_left(facts) if freight else 0, currency))
    key = "amount.freight" if alone else _key(facts, kept=bool(tax_kept(facts, items)))
    return Quote(*lowered(parts, facts.asked), key + ("_freight" if freight and not alone else ""), share(facts))


def _key(facts: Facts, *, kept: bool) -> str:
    if kept:
        return "amount.tax_stays"
    if facts.items and all(regime_of(line).tax == "buyer" for line in facts.lines):
        return "amount.own_claim"
    return "amount.share" if any(item.share[0] < item.share[1] for item in facts.items) else "amount.pieces"
