"""The platform's books: work orders and what happened to them, each node with how far telling it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database

SCHEMA = """
create table if not exists work_order (number text primary key);
create table if not exists node (id integer primary key, number text not null, status text not null, at real not null,
  data text not null, tries integer not null default 0, next_at real not null, state text not null);
"""


class Book(Database):
    """The books. Safe from any thread. The setting ``notify_url`` is where nodes are told; without one nobody is told."""

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        super().__init__(path, SCHEMA)
        self.now = now

    def order(self, number: str) -> None:
        """There is such a work order."""
        with self.writing() as db:
            db.execute("insert or ignore into work_order values (?)", (number,))

    def happen(self, number: str, status: str, at: float, data: Mapping[str, Any]) -> int:
        """A node of it; its id."""
        state = "pending" if self.setting("notify_url") else "untold"
        with self.writing() as db:
            db.execute("insert or ignore into work_order values (?)", (number,))
            row = (number, status, at, json.dumps(data, ensure_ascii=False), self.now(), state)
            done = db.execute("insert into node (number, status, at, data, next_at, state) values (?, ?, ?, ?, ?, ?)", row)
            return int(done.lastrowid or 0)

    def known(self, number: str) -> bool:
        """Whether there is such a work order."""
        return bool(self.rows("select 1 from work_order where number = ?", number))

    def nodes(self, number: str) -> list[dict[str, Any]]:
        """What happened to it, as it was reported."""
        return self.rows("select * from node where number = ? order by id", number)

    def all(self) -> dict[str, list[dict[str, Any]]]:
        """Every work order with its nodes."""
        return {row["number"]: self.nodes(row["number"]) for row in self.rows("select number from work_order order by number")}

    # --- telling ------------------------------------------------------------------------------------------------------------
    def end_due(self) -> float | None:
        """Nothing ends by itself here."""
        return None

    def pending(self) -> list[dict[str, Any]]:
        """The nodes still to be told, the next one first."""
        return self.rows("select * from node where state = 'pending' order by next_at, id")

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far telling a node is."""
        with self.writing() as db:
            values = (notice["tries"], notice["next_at"], notice["state"], notice["id"])
            db.execute("update node set tries = ?, next_at = ?, state = ? where id = ?", values)
