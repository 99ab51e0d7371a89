"""How often WeChat Pay is asked: always counted, refused above its limits where that is switched on."""

from __future__ import annotations

import time
from collections import Counter, deque
from threading import Lock
from typing import Any

#: Requests for refunds per second and merchant: all of them, and those that end in an error (WeChat Pay APIv3, refunds).
CALLS_PER_S, ERRORS_PER_S = 150, 6


class Window:
    """How many in the last second, sliding, and the most there ever were."""

    def __init__(self) -> None:
        self._at: deque[float] = deque()
        self.most = 0

    def held(self, now: float) -> int:
        """How many within the second before ``now``."""
        while self._at and self._at[0] <= now - 1.0:
            self._at.popleft()
        return len(self._at)

    def add(self, now: float) -> int:
        """One more; gives how many there are with it."""
        self._at.append(now)
        held = self.held(now)
        self.most = max(self.most, held)
        return held


class Rate:
    """Counts in real time. The limits are about requests for refunds and for redirecting them; queries have none here."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls, self._errors = Window(), Window()
        self._counts: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self.over = 0

    def admit(self, *, limited: bool) -> bool:
        """Count a request for a refund as it comes in. False, and no part of the second, where limits hold and it is above them."""
        now = time.monotonic()
        with self._lock:
            above = self._calls.held(now) >= CALLS_PER_S or self._errors.held(now) >= ERRORS_PER_S
            self.over += above
            if not (above and limited):
                self._calls.add(now)
            return not (above and limited)

    def fail(self) -> None:
        """The request ended in an error, another one than that of the limits."""
        with self._lock:
            self._errors.add(time.monotonic())

    def count(self, what: str, *, good: bool) -> None:
        """One more call of any kind."""
        with self._lock:
            self._counts[what] += 1
            self._outcomes["good" if good else "bad"] += 1

    def report(self) -> dict[str, Any]:
        """Calls by kind, ``good`` and ``bad``, and of requests for refunds the fullest second and how many were over the limits."""
        with self._lock:
            outcomes = {"good": self._outcomes["good"], "bad": self._outcomes["bad"]}
            most = {"most_calls_per_s": self._calls.most, "most_errors_per_s": self._errors.most}
            return {**self._counts, **outcomes, **most, "over_limit": self.over, "exceeded": self.over > 0}
