"""The channel: refunds through UnionPay's online gateway. Every answer is a receipt, a final no (Rejected), or Unknown.

A refund's name at UnionPay is merchant, ``orderId`` and ``txnTime``; the same name is carried out once, and sent again it is
answered "used before" (12), whatever became of it. So after every doubt the query decides, under the same name.
Source of fields, codes and rules: UnionPay open platform, online gateway 5.1.0; see README.md for how sure each is.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

from aftersales.bill import Bill
from aftersales.channel import Limits, Outside, OutsideKind, OutsideState, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.refund import LATER, Cause
from plugins.unionpay_refund.bill import bill_of_day
from plugins.unionpay_refund.download import download
from plugins.unionpay_refund.message import fields_of_notice, key_of, order_id_of
from plugins.unionpay_refund.receipt import (
    CAUSES,
    DONE,
    NONE,
    OPEN,
    USED,
    Doubtful,
    amount_of,
    check,
    check_name,
    receipt_of,
    time_of,
)
from plugins.unionpay_refund.setting import Setting
from plugins.unionpay_refund.wire import Wire

log = logging.getLogger(__name__)

BACK = "/gateway/api/backTransReq.do"
QUERY = "/gateway/api/queryTrans.do"

#: Refusals among which UnionPay's "txnTime is not now" is; its message tells them apart, and chooses between two safe answers only.
_LATE_CODES = frozenset({"10", "13", "39"})
_LATE = re.compile("txnTime", re.IGNORECASE)

#: What may stand in a value without any risk of being read as something else.
_PLAIN_KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")
_PLAIN = re.compile(r"[0-9A-Za-z]{1,64}")


class UnionPayRefunds:
    """A :class:`~aftersales.ports.RefundChannel`. ``now`` is the real time in seconds since 1970: certificates live in it."""

    limits = Limits(window=timedelta(days=330), currencies=frozenset({"CNY"}))

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._setting, self._now = setting, now
        self._causes = {**CAUSES, **setting.causes}
        self._wire = Wire(setting, now)
        self.limits = Limits(window=timedelta(days=setting.window_days), currencies=frozenset({"CNY"}))

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask for the refund; PROCESSING means accepted, not paid. See :class:`~aftersales.ports.RefundChannel`."""
        _check_order(order)
        said = self._call(order, BACK, self._refund_fields(order))
        code = said.get("respCode", "")
        if code in DONE:
            return self._receipt(order, said, "05")  # accepted; that it is done is for a query or a notice to say
        if code == USED:
            return self._used(order)
        if code in OPEN or code not in self._causes:
            raise _unknown(order.key, said)
        if code in _LATE_CODES and _LATE.search(said.get("respMsg", "")):
            return self._late(order, said)
        raise _rejected(order.key, said, self._causes[code])

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """What became of it. None right after a call without an answer proves nothing: the refund may yet appear."""
        said = self._call(order, QUERY, self._query_fields(order))
        code = said.get("respCode", "")
        if code == NONE:
            return None
        if code not in DONE:
            raise _unknown(order.key, said)
        return self._receipt(order, said, said.get("origRespCode", ""))

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:  # noqa: ARG002 (now is part of the port)
        """A verified callback; certificates are judged by the real time, not by a clock that can be moved.

        Amount and number are UnionPay's words: the caller compares them with its own record. Raises BadSignature.
        """
        if "x-www-form-urlencoded" not in headers.get("content-type", ""):
            raise BadSignature("The notice is not sent as a form.")
        said = fields_of_notice(body)
        self._wire.trust.verify(said, self._now())
        if said.get("merId") != self._setting.mer_id:
            raise BadSignature("The notice is not for this merchant.")
        code, order_id = said.get("respCode", ""), said.get("orderId", "")
        notice_id = f"{order_id}/{said.get('txnTime', '')}/{code}"
        if said.get("txnType") != "04":
            return _heard(None, notice_id)
        try:
            key = _key_in(said)
            if key:
                return _heard(receipt_of(key, said, code, self._causes), notice_id)
            if code not in DONE:
                return _heard(None, notice_id)
            return _heard(None, notice_id, _outside(said))
        except (Doubtful, KeyError) as error:
            raise BadSignature(f"The notice cannot be read: {error}.") from error

    def bill(self, day: date, into: Path) -> Bill | None:
        """The day's refunds; see :class:`~aftersales.ports.Bills`.

        UnionPay's days end at 23 o'clock: the files of this day and the next one hold them, so they are there a day later than
        with other channels.
        """
        days = (day, day + timedelta(days=1))
        files = {settled: download(self._wire, self._setting, settled, into, self._now) for settled in days}
        found = {settled: path for settled, path in files.items() if path is not None}
        return bill_of_day(found, day) if found else None

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- what is sent: pure functions of order and settings, so that a repeated call is the same to the byte ---------------
    def _refund_fields(self, order: RefundOrder) -> dict[str, str]:
        return {
            "txnType": "04",
            "txnSubType": "00",
            "bizType": self._setting.biz_type,
            "channelType": self._setting.channel_type,
            "orderId": order_id_of(order.key),
            "txnTime": time_of(order),
            "origQryId": order.transaction_id,
            "txnAmt": str(order.amount.minor),
            "currencyCode": "156",
            "backUrl": self._setting.notify_url or "http://www.specialUrl.com",  # UnionPay's word for "no notice"
            "reqReserved": order.key,  # comes back in notices, queries and files
        }

    def _query_fields(self, order: RefundOrder) -> dict[str, str]:
        same = {"txnType": "00", "txnSubType": "00", "bizType": self._setting.query_biz_type}
        return {**same, "orderId": order_id_of(order.key), "txnTime": time_of(order)}

    # --- what is heard ------------------------------------------------------------------------------------------------------
    def _call(self, order: RefundOrder, path: str, fields: Mapping[str, str]) -> dict[str, str]:
        """The answer, signed and about this very transaction."""
        try:
            said = self._wire.call(path, fields)
        except Unknown as silence:
            silence.details["key"] = order.key
            log.warning("refund %s: %s", order.key, silence.message)
            raise
        try:
            check_name(said, self._setting.mer_id, order)
        except Doubtful as error:
            raise _doubtful(order.key, said, error) from error
        return said

    def _receipt(self, order: RefundOrder, said: Mapping[str, str], code: str) -> RefundReceipt:
        """The receipt, if it is about what was asked; Unknown otherwise, for a signature says who speaks and not about what."""
        try:
            check(said, order)
            receipt = receipt_of(order.key, said, code, self._causes)
        except Doubtful as error:
            raise _doubtful(order.key, said, error) from error
        if receipt.cause is not None:
            log.warning("refund %s: failed at UnionPay with %s", order.key, code)
        return receipt

    def _used(self, order: RefundOrder) -> RefundReceipt:
        """The number was used before: an earlier call's outcome is the answer, also when that has failed."""
        receipt = self.find(order)
        if receipt is None:
            raise Unknown("UnionPay knows the number and does not find it.", key=order.key, channel_code=USED)
        return receipt

    def _late(self, order: RefundOrder, refusal: Mapping[str, str]) -> RefundReceipt:
        """UnionPay wants ``txnTime`` to be now, and ours is when the refund was first asked for: it may be too old to be taken.

        Another time would be another refund. So the query is asked; and when it knows nothing although the time is so old that no
        call since could have been taken, nothing has moved and nothing will under this number: CLOSED. Until then: Unknown.
        """
        receipt = self.find(order)
        if receipt is not None:
            return receipt
        if self._now() - order.asked_at.timestamp() <= self._setting.expired_s:
            raise _unknown(order.key, refusal)
        raise _rejected(order.key, refusal, Cause.CLOSED)


