"""What a presale line is worth: what was paid for it, less a deposit that is given up, and once more one that the shop broke."""

from __future__ import annotations

from aftersales.money import Money
from aftersales.quote import freight_due, lowered, picked, quote, share, worth
from aftersales.vertical import Facts, Quote
from verticals.presale.deposit import Stage, deposit_of, stage
from verticals.presale.reasons import BROKEN, GIVEN_UP, fault


def before_shipping(facts: Facts) -> Quote:
    """Everything paid goes back, the balance and the deposit; a deposit is kept from who gives up, and doubled for who broke."""
    goods, tax = worth(facts)
    kept = min(kept_of(facts), goods.minor + tax.minor)
    from_goods = min(kept, goods.minor)
    goods, tax = Money(goods.minor - from_goods, goods.currency), Money(tax.minor - kept + from_goods, tax.currency)
    due = freight_due(facts, fault(facts))
    own = facts.case.case_id if facts.case else ""
    freight = Money(max(0, facts.ledger.freight_left_for(own)) if due else 0, goods.currency)
    goods, tax, freight = lowered((goods, tax, freight), facts.asked)
    double = doubled(facts)
    key = "amount.double" if double else "amount.less_deposit" if kept else "amount.paid"
    return Quote(goods, tax, freight, key, share(facts), Money(double, goods.currency) if double else None)


def after_arrival(facts: Facts) -> Quote:
    """What was paid for the pieces, deposit and balance, at the share that is bad; freight by fault."""
    partial = any(item.share_percent < 100 for item in facts.items)
    return quote(facts, "amount.share" if partial else "amount.pieces", freight=freight_due(facts, fault(facts)))


def kept_of(facts: Facts) -> int:
    """What the shop keeps of the deposits, in minor units: all that binds, where the buyer gives up before the balance."""
    return sum(_bound(facts, Stage.DEPOSIT)) if facts.reason in GIVEN_UP else 0


def doubled(facts: Facts) -> int:
    """What comes back on top, in minor units: the deposit once more, where the shop broke its promise."""
    return sum(_bound(facts, Stage.DEPOSIT, Stage.BALANCE)) if facts.reason in BROKEN else 0


def _bound(facts: Facts, *stages: Stage) -> list[int]:
    """What binds of the deposits of the pieces asked about, of lines that stand there."""
    found = []
    for item in picked(facts):
        line = facts.order.line(item.line_id)
        deposit = deposit_of(line, facts.ledger)
        if deposit and stage(line, facts.order, facts.ledger) in stages:
            found.append(deposit.bound_of(item.units))
    return found
