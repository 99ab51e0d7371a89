from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aftersales.deadline import Deadline, end_of_days
from aftersales.testing.builders import NOW

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)


def at(text: str, zone: ZoneInfo) -> datetime:
    """A local time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("signed", "days", "zone", "end"),
    [
        pytest.param("2026-11-01 00:00:00", 7, SHANGHAI, "2026-11-09 00:00", id="first second of the day"),
        pytest.param("2026-11-01 23:59:59", 7, SHANGHAI, "2026-11-09 00:00", id="last second of the day"),
        pytest.param("2026-11-02 00:00:00", 7, SHANGHAI, "2026-11-10 00:00", id="a second later is a day later"),
        pytest.param("2026-12-28 12:00:00", 7, SHANGHAI, "2027-01-05 00:00", id="year end"),
        pytest.param("2028-02-22 12:00:00", 7, SHANGHAI, "2028-03-01 00:00", id="leap day counts"),
        pytest.param("2027-02-22 12:00:00", 7, SHANGHAI, "2027-03-02 00:00", id="no leap day"),
        pytest.param("2026-10-20 12:00:00", 7, BERLIN, "2026-10-28 00:00", id="clocks go back"),
        pytest.param("2027-03-25 12:00:00", 7, BERLIN, "2027-04-02 00:00", id="clocks go forward"),
        pytest.param("2026-11-01 12:00:00", 15, SHANGHAI, "2026-11-17 00:00", id="a longer promise"),
        pytest.param("2026-11-01 12:00:00", 0, SHANGHAI, "2026-11-02 00:00", id="the day itself"),
    ],
)
def test_days_are_counted_from_the_day_after_to_midnight(signed, days, zone, end):
    """Signed at any hour of a day, the days are whole local days from the next one, whatever the clocks do."""
    assert end_of_days(at(signed, zone), days, zone) == at(end, zone)


def test_a_day_is_a_local_day_not_24_hours():
    """When clocks go back the seven days last an hour longer, and when they go forward an hour less."""
    longer = end_of_days(at("2026-10-20 23:59:59", BERLIN), 7, BERLIN) - at("2026-10-21 00:00", BERLIN)
    shorter = end_of_days(at("2027-03-25 23:59:59", BERLIN), 7, BERLIN) - at("2027-03-26 00:00", BERLIN)
    assert (longer, shorter) == (timedelta(days=7, hours=1), timedelta(days=7, hours=-1))


def test_the_same_instant_is_another_day_elsewhere():
    """Four in the morning UTC is noon in Shanghai, and the count follows the merchant's zone."""
    assert end_of_days(NOW, 7, SHANGHAI) == at("2026-11-28 00:00", SHANGHAI)
    assert end_of_days(NOW, 7, ZoneInfo("America/Los_Angeles")) == at("2026-11-27 00:00", ZoneInfo("America/Los_Angeles"))
    assert end_of_days(NOW, 7, SHANGHAI).tzinfo is UTC


@pytest.mark.parametrize(("after", "passed"), [(-SECOND, False), (timedelta(0), True), (SECOND, True)])
def test_the_instant_itself_counts_as_passed(after, passed):
    """A second before the deadline it is not over; at the instant it is."""
    deadline = Deadline.after(NOW, timedelta(hours=48), "default")
    assert deadline.passed(NOW + timedelta(hours=48) + after) is passed


def test_a_pause_keeps_the_rest():
    """Paused with 40 hours left, however long and however often, it runs on with 40 hours."""
    deadline = Deadline.after(NOW, timedelta(hours=48), "default").pause(NOW + timedelta(hours=8))
    assert (deadline.paused, deadline.left, deadline.passed(NOW + timedelta(days=90))) == (True, timedelta(hours=40), False)
    later = NOW + timedelta(days=3)
    assert deadline.pause(later) == deadline
    resumed = deadline.resume(later)
    assert (resumed.due_at, resumed.left, resumed.cause) == (later + timedelta(hours=40), None, "default")
    assert resumed.resume(later + timedelta(hours=1)) == resumed


def test_a_pause_after_the_end_leaves_nothing():
    """Pausing too late gives no time back: resumed, it is over at once."""
    deadline = Deadline.after(NOW, SECOND, "default").pause(NOW + timedelta(hours=1))
    assert deadline.left == timedelta(0)
    assert deadline.resume(NOW + timedelta(hours=2)).passed(NOW + timedelta(hours=2))


def test_a_move_says_why():
    """A moved deadline counts instead of the old one, carries its reason, and runs even when it stood still (T67)."""
    due = NOW + timedelta(days=10)
    paused = Deadline.after(NOW, timedelta(hours=48), "default").pause(NOW)
    assert paused.move(due, "spring festival") == Deadline(due, "moved: spring festival")


def test_a_pause_with_an_end_ends_by_itself():
    """Paused until an instant, the rest of the wait runs on from there; resumed before, it runs on from then."""
    deadline = Deadline.after(NOW, timedelta(hours=48), "default").pause(NOW + timedelta(hours=8), NOW + timedelta(days=30))
    assert deadline.paused
    assert deadline.due_at == NOW + timedelta(days=30, hours=40)
    early = deadline.resume(NOW + timedelta(days=1))
    assert (early.paused, early.due_at) == (False, NOW + timedelta(days=1, hours=40))
