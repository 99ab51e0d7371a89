"""The facts that a merchant's rules may look at: their names, types, units and values. What each means is in ``texts.toml``.

``aftersales rules facts`` prints the list. It grows by addition: a name that was in a stored table never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from aftersales.case import Kind
from aftersales.complaint import Complaint
from aftersales.decision import Verdict
from aftersales.money import EXPONENTS
from aftersales.order import OrderStatus
from aftersales.text import text

#: What a fact is worth for one case. A Decimal is an amount in main units (yuan), exact to the minor unit; None is "not known".
Plain = str | int | bool | Decimal | None
Figures = Mapping[str, Plain]


class FactType(StrEnum):
    """What can be asked of a fact."""

    WHOLE = "whole"  # an integer from 0
    AMOUNT = "amount"  # main units of a currency from 0, with at most three decimals
    TEXT = "text"  # any text, compared as it stands
    CHOICE = "choice"  # one of ``values``
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. ``unknown`` says whether it can be None, which no comparison and no interval holds for.

    ``with_currency``: a row that looks at it names the one currency it means.
    """

    name: str
    type: FactType
    unit: str = ""
    values: tuple[str, ...] = ()
    unknown: bool = False
    with_currency: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it can be compared by size."""
        return self.type in (FactType.WHOLE, FactType.AMOUNT)

    def meaning(self, locale: str) -> str:
        """What it says, for merchants."""
        return text("aftersales.ruling", f"fact.{self.name}", locale)


def _whole(name: str, unit: str, *, unknown: bool = False) -> Fact:
    return Fact(name, FactType.WHOLE, unit, unknown=unknown)


def _yes(name: str, *, unknown: bool = False) -> Fact:
    return Fact(name, FactType.YES_NO, unknown=unknown)


def _choice(name: str, values: type[StrEnum] | tuple[str, ...], *, unknown: bool = False) -> Fact:
    names = values if isinstance(values, tuple) else tuple(str(value) for value in values)
    return Fact(name, FactType.CHOICE, values=names, unknown=unknown)


#: Verdicts of a family of checks; ``none``: nothing of that family was checked.
VERDICTS = (*(str(verdict) for verdict in Verdict), "none")

FACTS: tuple[Fact, ...] = (
    # what is asked for
    _choice("kind", Kind),
    Fact("chosen_reason", FactType.TEXT, unknown=True),
    Fact("vertical", FactType.TEXT, unknown=True),
    Fact("category", FactType.TEXT, unknown=True),
    _whole("lines", "lines"),
    _whole("pieces", "pieces"),
    _yes("freight_asked"),
    # the order
    _choice("order_status", OrderStatus),
    _yes("is_shipped"),
    _yes("is_signed"),
    _whole("days_since_paid", "days", unknown=True),
    _whole("days_since_shipping", "days", unknown=True),
    _whole("days_since_signing", "days", unknown=True),
    # money
    _choice("currency", tuple(EXPONENTS)),
    _yes("own_currency"),
    Fact("amount", FactType.AMOUNT, "main units of the merchant's currency", unknown=True),
    _whole("amount_minor", "minor units of the merchant's currency", unknown=True),
    Fact("amount_in_order_currency", FactType.AMOUNT, "main units of the order's currency", with_currency=True),
    Fact("paid", FactType.AMOUNT, "main units of the merchant's currency", unknown=True),
    _yes("amount_is_small"),
    _yes("amount_needs_two"),
    # what was found
    _choice("verdict", VERDICTS),
    _choice("photo_verdict", VERDICTS),
    _choice("parcel_verdict", VERDICTS),
    _choice("trade_verdict", VERDICTS),
    _whole("photos", "photos and videos"),
    _yes("flaw_seen"),
    _yes("self_evident"),
    _yes("kept_outside"),
    # the buyer
    Fact("tier", FactType.TEXT, unknown=True),
    _whole("buyer_refunds", "cases in 90 days", unknown=True),
    _whole("buyer_kept", "cases in 90 days", unknown=True),
    _whole("buyer_reused_photos", "cases in 90 days", unknown=True),
    _whole("buyer_rejected", "cases in 90 days", unknown=True),
    _whole("risk_points", "points, 0 to 100", unknown=True),
    # the buyer's words
    _choice("complaint", Complaint, unknown=True),
    _choice("complaint_second", Complaint, unknown=True),
    _whole("complaint_confidence", "percent", unknown=True),
    _yes("complaint_sure", unknown=True),
    # when
    _whole("hour", "hours, 0 to 23"),
    _whole("weekday", "1 Monday to 7 Sunday"),
)
NAMED: Mapping[str, Fact] = {fact.name: fact for fact in FACTS}
