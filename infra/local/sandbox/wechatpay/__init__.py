"""WeChat Pay (APIv3) as the provider plays it: refunds with real signatures, books with money in them, notices.

WeChat Pay offers no test environment, so this is ours. Source of what it does: WeChat Pay APIv3 documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.provider import Env, Reply
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
        self.front = Front(self.book, self.keys, self.script, self.notifier)
        self.levers: Mapping[str, Callable[..., Any]] = {
            "balance": self.book.fund,
            "topup": self.top_up,
            "rotate": lambda: {"id": self.keys.rotate()},
            "notices": self.resend,
        }
        self.notifier.start()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.wechatpay_refund.build``."""
        return {**self.keys.settings(), "base_url": base_url, "notify_url": notify_url}

    def pay(
        self,
        transaction_id: str,
        minor: int,
        *,
        paid_at: float | None = None,
        out_trade_no: str = "",
        payer_total: int | None = None,
        currency: str = "CNY",
    ) -> None:
        """A buyer has paid ``minor`` fen, of them ``payer_total`` with money and the rest with coupons."""
        if currency != "CNY":
            raise ValueError("WeChat Pay takes CNY")
        at = self.book.now() if paid_at is None else paid_at
        self.book.pay(
            transaction_id, minor, out_trade_no or f"T{transaction_id}", minor if payer_total is None else payer_total, at
        )

    def top_up(self, minor: int) -> None:
        """Put money on the merchant's account."""
        self.book.fund((self.book.setting("balance") or 0) + minor)

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
