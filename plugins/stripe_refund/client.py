"""The channel: refunds by Stripe. Every answer is a receipt, a final no (Rejected), or Unknown; nothing is guessed.

Stripe knows a refund by an id of its own; ours goes along as metadata, and as Idempotency-Key. The key alone would not do:

- Stripe forgets it after 24 hours. A number sent again after that (30 days later, say) would be paid a second time.
- Until then it repeats its *first* answer word for word, the status of that moment included: a refund that failed since would be
  told as succeeded.

So before a refund is asked for, the refunds of the payment are listed and looked through for our number, at every call and not only
to keys that look old: that needs no clock to be right. What the list cannot see yet, a call under way with the same number, is
what the key is for, and both calls lie minutes, not 24 hours, apart.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from aftersales.channel import Limits, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import Rejected, Unknown
from aftersales.money import EXPONENTS
from aftersales.refund import LATER, Cause
from plugins.stripe_refund.cause import USED, cause_of
from plugins.stripe_refund.event import notice_of
from plugins.stripe_refund.receipt import FINAL, KEY, Doubtful, check, key_of, receipt_of
from plugins.stripe_refund.setting import Setting
from plugins.stripe_refund.sign import verify
from plugins.stripe_refund.wire import Answer, Refused, Wire

T = TypeVar("T")

log = logging.getLogger(__name__)

#: The one of Stripe's three reasons that says nothing about the card ("fraudulent" would put the buyer on a block list).
REASON = "requested_by_customer"


class StripeRefunds:
    """A :class:`~aftersales.ports.RefundChannel`. ``now`` is the real time in seconds since 1970: signatures live in it."""

    limits: Limits

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self.limits, self._setting, self._now = setting.limits, setting, now
        self._wire = Wire(setting)

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask for the refund, unless it was made before; PROCESSING means accepted, not paid. See the port."""
        _expressible(order)
        try:
            found = self._search(order)
        except Refused as refused:
            raise _refusal(order.key, refused.answer) from refused
        if found is not None:
            return self._receipt(found, order)
        answer = self._heard(order.key, lambda: self._wire.create(order.key, _params(order)))
        if answer.status < 300:
            return self._receipt(self._current(answer, order.key), order)
        if answer.kind == USED or cause_of(answer) is Cause.OVER_LIMIT:
            made = self.find(order)  # by a call that was under way when the list was read
            if made is not None:
                return made
        raise _refusal(order.key, answer)

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """What became of it. None right after a call without an answer proves nothing: the refund may yet appear."""
        try:
            found = self._search(order)
        except Refused as refused:
            raise _unknown(order.key, refused.answer) from refused
        return None if found is None else self._receipt(found, order)

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:  # noqa: ARG002 (part of the port)
        """A verified webhook, told as things stand now at Stripe. Its freshness is judged by the real time, as Stripe signs it.

        Amount and number are Stripe's words: the caller compares them with its own record. Raises BadSignature, and Unknown when
        Stripe does not say how things stand: it sends the event again.
        """
        verify(self._setting.webhook_secrets, headers, body, self._now())
        try:
            return notice_of(body, self._setting, self._wire)
        except Refused as refused:
            raise _unknown("", refused.answer) from refused

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- inside -------------------------------------------------------------------------------------------------------
    def _search(self, order: RefundOrder) -> Mapping[str, Any] | None:
        """The refund of that number among the payment's; None when there is none. Raises Refused.

        A payment that Stripe does not know has no refunds. Two under one number, neither of them failed: money was paid twice, or
        somebody copied the metadata. That is for a person, and no answer.
        """
        try:
            found = self._heard(order.key, lambda: [one for one in self._wire.refunds(_payment(order)) if key_of(one) == order.key])
        except Refused as refused:
            if refused.answer.code == "resource_missing":
                return None
            raise
        standing = [one for one in found if one.get("status") not in FINAL]
        if len(standing) > 1:
            log.error("refund %s: Stripe has %d refunds under this number", order.key, len(standing))
            raise Unknown("Stripe has several refunds under this number.", key=order.key, found=len(standing))
        return next(iter(standing or found), None)

    def _current(self, answer: Answer, key: str) -> Mapping[str, Any]:
        """The refund in an answer to a create; an answer from memory tells how it once stood, so it is read again."""
        number = answer.said.get("id")
        if not answer.replayed or not isinstance(number, str):
            return answer.said
        try:
            return self._heard(key, lambda: self._wire.refund(number))
        except Refused as refused:
            raise _unknown(key, refused.answer) from refused

    def _heard(self, key: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Unknown as silence:
            silence.details["key"] = key
            log.warning("refund %s: %s", key, silence.message)
            raise

    def _receipt(self, said: Mapping[str, Any], asked: RefundOrder) -> RefundReceipt:
        """The receipt, if it is about what was asked; Unknown otherwise."""
        try:
            receipt = receipt_of(said)
            check(said, receipt, asked)
        except Doubtful as error:
            log.error("refund %s: Stripe's answer cannot be used: %s", asked.key, error)  # noqa: TRY400 (no trace wanted)
            raise Unknown(f"Stripe's answer cannot be used: {error}.", key=asked.key) from error
        return receipt


def _payment(order: RefundOrder) -> dict[str, str]:
    """What Stripe calls the payment: ``ch_`` and ``py_`` are charges, everything else is the number of a PaymentIntent."""
    name = "charge" if order.transaction_id.startswith(("ch_", "py_")) else "payment_intent"
    return {name: order.transaction_id}


def _params(order: RefundOrder) -> dict[str, Any]:
    """The request, a pure function of the order: a repeated call must not differ in one parameter."""
    metadata = {KEY: order.key, "aftersales_order": order.order_id[:500]}
    return {**_payment(order), "amount": order.amount.minor, "reason": REASON, "metadata": metadata}


def _expressible(order: RefundOrder) -> None:
    """Raises Rejected for an amount that Stripe has no word for; nothing is sent.

    Minor units are the same at Stripe (JPY 500 is 500), but of three decimals the last must be 0: KWD 1.005 cannot be refunded
    (Stripe documentation, currencies). Rounding it would be a guess.
    """
    amount, wrong = order.amount, ""
    if amount.currency != order.paid.currency:
        wrong = "Stripe refunds in the currency of the payment."
    elif amount.minor <= 0:
        wrong = "A refund is more than nothing."
    elif EXPONENTS[amount.currency] == 3 and amount.minor % 10:
        wrong = f"Stripe has no amount of {amount}: the last of three decimals must be 0."
    if wrong:
        raise Rejected(wrong, cause=Cause.CONFIGURATION, later=False, key=order.key)


def _refusal(key: str, answer: Answer) -> Rejected | Unknown:
    """What an error to a create means: a final no, if it is one."""
    cause = cause_of(answer)
    if cause is None:
        return _unknown(key, answer)
    log.warning("refund %s: refused with %s %s (%s)", key, answer.status, answer.code or answer.kind, answer.request_id)
    # What Stripe says about a key quotes parts of it.
    message = answer.word("message")[:200] if answer.status not in (401, 403) else "the API key is not accepted"
    return Rejected(
        f"Stripe refuses the refund: {message or answer.code}",
        cause=cause,
        later=cause in LATER,
        key=key,
        channel_code=answer.code or answer.kind,
        request_id=answer.request_id,
    )


def _unknown(key: str, answer: Answer) -> Unknown:
    log.warning("refund %s: Stripe answers %s %s (%s)", key, answer.status, answer.code or answer.kind, answer.request_id)
    return Unknown(
        f"Stripe answers {answer.status} {answer.code or answer.kind}: that is no outcome.",
        key=key,
        status=answer.status,
        channel_code=answer.code or answer.kind,
        request_id=answer.request_id,
    )
