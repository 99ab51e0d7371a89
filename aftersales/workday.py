"""Workday: which days people work on, and what that does to deadlines. Pure arithmetic over the port ``Workdays``.

A year that nobody has told of counts Monday to Friday, and what was computed with it is *provisional*: never an error, and never
a date that is silently wrong. Days are counted in the merchant's zone.

What the law counts in natural days (the seven days of a return without a reason, the days for customs) has nothing to do with
any of this, and is computed by :func:`aftersales.deadline.end_of_days` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class DayKind(StrEnum):
    """What a day is to those who work."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"  # off by the State Council's notice, days in lieu and the weekend inside it included
    MAKE_UP = "make_up"  # 调休: a Saturday or Sunday that is worked for a holiday


@dataclass(frozen=True, slots=True)
class Day:
    """What one day is. ``holiday`` says for which holiday it is off, or worked: a code (``spring_festival``) or its name."""

    kind: DayKind
    holiday: str = ""

    @property
    def works(self) -> bool:
        """Whether it is a working day."""
        return self.kind in (DayKind.WORKING, DayKind.MAKE_UP)


#: What is known of a day (:meth:`aftersales.ports.Workdays.day`): None where nobody has told of it yet.
Known = Callable[[date], Day | None]

ONE_DAY = timedelta(days=1)
#: The longest row of days off that is believed; the longest that ever was had eleven (Spring Festival 2020, made longer by notice).
LONGEST = 31


@dataclass(frozen=True, slots=True)
class Reckoned:
    """An instant that was computed, and whether a day that nobody has told of yet went into it.

    ``holiday`` is the one that it was moved out of, "" where it was not.
    """

    at: datetime
    provisional: bool = False
    holiday: str = ""


def next_working(known: Known, day: date) -> tuple[date, bool]:
    """The first working day after ``day``, and whether that is provisional."""
    provisional = False
    for number in range(1, LONGEST + 1):
        found = day + number * ONE_DAY
        told = known(found)
        provisional |= told is None
        if told.works if told else found.weekday() < 5:
            return found, provisional
    return day + ONE_DAY, True  # a calendar without working days is none


def after(known: Known, days: int, start_at: datetime, zone: ZoneInfo) -> Reckoned:
    """The first instant after ``days`` working days that are counted from the day after ``start_at`` in ``zone``.

    Three working days from a Friday noon are Monday to Wednesday, and the answer is Thursday at 00:00: an act before it is in time
    (Civil Code art. 201: the day on which a period begins is not counted).
    """
    day, provisional = start_at.astimezone(zone).date(), False
    for _ in range(days):
        day, unsure = next_working(known, day)
        provisional |= unsure
    return Reckoned(datetime.combine(day + ONE_DAY, time(0), zone).astimezone(start_at.tzinfo), provisional)


def moved(known: Known, due_at: datetime, zone: ZoneInfo) -> Reckoned:
    """The deadline moved out of the holiday that its last day falls on: to the same hour of the first working day after it.

    A deadline at 00:00 has the day before as its last one. Moved already it stays where it is.

    Civil Code art. 203: where the last day of a period is a statutory day off (法定休假日), the day after that ends it. We move out
    of holidays only, not out of a weekend by itself: these waiting times are a shop's promises in hours and days, counted with
    their weekends, and carriers collect and shops take parcels in on a Saturday; in a holiday many do neither.
    """
    local = due_at.astimezone(zone)
    last = (local - timedelta(microseconds=1)).date()
    today = known(last)
    if today is None:
        return Reckoned(due_at, provisional=True)
    if today.kind is not DayKind.HOLIDAY:
        return Reckoned(due_at)
    day, provisional = next_working(known, last)
    return Reckoned((local + (day - last)).astimezone(due_at.tzinfo), provisional, today.holiday)
