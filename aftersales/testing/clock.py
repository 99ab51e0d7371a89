"""FakeClock, a clock that stands until it is moved, and the kit every Clock passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aftersales.ports import Clock

#: A Friday, noon in Shanghai: the builders' NOW.
START = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


class FakeClock:
    """Shows ``at`` until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.at

    def move(self, length: timedelta) -> datetime:
        """Go forward by ``length`` and show the new instant."""
        self.at += length
        return self.at


class ClockContract:
    """What every Clock keeps; a subclass gives the fixture ``clock``."""

    def test_now_is_aware_utc(self, clock: Clock) -> None:
        """An instant is aware, and its zone is UTC."""
        assert clock.now().utcoffset() == timedelta(0)

    def test_time_never_runs_backwards_by_itself(self, clock: Clock) -> None:
        """A later look never shows an earlier instant."""
        looks = [clock.now() for _ in range(50)]
        assert looks == sorted(looks)
