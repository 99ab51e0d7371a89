"""The channel: refunds by Alipay's gateway. Every answer is a receipt, a final no (Rejected), or Unknown; nothing is guessed.

A number (``out_request_no``) is refunded once per payment, whatever the number of calls, as long as the amount stays the same;
after Unknown the caller repeats the call or asks :meth:`AlipayRefunds.find`, with the same number.
Source of codes and rules: Alipay open platform, ``alipay.trade.refund`` and its query (read 2026-11).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aftersales.channel import Limits, Outside, OutsideKind, OutsideState, ReceiptStatus, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.refund import LATER, Cause, case_of
from plugins.alipay_refund.code import ECHOES, REFUSED, refusal
from plugins.alipay_refund.download import download
from plugins.alipay_refund.notice import opened
from plugins.alipay_refund.receipt import found, made
from plugins.alipay_refund.setting import Setting
from plugins.alipay_refund.sign import Doubtful
from plugins.alipay_refund.wire import Answer, Wire, text_of

if TYPE_CHECKING:
    from aftersales.bill import Bill

T = TypeVar("T")

log = logging.getLogger(__name__)

REFUND = "alipay.trade.refund"
QUERY = "alipay.trade.fastpay.refund.query"

#: An empty answer to a query sooner than this after the refund was asked for proves nothing (documentation of the query: 10 s).
VISIBLE_S = 10.0

#: What Alipay shall say besides; ``deposit_back_info`` also makes it tell how a refund to a bank card ended.
_MORE = ["refund_detail_item_list", "deposit_back_info"]


class AlipayRefunds:
    """A :class:`~aftersales.ports.RefundChannel` and :class:`~aftersales.ports.Bills`.

    ``now`` is the real time in seconds since 1970: timestamps live in it.
    """

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._setting, self._now = setting, now
        self._wire = Wire(setting, now)
        # Two refunds of one payment are at least three seconds apart (documentation of alipay.trade.refund).
        self.limits = Limits(window=setting.window, gap=timedelta(seconds=3), currencies=frozenset({"CNY"}))

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask for the refund; the money moves at once, or not. See :class:`~aftersales.ports.RefundChannel`."""
        if order.amount.currency != "CNY" or order.paid.currency != "CNY":
            raise Rejected("Alipay refunds in CNY only.", cause=Cause.CONFIGURATION, later=False, key=order.key)
        answer = self._call(order.key, REFUND, _body(order))
        if not answer.is_ok:
            return self._refused(order, answer)
        if answer.said.get("fund_change") == "Y":
            return _checked(order.key, lambda: made(answer.said, order))
        # No money moved in this call: the number was used before, or the refund is still being made. A query decides.
        receipt = self._look(order)
        if receipt is None:
            raise _unknown(order.key, answer, "no money moved in this call, and the number is not known yet")
        return receipt

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """What became of it. None right after a call without an answer proves nothing: the refund may yet appear."""
        receipt = self._look(order)
        if receipt is None and 0 <= self._now() - order.asked_at.timestamp() < VISIBLE_S:
            raise Unknown("Alipay may not show the refund yet.", key=order.key)
        return receipt

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:  # noqa: ARG002 (part of the port)
        """A verified callback. It names a refund but not its amount (``refund_fee`` is a sum): Alipay is asked what was refunded.

        Where Alipay does not tell (yet) what became of a refund of ours, the notice asks nothing of us: polling finds it. Nobody
        polls for a refund made elsewhere, so then Unknown is raised, and Alipay tells again. Raises BadSignature, also for a
        genuine message that is not for this application and seller.
        """
        said = opened(self._wire.keys, headers, body)
        notice_id, key, trade_no = said.get("notify_id", ""), said.get("out_biz_no", ""), said.get("trade_no", "")
        if said.get("app_id") != self._setting.app_id or not notice_id:
            raise BadSignature("The notice is not for this application.")
        if "msg_method" not in said and said.get("seller_id") != self._setting.seller_id:
            raise BadSignature("The notice is not for this seller.")
        nothing = RefundNotice(None, notice_id, reply_status=200, reply_type="text/plain", reply="success")
        if not (key and trade_no and said.get("gmt_refund") and said.get("refund_fee")):
            return nothing  # of a payment, or of a bank card: what became of the refund is not in it
        if case_of(key) is None:
            return replace(nothing, outside=self._elsewhere(said))
        try:
            return replace(nothing, receipt=self._found(key, trade_no))
        except Unknown as silence:
            log.info("refund %s was announced, and cannot be asked for now: %s", key, silence.message)
            return nothing

    def bill(self, day: date, into: Path) -> Bill | None:
        """The trade bill of a day (Beijing). See :class:`~aftersales.ports.Bills`."""
        path = download(self._wire, self._setting, day, into, self._now)
        if path is None:
            return None
        from plugins.alipay_refund.bill import read_bill

        return read_bill(path)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- inside -------------------------------------------------------------------------------------------------------
    def _call(self, key: str, method: str, said: Mapping[str, Any]) -> Answer:
        try:
            return self._wire.call(method, said)
        except Unknown as silence:
            silence.details["key"] = key
            log.warning("refund %s: %s", key, silence.message)
            raise

    def _look(self, order: RefundOrder) -> RefundReceipt | None:
        """What the number stands for, if it is what was asked; Unknown if it stands for another amount."""
        receipt = self._found(order.key, order.transaction_id)
        if receipt is not None and receipt.amount != order.amount:
            log.error("refund %s: the number stands for another amount", order.key)
            raise Unknown("Alipay's answer cannot be used: it is about another amount.", key=order.key)
        return receipt

    def _found(self, key: str, trade_no: str) -> RefundReceipt | None:
        """What Alipay knows of the refund ``key`` of a payment. None: nothing. Raises Unknown when it does not say."""
        said = {"trade_no": trade_no, "out_request_no": key, "query_options": ["gmt_refund_pay", *_MORE]}
        answer = self._call(key, QUERY, said)
        if answer.is_ok:
            return _checked(key, lambda: found(answer.said, key, trade_no))
        if (answer.code, answer.sub_code) == (REFUSED, "ACQ.TRADE_NOT_EXIST"):
            return None
        raise _unknown(key, answer)

    def _elsewhere(self, said: Mapping[str, str]) -> Outside:
        """A refund that was not ours. One that was made without a number has the order's (documentation of the query)."""
        key, trade_no = said["out_biz_no"], said["trade_no"]
        if key == trade_no:
            key = said.get("out_trade_no") or key
        receipt = self._found(key, trade_no)
        if receipt is None:
            raise Unknown("Alipay announces a refund and does not show it yet.", key=key)
        state = OutsideState.GONE if receipt.status is ReceiptStatus.SUCCEEDED else OutsideState.OPEN
        return Outside(key, trade_no, receipt.amount, OutsideKind.REFUND, state, receipt.at)

    def _refused(self, order: RefundOrder, answer: Answer) -> RefundReceipt:
        """What a no means for this number.

        It is a no to this call. An earlier one, whose answer was lost, may have been carried out and be the very reason: it closed
        the trade, or used up the amount. So wherever that can be, Alipay is asked what the number stands for, and the refund we
        want is the answer if it is there. "Used before" and yet not found is Unknown: a person looks.
        """
        if answer.code == REFUSED and answer.sub_code in ECHOES:
            receipt = self._look(order)
            if receipt is not None:
                return receipt
        cause = refusal(answer.code, answer.sub_code)
        if cause is None:
            raise _unknown(order.key, answer)
        message = text_of(answer.said, "sub_msg") or text_of(answer.said, "msg")
        log.warning("refund %s: refused with %s %s", order.key, answer.code, answer.sub_code)
        raise Rejected(
            f"Alipay refuses the refund: {message or answer.sub_code or answer.code}",
            cause=cause,
            later=cause in LATER,
            key=order.key,
            channel_code=answer.sub_code or answer.code,
        )


def _body(order: RefundOrder) -> dict[str, Any]:
    """The request, a pure function of the order: a repeated call must not differ in one parameter."""
    said: dict[str, Any] = {
        "trade_no": order.transaction_id,
        "refund_amount": f"{order.amount.minor // 100}.{order.amount.minor % 100:02d}",
        "out_request_no": order.key,
        "query_options": _MORE,
    }
    reason = order.reason.encode(errors="ignore").decode()[:256]
    return said | ({"refund_reason": reason} if reason else {})


def _checked(key: str, read: Callable[[], T]) -> T:
    """What ``read`` makes of an answer; Unknown where that is doubtful, for a signature says who speaks and not about what."""
    try:
        return read()
    except Doubtful as error:
        log.error("refund %s: the answer is signed, but %s", key, error)  # noqa: TRY400 (no trace wanted)
        raise Unknown(f"Alipay's answer cannot be used: {error}.", key=key) from error


def _unknown(key: str, answer: Answer, why: str = "that is no outcome") -> Unknown:
    log.warning("refund %s: Alipay answers %s %s", key, answer.code, answer.sub_code)
    return Unknown(f"Alipay answers {answer.code} {answer.sub_code}: {why}.", key=key, channel_code=answer.sub_code or answer.code)
