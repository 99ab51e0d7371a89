"""A clock that a developer can move forward, as the Clock port: the machine's time plus an offset kept in a small file.

Settings: ``file``, which holds the offset in whole seconds; without the file the offset is 0.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aftersales.errors import BadSettings


class LocalClock:
    """The machine's time plus what the file says. The file is read again only when it changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: tuple[tuple[int, ...] | None, timedelta] = (None, timedelta(0))

    def now(self) -> datetime:
        """The current instant as moved, aware UTC. Raises BadSettings when the file holds no number."""
        return datetime.now(UTC) + self._offset()

    def _offset(self) -> timedelta:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return timedelta(0)
        # Replaced in one step, the file is another inode each time: two moves within one tick of the file system still differ.
        state = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._known[0] != state:
            self._known = (state, timedelta(seconds=_seconds(self._file)))
        return self._known[1]


def move(file: Path, by: timedelta) -> timedelta:
    """Move the clock of ``file`` by ``by`` and give the whole offset. Replaced in one step: a reader never sees half of it.

    Whoever moves is alone: two moves at once may count as one.
    """
    offset = (_seconds(file) if file.exists() else 0) + int(by.total_seconds())
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(f"{offset}\n", encoding="ascii")
    fresh.replace(file)
    return timedelta(seconds=offset)


def build(settings: Mapping[str, Any]) -> LocalClock:
    """The clock. Raises BadSettings without ``file``."""
    if not settings.get("file"):
        raise BadSettings("local_clock needs the setting file.", lacking=["file"])
    return LocalClock(Path(settings["file"]))


def _seconds(file: Path) -> int:
    text = file.read_text(encoding="ascii", errors="replace").strip()
    try:
        return int(text)
    except ValueError:
        raise BadSettings(f"{file.name} holds no whole number of seconds.", found=text[:40]) from None
