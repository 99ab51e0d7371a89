from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.deadline import Deadline, end_of_days
from aftersales.testing.workdays import FakeWorkdays
from aftersales.workday import Day, DayKind, Reckoned, after, moved, next_working
from plugins.china_workdays import build

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINA = build({})
FIRST = datetime.fromisoformat("2004-01-05")  # local, as those that Hypothesis draws


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """A local time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("due", "ends", "holiday"),
    [
        pytest.param("2026-02-14 12:00", "2026-02-14 12:00", "", id="a Saturday that is worked for Spring Festival"),
        pytest.param("2026-02-15 12:00", "2026-02-24 12:00", "spring_festival", id="its first day"),
        pytest.param("2026-02-23 23:59:59", "2026-02-24 23:59:59", "spring_festival", id="the last second of its last day"),
        pytest.param("2026-02-24 00:00", "2026-02-25 00:00", "spring_festival", id="at midnight the last day was a holiday"),
        pytest.param("2026-02-24 00:00:01", "2026-02-24 00:00:01", "", id="a second into the first working day"),
        pytest.param("2026-02-15 00:00", "2026-02-15 00:00", "", id="at midnight the last day was worked"),
        pytest.param("2026-10-01 00:00:01", "2026-10-08 00:00:01", "national_day", id="a second into National Day"),
        pytest.param("2026-10-03 18:30", "2026-10-08 18:30", "national_day", id="a Saturday inside the holiday"),
        pytest.param("2026-01-03 09:00", "2026-01-04 09:00", "new_years_day", id="to a Sunday that is worked"),
        pytest.param("2026-09-27 09:00", "2026-09-28 09:00", "mid_autumn_festival", id="a Sunday that is a holiday's"),
        pytest.param("2026-11-21 09:00", "2026-11-21 09:00", "", id="an ordinary Saturday"),
        pytest.param("2026-11-22 09:00", "2026-11-22 09:00", "", id="an ordinary Sunday"),
    ],
)
def test_a_deadline_leaves_a_holiday_and_not_a_weekend(due: str, ends: str, holiday: str) -> None:
    """The same hour of the first working day after it; the last day of a deadline at midnight is the one before."""
    assert moved(CHINA.day, at(due), SHANGHAI) == Reckoned(at(ends), False, holiday)


@pytest.mark.parametrize(
    ("start", "days", "ends"),
    [
        pytest.param("2026-11-20 12:00", 3, "2026-11-26 00:00", id="a Friday: Monday, Tuesday, Wednesday"),
        pytest.param("2026-11-20 23:59:59", 3, "2026-11-26 00:00", id="at any hour of that day"),
        pytest.param("2026-11-21 00:00", 3, "2026-11-26 00:00", id="from a Saturday the same days count"),
        pytest.param("2026-09-30 12:00", 3, "2026-10-11 00:00", id="8, 9 and the Saturday that is worked for National Day"),
        pytest.param("2026-02-13 12:00", 3, "2026-02-26 00:00", id="a Saturday that is worked, then after Spring Festival"),
        pytest.param("2026-11-20 12:00", 0, "2026-11-21 00:00", id="the day itself"),
    ],
)
def test_working_days_end_with_the_last_of_them(start: str, days: int, ends: str) -> None:
    """Counted from the day after, holidays and weekends left out, made-up days in; the end is 24:00 of the last one."""
    assert after(CHINA.day, days, at(start), SHANGHAI) == Reckoned(at(ends))


def test_the_same_instant_is_another_day_elsewhere() -> None:
    """What is a holiday's last hour in China is decided in the merchant's zone."""
    due = at("2026-10-01 03:00")
    assert moved(CHINA.day, due, SHANGHAI).holiday == "national_day"
    assert moved(CHINA.day, due, ZoneInfo("Europe/Berlin")) == Reckoned(due)


def test_the_hour_is_the_one_on_the_wall() -> None:
    """Where clocks go back during a holiday the deadline keeps its hour, and is an hour longer."""
    berlin, fake = ZoneInfo("Europe/Berlin"), FakeWorkdays()
    fake.off(date(2026, 10, 24), date(2026, 10, 25), "a feast")
    found = moved(fake.day, at("2026-10-24 18:00", berlin), berlin)
    assert found == Reckoned(at("2026-10-26 18:00", berlin), False, "a feast")
    assert found.at - at("2026-10-24 18:00", berlin) == timedelta(days=2, hours=1)


@pytest.mark.parametrize("due", ["2026-12-30 12:00", "2027-01-01 12:00", "2027-10-01 12:00"])
def test_in_a_year_without_its_notice_a_deadline_stays_and_is_provisional(due: str) -> None:
    """Nobody knows whether that day is a holiday: nothing is moved, nothing breaks, and the answer says so."""
    assert moved(CHINA.day, at(due), SHANGHAI) == Reckoned(at(due), provisional=True)


def test_working_days_into_a_year_without_its_notice_are_monday_to_friday() -> None:
    """Three working days from 30 December 2026: as the week goes, and provisional."""
    assert after(CHINA.day, 3, at("2026-12-28 12:00"), SHANGHAI) == Reckoned(at("2027-01-01 00:00"), provisional=True)
    assert after(CHINA.day, 3, at("2026-12-31 12:00"), SHANGHAI) == Reckoned(at("2027-01-06 00:00"), provisional=True)


def test_a_holiday_that_reaches_into_an_unknown_year_ends_provisionally() -> None:
    """The days after what is known count by the week, and the end may move once they are."""
    fake = FakeWorkdays(years=())
    fake.off(date(2026, 12, 31), date(2026, 12, 31), "new_years_day")
    fake.years.remove(2026)
    assert fake.years == [2026]
    assert moved(fake.day, at("2026-12-31 12:00"), SHANGHAI) == Reckoned(at("2027-01-01 12:00"), True, "new_years_day")


def test_a_calendar_without_working_days_stops_nobody() -> None:
    """A row of days off that nobody would believe is not followed to its end."""

    def never(on: date) -> Day:
        return Day(DayKind.HOLIDAY, "always")

    assert next_working(never, date(2026, 11, 20)) == (date(2026, 11, 21), True)
    assert moved(never, at("2026-11-20 12:00"), SHANGHAI).provisional


@given(st.datetimes(FIRST, datetime.fromisoformat("2027-12-31")))
def test_moved_twice_is_moved_once(due: datetime) -> None:
    """Whatever the instant: it never comes earlier, keeps its hour, and moving it again changes nothing."""
    due_at = due.replace(tzinfo=SHANGHAI).astimezone(UTC)
    once = moved(CHINA.day, due_at, SHANGHAI)
    again = moved(CHINA.day, once.at, SHANGHAI)
    assert once.at >= due_at
    assert once.at.astimezone(SHANGHAI).time() == due.time()
    assert (again.at, again.holiday) == (once.at, "")
    assert (once.at == due_at) == (once.holiday == "")


@given(st.datetimes(FIRST, datetime.fromisoformat("2026-11-30")), st.integers(0, 12))
def test_so_many_working_days_lie_in_between(start: datetime, days: int) -> None:
    """From the day after the start to the end, exactly the days that were asked for are worked."""
    start_at = start.replace(tzinfo=SHANGHAI).astimezone(UTC)
    end = after(CHINA.day, days, start_at, SHANGHAI).at.astimezone(SHANGHAI)
    first = start.date() + timedelta(days=1)
    between = [first + timedelta(days=number) for number in range((end.date() - first).days)]
    assert sum(bool((day := CHINA.day(on)) and day.works) for on in between) == days


def test_the_seven_days_of_a_return_do_not_move() -> None:
    """The law counts them in natural days: signed for before National Day, they end in the middle of it."""
    assert end_of_days(at("2026-09-26 12:00"), 7, SHANGHAI) == at("2026-10-04 00:00")


def test_a_moved_deadline_says_why_and_whether_it_is_sure() -> None:
    """A pause keeps what is provisional; another instant for the same wait is a new computation."""
    given = Deadline(at("2027-01-01 12:00"), "default", provisional=True)
    assert given.pause(at("2026-12-31 12:00")).resume(at("2027-01-02 12:00")).provisional
    assert not given.move(at("2027-01-04 12:00"), "new_years_day").provisional
