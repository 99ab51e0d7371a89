"""A gate in memory, and the contract every gate passes."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from threading import Lock

from aftersales.channel import Limits
from aftersales.gate import Ended, Line, Passage, entered, instant, left, limited, micros
from aftersales.ports import Gate
from aftersales.testing.clock import START

NEVER = timedelta(0)


class FakeGate:
    """The rule of ``aftersales.gate`` over one value per channel. Safe for threads, of one process."""

    def __init__(self) -> None:
        self.passages: dict[str, Passage] = {}
        self._line = Line()
        self._chance = random.Random(7)  # noqa: S311 (the same in every run)
        self._lock = Lock()

    def enter(self, channel: str, limits: Limits, now: datetime) -> datetime | None:
        """See :class:`~aftersales.ports.Gate`."""
        if not limited(limits):
            return None
        with self._lock:
            here, at = self.passages.get(channel, Passage()), micros(now)
            then = entered(here, limits, at)
            if isinstance(then, int):
                return instant(self._line.place(then, limits, at, self._chance.random()))
            self.passages[channel] = then
            return None

    def leave(self, channel: str, limits: Limits, now: datetime, ended: Ended) -> None:
        """See :class:`~aftersales.ports.Gate`."""
        if limited(limits):
            with self._lock:
                here = self.passages.get(channel, Passage())
                self.passages[channel] = left(here, limits, micros(now), ended, chance=self._chance.random())


FAST = Limits(per_second=150, errors_per_second=6)
RATELESS = Limits(window=timedelta(days=365))


def calls(gate: Gate, limits: Limits, since: datetime, length: timedelta, ended: Ended, channel: str = "c") -> list[datetime]:
    """When calls were let in, asked for every millisecond, each answered 50 ms later."""
    step, latency, made, open_calls = timedelta(milliseconds=1), timedelta(milliseconds=50), [], list[datetime]()
    now = since
    while now < since + length:
        while open_calls and open_calls[0] + latency <= now:
            gate.leave(channel, limits, open_calls.pop(0) + latency, ended)
        if gate.enter(channel, limits, now) is None:
            made.append(now)
            open_calls.append(now)
        now += step
    for begun in open_calls:
        gate.leave(channel, limits, max(now, begun + latency), ended)
    return made


def fullest(made: list[datetime], length: timedelta = timedelta(seconds=1)) -> int:
    """The most calls within any span of this length, wherever it begins."""
    made, most, first = sorted(made), 0, 0
    for number, at in enumerate(made):
        while made[first] <= at - length:
            first += 1
        most = max(most, number - first + 1)
    return most


class GateContract:
    """What every Gate keeps; a subclass gives the fixture ``gate`` (empty) and ``other`` (the same one, of another process)."""

    def test_no_second_holds_more_than_the_limit(self, gate: Gate) -> None:
        """Asked all the time, it lets nearly as many through as the channel allows, and in no second more."""
        made = calls(gate, FAST, START, timedelta(seconds=4), Ended.GOOD)
        assert fullest(made) <= 150
        assert len([at for at in made if at >= START + timedelta(seconds=2)]) >= 2 * 120

    def test_the_first_second_is_slow_until_an_answer_is_good(self, gate: Gate) -> None:
        """Nobody knows yet whether all that is sent ends in errors: fewer calls than errors are allowed."""
        made = calls(gate, FAST, START, timedelta(milliseconds=49), Ended.GOOD)
        assert len(made) == 1
        assert gate.enter("c", FAST, START + timedelta(milliseconds=60)) is not None

    def test_errors_never_exceed_their_quota(self, gate: Gate) -> None:
        """A channel that refuses everything is called at most as often as it allows errors, for as long as that lasts."""
        made = calls(gate, FAST, START, timedelta(seconds=3), Ended.REFUSED)
        assert 5 <= fullest(made) <= 6

    def test_an_error_slows_down_until_an_answer_is_good(self, gate: Gate) -> None:
        """At full speed one refused call is enough; and it is fast again once answers are good."""
        begin = START + timedelta(seconds=2)
        calls(gate, FAST, START, timedelta(seconds=2), Ended.GOOD)
        gate.leave("c", FAST, begin, Ended.REFUSED)
        slow = [at for n in range(1, 150) if gate.enter("c", FAST, at := begin + timedelta(milliseconds=n)) is None]
        assert len(slow) <= 1
        assert len(calls(gate, FAST, begin + timedelta(milliseconds=300), timedelta(seconds=2), Ended.GOOD)) > 120

    def test_silence_shuts_it(self, gate: Gate) -> None:
        """After five calls in a row without an answer nobody calls for about a second."""
        now = silenced(gate, FAST)
        again = gate.enter("c", FAST, now)
        assert again is not None
        assert timedelta(milliseconds=700) < again - now < timedelta(seconds=2)

    def test_one_probe_at_a_time(self, gate: Gate) -> None:
        """When the time is over one call is let in; the others wait for what it hears."""
        now = silenced(gate, FAST) + timedelta(seconds=1.1)
        assert gate.enter("c", FAST, now) is None
        assert gate.enter("c", FAST, now + timedelta(seconds=5)) is not None
        gate.leave("c", FAST, now + timedelta(seconds=6), Ended.GOOD)
        assert gate.enter("c", FAST, now + timedelta(seconds=7)) is None

    def test_a_probe_that_nobody_tells_of_is_given_up(self, gate: Gate) -> None:
        """Its process died: another one calls half a minute later."""
        now = silenced(gate, FAST) + timedelta(seconds=1.1)
        assert gate.enter("c", FAST, now) is None
        assert gate.enter("c", FAST, now + timedelta(seconds=31)) is None

    def test_it_is_shut_ever_longer_up_to_a_minute(self, gate: Gate) -> None:
        """Twice as long with each probe that hears nothing: half an hour without an answer takes few calls."""
        now, waits, end = silenced(gate, FAST), list[float](), START + timedelta(minutes=30)
        while now < end:
            until = gate.enter("c", FAST, now)
            if until is None:
                now += timedelta(seconds=12)
                gate.leave("c", FAST, now, Ended.SILENT)
                continue
            waits.append((until - now).total_seconds())
            now = until
        assert len(waits) < 40
        assert waits[-1] > 40
        assert all(wait < 64 for wait in waits)
        now += timedelta(minutes=2)
        assert gate.enter("c", FAST, now) is None
        gate.leave("c", FAST, now, Ended.GOOD)
        assert fullest(calls(gate, FAST, now + timedelta(seconds=1), timedelta(seconds=3), Ended.GOOD)) > 60

    def test_a_silence_in_between_does_not_shut_it(self, gate: Gate) -> None:
        """Only silences in a row do: each answer, a no included, begins the count anew."""
        now = START
        for ended in (Ended.SILENT, Ended.SILENT, Ended.SILENT, Ended.SILENT, Ended.REFUSED) * 3:
            assert gate.enter("c", FAST, now) is None, now
            gate.leave("c", FAST, now, ended)
            now += timedelta(seconds=1)

    def test_channels_have_a_gate_each(self, gate: Gate) -> None:
        """One that does not answer holds up no other."""
        now = silenced(gate, FAST)
        assert gate.enter("d", FAST, now) is None
        assert gate.enter("c", FAST, now) is not None

    def test_without_a_rate_silence_shuts_it_too(self, gate: Gate) -> None:
        """A channel that names no number of calls is called at once, as often as work comes, until it does not answer."""
        assert all(gate.enter("c", RATELESS, START) is None for _ in range(50))
        now = silenced(gate, RATELESS)
        assert gate.enter("c", RATELESS, now) is not None
        assert gate.enter("c", RATELESS, now + timedelta(seconds=2)) is None
        assert gate.enter("c", RATELESS, now + timedelta(seconds=2)) is not None

    def test_those_who_wait_do_not_come_at_once(self, gate: Gate) -> None:
        """A thousand that are sent away at one instant come again spread over seconds, not all in one."""
        assert gate.enter("c", FAST, START) is None
        gate.leave("c", FAST, START, Ended.GOOD)
        later = START + timedelta(seconds=3)
        again = [until for _ in range(1000) if (until := gate.enter("c", FAST, later)) is not None]
        assert fullest(again) <= 300
        assert all(until > later for until in again)

    def test_a_clock_that_was_moved_back_locks_nobody_out(self, gate: Gate) -> None:
        """On a developer's machine time may jump; what lies hours ahead is no turn of ours."""
        assert gate.enter("c", FAST, START + timedelta(hours=5)) is None
        assert gate.enter("c", FAST, START) is None

    def test_two_processes_share_it(self, gate: Gate, other: Gate) -> None:
        """Together they make no more calls in a second than one may, also when one's clock is a second ahead."""
        for ahead in (NEVER, timedelta(seconds=1)):
            begin = START + (timedelta(hours=1) if ahead else NEVER)
            made = together(gate, other, begin, ahead)
            assert 100 <= fullest(made) <= 150, ahead

    def test_processes_hear_of_each_others_silence(self, gate: Gate, other: Gate) -> None:
        """What one learns keeps the other away, and lets it in again."""
        now = silenced(gate, FAST)
        assert other.enter("c", FAST, now) is not None
        probe = now + timedelta(seconds=1.1)
        assert other.enter("c", FAST, probe) is None
        assert gate.enter("c", FAST, probe) is not None
        other.leave("c", FAST, probe, Ended.GOOD)
        assert gate.enter("c", FAST, probe + timedelta(seconds=1)) is None


def silenced(gate: Gate, limits: Limits) -> datetime:
    """Call until the gate is shut, without one answer; when that was."""
    now = START
    for _ in range(5):
        assert gate.enter("c", limits, now) is None
        gate.leave("c", limits, now, Ended.SILENT)
        now += timedelta(seconds=1)
    return now - timedelta(seconds=1)


def together(gate: Gate, other: Gate, since: datetime, ahead: timedelta) -> list[datetime]:
    """The true instants at which two processes were let in, asking in turn, the second by a clock that is ``ahead``."""
    made, ways = list[datetime](), [(gate, NEVER), (other, ahead)]
    for number in range(3000):
        true = since + timedelta(milliseconds=number)
        turns: list[tuple[Gate, timedelta]] = ways if number % 2 else ways[::-1]
        for each, off in turns:
            if each.enter("c", FAST, true + off) is None:
                made.append(true)
                each.leave("c", FAST, true + off, Ended.GOOD)
    return made
