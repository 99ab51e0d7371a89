"""The provider's books: payments, refunds and the merchant's account, and the rules that WeChat Pay keeps.

Everything is one SQLite file (in memory without a path). A call is acknowledged after its commit has reached the disk, so that
nothing acknowledged is lost when every process dies. Rules and limits: WeChat Pay APIv3 documentation, refunds, 2024-09 to 2025-03.
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
from infra.local.sandbox.wechatpay.ask import Ask, Redirect, Refusal
from infra.local.sandbox.wechatpay.table import ADDED, FOUND, SCHEMA, Refund

#: At most this many refunds of one payment, and none later than this after it was paid.
MOST_REFUNDS = 50
REFUND_WINDOW = timedelta(days=365)

#: How a refund can end.
OUTCOMES = frozenset({"SUCCESS", "CLOSED", "ABNORMAL"})

#: Seconds between two refunds of one payment, at least.
GAP_S = 60.0


class Book(Database):
    """The books. Safe from any thread. ``env`` says how long refunds take and how far apart they must be."""

    def __init__(self, path: Path | None, env: Env) -> None:
        super().__init__(path, SCHEMA)
        for table, columns in ADDED.items():
            self.add_columns(table, **columns)
        self.now = env.now
        self._env = env

    # --- payments and the merchant's account ------------------------------------------------------------------------------
    def pay(self, transaction_id: str, out_trade_no: str, total: int, payer_total: int, free_total: int, paid_at: float) -> None:
        """A buyer has paid. The same payment again changes nothing; another one under the same number raises ValueError."""
        if total <= 0 or not 0 <= payer_total <= total or not 0 <= free_total <= total - payer_total:
            raise ValueError("a payment is more than nothing, and money and coupons come to the whole")
        said = (out_trade_no, total, payer_total, free_total)
        insert = "insert or ignore into payment (transaction_id, out_trade_no, total, payer_total, free_total, paid_at)"
        with self.writing() as db:
            db.execute(f"{insert} values (?, ?, ?, ?, ?, ?)", (transaction_id, *said, paid_at))
            kept = db.execute("select * from payment where transaction_id = ?", (transaction_id,)).fetchone()
            if kept is None or (kept["out_trade_no"], kept["total"], kept["payer_total"], kept["free_total"]) != said:
                raise ValueError(f"another payment has the number {transaction_id} or {out_trade_no}")

    def payment(self, column: str, value: str) -> dict[str, Any] | None:
        """The payment with that ``transaction_id`` or ``out_trade_no``, and ``refunds``: how many it has."""
        query = "select *, (select count(*) from refund r where r.transaction_id = p.transaction_id) refunds from payment p"
        found = self.rows(f"{query} where {column} = ?", value)
        return found[0] if found else None

    def freeze(self, transaction_id: str, why: str) -> None:
        """The payment is held by risk control, in these words; "" sets it free. Raises ValueError when there is none."""
        with self.writing() as db:
            if not db.execute("update payment set frozen = ? where transaction_id = ?", (why, transaction_id)).rowcount:
                raise ValueError(f"there is no payment {transaction_id}")

    def fund(self, minor: int | None) -> None:
        """What is left on the merchant's account for refunds; None: any amount."""
        self.set("balance", minor)

    # --- refunds ----------------------------------------------------------------------------------------------------------
    def refund(self, ask: Ask, ends_as: str = "SUCCESS", delay_s: float | None = None, *, outside: bool = False) -> Refund:
        """Accept the refund, or give the one that this number already stands for. Raises Refusal; then nothing has changed.

        ``outside``: made in the merchant's console, where nobody is asked to wait a minute.
        """
        with self.writing() as db:
            now = self.now()  # inside, so that what is accepted later is also later
            ends_at = now + (self._env.delay_s if delay_s is None else delay_s)
            known = db.execute("select params from refund where out_refund_no = ?", (ask.out_refund_no,)).fetchone()
            if known is None:
                payment = self._payment(db, ask)
                self._check(db, ask, payment, now, 0.0 if outside else self._gap_s)
                self._accept(db, ask, payment, now, ends_as, ends_at, outside)
            elif known["params"] != ask.params:
                raise Refusal(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
            return _refund(db, ask.out_refund_no)

    def find(self, out_refund_no: str) -> Refund | None:
        """The refund of that number as it is now; None when there is none."""
        found = self.rows(f"{FOUND} where out_refund_no = ?", out_refund_no)
        return Refund(**found[0]) if found else None

    def redirect(self, ask: Redirect, ends_as: str = "SUCCESS", delay_s: float | None = None) -> Refund:
        """Send an abnormal refund to a card; the same card again changes nothing. Raises Refusal; then nothing has changed."""
        ends_at = self.now() + (self._env.delay_s if delay_s is None else delay_s)
        with self.writing() as db:
            row = db.execute("select * from refund where refund_id = ?", (ask.refund_id,)).fetchone()
            if row is None or row["out_refund_no"] != ask.out_refund_no:
                raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
            if row["card"] != ask.digest or row["status"] == "ABNORMAL":
                if row["status"] != "ABNORMAL":
                    raise Refusal(400, "INVALID_REQUEST", "退款单状态不是退款异常，不可发起异常退款")
                change = (
                    "update refund set status = 'PROCESSING', ends_as = ?, ends_at = ?, channel = 'OTHER_BANKCARD', account = ?,"
                )
                account = f"{ask.bank.removesuffix('_DEBIT')}借记卡{ask.tail}"
                db.execute(f"{change} card = ? where refund_id = ?", (ends_as, ends_at, account, ask.digest, ask.refund_id))
            return _refund(db, ask.out_refund_no)

    def end(self, out_refund_no: str) -> Refund:
        """Bring a refund in processing to its end, now. An ended one stays as it is."""
        with self.writing() as db:
            self._end_one(db, out_refund_no, self.now())
            return _refund(db, out_refund_no)

    def end_if_due(self, out_refund_no: str) -> bool:
        """End this one if it is due; whether it was."""
        now = self.now()
        with self.writing() as db:
            row = db.execute("select status, ends_at from refund where out_refund_no = ?", (out_refund_no,)).fetchone()
            due = row is not None and row["status"] == "PROCESSING" and row["ends_at"] <= now
            if due:
                self._end_one(db, out_refund_no, now)
        return bool(due)

    def end_due(self) -> float | None:
        """End what is due. Gives the instant at which the next refund will be; None when none is in processing."""
        now, due = self.now(), "select out_refund_no from refund where status = 'PROCESSING' and ends_at <= ?"
        if self.rows(f"{due} limit 1", now):
            with self.writing() as db:
                for row in db.execute(due, (now,)).fetchall():
                    self._end_one(db, row["out_refund_no"], now)
        following = self.rows("select min(ends_at) at from refund where status = 'PROCESSING'")[0]["at"]
        return None if following is None else float(following)

    def _accept(
        self, db: sqlite3.Connection, ask: Ask, payment: sqlite3.Row, now: float, ends_as: str, ends_at: float, outside: bool
    ) -> None:
        payer, free = (ask.minor * payment[part] // payment["total"] for part in ("payer_total", "free_total"))
        done = ends_at <= now and ends_as == "SUCCESS"
        status = "SUCCESS" if done else "PROCESSING"
        said: dict[str, Any] = {
            "out_refund_no": ask.out_refund_no, "refund_id": f"5030{secrets.randbelow(10**24):024d}",
            "transaction_id": payment["transaction_id"], "params": ask.params, "minor": ask.minor, "payer_minor": payer,
            "free_minor": free, "status": status, "accepted_as": status, "ends_as": ends_as, "ends_at": ends_at, "created_at": now,
            "success_at": now if done else None, "notify_url": ask.notify_url, "outside": int(outside),
        }  # fmt: skip
        columns, marks = ", ".join(said), ", ".join("?" * len(said))
        db.execute(f"insert into refund ({columns}) values ({marks})", tuple(said.values()))  # noqa: S608 (names of ours)
        self._move_account(db, -ask.minor)
        if done:
            self._announce(db, ask.out_refund_no, status, ask.notify_url)

    def _end_one(self, db: sqlite3.Connection, out_refund_no: str, now: float) -> None:
        row = db.execute("select * from refund where out_refund_no = ?", (out_refund_no,)).fetchone()
        if row is None or row["status"] != "PROCESSING":
            return
        done = now if row["ends_as"] == "SUCCESS" else None
        db.execute("update refund set status = ends_as, success_at = ? where out_refund_no = ?", (done, out_refund_no))
        if row["ends_as"] == "CLOSED":
            self._move_account(db, row["minor"])
        self._announce(db, out_refund_no, row["ends_as"], row["notify_url"])

    # --- notices: part of the same transaction as the end of the refund, so that a crash loses none -----------------------
    def _announce(self, db: sqlite3.Connection, out_refund_no: str, event: str, notify_url: str) -> None:
        if notify_url:
            now = self.now()
            values = (secrets.token_hex(16), out_refund_no, event, now, 0, now, "pending")
            db.execute("insert into notice values (?, ?, ?, ?, ?, ?, ?)", values)

    def pending(self, until: float, most: int = 64) -> list[dict[str, Any]]:
        """The first of the notices not acknowledged yet that are due ``until`` then, the next one first."""
        query = "select * from notice where state = 'pending' and next_at <= ? order by next_at, created_at limit ?"
        return self.rows(query, until, most)

    def notice(self, notice_id: str) -> dict[str, Any]:
        """The notice as it is now."""
        return self.rows("select * from notice where id = ?", notice_id)[0]

    def next_notice_at(self) -> float | None:
        """When the next notice is due; None when none waits."""
        at = self.rows("select min(next_at) at from notice where state = 'pending'")[0]["at"]
        return None if at is None else float(at)

    def put_notice(self, notice: Mapping[str, Any]) -> None:
        """Store how far a notice is: its ``tries``, ``next_at`` and ``state``."""
        with self.writing() as db:
            change = "update notice set tries = ?, next_at = ?, state = ? where id = ?"
            db.execute(change, (notice["tries"], notice["next_at"], notice["state"], notice["id"]))

    # --- the rules --------------------------------------------------------------------------------------------------------
    @property
    def _gap_s(self) -> float:
        return GAP_S if self._env.gap_s is None else self._env.gap_s

    def _payment(self, db: sqlite3.Connection, ask: Ask) -> sqlite3.Row:
        column, value = ("transaction_id", ask.transaction_id) if ask.transaction_id else ("out_trade_no", ask.out_trade_no)
        query = f"select * from payment where {column} = ?"  # noqa: S608 (two names of ours)
        found: sqlite3.Row | None = db.execute(query, (value,)).fetchone()
        if found is None:
            raise Refusal(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        return found

    def _check(self, db: sqlite3.Connection, ask: Ask, payment: sqlite3.Row, now: float, gap_s: float) -> None:
        """The rules for a new refund, in the order a person would look at them."""
        if ask.total != payment["total"]:
            raise Refusal(400, "INVALID_REQUEST", "订单金额与实际支付金额不一致")
        if payment["frozen"]:
            raise Refusal(400, "INVALID_REQUEST", payment["frozen"])
        if now - payment["paid_at"] > REFUND_WINDOW.total_seconds():
            raise Refusal(400, "INVALID_REQUEST", "订单已超过一年，不可退款")
        others = db.execute("select minor, status, created_at from refund where transaction_id = ?", (payment["transaction_id"],))
        made = others.fetchall()
        if len(made) >= MOST_REFUNDS:
            raise Refusal(400, "INVALID_REQUEST", "订单部分退款超过50次")
        if sum(r["minor"] for r in made if r["status"] != "CLOSED") + ask.minor > payment["total"]:
            raise Refusal(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额")
        if made and now - max(r["created_at"] for r in made) < gap_s:
            raise Refusal(400, "INVALID_REQUEST", "同一笔订单的两次退款须间隔1分钟，请稍后重试")
        balance = self.setting("balance")
        if balance is not None and balance < ask.minor:
            raise Refusal(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")

    def _move_account(self, db: sqlite3.Connection, minor: int) -> None:
        balance = self.setting("balance")
        if balance is not None:
            put_setting(db, "balance", balance + minor)


def _refund(db: sqlite3.Connection, out_refund_no: str) -> Refund:
    """The refund of that number, inside a change."""
    return Refund(**dict(db.execute(f"{FOUND} where out_refund_no = ?", (out_refund_no,)).fetchone()))
