"""What goods made to order are worth: what was paid, less the share that was agreed once making has begun."""

from __future__ import annotations

from dataclasses import replace

from aftersales.money import Money
from aftersales.quote import SELLERS, difference, freight_due, lowered, picked, quote, worth
from aftersales.vertical import Facts, Quote
from verticals.custom_made.making import Stage, kept_permille, stage_of
from verticals.custom_made.rules import fault, freight_alone


def amount(facts: Facts) -> Quote:
    """The pieces at their share; all freight that is left when it is due (or asked for alone)."""
    alone = freight_alone(facts)
    freight = alone or freight_due(facts, fault(facts))
    partial = any(item.share_percent < 100 for item in facts.items)
    key = "amount.freight" if alone else "amount.share" if partial else "amount.pieces"
    return quote(facts, key + ("_freight" if freight and not alone else ""), freight=freight)


def cancelled(facts: Facts) -> Quote:
    """The pieces less what the shop keeps of those that are being made, rounded half up; all for the seller's reasons.

    What is finished, or was agreed about nothing, counts in full: a person decides on it.
    """
    whole = amount(replace(facts, asked=None))
    kept = 0 if fault(facts) in SELLERS else _kept(facts)
    goods, tax, freight = lowered((whole.goods - Money(kept, whole.goods.currency), whole.tax, whole.freight), facts.asked)
    return replace(whole, goods=goods, tax=tax, freight=freight, text="amount.started" if kept else whole.text)


def _kept(facts: Facts) -> int:
    """Minor units of the goods that the shop keeps, line by line."""
    kept = 0
    for item in picked(facts):
        line = facts.order.line(item.line_id)
        share = kept_permille(line) if stage_of(facts, line) is Stage.STARTED else None
        goods, _ = worth(replace(facts, items=(item,)))
        kept += goods.share(share or 0, 1000).minor
    return kept


def remade(facts: Facts) -> Quote:
    """Nothing: the piece is made again, as it was agreed."""
    return difference(facts, "amount.remade")
