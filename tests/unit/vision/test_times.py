from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.decision import Verdict
from plugins.vision.times import AHEAD, BEHIND, SLACK, look

PAID = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BEIJING = timezone(timedelta(hours=8))


def local(*parts: int) -> datetime:
    """A camera's time without a zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc,arg-type]  # year, month, day and so on


instants = st.datetimes(local(1972, 1, 1), local(2198, 1, 1), timezones=st.just(UTC))
offsets = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


@pytest.mark.parametrize(
    ("taken_at", "expected"),
    [
        pytest.param(None, "vision.no_time", id="not_told"),
        pytest.param(PAID + timedelta(hours=30), "vision.time_fits", id="between"),
        pytest.param(PAID, "vision.time_fits", id="at_payment"),
        pytest.param(PAID - SLACK, "vision.time_fits", id="slack_before_payment_is_included"),
        pytest.param(PAID - SLACK - timedelta(seconds=1), "vision.time_differs", id="before_payment"),
        pytest.param(NOW + SLACK, "vision.time_fits", id="slack_after_now_is_included"),
        pytest.param(NOW + SLACK + timedelta(seconds=1), "vision.time_differs", id="in_the_future"),
        pytest.param(datetime(2026, 11, 20, 19, 30, tzinfo=BEIJING), "vision.time_fits", id="offset_is_heeded"),
        pytest.param(datetime(2026, 11, 20, 18, 30, tzinfo=BEIJING), "vision.time_differs", id="offset_is_heeded_before"),
        pytest.param(local(2026, 11, 20, 6, 0), "vision.time_fits", id="some_zone_fits"),
        pytest.param(local(2026, 11, 19, 12, 0), "vision.time_differs", id="no_zone_fits"),
        pytest.param(local(2000, 1, 1, 0, 3), "vision.no_time", id="clock_never_set"),
        pytest.param(local(2026, 1, 1, 0, 3), "vision.time_differs", id="new_year_of_a_set_clock"),
    ],
)
def test_photos_are_taken_within_the_life_of_the_order(taken_at: datetime | None, expected: str) -> None:
    """A photo from before the payment or from the future asks for a person; one without a time, or within it, does not."""
    found = look(taken_at, PAID, NOW)
    assert found.reason == expected
    assert (found.verdict is Verdict.UNSURE) == (expected == "vision.time_differs")


def test_nothing_to_compare_with_says_nothing() -> None:
    """Where the order's life is not known, no time is wrong."""
    assert look(PAID, None, None).reason == "vision.no_time"
    assert look(NOW, PAID, None).reason == "vision.time_fits"
    assert look(PAID, None, NOW).reason == "vision.time_fits"


@given(since=instants, life=st.timedeltas(timedelta(0), timedelta(days=400)), part=st.floats(0, 1), offset=offsets)
def test_honest_photos_are_never_doubted(since: datetime, life: timedelta, part: float, offset: timezone) -> None:
    """Whatever the zone and whether or not the camera names it, a photo taken within the order's life fits."""
    taken_at = (since + life * part).astimezone(offset)
    if look(taken_at, since, since + life).reason != "vision.no_time":  # unless it is a first of January of old
        assert look(taken_at, since, since + life).verdict is Verdict.PASS
        assert look(taken_at.replace(tzinfo=None), since, since + life).verdict is Verdict.PASS


@given(since=instants, early=st.timedeltas(SLACK + BEHIND + AHEAD + timedelta(seconds=1), timedelta(days=300)), offset=offsets)
def test_photos_of_the_day_before_are_doubted(since: datetime, early: timedelta, offset: timezone) -> None:
    """A photo more than a day and a quarter older than the payment is doubted, with or without an offset."""
    taken_at = (since - early).astimezone(offset)
    for taken in (taken_at, taken_at.replace(tzinfo=None)):
        found = look(taken, since, None)
        assert found.reason in ("vision.time_differs", "vision.no_time")
        assert found.reason == "vision.time_differs" or (taken.month, taken.day) == (1, 1)
