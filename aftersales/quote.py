"""Quote: what the pieces of a case are worth, for trades that pay by pieces and share. Never raises; the ledger has the last word.

Parts add up exactly. Whatever is asked for beyond the free pieces counts as nothing here and is refused by the ledger.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from aftersales.case import Fault, Item
from aftersales.ledger import Hold
from aftersales.money import Money
from aftersales.remedy import Remedy
from aftersales.vertical import Facts, Quote

#: A buyer need not care who dropped the parcel: towards the buyer the seller answers for the carrier (E-commerce Law, art. 20).
SELLERS = frozenset({Fault.SELLER, Fault.CARRIER})


def picked(facts: Facts) -> tuple[Item, ...]:
    """The items with their very pieces: the held ones, else the first free ones, and no more than there are."""
    ledger, items = facts.ledger, []
    known = {line.line_id for line in ledger.lines}
    for item in facts.items:
        if item.line_id not in known:
            continue
        if not item.units:
            free = sum(stop - start for start, stop in ledger.free_units(item.line_id))
            item = ledger.pick(replace(item, pieces=max(0, min(item.pieces, free))))  # noqa: PLW2901  # the same item, made exact
            ledger = replace(ledger, holds=(*ledger.holds, Hold("", item.line_id, item.units)))
        items.append(replace(item, share_percent=max(0, min(item.share_percent, 100))))
    return tuple(items)


def worth(facts: Facts) -> tuple[Money, Money]:
    """What was paid (goods, tax) for the bad share of the pieces; each item is rounded half up to the minor unit."""
    currency, goods, tax = facts.order.currency, 0, 0
    for item in picked(facts):
        goods_left, tax_left = facts.ledger.worth(item.line_id, item.units)
        goods += Money(goods_left, currency).share(*item.share).minor
        tax += Money(tax_left, currency).share(*item.share).minor
    return Money(goods, currency), Money(tax, currency)


def share(facts: Facts) -> tuple[int, int]:
    """Which part of the lines asked about is bad: 1 of 5 pieces and 20 % of all 5 are both (1, 5). (0, 1) for no pieces."""
    items = picked(facts)
    bad = sum((Fraction(*item.share) * (stop - start) for item in items for start, stop in item.units), Fraction(0))
    whole = sum(facts.ledger.line(line_id).pieces for line_id in {item.line_id for item in items})
    return (bad / whole).as_integer_ratio() if whole else (0, 1)


def completes(facts: Facts) -> bool:
    """Whether everything that was paid for goods has gone back once this case is paid in full, but for the fees kept back."""
    own = facts.case.case_id if facts.case else ""
    paid = {e.case_id for e in facts.ledger.open_entries()} | {cost.case_id for cost in facts.ledger.borne()}
    back = sum(_given(facts, case_id) for case_id in paid - {own})
    whole = sum(line.goods_of(((0, line.pieces),)) + line.tax_of(((0, line.pieces),)) for line in facts.ledger.lines)
    whole += sum(a.payment.minor for a in facts.ledger.added)
    return bool(facts.items) and back + sum(part.minor for part in worth(facts)) >= whole


def _given(facts: Facts, case_id: str) -> int:
    """What a case was given for its pieces, with what bringing them cost it; all where the fee alone was kept back besides."""
    mine = [e for e in facts.ledger.open_entries() if e.case_id == case_id]
    goods, (whole, _) = sum(e.goods_minor for e in mine) + facts.ledger.kept(case_id), facts.ledger.held_value(case_id)
    fee = Money(whole, facts.ledger.currency).share(facts.merchant.fee_permille, 1000).minor
    return sum(e.tax_minor for e in mine) + (whole if goods + fee == whole else goods)


def freight_due(facts: Facts, fault: Fault) -> bool:
    """Whether the outbound freight goes back too.

    With the last of the goods it does when nothing had been shipped at the time of the application or the seller answers for the
    reason; beside a part of the goods, or alone, only when it is asked for and the seller answers for the reason.
    """
    if completes(facts):
        shipped_at = facts.order.shipped_at
        left_later = shipped_at is not None and shipped_at > facts.applied_at
        return not facts.order.is_shipped or left_later or fault in SELLERS
    return facts.freight and fault in SELLERS


def quote(facts: Facts, text: str, *, freight: bool) -> Quote:
    """The worth of the pieces, and all freight that is left when ``freight``; lowered to what was asked, never raised to it."""
    own = facts.case.case_id if facts.case else ""
    left = Money(max(0, facts.ledger.freight_left_for(own)) if freight else 0, facts.order.currency)
    goods, tax, left = lowered((*worth(facts), left), facts.asked)
    return Quote(goods, tax, left, text, share(facts))


def difference(facts: Facts, text: str) -> Quote:
    """What goes back when the pieces are exchanged: nothing for the same thing, the difference for a cheaper one."""
    goods, tax = worth(facts)
    promise = facts.case.promise if facts.case else None
    zero = Money(0, goods.currency)
    if promise is None or promise.wanted is None:
        return Quote(zero, zero, zero, text)
    pieces = sum(stop - start for item in picked(facts) for start, stop in item.units)
    less = max(0, goods.minor + tax.minor - promise.wanted.price_minor * pieces)
    goods, tax, _ = lowered((goods, tax, zero), Money(less, goods.currency))
    goods, tax, _ = lowered((goods, tax, zero), facts.asked)
    return Quote(goods, tax, zero, text, share(facts))


def weight(facts: Facts, remedy: Remedy, amount: Money) -> Money:
    """What a yes gives away, by which the shop's limits go: a replacement is worth as much as the pieces it is given for."""
    if remedy is not Remedy.REPLACEMENT:
        return amount
    goods, tax = worth(facts)
    return max(goods + tax, amount)


def lowered(parts: tuple[Money, Money, Money], asked: Money | None) -> tuple[Money, Money, Money]:
    """(goods, tax, freight) lowered to ``asked``: freight gives way first, then goods and tax in proportion.

    Unchanged when ``asked`` is None, not below the sum, or in another currency.
    """
    goods, tax, freight = parts
    if asked is None or asked.currency != goods.currency or asked >= goods + tax + freight:
        return parts
    left = Money(max(0, asked.minor), goods.currency)
    if left >= goods + tax:
        return goods, tax, left - goods - tax
    goods, tax = left.split((goods.minor, tax.minor))
    return goods, tax, left - left
