"""Alipay as the provider plays it: the gateway with real signatures in both modes, books with money in them, notices, bills.

A refund is made at once or not at all, as at Alipay; ``delay_s`` is how long a buyer's bank takes to answer. ``gap_s`` and
``limited`` do nothing: what Alipay answers to calls that come too close or too often is not documented, so they are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from infra.local.sandbox.alipay.book import OUTCOMES, Ask, Book, Refusal
from infra.local.sandbox.alipay.gateway import FILE, GATEWAY, Front
from infra.local.sandbox.alipay.keys import Keys
from infra.local.sandbox.alipay.notify import HEADERS, Notifier
from infra.local.sandbox.alipay.tell import notice_of_payment, notice_of_refund, yuan
from infra.local.sandbox.fault import Kind
from infra.local.sandbox.provider import Env, Reply

__all__ = ["Alipay", "Keys", "build"]


def build(env: Env) -> Alipay:
    """The provider, delivering notices from now on. Raises LooksReal for keys that could be production."""
    return Alipay(env)


class Alipay:
    """See :class:`~infra.local.sandbox.provider.Provider`. Amounts are fen."""

    name = "alipay"
    prefixes = (GATEWAY, FILE)

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        self.script = env.script
        self.script.outcomes = OUTCOMES
        self.book = Book(env)
        self.notifier = Notifier(self.book, self.keys, self.script, env.retry_scale)
        self.front = Front(env, self.book, self.keys, self.script, self.notifier)
        self.notify_url = ""
        self.levers: Mapping[str, Callable[..., Any]] = {
            "balance": self.book.fund,
            "topup": self.top_up,
            "rotate": lambda: {"id": self.keys.rotate()},
            "notices": self.resend,
            "outside": self.outside,
            "freeze": lambda transaction_id, frozen=True: self.book.mark(transaction_id, frozen=bool(frozen)),
            "finish": lambda transaction_id: self.book.mark(transaction_id, status="TRADE_FINISHED"),
            "visible": self.show_after,
        }
        self.notifier.start()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "", *, certificates: bool = False) -> dict[str, Any]:
        """Settings for ``plugins.alipay_refund.build``, in key mode or certificate mode.

        ``notify_url`` is for the payments to come: at Alipay a payment names it, and not a refund.
        """
        self.notify_url = notify_url or self.notify_url
        return {**self.keys.settings(certificates=certificates), "base_url": base_url}

    def pay(
        self,
        transaction_id: str,
        minor: int,
        *,
        paid_at: float | None = None,
        currency: str = "CNY",
        **more: Any,
    ) -> None:
        """A buyer has paid ``minor`` fen.

        ``more``: ``out_trade_no``, ``payer_total`` (the rest was paid with vouchers), ``card`` (with a bank card), ``status``
        (WAIT_BUYER_PAY, TRADE_FINISHED), ``notify_url``, ``store_name``.
        """
        if currency != "CNY":
            raise ValueError("Alipay takes CNY")
        unknown = set(more) - {"out_trade_no", "payer_total", "card", "status", "notify_url", "store_name"}
        if unknown:
            raise ValueError(f"a payment has no {sorted(unknown)}")
        at = self.book.now() if paid_at is None else paid_at
        self.book.pay(transaction_id, minor, at, **{"notify_url": self.notify_url, **more})

    def top_up(self, minor: int) -> None:
        """Put money on the seller's account."""
        self.book.fund((self.book.base.setting("balance") or 0) + minor)

    def show_after(self, seconds: float) -> None:
        """How young a refund is that a query does not show yet; ten seconds at Alipay."""
        self.book.visible_s = float(seconds)

    def outside(self, transaction_id: str, minor: int, number: str = "") -> None:
        """Somebody refunds in Alipay's console: without ``number`` under the order's, as when none is sent."""
        try:
            self.book.refund(Ask(transaction_id, "", number, minor, tells_deposit=False), outside=True)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal
        self.notifier.wake()

    def notice_of(self, number: str, minor: int | None = None, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on) and body of a genuine notice about a refund, not delivered to anyone.

        ``minor`` puts another sum into it.
        """
        found = self.book.base.rows("select * from refund where out_request_no = ?", number)
        if not found:
            raise ValueError(f"there is no refund {number}")
        said = notice_of_refund(self.book.payment(found[0]["trade_no"]), found[0])
        return self._notice({**said, "refund_fee": yuan(minor)} if minor is not None else said, fault)

    def payment_notice_of(self, transaction_id: str) -> tuple[dict[str, str], bytes]:
        """The notice that a trade was paid, not delivered to anyone."""
        return self._notice(notice_of_payment(self.book.payment(transaction_id)))

    def _notice(self, said: Mapping[str, str], fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        return {name.lower(): value for name, value in HEADERS.items()}, self.notifier.made(said, fault)

    def resend(self, key: str) -> None:
        """Deliver the notices about a refund once more, now, acknowledged or not."""
        for notice in self.book.base.rows("select * from notice where out_request_no = ?", key):
            self.book.put_notice({**notice, "state": "pending", "next_at": self.book.now()})
        self.notifier.wake()

    def truth(self) -> dict[str, Any]:
        """What really was paid, the notices, and what receivers answered to them."""
        self.book.end_due()
        rows = self.book.base.rows("select * from refund order by created_at, rowid")
        refunds = {
            row["out_request_no"]: _told(row) for row in reversed(rows)
        }  # a number may stand in two trades: the first counts
        payments = self.book.base.rows("select * from payment order by trade_no")
        return {
            "payments": {p["trade_no"]: {**p, **_sums([r for r in rows if r["trade_no"] == p["trade_no"]])} for p in payments},
            "refunds": refunds,
            "total": _sums(rows),
            "balance": self.book.base.setting("balance"),
            "calls": self.front.report(),
            "notices": self.book.base.rows("select id, trade_no, out_request_no, tries, next_at, state from notice order by rowid"),
            "deliveries": [asdict(d) for d in self.notifier.deliveries],
        }

    def wake(self) -> None:
        """The clock was moved."""
        self.notifier.wake()

    def close(self) -> None:
        """End the notices and close the books."""
        self.notifier.stop()
        self.book.base.close()


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: row[k] for k in ("trade_no", "minor", "payer_minor", "status", "dback", "created_at", "done_at")}
    money = {"executed": _executed(row), "paid": _paid(row)}
    return {**kept, **money, "transaction_id": row["trade_no"], "outside": bool(row["outside"])}


def _executed(row: Mapping[str, Any]) -> int:
    return 0 if row["status"] == "FAILED" else int(row["minor"])


def _paid(row: Mapping[str, Any]) -> int:
    return int(row["minor"]) if row["status"] == "SUCCESS" else 0


def _sums(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {"executed": sum(map(_executed, rows)), "paid": sum(map(_paid, rows)), "count": len(rows)}
