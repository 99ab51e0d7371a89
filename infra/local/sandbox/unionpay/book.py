"""The provider's books: payments, refunds and the merchant's account, and the rules that UnionPay keeps.

A refund's name is (order number, time). A refusal for what is *in* a request (balance, amount, window) uses the name up, as an
ended transaction: sent again it is a duplicate. Whether UnionPay does that with each refusal is not documented, so the harder of
the two is played; ``keeps_refusals`` changes it. Rules: UnionPay open platform, online gateway.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database, put_setting
from infra.local.sandbox.provider import Env
from infra.local.sandbox.unionpay.table import SCHEMA, Ask, Refund, Refusal, instant

#: A payment can be refunded for eleven months.
REFUND_WINDOW = timedelta(days=330)


class Book(Database):
    """The books. Safe from any thread. ``order_time_s``: how far an order's time may lie from now."""

    def __init__(self, path: Path | None, env: Env) -> None:
        super().__init__(path, SCHEMA)
        self.now, self._env = env.now, env
        self.order_time_s = 3600.0
        self.keeps_refusals = True

    # --- payments and the merchant's account ------------------------------------------------------------------------------
    def pay(self, transaction_id: str, minor: int, order_no: str, paid_at: float) -> None:
        """A buyer has paid. The same payment again changes nothing; another one under the same number raises ValueError."""
        if minor <= 0:
            raise ValueError("a payment is more than nothing")
        with self.writing() as db:
            db.execute("insert or ignore into payment values (?, ?, ?, ?)", (transaction_id, order_no, minor, paid_at))
            kept = db.execute("select * from payment where transaction_id = ?", (transaction_id,)).fetchone()
            if kept is None or (kept["order_no"], kept["minor"]) != (order_no, minor):
                raise ValueError(f"another payment has the number {transaction_id} or {order_no}")

    def fund(self, minor: int | None) -> None:
        """What is left on the merchant's account for refunds; None: any amount."""
        self.set("balance", minor)

    # --- refunds ----------------------------------------------------------------------------------------------------------
    def refund(self, ask: Ask, ends_as: str = "00", delay_s: float | None = None) -> Refund:
        """Accept the refund. Raises Refusal, also for a name that was used before."""
        now = self.now()
        refusal = None
        with self.writing() as db:
            used = "select 1 from refund where order_id = ? and (txn_time = ? or substr(txn_time, 1, 8) = ?)"
            if db.execute(used, (ask.order_id, ask.txn_time, ask.txn_time[:8])).fetchone():
                raise Refusal("12")
            if abs(now - instant(ask.txn_time)) > self.order_time_s:
                raise Refusal("10", "报文格式错误[txnTime无效]")
            try:
                self._check(db, ask, now)
            except Refusal as error:
                refusal = error
            if refusal is None:
                ends_at = now + (self._env.delay_s if delay_s is None else delay_s)
                self._move_account(db, -ask.minor)
                self._put(db, ask, "05", ends_as, ends_at, now)
                if ends_at <= now:
                    self._finish(db, ask.order_id, ask.txn_time, now)
            elif self.keeps_refusals:
                self._put(db, ask, refusal.code, refusal.code, now, now)
        if refusal is not None:
            raise refusal
        found = self.find(ask.order_id, ask.txn_time)
        assert found is not None
        return found

    def outside(self, ask: Ask) -> Refund:
        """A refund made in UnionPay's own console: nobody is told of it."""
        with self.writing() as db:
            now = self.now()
            self._move_account(db, -ask.minor)
            self._put(db, ask, "00", "00", now, now)
        found = self.find(ask.order_id, ask.txn_time)
        assert found is not None
        return found

    def find(self, order_id: str, txn_time: str) -> Refund | None:
        """The refund of that name as it is now; None when there is none."""
        found = self.rows("select * from refund where order_id = ? and txn_time = ?", order_id, txn_time)
        return Refund(**found[0]) if found else None

    def all(self) -> list[Refund]:
        """Every refund, the oldest first."""
        return [Refund(**row) for row in self.rows("select * from refund order by created_at, order_id")]

    def end(self, order_id: str, txn_time: str) -> None:
        """Bring a refund in progress to its end, now. An ended one stays as it is."""
        with self.writing() as db:
            self._finish(db, order_id, txn_time, self.now())

    def end_due(self) -> float | None:
        """End what is due. Gives the instant at which the next refund will be; None when none is in progress."""
        for row in self.rows("select order_id, txn_time, ends_at from refund where code = '05' order by ends_at"):
            if row["ends_at"] > self.now():
                return float(row["ends_at"])
            self.end(row["order_id"], row["txn_time"])
        return None

    # --- notices: part of the same change as the end of the refund, so that a crash loses none -----------------------------
    def pending(self) -> list[dict[str, Any]]:
        """The notices not acknowledged yet, the next one first."""
        return self.rows("select * from notice where state in ('pending', 'held') order by next_at, created_at")

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far a notice is: its ``tries``, ``next_at`` and ``state``."""
        with self.writing() as db:
            change = "update notice set tries = ?, next_at = ?, state = ? where id = ?"
            db.execute(change, (notice["tries"], notice["next_at"], notice["state"], notice["id"]))

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _put(self, db: sqlite3.Connection, ask: Ask, code: str, ends_as: str, ends_at: float, now: float) -> None:
        trace = f"{secrets.randbelow(10**6):06d}"
        query_id = f"{secrets.randbelow(100):02d}{ask.txn_time[2:]}{trace}{secrets.randbelow(10):d}"
        ended = now if code != "05" else None
        values = (ask.order_id, ask.txn_time, query_id, ask.transaction_id, ask.own, ask.minor, code, ends_as, ends_at, now, ended)
        db.execute("insert into refund values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, ask.notify_url, trace))

    def _finish(self, db: sqlite3.Connection, order_id: str, txn_time: str, now: float) -> None:
        row = db.execute("select * from refund where order_id = ? and txn_time = ?", (order_id, txn_time)).fetchone()
        if row is None or row["code"] != "05":
            return
        change = "update refund set code = ends_as, ended_at = ? where order_id = ? and txn_time = ?"
        db.execute(change, (now, order_id, txn_time))
        if row["ends_as"] != "00":
            self._move_account(db, row["minor"])
        if row["notify_url"]:
            values = (secrets.token_hex(16), order_id, txn_time, now, 0, now, "pending")
            db.execute("insert into notice values (?, ?, ?, ?, ?, ?, ?)", values)

    def _check(self, db: sqlite3.Connection, ask: Ask, now: float) -> None:
        """The rules for a new refund, in the order a person would look at them."""
        payment = db.execute("select * from payment where transaction_id = ?", (ask.transaction_id,)).fetchone()
        if payment is None:
            raise Refusal("35")
        if now - payment["paid_at"] > REFUND_WINDOW.total_seconds():
            raise Refusal("39")
        others = "select sum(minor) as gone from refund where transaction_id = ? and code in ('00', '05')"
        gone = db.execute(others, (ask.transaction_id,)).fetchone()["gone"] or 0
        if gone + ask.minor > payment["minor"]:
            raise Refusal("36")
        balance = self.setting("balance")
        if balance is not None and balance < ask.minor:
            raise Refusal("90")

    def _move_account(self, db: sqlite3.Connection, minor: int) -> None:
        balance = self.setting("balance")
        if balance is not None:
            put_setting(db, "balance", balance + minor)
