"""Gate: the rule of who may call a channel now, as a value and pure functions. Who keeps the value is a plugin's business.

::

    not known ──► slow: errors_per_second − 1 a second ──► a good answer ──► faster and faster, to per_second less a reserve
        ▲                                                                        │
        └── nobody called for a while, an error, silence ◄───────────────────────┘
    silence, five times in a row ──► shut: 1 s, 2 s, … 60 s ──► one call as a probe ──► an answer: slow, and so on
                                       ▲                            └── silence ──┐
                                       └──────────────────────────────────────────┘

Calls are spread evenly instead of counted per second of the clock: a provider that counts any second, wherever it begins, never
sees more than the limit. Two processes whose clocks differ see the same next turn, and the slower one waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from aftersales.channel import Limits

SECOND = 1_000_000  # all instants here are whole microseconds since 1970

#: Of what a channel allows in a second, this much is kept back, for calls that are late and then come all at once.
KEPT_BACK = 0.15

#: Calls that may come at once when their turns were missed: one in this many of a second's.
AT_ONCE = 25

#: Without a call for this long nobody knows how the channel is; the first second is slow.
IDLE = 10 * SECOND

#: While answers are good, the rate doubles this often.
DOUBLES = SECOND // 5

#: Silences in a row that shut the gate.
OPENS = 5

#: How long it is shut, at first and at most; it doubles with each probe that hears nothing.
SHUT, SHUT_MOST = SECOND, 60 * SECOND

#: A probe whose answer nobody tells (its process died) is given up after this; longer than any call takes.
PROBE = 30 * SECOND

#: A turn further ahead than this comes from a clock that was moved back, for no clock of ours is that wrong.
ASTRAY = 120 * SECOND


class Ended(StrEnum):
    """How a call ended: ``good`` and ``refused`` are answers, ``refused`` counts among a channel's errors."""

    GOOD = "good"
    REFUSED = "refused"
    SILENT = "silent"  # no answer, or an error that is no outcome


@dataclass(frozen=True, slots=True)
class Passage:
    """One channel's gate. ``epoch`` moves with every change but a plain entry; instants are microseconds, 0 means none.

    ``turn`` is when the next call may come, ``good`` since when answers are good, ``silent`` counts silences in a row, ``shut`` is
    until when nobody calls, ``probes`` how many probes in a row heard nothing, ``probing`` whether one is on its way.
    """

    epoch: int = 0
    turn: int = 0
    good: int = 0
    silent: int = 0
    shut: int = 0
    probes: int = 0
    probing: bool = False


def limited(limits: Limits) -> bool:
    """Whether there is anything to keep to: a channel without any limit is not watched at all."""
    return limits != Limits()


def micros(at: datetime) -> int:
    """The instant as whole microseconds since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def instant(at: int) -> datetime:
    """The same back."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


def pace(passage: Passage, limits: Limits, now: int) -> tuple[int, int]:
    """How far apart calls are now, and how far back a missed turn still counts; both 0 where there is no rate."""
    if not limits.per_second:
        return 0, 0
    rate = limits.per_second * (1 - KEPT_BACK)
    if limits.errors_per_second:
        slow = min(rate, max(1.0, limits.errors_per_second - 1))
        grown = max(0, now - passage.good) / DOUBLES if passage.good else 0.0
        rate = min(rate, slow * 2 ** min(grown, 20.0))
    step = round(SECOND / rate)
    return step, step * (max(1, int(rate) // AT_ONCE) - 1)


def entered(passage: Passage, limits: Limits, now: int, *, known_good: int = 0) -> Passage | int:
    """The gate after one more call; or the instant from which on to come again, and nothing has changed.

    ``known_good``: when this process had a good answer, in this epoch, that the gate was not told of.
    """
    if passage.turn > now + ASTRAY or passage.shut > now + ASTRAY or passage.good > now + ASTRAY:
        passage = Passage(passage.epoch + 1)
    if passage.shut > now:
        return passage.shut
    if passage.silent >= OPENS:
        return replace(passage, epoch=passage.epoch + 1, turn=now, shut=now + PROBE, probing=True)
    if passage.good and limits.errors_per_second and alone(passage, now):
        passage = replace(passage, epoch=passage.epoch + 1, good=0)
    if not (passage.good or passage.silent) and known_good > now - IDLE:
        passage = replace(passage, epoch=passage.epoch + 1, good=known_good)
    step, back = pace(passage, limits, now)
    if passage.turn > now:
        return passage.turn
    return replace(passage, turn=max(passage.turn, now - back) + step)


def alone(passage: Passage, now: int) -> bool:
    """Whether nobody called for a while: one call by itself needs to tell nobody that it was answered well."""
    return passage.turn < now - IDLE


def left(passage: Passage, limits: Limits, now: int, ended: Ended, *, chance: float) -> Passage:
    """The gate after a call has ended; itself when that is no news. ``chance`` in [0, 1] shortens how long it is shut."""
    if ended is Ended.SILENT:
        return _silent(passage, now, chance)
    careful = bool(limits.errors_per_second)
    good = (passage.good or now) if ended is Ended.GOOD and careful else 0
    answered = replace(passage, good=good, silent=0, shut=0, probes=0, probing=False)
    return passage if answered == passage else replace(answered, epoch=passage.epoch + 1)


def _silent(passage: Passage, now: int, chance: float) -> Passage:
    if passage.shut > now and not passage.probing:
        return passage  # one of those that were under way when it was shut
    probes = passage.probes + 1 if passage.probing else 0
    silent = min(passage.silent + 1, OPENS)
    shut = now + round(min(SHUT * 2 ** min(probes, 10), SHUT_MOST) * (1 - chance / 5)) if silent >= OPENS else 0
    return replace(passage, epoch=passage.epoch + 1, good=0, silent=silent, shut=shut, probes=probes, probing=False)


class Line:
    """Where those stand that were sent away, so that they come again one after another; of one process, safe to share."""

    #: The line is this long at most; beyond, the end of it is shared.
    LENGTH = 60 * SECOND

    def __init__(self) -> None:
        self._end = 0

    def place(self, turn: int, limits: Limits, now: int, chance: float) -> int:
        """An instant at ``turn`` or after it, behind those that came before; ``chance`` in [0, 1] sets processes apart.

        The line moves at the channel's full rate: whoever comes while that is not reached takes another place.
        """
        step = round(SECOND / (limits.per_second * (1 - KEPT_BACK))) if limits.per_second else SECOND // 100
        first = max(turn, self._end)
        if first > max(turn, now) + self.LENGTH:
            first = turn + round(chance * self.LENGTH)
        else:
            self._end = first + step
        return first + round(chance * 2 * step)
