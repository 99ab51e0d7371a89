"""LocalQueue: one SQLite file for all queues, safe for threads and processes, on disk when ``send`` returns.

A rollback journal, not a write-ahead log: with several connections the log of SQLite versions before the 2026 fix of its reset can
damage the file, and the versions that operating systems ship are older. A queue of jobs is small enough not to notice.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from aftersales.ports import Job

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT, body TEXT, visible_at REAL);
CREATE INDEX IF NOT EXISTS waiting ON jobs (queue, visible_at);
"""

#: How long a call waits for another process's transaction, which takes milliseconds.
PATIENCE_S = 10


class LocalQueue:
    """All queues of one file. A received job is hidden for ``visibility_s`` by the machine's clock, not by the movable one."""

    def __init__(self, file: Path, visibility_s: float = 60) -> None:
        self._file = file
        self._visibility_s = visibility_s

    def send(self, queue: str, body: Mapping[str, str]) -> None:
        """Hand in a job; it is on disk when this returns."""
        text = json.dumps(dict(body), ensure_ascii=False)
        with self._transaction() as db:
            db.execute("INSERT INTO jobs (queue, body, visible_at) VALUES (?, ?, ?)", (queue, text, time.time()))

    def receive(self, queue: str, limit: int = 10) -> tuple[Job, ...]:
        """The jobs that wait longest, now hidden from everybody else; unless ``done`` they come back."""
        now = time.time()
        with self._transaction() as db:
            rows = db.execute(
                "SELECT id, body FROM jobs WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, id LIMIT ?", (queue, now, limit)
            ).fetchall()
            db.executemany(
                "UPDATE jobs SET visible_at = ? WHERE id = ?", [(now + self._visibility_s, number) for number, _ in rows]
            )
        return tuple(Job(json.loads(body), str(number)) for number, body in rows)

    def done(self, queue: str, job: Job) -> None:
        """The job is finished and never comes back, also when its visibility time was over."""
        with self._transaction() as db:
            db.execute("DELETE FROM jobs WHERE id = ? AND queue = ?", (int(job.receipt), queue))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a write transaction, alone on the file; a connection per call serves threads and forks alike."""
        if not self._file.exists():
            self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=PATIENCE_S, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = TRUNCATE")
            db.execute("PRAGMA synchronous = FULL")
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'waiting'").fetchone():
                db.executescript(SCHEMA)
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
