"""The provider's books: payments, refunds and the merchant's account, and the rules that WeChat Pay keeps.

Everything is one SQLite file (in memory without a path). A call is acknowledged after its commit has reached the disk, so that
nothing acknowledged is lost when every process dies. Rules and limits: WeChat Pay APIv3 documentation, refunds, 2024-09 to 2025-03.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from infra.local.sandbox.database import Database, put_setting
from infra.local.sandbox.provider import Env

#: At most this many refunds of one payment, and none later than this after it was paid.
MOST_REFUNDS = 50
REFUND_WINDOW = timedelta(days=365)

#: How a refund can end.
OUTCOMES = frozenset({"SUCCESS", "CLOSED", "ABNORMAL"})

#: Seconds between two refunds of one payment, at least.
GAP_S = 60.0

_CHINA = timezone(timedelta(hours=8))

_SCHEMA = """
create table if not exists payment (
  transaction_id text primary key, out_trade_no text unique not null, total integer not null, payer_total integer not null,
  paid_at real not null);
create table if not exists refund (
  out_refund_no text primary key, refund_id text unique not null, transaction_id text not null, params text not null,
  minor integer not null, payer_minor integer not null, status text not null, ends_as text not null, ends_at real not null,
  created_at real not null, success_at real, notify_url text not null);
create index if not exists refund_of on refund (transaction_id);
create table if not exists notice (
  id text primary key, out_refund_no text not null, event text not null, created_at real not null, tries integer not null,
  next_at real not null, state text not null);
