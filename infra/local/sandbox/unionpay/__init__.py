"""UnionPay's online gateway (5.1.0) as the provider plays it: refunds to bank cards, with real signatures and money in the books.

UnionPay's own test environment needs an account and is elsewhere; this one is here. How sure each of its rules is stands in
``plugins/unionpay_refund/README.md``.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.unionpay.book import Book
from infra.local.sandbox.unionpay.front import Front
from infra.local.sandbox.unionpay.keys import Keys
from infra.local.sandbox.unionpay.notify import HEADERS, Notifier
from infra.local.sandbox.unionpay.table import Ask, Refund, beijing

__all__ = ["Keys", "UnionPay", "build"]


def build(env: Env) -> UnionPay:
    """The provider, delivering notices from now on. Raises LooksReal for keys that could be production."""
    return UnionPay(env)


class UnionPay:
    """See :class:`~infra.local.sandbox.provider.Provider`. Amounts are fen; a refund's key is its ``reqReserved``."""

    name = "unionpay"
    prefixes = ("/gateway/api/", "/filedownload/")

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        self.script = env.script
        self.book = Book(env.file("sqlite"), env)
        self.notifier = Notifier(self.book, self.keys, env)
        self.front = Front(self.book, self.keys, env, self.notifier)
        self.levers: Mapping[str, Callable[..., Any]] = {
            "balance": self.book.fund,
            "topup": self.top_up,
            "rotate": lambda: {"id": self.keys.rotate()},
            "notices": self.resend,
            "outside": self.outside,
            "order_time": self.order_time,
            "refusals": self.refusals,
        }
        self.notifier.start()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:  # noqa: ARG002 (part of the protocol)
        """The reply to a request."""
        return self.front.answer(method, path, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.unionpay_refund.build``."""
        return {**self.keys.settings(), "base_url": base_url, "notify_url": notify_url}

    def pay(
        self, transaction_id: str, minor: int, *, paid_at: float | None = None, out_trade_no: str = "", currency: str = "CNY"
    ) -> None:
        """A buyer has paid ``minor`` fen."""
        if currency != "CNY":
            raise ValueError("UnionPay's gateway takes CNY here")
        self.book.pay(transaction_id, minor, out_trade_no or f"T{transaction_id}", self.book.now() if paid_at is None else paid_at)

    def truth(self) -> dict[str, Any]:
        """What really was paid, the notices, and what receivers answered to them."""
        self.book.end_due()
        told: dict[str, dict[str, Any]] = {}
        of_payment: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for refund in self.book.all():
            key = refund.key if refund.key not in told else f"{refund.key}@{refund.order_id}/{refund.txn_time}"
            told[key] = _told(refund)
            of_payment[refund.transaction_id].append(told[key])
        payments = {p["transaction_id"]: p for p in self.book.rows("select * from payment order by transaction_id")}
        return {
            "payments": {number: {**payment, **_sums(of_payment[number])} for number, payment in payments.items()},
            "refunds": told,
            "total": _sums(told.values()),
            "balance": self.book.setting("balance"),
            "calls": self.front.rate.report(),
            "notices": self.book.rows("select * from notice order by created_at"),
            "deliveries": [asdict(d) for d in self.notifier.deliveries],
        }

    def wake(self) -> None:
        """The clock was moved."""
        self.notifier.wake()

    def close(self) -> None:
        """End the notices and close the books."""
        self.notifier.stop()
        self.book.close()

    # --- levers -----------------------------------------------------------------------------------------------------------
    def top_up(self, minor: int) -> None:
        """Put money on the merchant's account."""
        self.book.fund((self.book.setting("balance") or 0) + minor)

    def outside(self, transaction_id: str, minor: int) -> None:
        """Somebody refunds in UnionPay's console: no notice tells of it, the file of the day does."""
        number = f"OUT{secrets.token_hex(8).upper()}"
        self.book.outside(Ask(number, beijing(self.book.now()), transaction_id, minor, "", ""))

    def order_time(self, seconds: float) -> None:
        """How far an order's time may lie from now, from now on."""
        self.book.order_time_s = float(seconds)

    def refusals(self, keep: bool) -> None:
        """Whether a refusal for what is in a request uses its number up, from now on."""
        self.book.keeps_refusals = bool(keep)

    def notice_of(self, key: str, minor: int | None = None, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on) and body of a genuine notice, not delivered to anyone."""
        headers = {name.lower(): value for name, value in HEADERS.items()}
        return headers, self.notifier.made(self._refund(key), minor, fault)

    def resend(self, key: str) -> None:
        """Deliver the notices about a refund once more, now, acknowledged or not."""
        refund = self._refund(key)
        of_it = "select * from notice where order_id = ? and txn_time = ?"
        for row in self.book.rows(of_it, refund.order_id, refund.txn_time):
            self.book.put_notice({**row, "state": "pending", "next_at": self.book.now()})
        self.notifier.wake()

    def _refund(self, key: str) -> Refund:
        found = [refund for refund in self.book.all() if refund.key == key]
        if not found:
            raise ValueError(f"there is no refund {key}")
        return found[-1]


def _told(refund: Refund) -> dict[str, Any]:
    status = {"00": "SUCCESS", "05": "PROCESSING"}.get(refund.code, "FAILED")
    kept = ("order_id", "txn_time", "query_id", "transaction_id", "minor", "code", "created_at", "ended_at")
    return {
        **{name: getattr(refund, name) for name in kept},
        "status": status,
        "executed": 0 if status == "FAILED" else refund.minor,
        "paid": refund.minor if status == "SUCCESS" else 0,
    }


def _sums(refunds: Iterable[dict[str, Any]]) -> dict[str, int]:
    """``count`` has no failed ones: they moved nothing."""
    found = [r for r in refunds if r["status"] != "FAILED"]
    return {"executed": sum(r["executed"] for r in found), "paid": sum(r["paid"] for r in found), "count": len(found)}
