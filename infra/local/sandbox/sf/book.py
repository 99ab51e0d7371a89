"""The platform's books: orders by the client's own number, and how often each service was called."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database

SCHEMA = """
create table if not exists ordered (id integer primary key, number text not null unique, service text not null,
  state text not null, said text not null);
create table if not exists called (service text not null, second integer not null, count integer not null,
  primary key (service, second));
"""

#: What an order is: it stands, it was cancelled, or the goods are with SF.
STANDS, CANCELLED, COLLECTED = "stands", "cancelled", "collected"

#: Calls of one service in a second and in a day, as published for tests (README.md).
PER_SECOND, PER_DAY, DAY_S = 30, 3_000, 86_400


class Book(Database):
    """The books. Safe from any thread."""

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        super().__init__(path, SCHEMA)
        self.now = now

    def place(self, number: str, service: str, said: Mapping[str, Any]) -> bool:
        """Whether the order was placed just now; False where one of this number is there."""
        with self.writing() as db:
            row = (number, service, STANDS, json.dumps(said, ensure_ascii=False))
            done = db.execute("insert or ignore into ordered (number, service, state, said) values (?, ?, ?, ?)", row)
        return done.rowcount == 1

    def order(self, number: str) -> dict[str, Any] | None:
        """The order of the client's number."""
        found = self.rows("select * from ordered where number = ?", number)
        return found[0] if found else None

    def become(self, number: str, state: str) -> bool:
        """It comes to another state; only an order that stands does."""
        with self.writing() as db:
            done = db.execute("update ordered set state = ? where number = ? and state = ?", (state, number, STANDS))
        return done.rowcount == 1

    def all(self) -> dict[str, dict[str, Any]]:
        """Every order by the client's number."""
        found = self.rows("select id, number, service, state from ordered order by id")
        return {row["number"]: {**row, "waybill": waybill_of(row)} for row in found}

    def count(self, service: str) -> bool:
        """Count a call. Gives whether it is within the limits of this second and day."""
        second = int(self.now())
        with self.writing() as db:
            db.execute(
                "insert into called values (?, ?, 1) on conflict (service, second) do update set count = count + 1",
                (service, second),
            )
            db.execute("delete from called where second <= ?", (second - DAY_S,))
            now = self.rows("select count from called where service = ? and second = ?", service, second)[0]["count"]
            day = self.rows("select sum(count) as n from called where service = ?", service)[0]["n"]
        return bool(now <= PER_SECOND and day <= PER_DAY)

    def calls(self) -> dict[str, dict[str, int]]:
        """By service: the calls of the last day, and the most in one second."""
        found = self.rows("select service, sum(count) as day, max(count) as second from called group by service order by service")
        return {row["service"]: {"day": row["day"], "most_in_a_second": row["second"]} for row in found}


def waybill_of(order: Mapping[str, Any]) -> str:
    """SF's number of an order: its mark and thirteen digits."""
    return f"SF{7_440_000_000_000 + int(order['id']):013}"
