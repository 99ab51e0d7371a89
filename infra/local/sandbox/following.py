"""Following: numbers that a platform follows for its client, and what is still to be told of them.

What happens to the parcels stands in the book that all carriers share (:mod:`.parcels`); here is who wants to hear of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from aftersales.tracking import Passage, Scan
from infra.local.sandbox.database import Database
from infra.local.sandbox.parcels import Parcels

SCHEMA = """
create table if not exists followed (id integer primary key, number text not null, company text not null, key text not null,
  since real not null, mark text not null default '', stopped integer not null default 0, unique (number, company));
create table if not exists notice (id integer primary key, followed integer not null, what text not null,
  tries integer not null default 0, next_at real not null, state text not null);
"""

#: A parcel that nothing happened to for so long, and that did not arrive, is called expired.
EXPIRES = timedelta(days=30)

#: Where a parcel's way ends.
ENDS = frozenset({Passage.SIGNED, Passage.RETURNED, Passage.LOST, Passage.CANCELLED})

UPDATED, STOPPED = "updated", "stopped"

Row = dict[str, Any]


class Following(Database):
    """The book of one platform. Safe from any thread; ``now`` is the sandbox's time in seconds since 1970."""

    def __init__(self, path: Path | None, now: Callable[[], float], parcels: Parcels) -> None:
        super().__init__(path, SCHEMA)
        self.now, self.parcels = now, parcels

    # --- numbers ----------------------------------------------------------------------------------------------------------
    def follow(self, number: str, company: str, key: str) -> tuple[Row, bool]:
        """The number under the client's key, and whether it is followed since just now."""
        with self.writing() as db:
            done = db.execute(
                "insert or ignore into followed (number, company, key, since) values (?, ?, ?, ?)",
                (number, company, key, self.now()),
            )
            fresh = done.rowcount == 1
        found = self.rows("select * from followed where number = ? and company = ?", number, company)
        return found[0], fresh

    def find(self, number: str, company: str = "") -> Row | None:
        """The number, of that company where one is named; None where nobody follows it."""
        found = self.rows("select * from followed where number = ? and ? in ('', company) order by id", number, company)
        return found[0] if found else None

    def followed(self, identity: int) -> Row:
        """The number of that id."""
        return self.rows("select * from followed where id = ?", identity)[0]

    def all(self) -> list[Row]:
        """Every number, the oldest first."""
        return self.rows("select * from followed order by id")

    def stop(self, number: str) -> bool:
        """It is followed no longer, and that is told; False where it was not."""
        row = self.find(number)
        if row is None or row["stopped"]:
            return False
        with self.writing() as db:
            db.execute("update followed set stopped = 1 where id = ?", (row["id"],))
            _tell(db, row["id"], STOPPED, self.now())
        return True

    def again(self, number: str) -> bool:
        """Tell once more how it stands; False where nobody follows it."""
        row = self.find(number)
        if row is None:
            return False
        with self.writing() as db:
            _tell(db, row["id"], UPDATED, self.now())
        return True

    # --- what is known of them --------------------------------------------------------------------------------------------
    def shown(self, number: str) -> tuple[Scan, ...]:
        """The scans that carriers show of the number by now."""
        return self.parcels.shown(number) if self.parcels.parcel(number) is not None else ()

    def expired(self, scans: tuple[Scan, ...]) -> bool:
        """Whether nothing happened for so long."""
        return bool(scans) and scans[-1].state not in ENDS and self.now() - scans[-1].at.timestamp() >= EXPIRES.total_seconds()

    # --- telling ------------------------------------------------------------------------------------------------------------
    def end_due(self) -> float | None:
        """Have told what is new of the numbers that are followed. Gives the instant at which more will be."""
        due: list[float] = []
        for row in self.rows("select * from followed where stopped = 0"):
            scans = self.shown(row["number"])
            mark = f"{len(scans)} {scans[-1].at.isoformat()} {scans[-1].state} {self.expired(scans)}" if scans else ""
            if mark != row["mark"]:
                with self.writing() as db:
                    db.execute("update followed set mark = ? where id = ?", (mark, row["id"]))
                    _tell(db, row["id"], UPDATED, self.now())
            soon = self.parcels.next_at(row["number"])
            expires = scans[-1].at.timestamp() + EXPIRES.total_seconds() if scans and scans[-1].state not in ENDS else None
            due += [at for at in (soon, expires) if at is not None and at > self.now()]
        return min(due, default=None)

    def pending(self) -> list[Row]:
        """What is still to be told, the next one first."""
        return self.rows("select * from notice where state = 'pending' order by next_at, id")

    def held(self) -> list[Row]:
        """What waits for another one to be told first."""
        return self.rows("select * from notice where state = 'held' order by id")

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far telling is."""
        with self.writing() as db:
            values = (notice["tries"], notice["next_at"], notice["state"], notice["id"])
            db.execute("update notice set tries = ?, next_at = ?, state = ? where id = ?", values)


def _tell(db: Any, followed: int, what: str, at: float) -> None:
    db.execute("insert into notice (followed, what, next_at, state) values (?, ?, ?, 'pending')", (followed, what, at))
