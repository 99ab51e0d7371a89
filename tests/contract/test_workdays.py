"""Calendars of working days keep their contract: the fake, and China's, against the notices of 2025 and 2026."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from aftersales.errors import BadSettings
from aftersales.registry import Registry
from aftersales.testing.workdays import FakeWorkdays, WorkdaysContract
from aftersales.workday import Day, DayKind
from plugins.china_workdays import build
from plugins.china_workdays.calendar import ChinaWorkdays

ROOT = Path(__file__).resolve().parents[2]
ONE_DAY = timedelta(days=1)


class TestFake(WorkdaysContract):
    """The fake of stories about holidays."""

    @pytest.fixture
    def known(self) -> date:
        """A day of a year that it knows."""
        return date(2026, 10, 1)

    @pytest.fixture
    def workdays(self) -> FakeWorkdays:
        """With one holiday."""
        fake = FakeWorkdays()
        fake.off(date(2026, 10, 1), date(2026, 10, 7), "national_day")
        return fake


class TestChina(WorkdaysContract):
    """The plugin as a stage file switches it on."""

    @pytest.fixture(params=[2010, 2020, 2025, 2026])
    def known(self, request: pytest.FixtureRequest) -> date:
        """A day of a year that the library holds."""
        return date(request.param, 6, 1)

    @pytest.fixture
    def workdays(self) -> ChinaWorkdays:
        """Without settings."""
        return build({})


def days(first: str, last: str) -> list[date]:
    """The days from ``first`` to ``last``, both included."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [begin + number * ONE_DAY for number in range((end - begin).days + 1)]


