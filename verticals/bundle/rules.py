"""What is checked for a part of a set beside its own trade's questions. Every term and its source is in the README beside it."""

from __future__ import annotations

from collections.abc import Callable

from aftersales.decision import Finding, Verdict
from aftersales.money import Money
from aftersales.vertical import Facts, Offer, Rule
from verticals.bundle.worth import ALONE, KEEP, PROPORTIONAL, Bought, answers, due, sets_of

Datum = str | int | float | bool


def _says(verdict: Verdict) -> Callable[..., Finding]:
    def finding(check: str, reason: str, **data: Datum) -> Finding:
        return Finding(f"bundle.{check}", verdict, reason, data=tuple(sorted(data.items())))

    return finding


passes, doubts = (_says(v) for v in (Verdict.PASS, Verdict.UNSURE))


def together_check(offer: Offer) -> Rule:
    """The rule about the discount for buying together, for this kind of the part's trade."""

    def together(facts: Facts) -> Finding:
        """Which discount was agreed for buying the parts together, and is anything due while the rest is kept?"""
        agreed = {line.terms.get("together", PROPORTIONAL) for line in facts.lines if line.part}
        if agreed - {PROPORTIONAL, ALONE}:
            return doubts("together", "together.unknown")
        if ALONE not in agreed or not answers(facts, offer):
            return passes("together", "together.proportional")
        sets = sets_of(facts).values()
        if any(_unpriced(one) for one in sets):
            return doubts("together", "together.unpriced")
        kept = sum(one.kept_price for one in sets)
        if kept and all(sum(one.paid[p] for p in one.goods) <= one.kept_price for one in sets):
            return doubts("together", "together.nothing_yet", kept=_money(facts, kept))
        return passes("together", "together.alone", kept=_money(facts, kept))

    return together


def gift_check(offer: Offer) -> Rule:
    """The rule about gifts, for this kind of the part's trade."""

    def gift(facts: Facts) -> Finding:
        """Does the gift go back with the goods it came with, or is its worth kept back?"""
        if any(line.terms.get("gift") == KEEP for line in facts.lines):
            return passes("gift", "gift.stays")
        sets = sets_of(facts).values()
        kept = sum(one.price[p] for one in sets for p in one.gifts_kept)
        if not any(one.gifts_kept for one in sets):
            return passes("gift", "gift.none_kept")
        if not answers(facts, offer):
            return passes("gift", "gift.not_owed")
        if _nothing_due(facts, offer):
            return doubts("gift", "gift.costs_more", worth=_money(facts, kept))
        fresh = [one.price[p] for one in sets if not one.gone & one.goods for p in one.gifts_kept]  # told of once
        if not fresh:
            return passes("gift", "gift.none_kept")
        return passes("gift", "gift.kept_back", worth=_money(facts, sum(fresh))) if all(fresh) else doubts("gift", "gift.unpriced")

    return gift


def _unpriced(one: Bought) -> bool:
    """Whether something is kept whose price alone nobody told."""
    return any(not one.price[p] for p in one.kept - one.gifts)


def _nothing_due(facts: Facts, offer: Offer) -> bool:
    """Whether nothing is left of what was paid for these pieces."""
    found = due(facts, offer).values()
    return any(one.own_paid for one, _ in found) and not any(minor for _, minor in found)


def _money(facts: Facts, minor: int) -> str:
    return str(Money(minor, facts.order.currency))
