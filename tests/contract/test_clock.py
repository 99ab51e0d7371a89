from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aftersales.errors import BadSettings
from aftersales.ports import Clock
from aftersales.testing.clock import START, ClockContract, FakeClock
from plugins.local_clock import LocalClock, move
from plugins.local_clock import build as build_local
from plugins.system_clock import build as build_system

NEAR = timedelta(seconds=20)
HOUR = timedelta(hours=1)


class TestFake(ClockContract):
    """The clock of unit tests."""

    @pytest.fixture
    def clock(self) -> Clock:
        """It stands."""
        return FakeClock()

    def test_it_moves_when_it_is_told(self) -> None:
        """And only then."""
        clock = FakeClock()
        assert clock.move(HOUR) == clock.now() == START + HOUR


class TestSystem(ClockContract):
    """The machine's clock."""

    @pytest.fixture
    def clock(self) -> Clock:
        """It runs."""
        return build_system({})

    def test_it_is_now(self, clock: Clock) -> None:
        """It shows the machine's time."""
        assert abs(clock.now() - datetime.now(UTC)) < NEAR


class TestLocal(ClockContract):
    """The clock that `make tick` moves."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        """Where the offset will be."""
        return tmp_path / "new" / "clock"

    @pytest.fixture
    def clock(self, file: Path) -> LocalClock:
        """Not moved yet."""
        return build_local({"file": str(file)})

    def test_without_a_file_it_is_now(self, clock: LocalClock) -> None:
        """Nobody moved it: the machine's time."""
        assert abs(clock.now() - datetime.now(UTC)) < NEAR

    def test_a_running_clock_follows_every_move(self, clock: LocalClock, file: Path) -> None:
        """Moves add up, and the next look shows each of them, however fast they follow."""
        for hours in range(1, 20):
            assert move(file, HOUR) == hours * HOUR
            assert abs(clock.now() - datetime.now(UTC) - hours * HOUR) < NEAR

    def test_a_move_leaves_nothing_beside_the_file(self, clock: LocalClock, file: Path) -> None:
        """It is replaced in one step."""
        move(file, 48 * HOUR)
        assert list(file.parent.iterdir()) == [file]

    def test_nonsense_in_the_file_is_named(self, clock: LocalClock, file: Path) -> None:
        """A file without a number is an error that says so, not a guess."""
        move(file, HOUR)
        file.write_text("tomorrow")
        with pytest.raises(BadSettings, match="clock"):
            clock.now()

    def test_a_file_is_needed(self) -> None:
        """Without one nothing is built."""
        with pytest.raises(BadSettings):
            build_local({})