#: 国务院办公厅关于 2026 年部分节假日安排的通知 (2025-11-04).
OFF_2026 = {
    "new_years_day": days("2026-01-01", "2026-01-03"),
    "spring_festival": days("2026-02-15", "2026-02-23"),
    "tomb_sweeping_day": days("2026-04-04", "2026-04-06"),
    "labour_day": days("2026-05-01", "2026-05-05"),
    "dragon_boat_festival": days("2026-06-19", "2026-06-21"),
    "mid_autumn_festival": days("2026-09-25", "2026-09-27"),
    "national_day": days("2026-10-01", "2026-10-07"),
}
WORKED_2026 = {date.fromisoformat(f"2026-{day}") for day in ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")}


def test_every_day_of_2026_is_as_its_notice_says() -> None:
    """Each day off by its name, each made-up Saturday and Sunday, and every other day by its place in the week."""
    china = build({})
    off = {day: name for name, those in OFF_2026.items() for day in those}
    for day in days("2026-01-01", "2026-12-28"):
        found = china.day(day)
        assert found is not None
        if day in off:
            assert found == Day(DayKind.HOLIDAY, off[day])
        elif day in WORKED_2026:
            assert found.kind is DayKind.MAKE_UP
            assert found.holiday in off.values()
        else:
            assert found == Day(DayKind.WORKING if day.weekday() < 5 else DayKind.WEEKEND)


@pytest.mark.parametrize(("year", "worked"), [(2025, 248), (2026, 248)])
def test_a_year_has_as_many_working_days_as_its_notice_leaves(year: int, worked: int) -> None:
    """Counted day by day; the last three days of 2026 belong to a notice that is not there yet."""
    china = build({})
    found = [china.day(day) for day in days(f"{year}-01-01", f"{year}-12-31")]
    unknown = [day for day in found if day is None]
    assert sum(day.works for day in found if day) + len(unknown) == worked
    assert len(unknown) == (3 if year == 2026 else 0)


@pytest.mark.parametrize("on", ["2026-12-28", "2026-12-29", "2027-01-01", "2027-10-01", "2003-12-28"])
def test_a_year_without_its_notice_is_not_known(on: str) -> None:
    """New Year's holiday began as early as 29 December before: from there on nothing is known until its notice is."""
    assert (build({}).day(date.fromisoformat(on)) is not None) is (on == "2026-12-28")


NEXT = """
[2027]
off = [
  2026-12-31, 2027-01-01, 2027-01-02, 2027-02-05, 2027-02-06, 2027-02-07, 2027-02-08, 2027-02-09, 2027-04-05,
  2027-05-01, 2027-05-02, 2027-06-09, 2027-09-15, 2027-10-01, 2027-10-02, 2027-10-03,
]
work = [2027-01-10]
names = { 2026-12-31 = "new_years_day", 2027-02-05 = "spring_festival", 2027-10-01 = "national_day", 2027-01-10 = "new_years_day" }
"""


def test_a_year_is_known_once_its_notice_is_told() -> None:
    """Told whole, the year is known from the last days of the one before; a row of days off has the name of its first."""
    china = build({"days": NEXT})
    assert china.day(date(2026, 12, 31)) == Day(DayKind.HOLIDAY, "new_years_day")
    assert china.day(date(2027, 1, 2)) == Day(DayKind.HOLIDAY, "new_years_day")
    assert china.day(date(2027, 2, 9)) == Day(DayKind.HOLIDAY, "spring_festival")
    assert china.day(date(2027, 5, 1)) == Day(DayKind.HOLIDAY)
    assert china.day(date(2027, 1, 10)) == Day(DayKind.MAKE_UP, "new_years_day")
    assert china.day(date(2027, 12, 28)) == Day(DayKind.WORKING)
    assert china.day(date(2027, 12, 29)) is None


def test_of_a_notice_told_by_halves_only_the_halves_are_known() -> None:
    """One holiday of a year that nobody else holds says nothing about the rest of it."""
    china = build({"days": '[2027]\noff = [2027-10-01]\nnames = { 2027-10-01 = "national_day" }'})
    assert china.day(date(2027, 10, 1)) == Day(DayKind.HOLIDAY, "national_day")
    assert china.day(date(2027, 10, 2)) is None
    assert china.day(date(2027, 3, 1)) is None


def test_a_notice_that_was_changed_is_told_over_the_librarys() -> None:
    """In a year that the library holds the days that were told win, and all others stay."""
    china = build({"days": "[2026]\noff = [2026-10-08]\nwork = [2026-10-07]\nnames = { 2026-10-08 = '国庆加放' }"})
    assert china.day(date(2026, 10, 8)) == Day(DayKind.HOLIDAY, "国庆加放")
    assert china.day(date(2026, 10, 7)) == Day(DayKind.WORKING)
    assert china.day(date(2026, 10, 6)) == Day(DayKind.HOLIDAY, "national_day")


@pytest.mark.parametrize(
    ("told", "named"),
    [
        pytest.param("[2027]\noff = [2028-01-01]", "2028-01-01", id="another year's day"),
        pytest.param("[2027]\noff = [2027-12-30]", "2028", id="it stands in the next notice"),
        pytest.param("[2027]\noff = [2027-01-01]\nwork = [2027-01-01]", "2027-01-01", id="off and worked"),
        pytest.param("[2027]\noff = ['2027-01-01']", "2027", id="text in place of a day"),
        pytest.param("[2027]\noff = [2027-01-01T00:00:00]", "2027", id="an instant in place of a day"),
        pytest.param("[2027]\nfree = [2027-01-01]", "2027", id="a word that nobody knows"),
        pytest.param("[2027]\nnames = { 2027-01-01 = 'x' }", "names", id="the name of a day that is not off"),
        pytest.param("[2027]\noff = [2027-01-01]\nnames = { New = 'x' }", "names", id="a name by something else"),
        pytest.param("[next]\noff = []", "next", id="no year"),
        pytest.param("2027 = 1", "2027", id="no table"),
        pytest.param("[2027", "days", id="no TOML"),
        pytest.param([date(2027, 1, 1)], "days", id="no text"),
    ],
)
def test_a_notice_that_makes_no_sense_is_refused_when_it_is_told(told: object, named: str) -> None:
    """Not when the first deadline asks for it: the setting and the day are named at the start."""
    with pytest.raises(BadSettings) as error:
        build({"days": told})
    assert "china_workdays" in error.value.message
    assert named in error.value.message


def test_a_stage_file_switches_it_on(tmp_path: Path) -> None:
    """By ``[ports] workdays``, its notices from a file; without that line nobody is asked."""
    (tmp_path / "days.toml").write_text(NEXT, encoding="utf-8")
    stage = {"ports": {"workdays": "china_workdays"}, "settings": {"china_workdays": {"days": f"file:{tmp_path / 'days.toml'}"}}}
    workdays = Registry(stage).workdays
    assert workdays is not None
    assert workdays.day(date(2027, 10, 1)) == Day(DayKind.HOLIDAY, "national_day")
    assert Registry({}).workdays is None


LAZY = """
import json, sys
from plugins.china_workdays import build
built = build({})
before = "chinese_calendar" in sys.modules
import datetime
built.day(datetime.date(2026, 10, 1))
print(json.dumps([before, "chinese_calendar" in sys.modules]))
"""


def test_the_library_is_loaded_with_the_first_question() -> None:
    """Switching the calendar on costs a start nothing."""
    ran = subprocess.run([sys.executable, "-c", LAZY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [False, True]
