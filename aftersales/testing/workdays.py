"""FakeWorkdays, a calendar that is told each holiday, and the kit every Workdays passes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from aftersales.ports import Workdays
from aftersales.workday import LONGEST, Day, DayKind, next_working

ONE_DAY = timedelta(days=1)


class FakeWorkdays:
    """Monday to Friday in the ``years`` that it knows, but for the ``days`` that it was told."""

    def __init__(self, days: Mapping[date, Day] | None = None, years: tuple[int, ...] = (2026,)) -> None:
        self.days, self.years = dict(days or {}), list(years)

    def off(self, first: date, last: date, holiday: str) -> None:
        """A holiday from ``first`` to ``last``; its years are known then."""
        for number in range((last - first).days + 1):
            self.days[first + number * ONE_DAY] = Day(DayKind.HOLIDAY, holiday)
        self.years += [first.year, last.year]

    def day(self, on: date) -> Day | None:
        """See :class:`~aftersales.ports.Workdays`."""
        if on.year not in self.years:
            return None
        return self.days.get(on) or Day(DayKind.WEEKEND if on.weekday() > 4 else DayKind.WORKING)


class WorkdaysContract:
    """What every Workdays keeps; a subclass gives the fixture ``workdays``, and ``known`` (a day of a year that it holds)."""

    def test_a_day_off_is_no_working_day_and_a_make_up_day_is(self, workdays: Workdays, known: date) -> None:
        """Each day has a kind: Monday to Friday are worked unless they are a holiday's, weekends to make up for one."""
        for number in range(360):
            on = date(known.year, 1, 1) + number * ONE_DAY
            found = workdays.day(on)
            assert found is not None, on
            usual = DayKind.WORKING if on.weekday() < 5 else DayKind.WEEKEND
            assert found.kind in (usual, DayKind.HOLIDAY) or (found.kind is DayKind.MAKE_UP and on.weekday() > 4), on
            assert found.works == (found.kind in (DayKind.WORKING, DayKind.MAKE_UP))
            assert found.kind is not DayKind.HOLIDAY or found.holiday, f"{on} is a holiday without a name"

    def test_it_says_the_same_each_time(self, workdays: Workdays, known: date) -> None:
        """A day asked for again is what it was."""
        assert [workdays.day(known) for _ in range(3)] == [workdays.day(known)] * 3

    def test_a_year_that_nobody_has_told_of_is_not_guessed(self, workdays: Workdays) -> None:
        """A year of the far future and one of the far past: None, and no error."""
        assert workdays.day(date(2090, 10, 1)) is None
        assert workdays.day(date(1970, 10, 1)) is None

    def test_after_every_day_a_working_day_comes_soon(self, workdays: Workdays, known: date) -> None:
        """No row of days off is so long that nobody would believe it."""
        for number in range(300):
            on = date(known.year, 1, 1) + number * ONE_DAY
            found, provisional = next_working(workdays.day, on)
            assert not provisional
            assert ONE_DAY <= found - on < LONGEST * ONE_DAY
