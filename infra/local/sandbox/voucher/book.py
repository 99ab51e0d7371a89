"""The voucher system's books: what was issued, used, locked and made void. Each change is alone, and on the disk at its end.

A lock binds until its instant in the sandbox's time; what is locked can neither be used nor activated. What is void stays void.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database
from infra.local.sandbox.signed import Refusal

SCHEMA = """
create table if not exists entitlement (
  id text primary key, base text not null, of_uses integer not null, used integer not null default 0, used_at real,
  since real, begins_at real not null, expires_at real, lock_key text not null default '', lock_until real not null default 0,
  voided_by text not null default '', voided_at real, version integer not null default 1,
  merchant text not null default '', order_id text not null default '', line_id text not null default '');
create index if not exists of_base on entitlement (base, begins_at);
create table if not exists deed (n integer primary key, id text not null, what text not null, key text not null, at real not null);
"""


class Book(Database):
    """The books. Safe from any thread."""

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        super().__init__(path, SCHEMA)
        self.now = now

    def shown(self, one: str) -> dict[str, Any] | None:
        """The entitlement as the contract tells it, None when there is none."""
        found = self.rows("select * from entitlement where id = ?", one)
        return self._shown(found[0]) if found else None

    # --- by the contract ----------------------------------------------------------------------------------------------------
    def lock(self, one: str, key: str, days: int) -> dict[str, Any] | None:
        """Lock it for ``key``, anew for so many days where it is already. Raises Refusal."""

        def work(db: sqlite3.Connection, row: dict[str, Any]) -> None:
            status = self._status(row)
            if status in ("used", "void"):
                raise Refusal(status)
            if self._binds(row) and row["lock_key"] != key:
                raise Refusal("locked")
            self._set(db, row, lock_key=key, lock_until=self.now() + days * 86_400)

        return self._change(one, "lock", key, work)

    def void(self, one: str, key: str) -> dict[str, Any] | None:
        """Make it void for good. Raises Refusal unless the lock of ``key`` binds; done already is done."""

        def work(db: sqlite3.Connection, row: dict[str, Any]) -> None:
            if row["voided_by"] == key:
                return
            if self._status(row) in ("used", "void"):
                raise Refusal(self._status(row))
            if not (self._binds(row) and row["lock_key"] == key):
                raise Refusal("not_locked")
            self._set(db, row, voided_by=key, voided_at=self.now(), lock_key="", lock_until=0)

        return self._change(one, "void", key, work)

    def unlock(self, one: str, key: str) -> dict[str, Any] | None:
        """End the lock of ``key``; nothing happens where there is none."""

        def work(db: sqlite3.Connection, row: dict[str, Any]) -> None:
            if row["lock_key"] == key:
                self._set(db, row, lock_key="", lock_until=0)

        return self._change(one, "unlock", key, work)

    # --- what happens in the shop ---------------------------------------------------------------------------------------------
    def issue(self, said: dict[str, Any]) -> None:
        """Sell one; see the lever."""
        with self.writing() as db:
            columns = ", ".join(said)
            db.execute(f"insert into entitlement ({columns}) values ({', '.join('?' * len(said))})", tuple(said.values()))  # noqa: S608 (our own names)

    def redeem(self, one: str, times: int = 1, at: float | None = None) -> bool:
        """Use it ``times`` times; False where it is locked, void, expired, or has not that many left."""

        def work(db: sqlite3.Connection, row: dict[str, Any]) -> None:
            if self._status(row) in ("void", "expired") or self._binds(row) or row["used"] + times > row["of_uses"]:
                raise Refusal("no")
            self._set(db, row, used=row["used"] + times, used_at=self.now() if at is None else at)

        return self._done(one, "redeem", work)

    def activate(self, one: str, at: float | None = None) -> bool:
        """Begin a membership; False where it is locked, void, expired, or has begun."""

        def work(db: sqlite3.Connection, row: dict[str, Any]) -> None:
            if self._status(row) != "unused" or self._binds(row):
                raise Refusal("no")
            self._set(db, row, since=self.now() if at is None else at)

        return self._done(one, "activate", work)

    def expire(self, one: str, at: float | None = None) -> bool:
        """Let it end now."""
        return self._done(one, "expire", lambda db, row: self._set(db, row, expires_at=self.now() if at is None else at))

    def all(self) -> dict[str, dict[str, Any]]:
        """Every entitlement by its id, as the contract tells it, with what was done to it in order."""
        deeds: dict[str, list[dict[str, Any]]] = {}
        for deed in self.rows("select * from deed order by n"):
            deeds.setdefault(deed["id"], []).append({"what": deed["what"], "key": deed["key"], "at": deed["at"]})
        rows = self.rows("select * from entitlement order by id")
        return {row["id"]: {**self._shown(row), "deeds": deeds.get(row["id"], [])} for row in rows}

    # --- inside ---------------------------------------------------------------------------------------------------------------
    def _change(
        self, one: str, what: str, key: str, work: Callable[[sqlite3.Connection, dict[str, Any]], None]
    ) -> dict[str, Any] | None:
        with self.writing() as db:
            row = db.execute("select * from entitlement where id = ?", (one,)).fetchone()
            if row is None:
                return None
            work(db, dict(row))
            db.execute("insert into deed (id, what, key, at) values (?, ?, ?, ?)", (one, what, key, self.now()))
        return self.shown(one)

    def _done(self, one: str, what: str, work: Callable[[sqlite3.Connection, dict[str, Any]], None]) -> bool:
        try:
            found = self._change(one, what, "", work)
        except Refusal:
            return False
        if found is None:
            raise ValueError(f"there is no entitlement {one}")
        return True

    def _set(self, db: sqlite3.Connection, row: dict[str, Any], **changes: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in changes)
        db.execute(
            f"update entitlement set {names}, version = version + 1 where id = ?",  # noqa: S608 (our own names)
            (*changes.values(), row["id"]),
        )

    def _binds(self, row: dict[str, Any]) -> bool:
        return bool(row["lock_key"]) and row["lock_until"] > self.now()

    def _status(self, row: dict[str, Any]) -> str:
        if row["voided_by"]:
            return "void"
        if row["used"] >= row["of_uses"]:
            return "used"
        if row["expires_at"] is not None and row["expires_at"] <= self.now():
            return "expired"
        if row["since"] is not None:
            return "active"
        return "partly_used" if row["used"] else "unused"

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        later = "select count(*) as n from entitlement where base = ? and begins_at > ? and voided_by = ''"
        renewals = self.rows(later, row["base"], row["begins_at"])[0]["n"] if row["base"] else 0
        lock = {"key": row["lock_key"], "until": _iso(row["lock_until"]), "binds": self._binds(row)} if row["lock_key"] else None
        return {
            "id": row["id"],
            "status": self._status(row),
            "version": row["version"],
            "used": row["used"],
            "of": row["of_uses"],
            "used_at": _iso(row["used_at"]),
            "since": _iso(row["since"]),
            "expires_at": _iso(row["expires_at"]),
            "later": renewals,
            "lock": lock,
            "voided_by": row["voided_by"] or None,
        }


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
