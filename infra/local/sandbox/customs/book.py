"""The agent's books: the receipts that customs gave, and how far each is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.sandbox.database import Database
from infra.local.sandbox.provider import Env

_SCHEMA = """
create table if not exists receipt (
  id integer primary key, order_no text not null, ebc_code text not null, kind text not null, at real not null,
  tax_no text not null, content blob not null, tries integer not null default 0, next_at real not null, state text not null
);
create index if not exists of_order on receipt (order_no, ebc_code);
"""


class Book:
    """See :class:`~infra.local.sandbox.delivery.Books`. A receipt is ``pending`` until it is told, ``quiet`` without a listener."""

    def __init__(self, env: Env) -> None:
        self.now = env.now
        self._base = Database(env.file("sqlite"), _SCHEMA)

    def end_due(self) -> float | None:
        """Nothing here ends by itself."""
        return None

    @property
    def url(self) -> str:
        """Where receipts are pushed to, "" for nowhere."""
        return str(self._base.setting("url") or "")

    def listen(self, url: str) -> None:
        """Push receipts there from now on."""
        self._base.set("url", url)

    def add(self, kind: str, order_no: str, ebc_code: str, at: float, content: bytes, tax_no: str, *, told: bool) -> None:
        """A receipt came in."""
        state = "pending" if told and self.url else "quiet"
        with self._base.writing() as db:
            db.execute(
                "insert into receipt (order_no, ebc_code, kind, at, tax_no, content, next_at, state) values (?,?,?,?,?,?,?,?)",
                (order_no, ebc_code, kind, at, tax_no, content, self.now(), state),
            )

    def of(self, order_no: str, ebc_code: str) -> list[dict[str, Any]]:
        """The receipts of an order, in the order in which they came."""
        return self._base.rows("select * from receipt where order_no = ? and ebc_code = ? order by id", order_no, ebc_code)

    def all(self) -> list[dict[str, Any]]:
        """Every receipt without its content."""
        rows = self._base.rows("select * from receipt order by id")
        return [{name: value for name, value in row.items() if name != "content"} for row in rows]

    def waiting(self) -> list[dict[str, Any]]:
        """What is to be pushed."""
        return self._base.rows("select * from receipt where state = 'pending' order by next_at, id")

    def held(self) -> list[dict[str, Any]]:
        """What was kept back until another one was pushed."""
        return self._base.rows("select * from receipt where state = 'held'")

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far a receipt is told."""
        with self._base.writing() as db:
            values = (notice["tries"], notice["next_at"], notice["state"], notice["id"])
            db.execute("update receipt set tries = ?, next_at = ?, state = ? where id = ?", values)

    def close(self) -> None:
        """Release the file."""
        self._base.close()
