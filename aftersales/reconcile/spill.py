"""Rows on disk while they are matched and sorted, so that memory stays the same whatever their number.

Files belong to one run, in a folder that only we can read, and are written with ``marshal``: several times faster than text, and
nobody else's bytes are ever loaded.
"""

from __future__ import annotations

import heapq
import marshal
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO

Row = tuple[Any, ...]

#: Rows in memory before they are written: about 10 MB of them.
WAITING = 1 << 14
#: Rows of a sorted run that are read at once.
TOGETHER = 256
_BEFORE = Struct("<QI")  # where the part's previous block begins (from 1; 0 is none), and the length of this one


class Spill:
    """Rows in parts by their first field, a text: equal ones are in one part. ``salt`` makes other parts of the same rows."""

    def __init__(self, path: Path, parts: int, salt: int = 0) -> None:
        self.parts, self.salt = parts, salt
        self.counts = [0] * parts
        self._last = [0] * parts
        self._end = 0
        self._file: BinaryIO = path.open("w+b", buffering=1 << 18)

    def fill(self, rows: Iterable[Row]) -> None:
        """Take all ``rows``."""
        parts, salt, left = self.parts, self.salt, WAITING
        waiting: list[list[Row]] = [[] for _ in range(parts)]
        for row in rows:
            waiting[hash(row[0] if not salt else (salt, row[0])) % parts].append(row)
            left -= 1
            if not left:
                self._write(waiting)
                left = WAITING
        self._write(waiting)
        self._file.flush()

    def _write(self, waiting: list[list[Row]]) -> None:
        for part, rows in enumerate(waiting):
            if rows:
                block = marshal.dumps(rows)
                self._file.write(_BEFORE.pack(self._last[part], len(block)))
                self._file.write(block)
                self._last[part] = self._end + 1
                self._end += _BEFORE.size + len(block)
                self.counts[part] += len(rows)
                rows.clear()

    def part(self, number: int) -> Iterator[Row]:
        """The rows of one part, in no order that means anything."""
        at = self._last[number]
        while at:
            self._file.seek(at - 1)
            at, length = _BEFORE.unpack(self._file.read(_BEFORE.size))
            yield from marshal.loads(self._file.read(length))  # noqa: S302 - written by this object, in a folder of its own

    def close(self) -> None:
        """Close the file; whoever made the folder removes it."""
        self._file.close()


class Runs:
    """Rows given back in their order: sorted runs on disk, merged as they are read. They may be read several times."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("w+b", buffering=1 << 18)
        self._waiting: list[Row] = []
        self._runs: list[tuple[int, int]] = []

    def add(self, row: Row) -> None:
        """Take one."""
        self._waiting.append(row)
        if len(self._waiting) >= WAITING:
            start = self._file.seek(0, 2)
            self._waiting.sort()
            for first in range(0, len(self._waiting), TOGETHER):
                block = marshal.dumps(self._waiting[first : first + TOGETHER])
                self._file.write(_BEFORE.pack(0, len(block)))
                self._file.write(block)
            self._runs.append((start, self._file.tell()))
            self._waiting.clear()

    def __iter__(self) -> Iterator[Row]:
        return heapq.merge(*(self._run(start, stop) for start, stop in self._runs), sorted(self._waiting))

    def _run(self, at: int, stop: int) -> Iterator[Row]:
        while at < stop:
            self._file.seek(at)
            _, length = _BEFORE.unpack(self._file.read(_BEFORE.size))
            rows = marshal.loads(self._file.read(length))  # noqa: S302 - written by this object, in a folder of its own
            at += _BEFORE.size + length
            yield from rows

    def close(self) -> None:
        """Close the file; whoever made the folder removes it."""
        self._file.close()
