"""The platform's books: orders by its own number and by ours, with their status, and what is still to be told of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database

SCHEMA = """
create table if not exists shipping (id integer primary key, number text not null unique, status integer not null,
  com text not null, param text not null, error text not null default '');
create table if not exists notice (id integer primary key, shipping integer not null, status integer not null,
  tries integer not null default 0, next_at real not null, state text not null);
"""

#: 下单成功, 已接单, 收件中: a courier will come, and it will be paid.
STANDING = frozenset({0, 1, 2})
PLACED, COLLECTED, FAILED, CANCELLED, GIVEN_UP = 0, 10, 11, 9, 99


class Book(Database):
    """The books. Safe from any thread."""

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        super().__init__(path, SCHEMA)
        self.now = now

    def place(self, number: str, com: str, param: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """The order of our number, and whether it was placed just now."""
        with self.writing() as db:
            row = (number, PLACED, com, json.dumps(param, ensure_ascii=False))
            done = db.execute("insert or ignore into shipping (number, status, com, param) values (?, ?, ?, ?)", row)
            fresh = done.rowcount == 1
        found = self.order("number", number)
        assert found is not None
        return found, fresh

    def order(self, by: str, value: Any) -> dict[str, Any] | None:
        """The order by ``number`` or ``id``."""
        found = self.rows(f"select * from shipping where {'id' if by == 'id' else 'number'} = ?", value)  # noqa: S608 (one of two)
        return found[0] if found else None

    def become(self, number: str, status: int, error: str = "") -> bool:
        """It comes to another status, and that is to be told; only an order that stands does."""
        with self.writing() as db:
            done = db.execute(
                "update shipping set status = ?, error = ? where number = ? and status in (0, 1, 2)", (status, error, number)
            )
            if done.rowcount != 1:
                return False
            row = (self.now(), number)
            db.execute(
                "insert into notice (shipping, status, next_at, state)"
                " select id, status, ?, 'pending' from shipping where number = ?",
                row,
            )
        return True

    def all(self) -> dict[str, dict[str, Any]]:
        """Every order by our number."""
        return {row["number"]: row for row in self.rows("select id, number, status, com from shipping order by id")}

    # --- telling ------------------------------------------------------------------------------------------------------------
    def end_due(self) -> float | None:
        """Nothing ends by itself here."""
        return None

    def pending(self) -> list[dict[str, Any]]:
        """What is still to be told, the next one first."""
        return self.rows("select * from notice where state = 'pending' order by next_at, id")

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far telling is."""
        with self.writing() as db:
            values = (notice["tries"], notice["next_at"], notice["state"], notice["id"])
            db.execute("update notice set tries = ?, next_at = ?, state = ? where id = ?", values)


def task_of(order: Mapping[str, Any]) -> str:
    """The platform's task of an order; another number than the order's."""
    return f"TASK{order['id']:08X}"


def order_of(order: Mapping[str, Any]) -> str:
    """The platform's number of an order."""
    return str(12_300_000 + int(order["id"]))


def waybill_of(order: Mapping[str, Any]) -> str:
    """The courier's."""
    return f"KD{order['id']:010}"
