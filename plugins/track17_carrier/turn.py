"""Turns: so many calls in any second, however long each takes to arrive.

A call counts from when it begins until a second after its answer: 17TRACK counts it at some instant between the two.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

#: With a little room: two clocks are never one.
SECOND_S = 1.05


class Turns:
    """The turns of one process. Safe for threads."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._free = Condition()
        self._under_way = 0
        self._ended: deque[float] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until it is one's turn, and take it until the end of the block."""
        with self._free:
            while not self._is_free():
                self._free.wait(self._ended[0] + SECOND_S - time.monotonic() if self._ended else None)
            self._under_way += 1
        try:
            yield
        finally:
            with self._free:
                self._under_way -= 1
                self._ended.append(time.monotonic())
                self._free.notify_all()

    def _is_free(self) -> bool:
        while self._ended and self._ended[0] <= time.monotonic() - SECOND_S:
            self._ended.popleft()
        return self._under_way + len(self._ended) < self._per_second
