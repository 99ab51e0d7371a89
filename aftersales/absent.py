"""Absent: the stand-in for a trade that is switched on and broken. It offers nothing new, and a person decides what is open.

It knows neither windows nor standards, so it says "not offered" to whoever begins and UNSURE about what was handed in before.
"""

from __future__ import annotations

from aftersales.case import Kind
from aftersales.decision import Finding, Verdict
from aftersales.quote import quote
from aftersales.vertical import Facts, Offer, Quote, Remedy, Vertical

VERSION = "left-out"
#: What a kind gives once a person has approved it, and whether goods come back first.
_REMEDIES = {Kind.EXCHANGE: Remedy.REPLACEMENT, Kind.REPAIR: Remedy.REPAIR}
_GOODS_BACK = frozenset({Kind.RETURN_REFUND, Kind.EXCHANGE, Kind.REPAIR})


def absent(name: str) -> Vertical:
    """The trade of that name as far as it exists while it is left out. ``package`` is the core's own texts."""

    def left_out(facts: Facts) -> Finding:
        """Was it handed in before? Then a person decides; nothing new begins."""
        verdict = Verdict.UNSURE if facts.case and facts.case.submitted_at else Verdict.FAIL
        return Finding(f"{name}.left_out", verdict, "left_out.person" if verdict is Verdict.UNSURE else "left_out.not_offered")

    offers = (
        Offer(kind, (left_out,), (), (), (), _amount, goods_back=kind in _GOODS_BACK, remedy=_REMEDIES.get(kind, Remedy.MONEY))
        for kind in Kind
    )
    return Vertical(name, VERSION, "aftersales", tuple(offers))


def is_absent(vertical: Vertical) -> bool:
    """Whether it is a stand-in."""
    return vertical.version == VERSION and vertical.package == "aftersales"


def _amount(facts: Facts) -> Quote:
    return quote(facts, "left_out.amount", freight=facts.freight)
