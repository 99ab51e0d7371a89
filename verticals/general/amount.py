"""What ordinary goods are worth: what was paid for the pieces, at the share that is bad, with freight by fault."""

from __future__ import annotations

from aftersales.quote import freight_due, quote
from aftersales.vertical import Facts, Quote
from verticals.general.rules import fault, freight_alone


def amount(facts: Facts) -> Quote:
    """The pieces at their share; all freight that is left when it is due (or asked for alone)."""
    alone = freight_alone(facts)
    freight = alone or freight_due(facts, fault(facts))
    partial = any(item.share_percent < 100 for item in facts.items)
    key = "amount.freight" if alone else "amount.share" if partial else "amount.pieces"
    return quote(facts, key + ("_freight" if freight and not alone else ""), freight=freight)
