"""The channel: refunds by WeChat Pay APIv3. Every answer is a receipt, a final no (Rejected), or Unknown; nothing is guessed.

A number (``out_refund_no``) is refunded once, whatever the number of calls, as long as every parameter stays the same; after
Unknown the caller repeats the call or asks :meth:`WechatPayRefunds.find`, with the same number.
Source of codes and rules: WeChat Pay APIv3 documentation, refunds (2024-09 to 2025-03).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aftersales.bill import Bill
from aftersales.channel import Card, Limits, ReceiptStatus, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import Rejected, Unknown
from aftersales.refund import Cause
from plugins.wechatpay_refund.bill import read_bill
from plugins.wechatpay_refund.cause import cause_of, is_final, rejected, says_no, unknown, was_used
from plugins.wechatpay_refund.download import download
from plugins.wechatpay_refund.notice import notice_of
from plugins.wechatpay_refund.receipt import Doubtful, check, receipt_of
from plugins.wechatpay_refund.setting import Setting
from plugins.wechatpay_refund.sign import seal, verify
from plugins.wechatpay_refund.wire import Answer, Wire

log = logging.getLogger(__name__)

REFUNDS = "/v3/refund/domestic/refunds"

#: Codes that say that this card is not taken: another one may be.
_CARD = frozenset({"PARAM_ERROR", "INVALID_REQUEST", "USER_ACCOUNT_ABNORMAL"})


class WechatPayRefunds:
    """A :class:`~aftersales.ports.RefundChannel`, with :class:`~aftersales.ports.Redirects` and :class:`~aftersales.ports.Bills`.

    ``now`` is the real time in seconds since 1970: signatures live in it.
    """

    limits = Limits(
        window=timedelta(days=365),
        most=50,
        gap=timedelta(minutes=1),
        per_second=150,
        errors_per_second=6,
        currencies=frozenset({"CNY"}),
    )

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._setting, self._now = setting, now
        self._wire = Wire(setting, now)

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask for the refund; PROCESSING means accepted, not paid. See :class:`~aftersales.ports.RefundChannel`."""
        if order.amount.currency != "CNY" or order.paid.currency != "CNY":
            raise Rejected("WeChat Pay refunds in CNY only.", cause=Cause.CONFIGURATION, later=False, key=order.key)
        answer = self._call(order.key, "POST", REFUNDS, _body(order, self._setting.notify_url))
        if answer.status < 300:
            return self._receipt(answer, order)
        if answer.code == "INVALID_REQUEST" and says_no(answer):
            return self._invalid(order, answer)
        raise rejected(order.key, answer, cause_of(answer)) if is_final(answer) else unknown(order.key, answer)

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """What became of it. None right after a call without an answer proves nothing: the refund may yet appear."""
        answer = self._ask(order.key)
        return None if answer is None else self._receipt(answer, order)

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:  # noqa: ARG002 (part of the port)
        """A verified callback. Its freshness is judged by the real time, as WeChat Pay signs it, not by a clock that can be moved.

        Amount and number are WeChat Pay's words: the caller compares them with its own record. Raises BadSignature, also for a
        genuine message that is no notice about a refund of ours.
        """
        verify(self._wire.platform_keys, headers, body, self._now())
        return notice_of(self._setting, body)

    def redirect(self, order: RefundOrder, channel_id: str, card: Card) -> RefundReceipt:
        """Send an abnormal refund to a debit card of the buyer's; see :class:`~aftersales.ports.Redirects`.

        ``card.bank`` is WeChat Pay's name for the bank (``CMB_DEBIT``). The card leaves encrypted, and no words about it come back.
        """
        key = self._wire.platform_keys[self._setting.newest]
        secret = {"bank_account": seal(key, card.number), "real_name": seal(key, card.holder)}
        said = {"out_refund_no": order.key, "type": "USER_BANK_CARD", "bank_type": card.bank, **secret}
        path = f"{REFUNDS}/{quote(channel_id, safe='')}/apply-abnormal-refund"
        answer = self._call(order.key, "POST", path, json.dumps(said, separators=(",", ":")).encode())
        if answer.status < 300:
            return self._receipt(answer, order)
        if answer.code in _CARD and says_no(answer):
            return self._sent_before(order, answer)
        raise rejected(order.key, answer, cause_of(answer)) if is_final(answer) else unknown(order.key, answer)

    def bill(self, day: date, into: Path) -> Bill | None:
        """The day's refunds, those of others on this merchant number included; see :class:`~aftersales.ports.Bills`."""
        path = download(self._wire, day, into)
        return None if path is None else read_bill(path)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- inside -------------------------------------------------------------------------------------------------------
    def _call(self, key: str, method: str, path: str, body: bytes = b"") -> Answer:
        try:
            return self._wire.call(method, path, body)
        except Unknown as silence:
            silence.details["key"] = key
            log.warning("refund %s: %s", key, silence.message)
            raise

    def _ask(self, key: str) -> Answer | None:
        answer = self._call(key, "GET", f"{REFUNDS}/{quote(key, safe='')}")
        if answer.status < 300:
            return answer
        if (answer.status, answer.code) == (404, "RESOURCE_NOT_EXISTS"):
            return None
        raise unknown(key, answer)

    def _receipt(self, answer: Answer, asked: RefundOrder) -> RefundReceipt:
        """The receipt, if it is about what was asked; Unknown otherwise, for a signature says who speaks and not about what."""
        try:
            receipt = receipt_of(answer.said)
            check(answer.said, receipt, asked)
        except Doubtful as error:
            log.error("refund %s: the answer %s is signed, but %s", asked.key, answer.request_id, error)  # noqa: TRY400 (no trace wanted)
            raise Unknown(f"WeChat Pay's answer cannot be used: {error}.", key=asked.key, request_id=answer.request_id) from error
        return receipt

    def _invalid(self, order: RefundOrder, answer: Answer) -> RefundReceipt:
        """What INVALID_REQUEST means for this number.

        It is a no to these parameters, not to the number: an earlier call, whose answer was lost, may have been carried out
        (with another reason or notify_url, say, which is enough to be refused now). So WeChat Pay is asked what the number stands
        for. The very refund we want: that is the answer. Another amount, or "used before" and yet not found: Unknown, a person
        looks. Not known at all: a final no.
        """
        found = self._ask(order.key)
        if found is not None:
            return self._receipt(found, order)
        if was_used(answer):
            raise unknown(order.key, answer)
        raise rejected(order.key, answer, cause_of(answer))

    def _sent_before(self, order: RefundOrder, answer: Answer) -> RefundReceipt:
        """What a refused card means: an earlier one, whose answer was lost, may have been taken; then that is the answer."""
        found = self.find(order)
        if found is None:
            raise unknown(order.key, answer)
        if (found.status, found.cause) == (ReceiptStatus.FAILED, Cause.ACCOUNT_ABNORMAL):
            raise rejected(order.key, answer, Cause.ACCOUNT_ABNORMAL, "the card is not taken.")
        return found


def _body(order: RefundOrder, notify_url: str) -> bytes:
    """The request, a pure function of order and settings: a repeated call must not differ in one parameter."""
    said: dict[str, Any] = {
        "transaction_id": order.transaction_id,
        "out_refund_no": order.key,
        "amount": {"refund": order.amount.minor, "total": order.paid.minor, "currency": "CNY"},
    }
    if order.reason:
        said["reason"] = order.reason.encode(errors="ignore")[:80].decode(errors="ignore")  # at most 80 bytes, no half characters
    if notify_url:
        said["notify_url"] = notify_url
    return json.dumps(said, separators=(",", ":")).encode()
