"""Alipay's books: payments, refunds and the seller's account, and the rules that Alipay keeps. Amounts are fen.

A call is acknowledged after its commit has reached the disk. Rules and limits: Alipay open platform, ``alipay.trade.refund``, its
query and the async notices (read 2026-11).
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra.local.sandbox.alipay.tell import notice_of_deposit, notice_of_refund
from infra.local.sandbox.database import Database, put_setting
from infra.local.sandbox.provider import Env

#: No refund later than this after the payment: commonly a year, by contract. After it the trade is finished.
REFUND_WINDOW = timedelta(days=365)

#: Sooner than this after a refund a query may be empty.
VISIBLE_S = 10.0

#: Two refunds of one trade are this far apart. What Alipay answers otherwise is not documented, so it is counted and not refused.
APART_S = 3.0

#: How a refund ends on a script: made now; made later or never, in silence; made, and refused by the buyer's bank.
OUTCOMES = frozenset({"SUCCESS", "FAILED", "BOUNCED"})

_SCHEMA = """
create table if not exists payment (
  trade_no text primary key, out_trade_no text unique not null, total integer not null, payer_total integer not null,
  paid_at real not null, card integer not null, status text not null, frozen integer not null, notify_url text not null,
  store_name text not null);
create table if not exists refund (
  trade_no text not null, out_request_no text not null, minor integer not null, payer_minor integer not null, status text not null,
  ends_as text not null, ends_at real not null, created_at real not null, done_at real, dback text, dback_at real,
  tells_deposit integer not null, outside integer not null, primary key (trade_no, out_request_no));
create table if not exists notice (
  id text primary key, trade_no text not null, out_request_no text not null, said text not null, created_at real not null,
  tries integer not null, next_at real not null, state text not null);
