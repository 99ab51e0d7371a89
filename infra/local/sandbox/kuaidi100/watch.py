"""Subscriptions: which parcels the platform tells of by itself, to whom, and what is still to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database

SCHEMA = """
create table if not exists subscription (com text not null, number text not null, callback text not null, salt text not null,
  phone text not null, since real not null, state text not null, told integer not null default 0,
  com_old text not null default '', due_at real, primary key (com, number));
create index if not exists subscription_due on subscription (due_at);
create table if not exists taken (com text not null, number text not null, at real not null);
create table if not exists push (id integer primary key, com text not null, number text not null, what text not null,
  callback text not null, salt text not null, param text not null, tries integer not null default 0, next_at real not null,
  state text not null);
"""

#: Subscriptions that are taken for one number in a month (its document of the subscription, read 2026-11).
MONTHLY, MONTH_S = 4, 30 * 86_400

Row = dict[str, Any]


class Watch(Database):
    """The book. Safe from any thread. ``end`` does what is due, and says when more will be."""

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        super().__init__(path, SCHEMA)
        self.now = now
        with self.writing() as db:  # those that were being looked at when the last process ended
            db.execute("update subscription set due_at = 0 where due_at is null and state = 'polling'")
        self.end: Callable[[], float | None] = lambda: None

    # --- subscriptions ----------------------------------------------------------------------------------------------------
    def subscribe(self, com: str, number: str, callback: str, salt: str, phone: str) -> bool:
        """Begin to follow it; False where it is followed already, or was too often."""
        now = self.now()
        with self.writing() as db:
            followed = self.rows("select 1 from subscription where number = ? and state = 'polling'", number)
            often = self.rows("select 1 from taken where number = ? and com = ? and at > ?", number, com, now - MONTH_S)
            if followed or len(often) >= MONTHLY:
                return False
            _begin(db, (com, number, callback, salt, phone, now, "polling", 0, "", now))
            db.execute("insert into taken values (?, ?, ?)", (com, number, now))
        return True

    def goes_on(self, row: Mapping[str, Any], com: str) -> None:
        """The same subscription, from now on under another company's code."""
        now = self.now()
        with self.writing() as db:
            _begin(db, (com, row["number"], row["callback"], row["salt"], row["phone"], now, "polling", 0, row["com"], now))

    def claim(self, row: Mapping[str, Any]) -> None:
        """Somebody looks at it now; what happens from here on is news."""
        with self.writing() as db:
            db.execute("update subscription set due_at = null where com = ? and number = ?", (row["com"], row["number"]))

    def keep(self, row: Mapping[str, Any], due_at: float | None) -> None:
        """Store how far it is, and when there may be news; earlier where something has happened meanwhile."""
        with self.writing() as db:
            db.execute(
                "update subscription set state = ?, told = ?, due_at = min(coalesce(due_at, ?), coalesce(?, due_at))"
                " where com = ? and number = ?",
                (row["state"], row["told"], due_at, due_at, row["com"], row["number"]),
            )

    def due(self) -> list[Row]:
        """Subscriptions about which there may be news."""
        return self.rows("select * from subscription where due_at <= ? and state = 'polling' order by due_at", self.now())

    def next_due(self) -> float | None:
        """When there may be news again."""
        found: float | None = self.rows("select min(due_at) as at from subscription where state = 'polling'")[0]["at"]
        return found

    def stir(self, number: str) -> None:
        """Something happened to the parcel."""
        with self.writing() as db:
            db.execute("update subscription set due_at = ? where number = ? and state = 'polling'", (self.now(), number))

    def of(self, number: str) -> Row | None:
        """The subscription that was begun last for the number."""
        found = self.rows("select * from subscription where number = ? order by since desc, rowid desc limit 1", number)
        return found[0] if found else None

    def all(self) -> list[Row]:
        """Every subscription."""
        return self.rows("select com, number, state, since, told, com_old from subscription order by since, number")

    # --- what is told -----------------------------------------------------------------------------------------------------
    def tell(self, row: Mapping[str, Any], what: str, param: str) -> None:
        """One push more, due at once."""
        with self.writing() as db:
            said = (row["com"], row["number"], what, row["callback"], row["salt"], param, self.now())
            db.execute(
                "insert into push (com, number, what, callback, salt, param, next_at, state)"
                " values (?, ?, ?, ?, ?, ?, ?, 'pending')",
                said,
            )

    def end_due(self) -> float | None:
        """See :class:`~infra.local.sandbox.delivery.Books`."""
        return self.end()

    def pending(self) -> list[Row]:
        """What is still to be told, the next one first."""
        return self.rows("select * from push where state = 'pending' order by next_at, id")

    def held(self) -> list[Row]:
        """What waits for another one to overtake it."""
        return self.rows("select * from push where state = 'held'")

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far telling is."""
        with self.writing() as db:
            values = (notice["tries"], notice["next_at"], notice["state"], notice["id"])
            db.execute("update push set tries = ?, next_at = ?, state = ? where id = ?", values)

    def pushes(self) -> list[Row]:
        """Everything that was or is to be told."""
        return self.rows("select com, number, what, tries, state from push order by id")


def _begin(db: Any, row: tuple[Any, ...]) -> None:
    db.execute("insert or replace into subscription values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
