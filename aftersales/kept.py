"""Kept: what a process reads again and again and others change seldom, read once a minute.

So late, at most, does another process go by a change. The process that wrote it forgets, and goes by it at once.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")

MAX_AGE_S = 60.0

#: So many of them one process keeps.
MOST = 1_000


class Kept(Generic[V]):
    """Values by name, as ``read`` gave them a minute ago or later. Safe for threads. ``now`` counts seconds, from wherever."""

    def __init__(self, read: Callable[[str], V], now: Callable[[], float] = time.monotonic) -> None:
        self._read, self._now, self._lock = read, now, Lock()
        self._known: OrderedDict[str, tuple[V, float]] = OrderedDict()

    def of(self, name: str) -> V:
        """The value of that name."""
        with self._lock:
            known = self._known.get(name)
        if known is not None and self._now() < known[1]:
            return known[0]
        found = self._read(name)
        with self._lock:
            self._known[name] = (found, self._now() + MAX_AGE_S)
            self._known.move_to_end(name)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found

    def forget(self, name: str) -> None:
        """Read it anew: it has just been written."""
        with self._lock:
            self._known.pop(name, None)