create table if not exists link (id text primary key, day text not null, expires_at real not null, fault text not null);
"""


class Refusal(Exception):
    """The business says no (40004) with this sub-code."""

    def __init__(self, sub_code: str, message: str) -> None:
        super().__init__(f"{sub_code}: {message}")
        self.sub_code, self.message = sub_code, message


@dataclass(frozen=True, slots=True)
class Ask:
    """A well-formed request for a refund; ``number`` is "" where none was sent."""

    trade_no: str
    out_trade_no: str
    number: str
    minor: int
    tells_deposit: bool


class Book:
    """The books; see :class:`Database` for what concerns threads and crashes."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self.now = env.now
        self.visible_s = VISIBLE_S
        self.too_close = 0
        self.base = Database(env.file("sqlite"), _SCHEMA)

    # --- payments and the seller's account --------------------------------------------------------------------------------
    def pay(self, trade_no: str, total: int, paid_at: float, **more: Any) -> None:
        """A buyer has paid. The same payment again changes nothing; another one under the same number raises ValueError."""
        said = {"out_trade_no": f"T{trade_no}", "payer_total": total, "card": False, "status": "TRADE_SUCCESS", **more}
        if total <= 0 or not 0 <= said["payer_total"] <= total:
            raise ValueError("a payment is more than nothing, and the payer's part at most the whole")
        values = (
            trade_no, said["out_trade_no"], total, said["payer_total"], paid_at, bool(said["card"]), said["status"], 0,
            said.get("notify_url", ""), said.get("store_name", ""),
        )  # fmt: skip
        with self.base.writing() as db:
            db.execute("insert or ignore into payment values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            kept = db.execute("select * from payment where trade_no = ?", (trade_no,)).fetchone()
            if kept is None or (kept["out_trade_no"], kept["total"], kept["payer_total"]) != (values[1], total, values[3]):
                raise ValueError(f"another payment has the number {trade_no} or {values[1]}")

    def payment(self, trade_no: str, out_trade_no: str = "") -> dict[str, Any]:
        """The payment of that number; ``trade_no`` comes first where both are given. Raises Refusal."""
        column, value = ("trade_no", trade_no) if trade_no else ("out_trade_no", out_trade_no)
        found = self.base.rows(f"select * from payment where {column} = ?", value)  # noqa: S608 (two names of ours)
        if not found:
            raise Refusal("ACQ.TRADE_NOT_EXIST", "交易不存在")
        refunded = self._refunded(trade_no := found[0]["trade_no"])
        gone = self.now() - found[0]["paid_at"] > REFUND_WINDOW.total_seconds()
        status = "TRADE_CLOSED" if refunded >= found[0]["total"] else "TRADE_FINISHED" if gone else found[0]["status"]
        return {**found[0], "status": status, "refunded": refunded, "trade_no": trade_no}

    def mark(self, trade_no: str, **changed: Any) -> None:
        """Freeze (``frozen``) or finish (``status``) a trade."""
        with self.base.writing() as db:
            for name, value in changed.items():
                db.execute(f"update payment set {name} = ? where trade_no = ?", (value, trade_no))  # noqa: S608 (names of ours)

    def fund(self, minor: int | None) -> None:
        """What is left on the seller's account for refunds; None: any amount."""
        self.base.set("balance", minor)

    # --- refunds ----------------------------------------------------------------------------------------------------------
    def refund(self, ask: Ask, ends_as: str = "SUCCESS", after_s: float | None = None, *, outside: bool = False) -> dict[str, Any]:
        """Make the refund, or give the one that this number stands for; ``moved`` says which. Raises Refusal: nothing changed.

        ``after_s``: it is made (SUCCESS) or dropped (FAILED) only then, or the bank refuses it then (BOUNCED).
        """
        with self.base.writing() as db:
            payment = self.payment(ask.trade_no, ask.out_trade_no)
            trade_no, number = payment["trade_no"], ask.number or payment["out_trade_no"]
            known = self._row(trade_no, number)
            if known is not None and known["status"] != "FAILED":
                if known["minor"] != ask.minor:
                    raise Refusal("ACQ.DISCORDANT_REPEAT_REQUEST", "请求信息不一致")
                return {**payment, **known, "moved": False}
            mine = min(ask.minor, payment["payer_total"] - self._refunded(trade_no, "payer_minor"))
            self._check(ask, payment, mine)
            self._count_close(trade_no)
            now, waits = self.now(), ends_as != "BOUNCED" and after_s is not None
            state = ("PROCESSING", ends_as, now + (after_s or 0.0), now, None) if waits else ("SUCCESS", ends_as, now, now, now)
            bank = ("P", now + (after_s or self._env.delay_s)) if payment["card"] else (None, None)
            values = (trade_no, number, ask.minor, mine, *state, *bank, ask.tells_deposit, outside)
            db.execute("insert or replace into refund values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            self._move(db, -mine)
            if not waits:
                self._announce(db, trade_no, number)
        made = self._row(trade_no, number)
        assert made is not None
        return {**self.payment(trade_no), **made, "moved": not waits}

    def find(self, trade_no: str, out_trade_no: str, number: str) -> dict[str, Any] | None:
        """The refund as a query shows it: None while it is too young, not made, or unknown. Raises Refusal for an unknown trade."""
        payment = self.payment(trade_no, out_trade_no)
        row = self._row(payment["trade_no"], number)
        if row is None or row["status"] != "SUCCESS" or self.now() - row["done_at"] < self.visible_s:
            return None
        return {**payment, **row}

    def end_due(self) -> float | None:
        """Do what is due: refunds made late or dropped, banks' answers. Gives the instant of the next one."""
        waiting = "select rowid, ends_at as at from refund where status = 'PROCESSING'"
        banks = "select rowid, dback_at as at from refund where dback = 'P' and status = 'SUCCESS'"
        rows = sorted(self.base.rows(f"{waiting} union all {banks}"), key=lambda row: float(row["at"]))
        for row in rows:
            if row["at"] > self.now():
                return float(row["at"])
            self._end(row["rowid"])
        return None

    # --- notices: part of the same transaction as what they tell, so that a crash loses none --------------------------------
    def pending(self) -> list[dict[str, Any]]:
        """The notices not acknowledged yet, the next one first."""
        rows = self.base.rows(
            "select notice.*, notify_url from notice join payment using (trade_no) where state = 'pending'"
            " order by next_at, notice.created_at, notice.rowid"
        )
        return [{**row, "said": json.loads(row["said"])} for row in rows]

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far a notice is: its ``tries``, ``next_at`` and ``state``."""
        with self.base.writing() as db:
            change = "update notice set tries = ?, next_at = ?, state = ? where id = ?"
            db.execute(change, (notice["tries"], notice["next_at"], notice["state"], notice["id"]))

    def _announce(self, db: sqlite3.Connection, trade_no: str, number: str, *, deposit: bool = False) -> None:
        payment, refund = self.payment(trade_no), self._row(trade_no, number)
        assert refund is not None
        if not payment["notify_url"] or (deposit and not refund["tells_deposit"]):
            return
        said = notice_of_deposit(payment, refund) if deposit else notice_of_refund(payment, refund)
        now, notice_id = self.now(), secrets.token_hex(17)
        values = (notice_id, trade_no, number, json.dumps({**said, "notify_id": notice_id}), now, 0, now, "pending")
        db.execute("insert into notice values (?, ?, ?, ?, ?, ?, ?, ?)", values)

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _end(self, rowid: int) -> None:
        now = self.now()
        with self.base.writing() as db:
            row = db.execute("select * from refund where rowid = ?", (rowid,)).fetchone()
            if row["status"] == "PROCESSING" and row["ends_as"] == "SUCCESS":
                db.execute("update refund set status = 'SUCCESS', done_at = ? where rowid = ?", (now, rowid))
                self._announce(db, row["trade_no"], row["out_request_no"])
            elif row["status"] == "PROCESSING":
                db.execute("update refund set status = 'FAILED' where rowid = ?", (rowid,))
                self._move(db, row["payer_minor"])
            elif row["dback"] == "P":
                ended = "F" if row["ends_as"] == "BOUNCED" else "S"
                db.execute("update refund set dback = ?, dback_at = ? where rowid = ?", (ended, now, rowid))
                self._announce(db, row["trade_no"], row["out_request_no"], deposit=True)

    def _check(self, ask: Ask, payment: Mapping[str, Any], mine: int) -> None:
        """The rules for a new refund; ``mine`` is what of it the seller gives."""
        if payment["frozen"]:
            raise Refusal("ACQ.REASON_TRADE_BEEN_FREEZEN", "请求退款的交易被冻结")
        if payment["status"] == "TRADE_FINISHED":
            raise Refusal("ACQ.TRADE_HAS_FINISHED", "交易已完结")
        if payment["status"] == "TRADE_CLOSED":
            raise Refusal("ACQ.TRADE_HAS_CLOSE", "交易已关闭")
        if payment["status"] != "TRADE_SUCCESS":
            raise Refusal("ACQ.TRADE_STATUS_ERROR", "交易状态非法")
        if ask.minor > payment["total"] or (not ask.number and ask.minor != payment["total"]):
            raise Refusal("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限")
        if payment["refunded"] + ask.minor > payment["total"]:
            raise Refusal("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
        balance = self.base.setting("balance")
        if balance is not None and balance < mine:
            raise Refusal("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足")

    def _row(self, trade_no: str, number: str) -> dict[str, Any] | None:
        found = self.base.rows("select * from refund where trade_no = ? and out_request_no = ?", trade_no, number)
        return found[0] if found else None

    def _refunded(self, trade_no: str, column: str = "minor") -> int:
        query = f"select coalesce(sum({column}), 0) as sum from refund where trade_no = ? and status != 'FAILED'"  # noqa: S608 (ours)
        return int(self.base.rows(query, trade_no)[0]["sum"])

    def _count_close(self, trade_no: str) -> None:
        rows = self.base.rows("select max(created_at) as last from refund where trade_no = ?", trade_no)
        self.too_close += rows[0]["last"] is not None and self.now() - rows[0]["last"] < APART_S

    def _move(self, db: sqlite3.Connection, minor: int) -> None:
        balance = self.base.setting("balance")
        if balance is not None:
            put_setting(db, "balance", balance + minor)
