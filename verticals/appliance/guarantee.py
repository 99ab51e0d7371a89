"""The three guarantees (三包) as data, and until when they run. Every number's source is in the README beside this file."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aftersales.fact import OrderFact, instant_of
from aftersales.order import Line, Order
from aftersales.remedy import REPLACED
from aftersales.vertical import Facts

RETURN_DAYS = 7  # Rules on Repair, Replacement and Return of Certain Goods, art. 9: return, replacement or repair
EXCHANGE_DAYS = 15  # art. 10: replacement or repair
REPAIRS = 2  # art. 11: after so many repairs of a fault in the guarantee, replacement or return
MOST_DAYS = 3 * 365  # the longest after-sale period the platforms know; a longer promise is read as this
MOST_MONTHS = 15 * 12  # the longest guarantee that is believed; a longer one is a typing error
SETTLING_IN = timedelta(days=30)  # an installation within so long after delivery begins the guarantee; a later one does not

WHOLE_MONTHS = 12  # annex to the Rules: the whole machine
#: Months for main parts (compressor, motor, magnetron) by category, annex to the Rules; other categories as the whole machine.
PART_MONTHS = {
    "tv": 36,
    "fridge": 36,
    "washing_machine": 36,
    "air_conditioner": 36,
    "fan": 36,
    "vacuum_cleaner": 36,
    "range_hood": 36,
    "gas_water_heater": 36,
    "microwave": 24,
}


def months_of(line: Line, *, part: bool) -> int:
    """How many months the guarantee runs: the law's, or what the maker promised for this line where that is longer."""
    law = PART_MONTHS.get(line.category, WHOLE_MONTHS) if part else WHOLE_MONTHS
    promised = line.data.get("part_months" if part else "guarantee_months")
    return max(law, min(promised, MOST_MONTHS)) if type(promised) is int else law


def begins(facts: Facts, line: Line) -> datetime | None:
    """From when guarantees count: delivery, or installation soon after; anew from a replacement. None where nobody knows."""
    signed_at = facts.order.signed_at
    replaced = facts.order.told(REPLACED, line.line_id)
    if replaced is not None and (signed_at is None or replaced.at > signed_at):
        return replaced.at
    installed_at = installed(facts, line)[0]
    if signed_at is not None and installed_at is not None and signed_at < installed_at <= signed_at + SETTLING_IN:
        return installed_at
    return signed_at


def installed(facts: Facts, line: Line) -> tuple[datetime | None, bool]:
    """When the machine was installed, as far as anybody says when, and whether it was."""
    told = since_replaced(facts.order, line, facts.order.told("installer.installed", line.line_id))
    if told is not None:
        return told.at, True
    known = facts.lookup("installer", line.line_id)
    if known is None or known.status != "installed" or facts.order.told(REPLACED, line.line_id) is not None:
        return None, False
    return instant_of(known.get("installed_at")), True


def since_replaced(order: Order, line: Line, fact: OrderFact | None) -> OrderFact | None:
    """The fact, unless it is of the machine that was there before a replacement."""
    replaced = order.told(REPLACED, line.line_id)
    return fact if fact is None or replaced is None or fact.at > replaced.at else None


def end_of_months(start_at: datetime, months: int, zone: ZoneInfo) -> datetime:
    """The first instant after ``months`` in ``zone``, the day of ``start_at`` not counted: bought on the 1st, the 1st is in time.

    Where the last month has no such day its last day ends it: from 2028-02-29 a year ends with 2029-02-28 (Civil Code, art. 202).
    """
    day = start_at.astimezone(zone).date()
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return datetime.combine(last + timedelta(days=1), time(0), zone).astimezone(start_at.tzinfo)
