"""Sets 组合: goods and services sold together at one price; every part goes its own way, and the sum is right.

A line with ``parts`` becomes one line per part. Each is judged by the part's own trade, with what the set adds around it: gifts,
and what becomes of a discount that was given for buying the parts together.
"""

from __future__ import annotations

from dataclasses import replace

from aftersales.case import Kind
from aftersales.vertical import Amount, Facts, Offer, Quote, Remedy, Vertical
from verticals.bundle.rules import gift_check, together_check
from verticals.bundle.worth import changed, due, revalued

VERSION = "1"

#: With these the pieces go back, or are never sent: what stays decides what they are worth.
GOING = frozenset({Kind.REFUND_ONLY, Kind.RETURN_REFUND})


def around(inner: Vertical) -> Vertical:
    """The trade of a part of a set: ``inner`` with its kinds, rules and amounts, and what the set adds to them."""
    return replace(
        inner,
        name=f"bundle:{inner.name}",
        version=f"{VERSION}+{inner.version}",
        package=__name__,
        offers=tuple(_offer(offer) for offer in inner.offers),
        around=None,
        also=(inner.package, *inner.also),
    )


def _offer(offer: Offer) -> Offer:
    if offer.kind not in GOING or offer.remedy is not Remedy.MONEY:
        return offer
    return replace(offer, when=(*offer.when, together_check(offer), gift_check(offer)), amount=_amount(offer))


def _amount(offer: Offer) -> Amount:
    """What the part's own trade pays once the pieces are worth what the set makes them worth."""

    def amount(facts: Facts) -> Quote:
        worth = due(facts, offer)
        quote = offer.amount(revalued(facts, worth))
        if not changed(worth):
            return quote
        key = "amount.rest_kept" if changed(worth) < 0 else "amount.rest_returned"
        return replace(quote, text=key + ("_freight" if quote.freight else ""))

    return amount


VERTICAL = Vertical(name="bundle", version=VERSION, package=__name__, offers=(), around=around)
