"""Price protection 价保: the shop lowered its price soon after the buyer paid, and promised to pay the difference."""

from __future__ import annotations

from aftersales.decision import Finding
from aftersales.fact import Field, FieldKind, Tells
from aftersales.order import Line
from aftersales.quote import picked
from aftersales.vertical import Facts
from verticals.general.rules import PRICE_DROPPED, days_after, doubts, fails, passes

#: The fact a mall tells: one piece of a line costs this buyer ``unit_minor`` now, discounts like those of the order taken off.
LOWERED = "price_lowered"
TELLS = (Tells(LOWERED, (Field("unit_minor", FieldKind.MINOR, required=True),), per_line=True),)

MOST_DAYS = 365


def promised(line: Line) -> int:
    """The days after payment in which the shop pays the difference, 0 where it promised none."""
    days = line.terms.get("price_protection_days")
    return min(days, MOST_DAYS) if type(days) is int and days > 0 else 0


def price_protected(facts: Facts) -> Finding:
    """Did the shop promise to pay the difference, and is it asked for in time?"""
    if facts.reason != PRICE_DROPPED:
        return passes("price_protected", "price.not_asked")
    days = min((promised(line) for line in facts.lines), default=0)
    if not days:
        return fails("price_protected", "price.not_promised")
    if facts.order.paid_at is None:
        return doubts("price_protected", "price.payment_unknown")
    end, last_day = days_after(facts, facts.order.paid_at, days)
    if facts.applied_at < end:
        return passes("price_protected", "price.in_time", days=days, last_day=last_day)
    return fails("price_protected", "price.over", days=days, last_day=last_day)


def price_lower(facts: Facts) -> Finding:
    """Has the shop told a price below the one that was paid? What it has not told, a person compares."""
    if facts.reason != PRICE_DROPPED:
        return passes("price_lower", "price.not_asked")
    if any(lowered(facts, line) is None for line in facts.lines):
        return doubts("price_lower", "price.not_told")
    found = sum(difference(facts, item.line_id, item.units) for item in picked(facts))
    return passes("price_lower", "price.lower") if found else fails("price_lower", "price.not_lower")


def lowered(facts: Facts, line: Line) -> int | None:
    """What one piece costs now in minor units, as it was told while the promise ran; None where it was not told."""
    paid_at, days = facts.order.paid_at, promised(line)
    fact = facts.order.told(LOWERED, line.line_id)
    if fact is None or paid_at is None or not paid_at <= fact.at < days_after(facts, paid_at, days)[0]:
        return None
    found = fact.get("unit_minor")
    return found if type(found) is int else None


def difference(facts: Facts, line_id: str, units: tuple[tuple[int, int], ...]) -> int:
    """What was paid for these pieces above today's price, in minor units; 0 where it was not told or is no less."""
    now = lowered(facts, facts.order.line(line_id))
    goods, tax = facts.ledger.worth(line_id, units)
    pieces = sum(stop - start for start, stop in units)
    return 0 if now is None else max(0, goods + tax - now * pieces)
