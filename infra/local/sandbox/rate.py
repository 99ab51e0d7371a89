"""How often a platform is asked: counted always, in real time, and refused above its limits where that is switched on."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One call as it came in: whether it is ``within`` the limit, how many are left, and which second brings them all again."""

    within: bool
    limit: int
    left: int
    reset: int


class Rate:
    """Calls a second by what is called (``limits``). ``sliding``: any second counts; else whole ones, as a clock shows them.

    With ``limited`` a call above its limit is refused, and is no part of the second.
    """

    def __init__(self, limits: Mapping[str, int], *, sliding: bool, now: Callable[[], float] = time.time) -> None:
        self._limits, self._sliding, self._now, self._lock = limits, sliding, now, Lock()
        self._at: dict[str, deque[float]] = {}
        self._calls, self._most = Counter[str](), Counter[str]()
        self.over = 0

    def enter(self, what: str, *, limited: bool) -> Entry:
        """Count a call."""
        limit = self._limits[what]
        with self._lock:
            now = self._now()
            at = self._at.setdefault(what, deque())
            while at and (at[0] <= now - 1.0 if self._sliding else int(at[0]) < int(now)):
                at.popleft()
            within = len(at) < limit
            self._calls[what] += 1
            self.over += not within
            if within or not limited:
                at.append(now)
                self._most[what] = max(self._most[what], len(at))
            return Entry(within, limit, max(limit - len(at), 0), int(now) + 1)

    def report(self) -> dict[str, Any]:
        """Calls by what was called, the fullest second of each, and how many were over the limits."""
        with self._lock:
            return {**self._calls, "most_per_s": dict(self._most), "over_limit": self.over, "exceeded": self.over > 0}
