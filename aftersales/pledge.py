"""Pledge: how soon a shop promises its buyer an answer, and what becomes of that promise.

::

    by ──► answered in time: kept                    (``kept_at``)
      └──► the instant passed: late ──► ``points`` are given, once (``late_at`` ... ``given_at``)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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

    @property
    def due_at(self) -> datetime | None:
        """When it has to be looked at next; None when nothing is left to be done."""
        if self.kept_at is not None:
            return None
        return self.by if self.late_at is None else self.again_at
