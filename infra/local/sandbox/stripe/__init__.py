"""Stripe as the provider plays it: refunds of PaymentIntents and charges, disputes, idempotency that forgets, signed webhooks.

Stripe's own library is a client of it. Source of what it does: Stripe documentation and API reference (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.stripe import dispute
from infra.local.sandbox.stripe.book import Ask, Book
from infra.local.sandbox.stripe.course import OUTCOMES, REASONS, plan_of
from infra.local.sandbox.stripe.front import Front
from infra.local.sandbox.stripe.keys import Keys
from infra.local.sandbox.stripe.notify import Notifier
from infra.local.sandbox.stripe.truth import truth_of

__all__ = ["Keys", "Stripe", "build"]


def build(env: Env) -> Stripe:
    """The provider, delivering events from now on. Raises LooksReal for keys that could be production."""
    return Stripe(env)


class Stripe:
    """See :class:`~infra.local.sandbox.provider.Provider`. Amounts are minor units of the payment's currency.

    A payment whose number begins with ``ch_`` or ``py_`` is a charge, any other a PaymentIntent with a charge of its own.
    """

    name = "stripe"
    prefixes = (
        "/v1/refunds", "/v1/charges", "/v1/payment_intents", "/v1/disputes", "/v1/balance", "/v1/webhook_endpoints",
    )  # fmt: skip

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        self._env = env
        self.script = env.script
        self.script.outcomes = OUTCOMES
        self.book = Book(env)
        self.notifier = Notifier(self.book, self.keys, self.script, env.retry_scale)
        self.front = Front(env, self.book, self.keys, self.notifier)
        self.levers: Mapping[str, Callable[..., Any]] = {
            "balance": self.book.fund,
            "topup": self.book.top_up,
            "short": self.short,
            "webhook": self.book.listen,
            "rotate": self.keys.rotate,
            "notices": self.resend,
            "outside": self.outside,
            "dispute": self.dispute,
            "fail": self.fail,
        }
        self.notifier.start()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.stripe_refund.build``. Events go to ``notify_url`` from now on: an account has its endpoints."""
        if notify_url:
            self.book.listen(notify_url)
        return {**self.keys.settings(), "base_url": base_url}

    def pay(
        self,
        transaction_id: str,
        minor: int,
        *,
        currency: str = "CNY",
        paid_at: float | None = None,
        out_trade_no: str = "",
        method: str = "card",
    ) -> None:
        """A buyer has paid. ``method``: ``card``, or one whose refunds fail when the balance is short (``ideal``, say)."""
        at = self.book.now() if paid_at is None else paid_at
        self.book.pay(transaction_id, minor, currency.upper(), method, out_trade_no, at)

    # --- levers -----------------------------------------------------------------------------------------------------------
    def short(self, refuse: bool) -> None:
        """Whether a refund beyond the balance is refused, rather than held back until there is money."""
        self.book.refuses_short = bool(refuse)

    def outside(
        self, transaction_id: str, minor: int | None = None, kind: str = "refund", status: str = "needs_response"
    ) -> dict[str, str]:
        """Money moves without us: a ``refund`` made in the console, or a ``chargeback``. Gives its id. Raises ValueError."""
        payment = self.book.payment(transaction_id)
        if payment is None or kind not in ("refund", "chargeback"):
            raise ValueError(f"there is no payment {transaction_id}" if payment is None else f"money does not move by {kind}")
        if kind == "chargeback":
            made = dispute.opened(self.book, transaction_id, minor, status).id
        else:
            ask = Ask(payment.charge, "charge", minor, "requested_by_customer", {})
            with self.book.writing() as db:
                made = self.book.create(db, ask, plan_of(None, self._env.delay_s)).id
        self.notifier.wake()
        return {"id": made}

    def dispute(self, id: str, status: str) -> dict[str, str]:  # noqa: A002 (the name it has in JSON)
        """A dispute goes on, or ends: ``won``, ``lost``, ``warning_closed``, …"""
        found = dispute.moved(self.book, id, status)
        self.notifier.wake()
        return {"id": found.id, "status": found.status}

    def fail(self, key: str, reason: str = "lost_or_stolen_card") -> dict[str, str]:
        """A refund fails now, also one that had succeeded. ``key``: our number, or Stripe's. Raises ValueError."""
        if reason not in REASONS:
            raise ValueError(f"a refund does not fail for {reason}")
        found = self.book.course(key, [(0.0, "failed", reason)])
        self.notifier.wake()
        return {"id": found.id, "status": found.status}

    def resend(self, key: str) -> None:
        """Deliver the events about a refund once more, now, acknowledged or not."""
        for event in self.book.rows("select * from event where number = ? order by n", key):
            self.book.put_notice({**event, "state": "pending", "next_at": self.book.now()})
        self.notifier.wake()

    def notice_of(
        self, key: str, minor: int | None = None, fault: Kind | None = None, kind: str = "refund.updated"
    ) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on) and body of a genuine event, not delivered to anyone."""
        found = self.book.refund(key)
        if found is None:
            raise ValueError(f"there is no refund {key}")
        spoilt = Fault(At.NOTICE, fault or Kind.WRONG_AMOUNT, minor=found.minor if minor is None else minor)
        headers, body = self.notifier.made(found, kind, spoilt if fault or minor is not None else None)
        return {name.lower(): value for name, value in headers.items()}, body

    # --- life -------------------------------------------------------------------------------------------------------------
    def truth(self) -> dict[str, Any]:
        """What really was paid, the events, and what receivers answered to them."""
        told = truth_of(self.book)
        return {**told, "calls": self.front.rate.report(), "deliveries": [asdict(d) for d in self.notifier.deliveries]}

    def wake(self) -> None:
        """The clock was moved."""
        self.book.end_due()
        self.notifier.wake()

    def close(self) -> None:
        """End the events and close the books."""
        self.notifier.stop()
        self.book.close()
