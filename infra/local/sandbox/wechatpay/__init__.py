"""WeChat Pay (APIv3) as the provider plays it: refunds with real signatures, books with money in them, notices.

WeChat Pay offers no test environment, so this is ours. Source of what it does: WeChat Pay APIv3 documentation.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.wechatpay.ask import Ask, Refusal
from infra.local.sandbox.wechatpay.book import OUTCOMES, Book
from infra.local.sandbox.wechatpay.front import Front
from infra.local.sandbox.wechatpay.keys import Keys
from infra.local.sandbox.wechatpay.notify import Notifier
from infra.local.sandbox.wechatpay.truth import truth_of

__all__ = ["Keys", "WechatPay", "build"]


def build(env: Env) -> WechatPay:
    """The provider, delivering notices from now on. Raises LooksReal for keys that could be production."""
    return WechatPay(env)


class WechatPay:
    """See :class:`~infra.local.sandbox.provider.Provider`. Amounts are fen."""

    name = "wechatpay"
    prefixes: tuple[str, ...] = ("/v3/",)

    def __init__(self, env: Env) -> None:
        # Keys and books keep the names they had when WeChat Pay was alone here.
        folder = env.data_dir
        self.keys: Keys = env.keys or (Keys.at(folder / "keys") if folder is not None else Keys.fresh())
        self.keys.check()
        self.script = env.script
        self.script.outcomes = OUTCOMES
        self.book = Book(folder / "book.sqlite" if folder is not None else None, env)
        self.notifier = Notifier(self.book, self.keys, self.script, env.retry_scale)
        self.front = Front(env, self.book, self.keys, self.notifier)
        self.levers: Mapping[str, Callable[..., Any]] = {
            "balance": self.book.fund,
            "topup": self.top_up,
            "rotate": lambda: {"id": self.keys.rotate()},
            "notices": self.resend,
            "outside": self.outside,
            "freeze": self.freeze,
        }
        self.notifier.start()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.wechatpay_refund.build``; the address is from now on also the one known to the console."""
        if notify_url:
            self.book.set("notify_url", notify_url)
        return {**self.keys.settings(), "base_url": base_url, "notify_url": notify_url}

    def pay(
        self,
        transaction_id: str,
        minor: int,
        *,
        paid_at: float | None = None,
        out_trade_no: str = "",
        payer_total: int | None = None,
        free_total: int = 0,
        currency: str = "CNY",
    ) -> None:
        """A buyer has paid ``minor`` fen: ``payer_total`` with money, ``free_total`` with coupons that are never settled.

        What is left was paid with coupons that are.
        """
        if currency != "CNY":
            raise ValueError("WeChat Pay takes CNY")
        at = self.book.now() if paid_at is None else paid_at
        payer = minor - free_total if payer_total is None else payer_total
        self.book.pay(transaction_id, out_trade_no or f"T{transaction_id}", minor, payer, free_total, at)

    def top_up(self, minor: int) -> None:
        """Put money on the merchant's account."""
        self.book.fund((self.book.setting("balance") or 0) + minor)

    def outside(self, transaction_id: str, minor: int, notify_url: str = "") -> dict[str, str]:
        """The merchant refunds in WeChat Pay's console: no number of ours, but a notice, a row in the bill, and money gone.

        The notice goes to ``notify_url``, else to the address known to the console. Raises ValueError where it is refused.
        """
        paid = self.book.payment("transaction_id", transaction_id)
        if paid is None:
            raise ValueError(f"there is no payment {transaction_id}")
        number = f"{secrets.randbelow(10**28):028d}"
        to = notify_url or self.book.setting("notify_url") or ""
        try:
            made = self.book.refund(Ask(number, transaction_id, "", minor, paid["total"], to, ""), outside=True)
        except Refusal as refusal:
            raise ValueError(refusal.message) from refusal
        self.notifier.wake()
        return {"out_refund_no": number, "refund_id": made.refund_id}

    def freeze(self, transaction_id: str, why: str = "该笔订单存在交易争议，资金已冻结，暂不可退款") -> None:
        """Risk control holds a payment: refunds of it are refused in these words, until it is set free with ""."""
        self.book.freeze(transaction_id, why)

    def notice_of(self, out_refund_no: str, minor: int | None = None, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on) and body of a genuine notice, not delivered to anyone."""
        refund = self.book.find(out_refund_no)
        if refund is None:
            raise ValueError(f"there is no refund {out_refund_no}")
        headers, body = self.notifier.made(refund, minor, fault)
        return {name.lower(): value for name, value in headers.items()}, body

    def resend(self, out_refund_no: str) -> None:
        """Deliver the notices about a refund once more, now, acknowledged or not."""
        for notice in self.book.rows("select * from notice where out_refund_no = ?", out_refund_no):
            self.book.put_notice({**notice, "state": "pending", "next_at": self.book.now()})
        self.notifier.wake()

    def truth(self) -> dict[str, Any]:
        """What really was paid, the notices, and what receivers answered to them."""
        told = truth_of(self.book)
        return {**told, "calls": self.front.rate.report(), "deliveries": [asdict(d) for d in self.notifier.deliveries]}

    def wake(self) -> None:
        """The clock was moved."""
        self.notifier.wake()

    def close(self) -> None:
        """End the notices and close the books."""
        self.notifier.stop()
        self.book.close()
