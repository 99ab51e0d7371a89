"""Alipay's words on a refund, as receipts. Source: Alipay open platform, ``alipay.trade.refund`` and its query (read 2026-11)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aftersales.bill import minor_of
from aftersales.channel import ReceiptStatus, RefundOrder, RefundReceipt
from aftersales.money import Money
from aftersales.refund import BEIJING
from plugins.alipay_refund.sign import Doubtful

#: The buyer's own money by where it is, as Alipay calls it.
MONEY = {
    "ALIPAYACCOUNT": "支付宝余额",
    "MONEYFUND": "余额宝",
    "FINANCEACCOUNT": "余额宝",
    "BANKCARD": "银行卡",
    "PCREDIT": "花呗",
    "DCEP_ASSET": "数字人民币",
}

#: What a payment was made with besides: vouchers, points and prepaid cards go back as what they were, or not at all.
OTHER = frozenset({"COUPON", "POINT", "DISCOUNT", "PCARD", "MCARD", "MDISCOUNT", "MCOUPON", "VOUCHER"})

#: What became of a refund to a bank card. When the bank refuses it, Alipay puts it on the buyer's Alipay balance by itself.
DEPOSIT = {"S": "银行卡（银行已入账）", "P": "银行卡（银行处理中）", "F": "支付宝余额（银行卡未能入账）"}

STATUS = {"REFUND_SUCCESS": ReceiptStatus.SUCCEEDED, "REFUND_PROCESSING": ReceiptStatus.PROCESSING}

_YUAN = re.compile(r"[0-9]{1,14}(\.[0-9]{1,2})?")


def made(said: Mapping[str, Any], asked: RefundOrder) -> RefundReceipt:
    """The receipt in an answer to a refund that moved money now (``fund_change`` is Y). Raises Doubtful for another refund's.

    The answer has no word for this refund's amount: ``refund_fee`` is what was refunded of the whole payment so far, and is no more
    than a bound.
    """
    if said.get("trade_no") != asked.transaction_id:
        raise Doubtful("it is about another payment")
    if said.get("out_request_no", asked.key) != asked.key:
        raise Doubtful("it is about another refund")
    if said.get("refund_currency", "CNY") != "CNY":
        raise Doubtful("the currency is not CNY")
    if yuan(said.get("refund_fee")) < asked.amount:
        raise Doubtful("it is about another amount")
    return _receipt(said, asked.key, ReceiptStatus.SUCCEEDED, asked.amount)


def found(said: Mapping[str, Any], key: str, transaction_id: str) -> RefundReceipt | None:
    """The receipt in an answer to a query, None when it is empty; the amount is Alipay's word. Raises Doubtful for another's."""
    status, at = said.get("refund_status"), said.get("gmt_refund_pay")
    if not status and not at and "refund_amount" not in said:
        return None
    if said.get("out_request_no") != key:
        raise Doubtful("it is about another refund")
    if said.get("trade_no") != transaction_id:
        raise Doubtful("it is about another payment")
    if said.get("refund_currency", "CNY") != "CNY":
        raise Doubtful("the currency is not CNY")
    # Before there was a status, an instant of payment said the same (documentation of the query, older text).
    meant = STATUS.get(str(status)) if status else ReceiptStatus.SUCCEEDED if at else None
    if meant is None:
        raise Doubtful("the status is unknown")
    amount = yuan(said.get("refund_amount"))
    if not amount:
        raise Doubtful("the amount is nothing")
    return _receipt(said, key, meant, amount)


def yuan(said: Any) -> Money:
    """An amount of Alipay's, exactly. Raises Doubtful for what is none."""
    if not isinstance(said, str) or not _YUAN.fullmatch(said):
        raise Doubtful("the amount is no amount")
    return Money(minor_of(said), "CNY")


def _receipt(said: Mapping[str, Any], key: str, status: ReceiptStatus, amount: Money) -> RefundReceipt:
    payer, account = _payer(said, amount)
    return RefundReceipt(
        key,
        status,
        amount,
        channel_id=str(said["trade_no"]),
        payer_amount=payer,
        account=account,
        at=_instant(said.get("gmt_refund_pay")),
    )


def _payer(said: Mapping[str, Any], amount: Money) -> tuple[Money | None, str]:
    """What the buyer receives, and where. None unless every part is of a known kind and the parts are the whole.

    ``send_back_fee`` does not tell it: that is what the merchant gives, vouchers of Alipay's own included.
    """
    parts = said.get("refund_detail_item_list")
    shares = [_share(part) for part in parts] if isinstance(parts, list) else []
    known = all(channel in MONEY or channel in OTHER for channel, _ in shares)
    told = known and Money.total((share for _, share in shares), "CNY") == amount
    payer = Money.total((share for channel, share in shares if channel in MONEY), "CNY") if told else None
    return payer, _account(said, [channel for channel, share in shares if share])


def _share(part: Any) -> tuple[str, Money]:
    if not isinstance(part, dict):
        raise Doubtful("a part is no part")
    return str(part.get("fund_channel")), yuan(part.get("amount"))


def _account(said: Mapping[str, Any], channels: list[str]) -> str:
    """Where the money goes, in Alipay's own words."""
    names = list(dict.fromkeys(MONEY[channel] for channel in channels if channel in MONEY))
    deposit = said.get("deposit_back_info")
    back = DEPOSIT.get(str(deposit.get("dback_status"))) if isinstance(deposit, dict) else None
    if back is None:
        return "、".join(names)
    return "、".join([*(name for name in names if name != MONEY["BANKCARD"]), back])


def _instant(said: Any) -> datetime | None:
    """Beijing time, as Alipay writes it: ``yyyy-MM-dd HH:mm:ss``."""
    if not said:
        return None
    try:
        return datetime.strptime(str(said)[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).astimezone(UTC)
    except ValueError as error:
        raise Doubtful("the time is no time") from error
