"""Rows on disk while they are matched and sorted, so that memory stays the same whatever their number.

Files have no name: they are gone with the process, however it ends, and nobody else opens them. So they may be written with
``marshal``, several times faster than text: no bytes are ever loaded but our own.
"""

from __future__ import annotations

import heapq
import marshal
import os
from collections.abc import Iterable, Iterator
from struct import Struct
from tempfile import TemporaryFile
from typing import Any

Row = tuple[Any, ...]
#: A refund as it lies on disk: its number, and everything else of it as one text, so that alike ones are compared at once.
Pair = tuple[str, str]

#: Rows in memory before they are written.
WAITING = 1 << 14
#: Rows of a sorted run that are read at once.
TOGETHER = 32
_BEFORE = Struct("<QQ")  # where the block before this one begins, and how long it is; no block is 0 long


class Spill:
    """Refunds in parts by their number: equal numbers are in one part. ``salt`` makes other parts of the same numbers.

    The blocks of a part are a chain from the last to the first, so that what is held in memory depends on ``parts`` alone.
    """

    def __init__(self, parts: int, salt: int = 0) -> None:
        self.parts, self.salt = parts, salt
        self.counts = [0] * parts
        self._last = [(0, 0)] * parts
        self._end = 0
        self._file = TemporaryFile(buffering=1 << 18)  # noqa: SIM115 - closed by ``close``

    def fill(self, pairs: Iterable[Pair]) -> None:
        """Take all ``pairs``."""
        parts, salt, left = self.parts, self.salt, WAITING
        waiting: list[list[Pair]] = [[] for _ in range(parts)]
        for pair in pairs:
            waiting[hash(pair[0] if not salt else (salt, pair[0])) % parts].append(pair)
            left -= 1
            if not left:
                self._write(waiting)
                left = WAITING
        self._write(waiting)
        self._file.flush()

    def _write(self, waiting: list[list[Pair]]) -> None:
        for part, pairs in enumerate(waiting):
            if pairs:
                block = _BEFORE.pack(*self._last[part]) + marshal.dumps(pairs)
                self._file.write(block)
                self._last[part] = self._end, len(block)
                self._end += len(block)
                self.counts[part] += len(pairs)
                pairs.clear()

    def part(self, number: int) -> Iterator[list[Pair]]:
        """The refunds of one part, in lists, in no order that means anything."""
        start, length = self._last[number]
        while length:
            block = os.pread(self._file.fileno(), length, start)
            start, length = _BEFORE.unpack_from(block)
            yield marshal.loads(memoryview(block)[_BEFORE.size :])  # noqa: S302 - written by this object, in a file without a name

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


class Runs:
    """Rows given back in their order: sorted runs on disk, merged as they are read. They may be read several times."""

    def __init__(self) -> None:
        self._file = TemporaryFile(buffering=1 << 18)  # noqa: SIM115 - closed by ``close``
        self._waiting: list[Row] = []
        self._runs: list[list[tuple[int, int]]] = []
        self._end = 0

    def add(self, row: Row) -> None:
        """Take one."""
        self._waiting.append(tuple(row))  # with or without names
        if len(self._waiting) >= WAITING:
            self._waiting.sort()
            self._runs.append([self._block(first) for first in range(0, len(self._waiting), TOGETHER)])
            self._waiting.clear()

    def _block(self, first: int) -> tuple[int, int]:
        """Write some of the waiting rows; where they begin and how long they are."""
        block = marshal.dumps(self._waiting[first : first + TOGETHER])
        self._file.write(block)
        self._end += len(block)
        return self._end - len(block), len(block)

    def __iter__(self) -> Iterator[Row]:
        self._file.flush()
        return heapq.merge(*(self._run(blocks) for blocks in self._runs), sorted(self._waiting))

    def _run(self, blocks: list[tuple[int, int]]) -> Iterator[Row]:
        for start, length in blocks:
            yield from marshal.loads(os.pread(self._file.fileno(), length, start))  # noqa: S302 - as above

    def close(self) -> None:
        """Give the space back."""
        self._file.close()
