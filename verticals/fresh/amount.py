"""What spoiled produce is worth: what was paid for it, at the share that is bad, with freight by fault.

Five jin at CNY 19.90 with one jin spoiled is CNY 19.90, whether told as one of five pieces or as 20 % of all five.
"""

from __future__ import annotations

from aftersales.quote import freight_due, quote
from aftersales.vertical import Facts, Quote
from verticals.fresh.rules import fault, freight_alone


def amount(facts: Facts) -> Quote:
    """The pieces at their share; all freight that is left when it is due (or asked for alone)."""
    alone = freight_alone(facts)
    freight = alone or freight_due(facts, fault(facts))
    key = "amount.freight" if alone else f"amount.{facts.kind}"
    return quote(facts, key + ("_freight" if freight and not alone else ""), freight=freight)
