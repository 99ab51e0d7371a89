"""The calendar: what the notices say of a day, the library's and those that were told beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

from aftersales.workday import Day, DayKind
from plugins.china_workdays.setting import Setting, year_of


class ChinaWorkdays:
    """See :class:`~aftersales.ports.Workdays`."""

    def __init__(self, setting: Setting) -> None:
        self._notices = setting.notices

    def day(self, on: date) -> Day | None:
        """What was told of the day itself, else what the notice of its year says; None where there is no whole one."""
        year = year_of(on)
        told = self._notices.get(year)
        if told and on in told.days:
            return told.days[on]
        days, years = _library()
        if year not in years and not (told and told.whole):
            return None
        return days.get(on) or Day(DayKind.WEEKEND if on.weekday() > 4 else DayKind.WORKING)


@cache
def _library() -> tuple[Mapping[date, Day], range]:
    """The days that the library's notices name, and the years that it holds. It refuses other years, and so do we."""
    import chinese_calendar as library

    codes = {holiday.value: holiday.name for holiday in library.Holiday}
    days = {on: Day(DayKind.HOLIDAY, codes[name]) for on, name in library.holidays.items()}
    days |= {on: Day(DayKind.MAKE_UP, codes[name]) for on, name in library.workdays.items()}
    return days, range(min(library.holidays).year, max(library.holidays).year + 1)
