"""What stays with the buyer of the taxes he paid: levied on the pieces, and not given back by anybody.

A tax that customs does not levy comes back in full, and so does all that the shop charged beyond what was levied.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from fractions import Fraction

from aftersales.case import Item, Kind
from aftersales.order import Line, Runs
from aftersales.vertical import Facts
from verticals.cross_border.duty import Basis, Declared, Rates, basis_of, dutiable, last_days, taxes_of
from verticals.cross_border.rates import rates_on
from verticals.cross_border.regime import bears, regime_of
from verticals.cross_border.standing import BEIJING, bill_of, clearance_of, item_duty_back, released_on, return_of

CURRENCY = "CNY"


class Days(StrEnum):
    """How a return stands to customs' 30 and 45 days."""

    NOT_LEVIED = "not_levied"  # another law, or never let in
    CONFIRMED = "confirmed"  # customs took the return
    IN_TIME = "in_time"
    LATE = "late"
    REFUSED = "refused"  # customs did not take the return
    UNKNOWN = "unknown"  # nobody said when, or whether, it was released


def days_of(facts: Facts, line: Line) -> Days:
    """Whether customs takes back what it levied on the line. Goods not back yet are in time while the last day is not over."""
    if regime_of(line).tax != "customs" or clearance_of(facts, line) in ("failed", "none"):
        return Days.NOT_LEVIED
    status, arrived = return_of(facts, line)
    if status in ("released", "failed"):
        return Days.CONFIRMED if status == "released" else Days.REFUSED
    released = released_on(facts, line)
    if released is None:
        return Days.UNKNOWN
    apply_by, arrive_by = last_days(released)
    late = facts.applied_at.astimezone(BEIJING).date() > apply_by
    return Days.LATE if late or (arrived or facts.now.astimezone(BEIJING).date()) > arrive_by else Days.IN_TIME


def buyer_bears(facts: Facts, line: Line) -> bool:
    """Whether taxes that customs keeps are the buyer's: a reason that is his own, and terms that he confirmed."""
    return bears(facts).late_tax == "terms" and line.terms.get("tax_late") == "buyer"


def _rates(facts: Facts, line: Line) -> Rates | None:
    """The rates fixed on the line, else those of its heading on the day of its declaration or payment."""
    vat, consumption, duty = (line.data.get(f"{name}_permille") for name in ("vat", "consumption", "duty"))
    if type(vat) is int:
        share = Fraction(consumption if type(consumption) is int else 0, 1000)
        return None if share >= 1 else Rates(Fraction(vat, 1000), share, Fraction(duty, 1000) if type(duty) is int else None)
    day = _day(line.data.get("declared_on")) or (facts.order.paid_at and facts.order.paid_at.astimezone(BEIJING).date())
    return rates_on(str(line.data.get("hs", "")), day) if day else None


def _day(said: object) -> date | None:
    try:
        return date.fromisoformat(str(said)) if said else None
    except ValueError:
        return None


def levied(facts: Facts, line: Line) -> int | None:
    """The taxes on the whole line in fen, by the tax bill, else by its rates; None where neither is known."""
    if facts.order.currency != CURRENCY:
        return None
    bill = bill_of(facts, line)
    if bill is not None:
        return bill.total
    together = [x for x in facts.order.lines if x.vertical == line.vertical]
    worth = [facts.ledger.line(x.line_id).goods_of(((0, x.pieces),)) for x in together]
    declared = [Declared(value, x.pieces) for x, value in zip(together, worth, strict=True)]
    quotas = [q for x in together if type(q := x.data.get("quota_left_minor")) is int]
    freight = facts.ledger.freight_minor
    single = all(x.data.get("indivisible") is True for x in together)
    basis: Basis = basis_of(declared, freight, indivisible=single, quota_left_minor=min(quotas, default=None))
    value = dutiable(declared, freight)[[x.line_id for x in together].index(line.line_id)]
    taxes = taxes_of(value, rates, basis) if (rates := _rates(facts, line)) else None
    return taxes.total if taxes else None


def _of(whole_minor: int, units: Runs, pieces: int) -> int:
    """What of a line's taxes lies on these pieces, cut as the tax that was paid is cut: the first pieces have a fen more.

    So what stays of each piece never exceeds what was paid for it, and all pieces come to the same however they go back.
    """
    each, more = divmod(whole_minor, pieces)
    return sum(each * (stop - start) + max(0, min(stop, more) - start) for start, stop in units)


def stays(facts: Facts, item: Item, tax_paid: int) -> int:
    """Fen (cents) of ``tax_paid`` for these very pieces that do not come back. For goods that the buyer keeps: none."""
    line = facts.order.line(item.line_id)
    if facts.kind is Kind.CLAIM:
        return 0
    if regime_of(line).tax != "customs":
        return min(tax_paid, _of(_item_duty(facts, line), item.units, line.pieces))
    if days_of(facts, line) not in (Days.LATE, Days.REFUSED) or not buyer_bears(facts, line):
        return 0
    whole = levied(facts, line)
    return tax_paid if whole is None else min(tax_paid, _of(whole, item.units, line.pieces))


def _item_duty(facts: Facts, line: Line) -> int:
    """The duty per item on the line that is not ours to give back: customs decides, or the shop bears it."""
    said = line.data.get("item_duty_minor")
    spared = item_duty_back(facts) or line.terms.get("item_duty") == "merchant" or not has_left(facts)
    return 0 if spared or type(said) is not int else said


def has_left(facts: Facts) -> bool:
    """Whether the goods had set out when the buyer applied: before that no tax is due anywhere."""
    shipped_at = facts.order.shipped_at
    return facts.order.is_shipped and not (shipped_at is not None and shipped_at > facts.applied_at)


def tax_kept(facts: Facts, items: Iterable[Item]) -> int:
    """What stays of the tax paid for all these pieces."""
    return sum(stays(facts, item, facts.ledger.worth(item.line_id, item.units)[1]) for item in items)
