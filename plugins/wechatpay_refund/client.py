"""The channel: refunds by WeChat Pay APIv3. Every answer is a receipt, a final no (Rejected), or Unknown; nothing is guessed.

A number (``out_refund_no``) is refunded once, whatever the number of calls, as long as every parameter stays the same; after
Unknown the caller repeats the call or asks :meth:`WechatPayRefunds.find`, with the same number.
Source of codes and rules: WeChat Pay APIv3 documentation, refunds (2024-09 to 2025-03).
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from aftersales.channel import Limits, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.refund import LATER, Cause
from plugins.wechatpay_refund.receipt import Doubtful, check, receipt_of
from plugins.wechatpay_refund.setting import Setting
from plugins.wechatpay_refund.sign import open_resource, verify
from plugins.wechatpay_refund.wire import Answer, Wire

log = logging.getLogger(__name__)

REFUNDS = "/v3/refund/domestic/refunds"

#: Codes that are a final no to a create call. Any other code is Unknown: a word we do not understand proves nothing.
CAUSES: dict[str, Cause] = {
    "PARAM_ERROR": Cause.CONFIGURATION,
    "SIGN_ERROR": Cause.CONFIGURATION,
    "NO_AUTH": Cause.CONFIGURATION,
    "MCH_NOT_EXISTS": Cause.CONFIGURATION,
    "NOT_ENOUGH": Cause.NOT_ENOUGH,
    "USER_ACCOUNT_ABNORMAL": Cause.ACCOUNT_ABNORMAL,
    "RESOURCE_NOT_EXISTS": Cause.NOT_FOUND,
}

#: What an INVALID_REQUEST is about, by its message; the documentation has no finer code. The first that fits counts. These only
#: choose the cause that people read: whether money moved is never read from a message.
_TOO_SOON = re.compile(r"分钟|稍后|频率|minute|later", re.IGNORECASE)
_OVER = re.compile(r"超过|超出|大于|全额|一年|次数|exceed|over", re.IGNORECASE)
#: The number was used before with other parameters ("与之前请求不一致").
_USED = re.compile(r"之前|已存在|重复|earlier|previous", re.IGNORECASE)


class WechatPayRefunds:
    """A :class:`~aftersales.ports.RefundChannel`. ``now`` is the real time in seconds since 1970: signatures live in it."""

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
        if answer.code == "INVALID_REQUEST":
            return self._invalid(order, answer)
        cause = CAUSES.get(answer.code)
        if cause is None or not 400 <= answer.status < 500 or answer.status == 429:
            raise _unknown(order.key, answer)
        raise _rejected(order.key, answer, cause)

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
        said = _object(body)
        if said.get("resource_type") != "encrypt-resource" or not str(said.get("event_type", "")).startswith("REFUND."):
            raise BadSignature("The message is not a notice about a refund.")
        plain = _object(open_resource(self._setting.apiv3_key, said.get("resource")))
        if plain.get("mchid") != self._setting.mchid or not isinstance(said.get("id"), str):
            raise BadSignature("The notice is not for this merchant.")
        if said["event_type"] != f"REFUND.{plain.get('refund_status')}":
            raise BadSignature("The notice contradicts itself.")
        try:
            return RefundNotice(receipt_of(plain, "refund_status"), said["id"], reply_status=204)
        except Doubtful as error:
            raise BadSignature(f"The notice cannot be read: {error}.") from error

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
        raise _unknown(key, answer)

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
        message = str(answer.said.get("message", ""))
        if _USED.search(message):
            raise _unknown(order.key, answer)
        if _TOO_SOON.search(message):
            raise _rejected(order.key, answer, Cause.TOO_SOON)
        raise _rejected(order.key, answer, Cause.OVER_LIMIT if _OVER.search(message) else Cause.OTHER)


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


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except ValueError as error:
        raise BadSignature("The notice is no JSON.") from error
    if not isinstance(said, dict):
        raise BadSignature("The notice is no JSON object.")
    return said


def _unknown(key: str, answer: Answer) -> Unknown:
    log.warning("refund %s: WeChat Pay answers %s %s (%s)", key, answer.status, answer.code, answer.request_id)
    return Unknown(
        f"WeChat Pay answers {answer.status} {answer.code}: that is no outcome.",
        key=key,
        status=answer.status,
        channel_code=answer.code,
        request_id=answer.request_id,
    )


def _rejected(key: str, answer: Answer, cause: Cause) -> Rejected:
    message = str(answer.said.get("message", ""))[:200]
    log.warning("refund %s: refused with %s %s (%s)", key, answer.status, answer.code, answer.request_id)
    return Rejected(
        f"WeChat Pay refuses the refund: {message or answer.code}",
        cause=cause,
        later=cause in LATER,
        key=key,
        channel_code=answer.code,
        request_id=answer.request_id,
    )
