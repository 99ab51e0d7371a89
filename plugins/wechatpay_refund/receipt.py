"""WeChat Pay's words on a refund, as receipts. Source: WeChat Pay APIv3 documentation, refunds and refund notices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aftersales.channel import ReceiptStatus, RefundOrder, RefundReceipt
from aftersales.money import Money
from aftersales.refund import Cause

#: CLOSED: a new number is needed. ABNORMAL: the payer's card is closed or frozen; the same refund can be sent elsewhere.
STATUS: dict[str, tuple[ReceiptStatus, Cause | None]] = {
    "PROCESSING": (ReceiptStatus.PROCESSING, None),
    "SUCCESS": (ReceiptStatus.SUCCEEDED, None),
    "CLOSED": (ReceiptStatus.FAILED, Cause.CLOSED),
    "ABNORMAL": (ReceiptStatus.FAILED, Cause.ACCOUNT_ABNORMAL),
}


class Doubtful(Exception):
    """The words are incomplete, contradict themselves, or speak of something else than was asked."""


def receipt_of(said: Mapping[str, Any], status_name: str = "status") -> RefundReceipt:
    """The receipt in an answer, or in a notice, where the status is called ``refund_status``. Raises Doubtful."""
    key, number, status = said.get("out_refund_no"), said.get("refund_id"), said.get(status_name)
    amount = said.get("amount")
    if not (isinstance(key, str) and key and isinstance(number, str) and isinstance(amount, Mapping)):
        raise Doubtful("a field is missing")
    if not isinstance(status, str) or status not in STATUS:
        raise Doubtful("the status is unknown")
    if amount.get("currency", "CNY") != "CNY":  # notices do not name it
        raise Doubtful("the currency is not CNY")
    refund, payer = amount.get("refund"), amount.get("payer_refund")
    if type(refund) is not int or refund <= 0:
        raise Doubtful("the amount is no amount")
    if payer is not None and (type(payer) is not int or not 0 <= payer <= refund):
        raise Doubtful("the payer's amount is no amount")
    meant, cause = STATUS[status]
    return RefundReceipt(
        key,
        meant,
        Money(refund, "CNY"),
        channel_id=number,
        payer_amount=Money(payer, "CNY") if payer is not None else None,
        account=str(said.get("user_received_account") or ""),
        cause=cause,
        at=_instant(said.get("success_time")),
    )


def check(said: Mapping[str, Any], receipt: RefundReceipt, asked: RefundOrder) -> None:
    """Raises Doubtful unless the words are about this number, its payment, amount and total."""
    if receipt.key != asked.key:
        raise Doubtful("it is about another refund")
    if said.get("transaction_id") != asked.transaction_id:
        raise Doubtful("it is about another payment")
    if receipt.amount != asked.amount or said["amount"].get("total") != asked.paid.minor:
        raise Doubtful("it is about another amount")


def _instant(said: Any) -> datetime | None:
    if said is None:
        return None
    try:
        at = datetime.fromisoformat(said)
    except (TypeError, ValueError) as error:
        raise Doubtful("the time is no time") from error
    if at.tzinfo is None:
        raise Doubtful("the time has no zone")
    return at.astimezone(UTC)