"""


class Refusal(Exception):
    """The answer is an error with this HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund as the books have it; instants are seconds since 1970 on the sandbox's own clock, amounts are fen."""

    out_refund_no: str
    refund_id: str
    transaction_id: str
    out_trade_no: str
    minor: int
    payer_minor: int
    total: int
    payer_total: int
    status: str
    created_at: float
    success_at: float | None
    notify_url: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A well-formed request for a refund; ``params`` is all of it in one canonical text."""

    out_refund_no: str
    transaction_id: str
    out_trade_no: str
    minor: int
    total: int
    notify_url: str
    params: str


class Book(Database):
    """The books. Safe from any thread. ``env`` says how long refunds take and how far apart they must be."""

    def __init__(self, path: Path | None, env: Env) -> None:
        super().__init__(path, _SCHEMA)
        self.now = env.now
        self._env = env

    # --- payments and the merchant's account ------------------------------------------------------------------------------
    def pay(self, transaction_id: str, total: int, out_trade_no: str, payer_total: int, paid_at: float) -> None:
        """A buyer has paid. The same payment again changes nothing; another one under the same number raises ValueError."""
        if total <= 0 or not 0 <= payer_total <= total:
            raise ValueError("a payment is more than nothing, and the payer's part at most the whole")
        with self.writing() as db:
            db.execute(
                "insert or ignore into payment values (?, ?, ?, ?, ?)", (transaction_id, out_trade_no, total, payer_total, paid_at)
            )
            kept = db.execute("select * from payment where transaction_id = ?", (transaction_id,)).fetchone()
            if kept is None or (kept["out_trade_no"], kept["total"], kept["payer_total"]) != (out_trade_no, total, payer_total):
                raise ValueError(f"another payment has the number {transaction_id} or {out_trade_no}")

    def fund(self, minor: int | None) -> None:
        """What is left on the merchant's account for refunds; None: any amount."""
        self.set("balance", minor)

    # --- refunds ----------------------------------------------------------------------------------------------------------
    def refund(self, ask: Ask, ends_as: str = "SUCCESS", delay_s: float | None = None) -> Refund:
        """Accept the refund, or give the one that this number already stands for. Raises Refusal; then nothing has changed."""
        now = self.now()
        ends_at = now + (self._env.delay_s if delay_s is None else delay_s)
        with self.writing() as db:
            known = db.execute("select params from refund where out_refund_no = ?", (ask.out_refund_no,)).fetchone()
            if known is None:
                payment = self._payment(db, ask)
                self._check(db, ask, payment, now)
                payer = ask.minor * payment["payer_total"] // payment["total"]
                status, success_at = ("PROCESSING", None) if ends_at > now or ends_as != "SUCCESS" else ("SUCCESS", now)
                refund_id = f"5030{secrets.randbelow(10**24):024d}"
                values = (
                    ask.out_refund_no, refund_id, payment["transaction_id"], ask.params, ask.minor, payer,
                    status, ends_as, ends_at, now, success_at, ask.notify_url,
                )  # fmt: skip
                db.execute("insert into refund values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
                self._move_account(db, -ask.minor)
                if status == "SUCCESS":
                    self._announce(db, ask.out_refund_no, status, ask.notify_url)
            elif known["params"] != ask.params:
                raise Refusal(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        found = self.find(ask.out_refund_no)
        assert found is not None
        return found

    def find(self, out_refund_no: str) -> Refund | None:
        """The refund of that number as it is now; None when there is none."""
        found = self.rows(
            "select out_refund_no, refund_id, transaction_id, out_trade_no, minor, payer_minor, total, payer_total, status,"
            " created_at, success_at, notify_url from refund join payment using (transaction_id) where out_refund_no = ?",
            out_refund_no,
        )
        return Refund(**found[0]) if found else None

    def end(self, out_refund_no: str) -> Refund:
        """Bring a refund in processing to its end, now. An ended one stays as it is."""
        now = self.now()
        with self.writing() as db:
            row = db.execute("select * from refund where out_refund_no = ?", (out_refund_no,)).fetchone()
            if row is not None and row["status"] == "PROCESSING":
                done = now if row["ends_as"] == "SUCCESS" else None
                change = "update refund set status = ends_as, success_at = ? where out_refund_no = ?"
                db.execute(change, (done, out_refund_no))
                if row["ends_as"] == "CLOSED":
                    self._move_account(db, row["minor"])
                self._announce(db, out_refund_no, row["ends_as"], row["notify_url"])
        found = self.find(out_refund_no)
        assert found is not None
        return found

    def end_due(self) -> float | None:
        """End what is due. Gives the instant at which the next refund will be; None when none is in processing."""
        waiting = self.rows("select out_refund_no, ends_at from refund where status = 'PROCESSING' order by ends_at")
        for row in waiting:
            if row["ends_at"] > self.now():
                return float(row["ends_at"])
            self.end(row["out_refund_no"])
        return None

    # --- notices: part of the same transaction as the end of the refund, so that a crash loses none -----------------------
    def _announce(self, db: sqlite3.Connection, out_refund_no: str, event: str, notify_url: str) -> None:
        if notify_url:
            now = self.now()
            values = (secrets.token_hex(16), out_refund_no, event, now, 0, now, "pending")
            db.execute("insert into notice values (?, ?, ?, ?, ?, ?, ?)", values)

    def pending(self) -> list[dict[str, Any]]:
        """The notices not acknowledged yet, the next one first."""
        return self.rows("select * from notice where state = 'pending' order by next_at, created_at")

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far a notice is: its ``tries``, ``next_at`` and ``state``."""
        with self.writing() as db:
            change = "update notice set tries = ?, next_at = ?, state = ? where id = ?"
            db.execute(change, (notice["tries"], notice["next_at"], notice["state"], notice["id"]))

    # --- the rules --------------------------------------------------------------------------------------------------------
    def _payment(self, db: sqlite3.Connection, ask: Ask) -> sqlite3.Row:
        column, value = ("transaction_id", ask.transaction_id) if ask.transaction_id else ("out_trade_no", ask.out_trade_no)
        found: sqlite3.Row | None = db.execute(f"select * from payment where {column} = ?", (value,)).fetchone()  # noqa: S608 (two names of ours)
        if found is None:
            raise Refusal(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        return found

    def _check(self, db: sqlite3.Connection, ask: Ask, payment: sqlite3.Row, now: float) -> None:
        """The rules for a new refund, in the order a person would look at them."""
        if ask.total != payment["total"]:
            raise Refusal(400, "INVALID_REQUEST", "订单金额与实际支付金额不一致")
        if now - payment["paid_at"] > REFUND_WINDOW.total_seconds():
            raise Refusal(400, "INVALID_REQUEST", "订单已超过一年，不可退款")
        others = db.execute("select * from refund where transaction_id = ?", (payment["transaction_id"],)).fetchall()
        if len(others) >= MOST_REFUNDS:
            raise Refusal(400, "INVALID_REQUEST", "订单部分退款超过50次")
        if sum(r["minor"] for r in others if r["status"] != "CLOSED") + ask.minor > payment["total"]:
            raise Refusal(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额")
        gap_s = GAP_S if self._env.gap_s is None else self._env.gap_s
        if others and now - max(r["created_at"] for r in others) < gap_s:
            raise Refusal(400, "INVALID_REQUEST", "同一笔订单的两次退款须间隔1分钟，请稍后重试")
        balance = self.setting("balance")
        if balance is not None and balance < ask.minor:
            raise Refusal(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")

    def _move_account(self, db: sqlite3.Connection, minor: int) -> None:
        balance = self.setting("balance")
        if balance is not None:
            put_setting(db, "balance", balance + minor)


def ask_of(said: Mapping[str, Any], body: str) -> Ask:
    """The request in a JSON object. Raises Refusal (400 PARAM_ERROR) when it is not well formed."""
    amount = said.get("amount")
    texts = {k: said.get(k, "") for k in ("out_refund_no", "transaction_id", "out_trade_no", "notify_url", "reason")}
    if not isinstance(amount, dict) or not all(isinstance(v, str) for v in texts.values()):
        raise Refusal(400, "PARAM_ERROR", "参数错误")
    number, minor, total = texts["out_refund_no"], amount.get("refund"), amount.get("total")
    legal = number.isascii() and 0 < len(number) <= 64 and all(c.isalnum() or c in "_-|*@" for c in number)
    if not legal:
        raise Refusal(400, "PARAM_ERROR", "商户退款单号 out_refund_no 不合法")
    if type(minor) is not int or type(total) is not int or minor <= 0 or total <= 0 or amount.get("currency") != "CNY":
        raise Refusal(400, "PARAM_ERROR", "金额 amount 不合法")
    if not (texts["transaction_id"] or texts["out_trade_no"]) or len(texts["reason"]) > 80:
        raise Refusal(400, "PARAM_ERROR", "订单号与退款原因不合法")
    if len(texts["notify_url"]) > 256 or "?" in texts["notify_url"]:
        raise Refusal(400, "PARAM_ERROR", "notify_url 不合法")
    params = json.dumps(json.loads(body), sort_keys=True, ensure_ascii=False)
    return Ask(number, texts["transaction_id"], texts["out_trade_no"], minor, total, texts["notify_url"], params)


def local_time(at: float) -> str:
    """An instant as WeChat Pay writes it: RFC 3339 in China's time."""
    return datetime.fromtimestamp(at, _CHINA).isoformat(timespec="seconds")