def _check_order(order: RefundOrder) -> None:
    """What UnionPay could misread is not sent."""
    wrong = ""
    if order.amount.currency != "CNY" or order.paid.currency != "CNY":
        wrong = "UnionPay refunds in CNY only."
    elif not 0 < order.amount.minor < 10**12:
        wrong = "A refund is 1 to 12 digits of fen."
    elif not _PLAIN_KEY.fullmatch(order.key) or not _PLAIN.fullmatch(order.transaction_id):
        wrong = "Numbers for UnionPay are letters and digits."
    if wrong:
        raise Rejected(wrong, cause=Cause.CONFIGURATION, later=False, key=order.key)


def _key_in(said: Mapping[str, str]) -> str:
    """Our refund number in a notice; "" where its order number is not one we made."""
    order_id, told = said.get("orderId", ""), said.get("reqReserved", "")
    return told if told and order_id_of(told) == order_id else key_of(order_id)


def _outside(said: Mapping[str, str]) -> Outside:
    """Money that another system of the merchant's has sent back."""
    amount, order = amount_of(said), f"order {said.get('orderId', '')}"
    return Outside(said["queryId"], said["origQryId"], amount, OutsideKind.REFUND, OutsideState.GONE, reason=order)


def _heard(receipt: RefundReceipt | None, notice_id: str, outside: Outside | None = None) -> RefundNotice:
    return RefundNotice(receipt, notice_id, outside, reply_status=200, reply_type="text/plain", reply="ok")


def _told(said: Mapping[str, str]) -> str:
    return f"{said.get('respCode', '')} {said.get('origRespCode', '')}".strip()


def _unknown(key: str, said: Mapping[str, str]) -> Unknown:
    log.warning("refund %s: UnionPay answers %s", key, _told(said))
    return Unknown(f"UnionPay answers {_told(said)}: that is no outcome.", key=key, channel_code=_told(said))


def _doubtful(key: str, said: Mapping[str, str], error: Doubtful) -> Unknown:
    log.error("refund %s: the answer %s is signed, but %s", key, _told(said), error)
    return Unknown(f"UnionPay's answer cannot be used: {error}.", key=key, channel_code=_told(said))


def _rejected(key: str, said: Mapping[str, str], cause: Cause) -> Rejected:
    message = said.get("respMsg", "")[:200]
    log.warning("refund %s: refused with %s", key, _told(said))
    return Rejected(
        f"UnionPay refuses the refund: {message or _told(said)}",
        cause=cause,
        later=cause in LATER,
        key=key,
        channel_code=_told(said),
    )
