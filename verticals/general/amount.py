"""What ordinary goods are worth: what was paid for the pieces, at the share that is bad, with freight by fault.

Opened goods go back at the discount that was agreed when ordering; where the price fell, the difference is paid.
"""

from __future__ import annotations

from dataclasses import replace

from aftersales.money import Money
from aftersales.quote import freight_due, lowered, picked, quote
from aftersales.vertical import Facts, Quote
from verticals.general.price import difference
from verticals.general.price import lowered as told
from verticals.general.rules import PRICE_DROPPED, fault, freight_alone, kept_permille


def amount(facts: Facts) -> Quote:
    """The pieces at their share; all freight that is left when it is due (or asked for alone)."""
    alone = freight_alone(facts)
    freight = alone or freight_due(facts, fault(facts))
    if facts.reason == PRICE_DROPPED and not alone:
        return _fallen(facts)
    if facts.reason == "opened":
        return _opened(facts, freight=freight)
    partial = any(item.share < (item.share[1],) * 2 for item in facts.items)
    key = "amount.freight" if alone else "amount.share" if partial else "amount.pieces"
    return quote(facts, key + ("_freight" if freight and not alone else ""), freight=freight)


def _opened(facts: Facts, *, freight: bool) -> Quote:
    """What was paid less the agreed part of it, of the lines for which one was agreed."""
    whole = quote(replace(facts, asked=None), "amount.opened", freight=freight)
    goods = tax = Money(0, facts.order.currency)
    for item in picked(facts):
        keeps = kept_permille(facts.order.line(item.line_id))
        worth = (Money(minor, facts.order.currency) for minor in facts.ledger.worth(item.line_id, item.units))
        paid, taxed = (part.share(*item.share) for part in worth)
        goods, tax = goods + paid - paid.share(keeps, 1000), tax + taxed - taxed.share(keeps, 1000)
    goods, tax, left = lowered((goods, tax, whole.freight), facts.asked)
    return replace(whole, goods=goods, tax=tax, freight=left)


def _fallen(facts: Facts) -> Quote:
    """The difference to today's price; where it was not told, what the buyer asks for, which a person compares."""
    whole = quote(facts, "amount.price", freight=False)
    if any(told(facts, line) is None for line in facts.lines):
        return whole
    found = sum(difference(facts, item.line_id, item.units) for item in picked(facts))
    goods, tax, left = lowered((whole.goods, whole.tax, whole.freight), Money(found, facts.order.currency))
    return replace(whole, goods=goods, tax=tax, freight=left)
