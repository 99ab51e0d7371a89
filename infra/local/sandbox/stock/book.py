"""The warehouse's books: what is free, kept and gone of each sku. Each change is alone, and on the disk at its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database
from infra.local.sandbox.signed import Refusal

SCHEMA = """
create table if not exists shelf (sku text primary key, free integer not null);
create table if not exists hold (sku text not null, key text not null, pieces integer not null, until real not null,
  state text not null, primary key (sku, key));
create table if not exists back (key text primary key, sku text not null, pieces integer not null, disposition text not null);
"""

#: Where goods that are back go; only what is sound may be sold again.
SOUND = "sound"
DISPOSITIONS = (SOUND, "flawed", "quarantine", "scrap")

#: What became of a hold: it binds, ran out by itself, was sent, was let go.
HELD, OVER, GONE, FREED = "held", "over", "gone", "freed"


class Book(Database):
    """The books. Safe from any thread."""

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        super().__init__(path, SCHEMA)
        self.now = now

    # --- by the contract ----------------------------------------------------------------------------------------------------
    def shown(self, sku: str) -> dict[str, Any] | None:
        """The stock as the contract tells it, None when nobody sells the sku."""
        with self.writing() as db:
            return self._shown(sku) if self._known(db, sku) else None

    def hold(self, sku: str, key: str, pieces: int, days: int) -> dict[str, Any] | None:
        """Keep so many for ``key``, anew for so many days. Raises Refusal where there are not enough."""
        with self.writing() as db:
            if not self._known(db, sku):
                return None
            mine = self._hold(sku, key)
            if mine and mine["state"] == GONE:
                return self._shown(sku, key)
            has = mine["pieces"] if mine and mine["state"] == HELD else 0
            free = self._free(sku) + has
            if free < pieces:
                raise Refusal("not_enough")
            self._set(db, sku, free - pieces)
            row = (sku, key, pieces, self.now() + days * 86_400, HELD)
            db.execute("insert or replace into hold values (?, ?, ?, ?, ?)", row)
            return self._shown(sku)

    def consume(self, sku: str, key: str) -> dict[str, Any] | None:
        """They were sent. Raises Refusal where nothing is kept, or a hold ran out and they are not there any more."""
        with self.writing() as db:
            if not self._known(db, sku):
                return None
            mine = self._hold(sku, key)
            if mine is None or mine["state"] == FREED:
                raise Refusal("not_held")
            if mine["state"] == OVER:
                if self._free(sku) < mine["pieces"]:
                    raise Refusal("not_held")
                self._set(db, sku, self._free(sku) - mine["pieces"])
            db.execute("update hold set state = ? where sku = ? and key = ?", (GONE, sku, key))
            return self._shown(sku, key)

    def release(self, sku: str, key: str) -> dict[str, Any] | None:
        """Let them go; nothing happens where this key keeps nothing."""
        with self.writing() as db:
            if not self._known(db, sku):
                return None
            mine = self._hold(sku, key)
            if mine and mine["state"] in (HELD, OVER):
                if mine["state"] == HELD:
                    self._set(db, sku, self._free(sku) + mine["pieces"])
                db.execute("update hold set state = ? where sku = ? and key = ?", (FREED, sku, key))
            return self._shown(sku)

    def take_back(self, sku: str, key: str, pieces: int, disposition: str) -> dict[str, Any] | None:
        """So many came back and go there, once per key. Raises Refusal for a key that brought something else."""
        with self.writing() as db:
            if not self._known(db, sku):
                return None
            known = next(iter(self.rows("select * from back where key = ?", key)), None)
            if known and (known["sku"], known["pieces"], known["disposition"]) != (sku, pieces, disposition):
                raise Refusal("other_return")
            if known is None:
                db.execute("insert into back values (?, ?, ?, ?)", (key, sku, pieces, disposition))
                self._set(db, sku, self._free(sku) + (pieces if disposition == SOUND else 0))
            return {**self._shown(sku), "back": {"key": key, "pieces": pieces, "disposition": disposition}}

    # --- what happens in the shop ---------------------------------------------------------------------------------------------
    def put(self, sku: str, pieces: int) -> None:
        """Let so many be free."""
        with self.writing() as db:
            db.execute("insert or replace into shelf values (?, ?)", (sku, int(pieces)))

    def sells(self, skus: list[str]) -> None:
        """Let the warehouse know these skus; of those that it did not, nothing is there."""
        with self.writing() as db:
            for sku in skus:
                db.execute("insert or ignore into shelf values (?, 0)", (str(sku),))

    def buy(self, sku: str) -> bool:
        """Somebody buys one; False where none is free."""
        with self.writing() as db:
            if not self._known(db, sku) or self._free(sku) < 1:
                return False
            self._set(db, sku, self._free(sku) - 1)
            return True

    def all(self) -> dict[str, dict[str, Any]]:
        """Every sku: ``free``, of each key's hold how many pieces and what became of it, and what each key brought back."""
        found = {row["sku"]: {"free": row["free"], "holds": {}} for row in self.rows("select * from shelf order by sku")}
        for row in self.rows("select * from hold order by sku, key"):
            found[row["sku"]]["holds"][row["key"]] = {"pieces": row["pieces"], "state": row["state"]}
        for row in self.rows("select * from back order by key"):
            backs = found[row["sku"]].setdefault("backs", {})
            backs[row["key"]] = {"pieces": row["pieces"], "disposition": row["disposition"]}
        return found

    # --- inside -----------------------------------------------------------------------------------------------------------------
    def _known(self, db: sqlite3.Connection, sku: str) -> bool:
        """Whether there is such a sku; what ran out is free again from here on."""
        for row in self.rows("select * from hold where sku = ? and state = ? and until <= ?", sku, HELD, self.now()):
            db.execute("update hold set state = ? where sku = ? and key = ?", (OVER, sku, row["key"]))
            self._set(db, sku, self._free(sku) + row["pieces"])
        return bool(self.rows("select 1 from shelf where sku = ?", sku))

    def _free(self, sku: str) -> int:
        return int(self.rows("select free from shelf where sku = ?", sku)[0]["free"])

    def _set(self, db: sqlite3.Connection, sku: str, free: int) -> None:
        db.execute("update shelf set free = ? where sku = ?", (free, sku))

    def _hold(self, sku: str, key: str) -> dict[str, Any] | None:
        return next(iter(self.rows("select * from hold where sku = ? and key = ?", sku, key)), None)

    def _shown(self, sku: str, key: str = "") -> dict[str, Any]:
        """The stock with all holds that bind, and what ``key`` took for good."""
        held = self.rows("select * from hold where sku = ? and state = ?", sku, HELD)
        holds: dict[str, Any] = {
            h["key"]: {"pieces": h["pieces"], "until": datetime.fromtimestamp(h["until"], UTC).isoformat()} for h in held
        }
        mine = self._hold(sku, key)
        if mine and mine["state"] == GONE:
            holds[key] = {"pieces": mine["pieces"], "gone": True}
        return {"sku": sku, "free": self._free(sku), "holds": holds}
