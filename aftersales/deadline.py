"""Deadlines: when silence starts to mean something, and how the law counts days.

Instants are aware UTC; days are counted in the merchant's zone. A deadline can be paused (its rest is kept) and moved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Deadline:
    """``due_at`` is the instant at which ``deadline_passed`` happens. While paused ``left`` says how much of the wait remains.

    A pause with an end moves ``due_at`` to that end plus the rest; one without (an open dispute) leaves it None.

    ``cause`` names where the length comes from: ``default``, ``merchant``, ``vertical:fresh``, ``tier:diamond``, ``moved: …``.
    ``provisional``: the days that it was computed with are not all known yet (:mod:`aftersales.workday`); it is computed again.
    """

    due_at: datetime | None
    cause: str
    left: timedelta | None = None
    provisional: bool = False

    @classmethod
    def after(cls, now: datetime, length: timedelta, cause: str) -> Deadline:
        """The deadline ``length`` from ``now``."""
        return cls(now + length, cause)

    @property
    def paused(self) -> bool:
        """Whether the clock stands still."""
        return self.left is not None

    def pause(self, now: datetime, until: datetime | None = None) -> Deadline:
        """The same deadline with its clock stopped, until ``until`` at the latest; pausing twice keeps the first rest."""
        if self.paused or self.due_at is None:
            return self
        left = max(self.due_at - now, timedelta(0))
        return replace(self, due_at=until + left if until else None, left=left)

    def resume(self, now: datetime) -> Deadline:
        """The same deadline running again with the rest it had."""
        if self.left is None:
            return self
        return replace(self, due_at=now + self.left, left=None)

    def move(self, due_at: datetime, why: str) -> Deadline:
        """Another instant for the same wait, such as after a holiday. A paused deadline starts to run."""
        return Deadline(due_at, f"moved: {why}")

    def passed(self, now: datetime) -> bool:
        """Whether it is over: the instant itself counts as passed."""
        return self.due_at is not None and self.due_at <= now


def end_of_days(start_at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The first instant after ``days`` whole days that are counted from the day after ``start_at`` in ``zone``.

    Seven-day return: signed on the 1st at any hour, the days are the 2nd to the 8th, and the answer is the 9th at 00:00 local
    (Interim Measures for the Seven-day No-reason Return, art. 10; Civil Code art. 201). An act before that instant is in time.
    """
    day = start_at.astimezone(zone).date() + timedelta(days=days + 1)
    return datetime.combine(day, time(0), zone).astimezone(start_at.tzinfo)
