"""One SQLite file of a provider: one connection, one lock, and every change on the disk before it is acknowledged.

Threads that change something at the same time share one commit, for what costs is the disk's word that it has it::

    thread 1   change ──────┐ commit, for all three ──► acknowledged
    thread 2    change ─────┤ (waits) ────────────────► acknowledged
    thread 3     change ────┘ (waits) ────────────────► acknowledged
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock, get_ident
from typing import Any

_SETTINGS = "create table if not exists setting (name text primary key, value text not null);"


class _Group:
    """Changes that reach the disk together: ``done``, or not at all because of ``error``."""

    __slots__ = ("done", "error")

    def __init__(self) -> None:
        self.done = False
        self.error: sqlite3.Error | None = None


class Database:
    """Safe from any thread. ``schema`` is SQL that may be run again at every start; ``path`` None keeps everything in memory.

    A table ``setting`` (name, JSON value) is always there; see :meth:`setting`.
    """

    def __init__(self, path: Path | None, schema: str) -> None:
        self._lock, self._committing = RLock(), Lock()
        self._group: _Group | None = None
        self._writer = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_SETTINGS + schema)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One change, alone: on the disk at its end, undone by an exception. Not to be nested."""
        group: _Group | None = None
        try:
            with self._lock:
                if self._writer == get_ident():
                    raise RuntimeError("a change inside a change")
                group = self._join()
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("rollback to change")
                    raise
                finally:
                    self._db.execute("release change")
                    self._writer = 0
        finally:
            if group is not None:
                self._commit(group)

    def _join(self) -> _Group:
        """The group that gathers now, with a mark to which this change alone can be undone."""
        if self._group is None:
            self._db.execute("begin immediate")
            self._group = _Group()
        self._writer = get_ident()
        self._db.execute("savepoint change")
        return self._group

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query, as plain dicts; also inside :meth:`writing`. Nothing is told that is not on the disk."""
        with self._lock:
            if self._group is not None and self._writer != get_ident():
                self._end(self._group)
            return [dict(row) for row in self._db.execute(query, values)]

    def _commit(self, group: _Group) -> None:
        """Return when ``group`` is on the disk; the first of its threads to come here sees to it."""
        with self._committing:
            if not group.done:
                with self._lock:
                    self._end(group)
        if group.error is not None:
            raise group.error

    def _end(self, group: _Group) -> None:
        if group.done:
            return
        try:
            self._db.execute("commit")
        except sqlite3.Error as error:
            group.error = error
            self._db.execute("rollback")
        group.done, self._group = True, None

    # --- settings that live as long as the data ---------------------------------------------------------------------------
    def setting(self, name: str) -> Any:
        """A stored value; None when it was never set."""
        found = self.rows("select value from setting where name = ?", name)
        return json.loads(found[0]["value"]) if found else None

    def set(self, name: str, value: Any) -> None:
        """Store a value."""
        with self.writing() as db:
            put_setting(db, name, value)

    def add_columns(self, table: str, **columns: str) -> None:
        """Add those of ``columns`` (name to SQL type) that the table does not have yet, as a file from an earlier day."""
        have = {row["name"] for row in self.rows(f"pragma table_info({table})")}
        for name, kind in columns.items():
            if name not in have:
                with self._lock:
                    self._db.execute(f"alter table {table} add column {name} {kind}")


def put_setting(db: sqlite3.Connection, name: str, value: Any) -> None:
    """Store a value as part of a change."""
    db.execute("insert or replace into setting values (?, ?)", (name, json.dumps(value)))
