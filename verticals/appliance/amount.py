"""What a case about an appliance pays: all that was paid, the difference of an exchange, or nothing for a repair."""

from __future__ import annotations

from aftersales.money import Money
from aftersales.quote import difference, freight_due, quote, share
from aftersales.vertical import Facts, Quote
from verticals.appliance.rules import fault, freight_alone


def amount(facts: Facts) -> Quote:
    """The pieces at their share; all freight that is left when it is due (or asked for alone)."""
    alone = freight_alone(facts)
    freight = alone or freight_due(facts, fault(facts))
    partial = any(item.share_percent < 100 for item in facts.items)
    key = "amount.freight" if alone else "amount.share" if partial else "amount.pieces"
    return quote(facts, key + ("_freight" if freight and not alone else ""), freight=freight)


def exchanged(facts: Facts) -> Quote:
    """What is left over when the wanted machine is cheaper; nothing for the same model."""
    return difference(facts, "amount.exchange")


def repaired(facts: Facts) -> Quote:
    """Nothing: the repair is the remedy."""
    nothing = Money(0, facts.order.currency)
    return Quote(nothing, nothing, nothing, "amount.repair", share(facts))
