"""Part: which of a case's several legs one is, as people count them: a leg that stands in for another keeps its place."""

from __future__ import annotations

from collections.abc import Iterable

from aftersales.entry import Payout
from aftersales.refund import Refund


def part_of(refunds: Iterable[Refund], leg: Refund) -> str:
    """``2/3`` for the second of three legs; "" where there is but one, and for a compensation."""
    known = {r.key: r for r in (*refunds, leg) if r.payout is Payout.REFUND}
    firsts = sorted((r.number, r.key) for r in known.values() if r.replaces not in known)
    while leg.replaces in known:
        leg = known[leg.replaces]
    place = (leg.number, leg.key)
    return f"{firsts.index(place) + 1}/{len(firsts)}" if place in firsts and len(firsts) > 1 else ""
