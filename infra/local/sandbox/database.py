"""One SQLite file of a provider: one connection, one lock, one transaction per call, on the disk before it is acknowledged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

_SETTINGS = "create table if not exists setting (name text primary key, value text not null);"


class Database:
    """Safe from any thread. ``schema`` is SQL that may be run again at every start; ``path`` None keeps everything in memory.

    A table ``setting`` (name, JSON value) is always there; see :meth:`setting`.
    """

    def __init__(self, path: Path | None, schema: str) -> None:
        self._lock = RLock()
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
        """One transaction, alone: committed to the disk at its end, undone by an exception. Not to be nested."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query, as plain dicts; also inside :meth:`writing`."""
        with self._lock:
            return [dict(row) for row in self._db.execute(query, values)]

    def setting(self, name: str) -> Any:
        """A stored value; None when it was never set."""
        found = self.rows("select value from setting where name = ?", name)
        return json.loads(found[0]["value"]) if found else None

    def set(self, name: str, value: Any) -> None:
        """Store a value."""
        with self.writing() as db:
            put_setting(db, name, value)


def put_setting(db: sqlite3.Connection, name: str, value: Any) -> None:
    """Store a value as part of a transaction."""
    db.execute("insert or replace into setting values (?, ?)", (name, json.dumps(value)))
