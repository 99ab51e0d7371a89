"""Pledge: how soon a shop promises its buyer an answer, and what becomes of that promise.

::

    by ──► answered in time: kept                    (``kept_at``)
      └──► the instant passed: late ──► ``points`` are given, once (``late_at`` ... ``given_at``)

An answer is a yes, a no, an offer or a question to the buyer, whoever gives it; a first yes of two is none yet. The clock of a
pledge never stands: a deadline that is paused or moved leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Who is meant by a merchant's hours that name no tier.
EVERYBODY = ""


@dataclass(frozen=True, slots=True)
class Pledge:
    """An answer until ``by``, because of ``cause`` (``tier:diamond``, ``merchant``).

    ``kept_at`` is when it was answered in time, ``late_at`` when it was found late; at most one of both is set. For being late
    the buyer is owed ``points``, tried again at ``again_at`` after ``tries`` tries, until ``given_at``; "" for ``failed`` unless
    whoever keeps the points refused them for good.
    """

    by: datetime
    cause: str
    kept_at: datetime | None = None
    late_at: datetime | None = None
    points: int = 0
    again_at: datetime | None = None
    tries: int = 0
    given_at: datetime | None = None
    failed: str = ""

    @classmethod
    def of(cls, hours: Mapping[str, float], tier: str, now: datetime) -> Pledge | None:
        """What ``hours`` by tier promise a buyer of that tier who asks now; None where they promise nothing, or 0 hours."""
        named = tier if tier in hours else EVERYBODY
        length = hours.get(named, 0)
        return cls(now + timedelta(hours=length), f"tier:{tier}" if named else "merchant") if length else None

    @property
    def due_at(self) -> datetime | None:
        """When it has to be looked at next; None when nothing is left to be done."""
        if self.kept_at is not None:
            return None
        return self.by if self.late_at is None else self.again_at

    @property
    def open(self) -> bool:
        """Whether it was neither kept nor found late."""
        return self.kept_at is None and self.late_at is None

    def answered(self, now: datetime) -> Pledge:
        """The pledge after an answer. The instant itself is late already, and stays to be found so."""
        return replace(self, kept_at=now) if self.open and now < self.by else self

    def missed(self, now: datetime, points: int) -> Pledge:
        """The pledge found late: so many points are owed from now on, none where that is 0."""
        return replace(self, late_at=now, points=points, again_at=now if points else None)
