"""What Alipay says: amounts and instants as it writes them, answers' nodes, and the parameters of its notices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

BEIJING = timezone(timedelta(hours=8))

#: The buyer, masked as Alipay masks people.
BUYER = "159****5620"


def yuan(minor: int) -> str:
    """Fen as yuan."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def local_time(at: float) -> str:
    """An instant in Beijing's time."""
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def day_of(at: float) -> str:
    """The day of an instant in Beijing."""
    return local_time(at)[:10]


def refund_node(refund: Mapping[str, Any], options: frozenset[str]) -> dict[str, Any]:
    """The answer to a refund. ``refund_fee`` is what was refunded of the trade in all, this refund's amount stands nowhere."""
    said = {
        "trade_no": refund["trade_no"],
        "out_trade_no": refund["out_trade_no"],
        "buyer_logon_id": BUYER,
        "buyer_open_id": "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5",
        "fund_change": "Y" if refund["moved"] else "N",
        "refund_fee": yuan(refund["refunded"]),
    }
    if refund["store_name"]:
        said["store_name"] = refund["store_name"]
    return said | (_parts(refund, options) if refund["status"] == "SUCCESS" else {})


def query_node(refund: Mapping[str, Any], options: frozenset[str]) -> dict[str, Any]:
    """The answer to a query that found a refund."""
    said = {
        "trade_no": refund["trade_no"],
        "out_trade_no": refund["out_trade_no"],
        "out_request_no": refund["out_request_no"],
        "total_amount": yuan(refund["total"]),
        "refund_amount": yuan(refund["minor"]),
        "refund_status": "REFUND_SUCCESS",
    }
    if "gmt_refund_pay" in options:
        said["gmt_refund_pay"] = local_time(refund["done_at"])
    return said | _parts(refund, options)


def _parts(refund: Mapping[str, Any], options: frozenset[str]) -> dict[str, Any]:
    """What the merchant gives back and through which channels: the buyer's own money first, vouchers last."""
    said: dict[str, Any] = {}
    mine, voucher = refund["payer_minor"], refund["minor"] - refund["payer_minor"]
    if "refund_detail_item_list" in options:
        own = {"fund_channel": "BANKCARD", "fund_type": "DEBIT_CARD"} if refund["card"] else {"fund_channel": "ALIPAYACCOUNT"}
        parts = [{**own, "amount": yuan(mine)}, {"fund_channel": "MDISCOUNT", "amount": yuan(voucher)}]
        said |= {"refund_detail_item_list": [part for part in parts if part["amount"] != "0.00"], "send_back_fee": yuan(mine)}
    if "deposit_back_info" in options and refund["dback"]:
        back = {"has_deposit_back": "true", "dback_status": refund["dback"]}
        if refund["dback"] == "S":
            back |= {"dback_amount": yuan(mine), "bank_ack_time": local_time(refund["dback_at"])}
        elif refund["dback"] == "P":
            back["est_bank_receipt_time"] = local_time(refund["created_at"] + 3 * 86400)
        said["deposit_back_info"] = back
    return said


def notice_of_refund(payment: Mapping[str, Any], refund: Mapping[str, Any]) -> dict[str, str]:
    """The notice to the address named at the payment, about the trade; of the refund it has the number, and not the amount.

    A refund that was asked for without a number is kept under the order's, and announced under the trade's.
    """
    number = refund["out_request_no"]
    closed = {"gmt_close": local_time(refund["done_at"])} if payment["status"] == "TRADE_CLOSED" else {}
    return {
        **notice_of_payment(payment),
        **closed,
        "trade_status": payment["status"],
        "gmt_refund": f"{local_time(refund['done_at'])}.000",
        "out_biz_no": payment["trade_no"] if number == payment["out_trade_no"] else number,
        "refund_fee": yuan(payment["refunded"]),
        "send_back_fee": yuan(refund["payer_minor"]),
    }


def notice_of_payment(payment: Mapping[str, Any]) -> dict[str, str]:
    """The notice that a trade was paid."""
    return {
        "notify_type": "trade_status_sync",
        "version": "1.0",
        "charset": "utf-8",
        "trade_no": payment["trade_no"],
        "out_trade_no": payment["out_trade_no"],
        "trade_status": "TRADE_SUCCESS",
        "subject": "草莓 & 樱桃 (5 斤)",
        "buyer_logon_id": BUYER,
        "total_amount": yuan(payment["total"]),
        "buyer_pay_amount": yuan(payment["payer_total"]),
        "gmt_payment": local_time(payment["paid_at"]),
    }


def notice_of_deposit(payment: Mapping[str, Any], refund: Mapping[str, Any]) -> dict[str, str]:
    """The message of how a refund to a bank card ended."""
    back = {"dback_status": refund["dback"], "bank_ack_time": local_time(refund["dback_at"])}
    amount = {"dback_amount": yuan(refund["payer_minor"])} if refund["dback"] == "S" else {}
    about = {"trade_no": payment["trade_no"], "out_trade_no": payment["out_trade_no"], "out_request_no": refund["out_request_no"]}
    return {
        "msg_method": "alipay.trade.refund.depositback.completed",
        "version": "1.1",
        "charset": "UTF-8",
        "utc_timestamp": str(int(refund["dback_at"] * 1000)),
        "biz_content": json.dumps({**about, **back, **amount}),
    }
