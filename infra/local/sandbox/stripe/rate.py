"""Counts calls per second; a test can assert that a limit was never exceeded."""

from __future__ import annotations

import time
from collections import Counter
from threading import Lock
from typing import Any

#: Calls a second of an account in test mode, and of one endpoint (Stripe documentation, rate limits, 2026).
ACCOUNT, ENDPOINT = 25, 25


class Rate:
    """Per account and per endpoint, in seconds of the real time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seconds: Counter[int] = Counter()
        self._endpoints: dict[str, Counter[int]] = {}
        self._calls: Counter[str] = Counter()

    def count(self, endpoint: str) -> bool:
        """One more call; whether it is within the limits."""
        with self._lock:
            second = int(time.time())
            self._calls[endpoint] += 1
            self._seconds[second] += 1
            own = self._endpoints.setdefault(endpoint, Counter())
            own[second] += 1
            return self._seconds[second] <= ACCOUNT and own[second] <= ENDPOINT

    def report(self) -> dict[str, Any]:
        """Calls by endpoint, the fullest second of the account and of an endpoint, and whether a limit was exceeded."""
        with self._lock:
            most = max(self._seconds.values(), default=0)
            own = max((max(seconds.values(), default=0) for seconds in self._endpoints.values()), default=0)
            exceeded = most > ACCOUNT or own > ENDPOINT
            return {**self._calls, "most_per_s": most, "most_per_s_and_endpoint": own, "exceeded": exceeded}
