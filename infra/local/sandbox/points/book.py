"""The membership system's books: which key gave whom how many points. Each change is alone, and on the disk at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database
from infra.local.sandbox.signed import Refusal

SCHEMA = """
create table if not exists gift (key text primary key, member text not null, merchant text not null, points integer not null,
  reason text not null);
create table if not exists gone (member text primary key);
"""


class Book(Database):
    """The books. Safe from any thread."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, SCHEMA)

    def shown(self, member: str) -> dict[str, Any] | None:
        """The member as the contract tells it, None for one who left."""
        if self.rows("select 1 from gone where member = ?", member):
            return None
        sums = self.rows("select merchant, sum(points) as n from gift where member = ? group by merchant order by merchant", member)
        return {"member": member, "points": {row["merchant"]: row["n"] for row in sums}}

    def give(self, key: str, member: str, merchant: str, points: int, reason: str) -> dict[str, Any] | None:
        """The member, given the points if the key gave nothing yet. Raises Refusal for one that gave something else."""
        with self.writing() as db:
            if self.shown(member) is None:
                return None
            row = (key, member, merchant, points, reason)
            known = next(iter(self.rows("select key, member, merchant, points, reason from gift where key = ?", key)), None)
            if known and tuple(known.values()) != row:
                raise Refusal("other_gift")
            if known is None:
                db.execute("insert into gift values (?, ?, ?, ?, ?)", row)
            return self.shown(member)

    def leave(self, member: str) -> None:
        """Somebody is no member any more."""
        with self.writing() as db:
            db.execute("insert or ignore into gone values (?)", (str(member),))

    def all(self) -> dict[str, dict[str, Any]]:
        """Every gift by its key."""
        return {row.pop("key"): row for row in self.rows("select * from gift order by key")}
