"""What the API says about refunds and payments, as JSON objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.sandbox.fault import Fault, Kind
from infra.local.sandbox.wechatpay.table import Refund, local_time


def refund_told(refund: Refund, fault: Fault | None = None) -> dict[str, Any]:
    """The refund, with what a fault makes of its amount or number."""
    minor, payer_minor, free_minor, number = refund.minor, refund.payer_minor, refund.free_minor, refund.out_refund_no
    if fault is not None and fault.kind is Kind.WRONG_AMOUNT:
        minor, payer_minor, free_minor = fault.minor, fault.minor, 0
    if fault is not None and fault.kind is Kind.WRONG_NUMBER:
        number = f"{number}X"
    said = {
        "refund_id": refund.refund_id,
        "out_refund_no": number,
        "transaction_id": refund.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "channel": refund.channel,
        "user_received_account": refund.account,
        "create_time": local_time(refund.created_at),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": refund.total,
            "refund": minor,
            "from": [],
            "payer_total": refund.payer_total,
            "payer_refund": payer_minor,
            "settlement_refund": minor - free_minor,
            "settlement_total": refund.total - refund.free_total,
            "discount_refund": minor - payer_minor,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    return said | ({"success_time": local_time(refund.success_at)} if refund.success_at is not None else {})


def order_told(paid: Mapping[str, Any], mchid: str, fault: Fault | None = None) -> dict[str, Any]:
    """The payment; REFUND as soon as a part of it was refunded."""
    wrong = fault.kind if fault is not None else None
    total = fault.minor if fault is not None and wrong is Kind.WRONG_AMOUNT else paid["total"]
    state, words = ("REFUND", "转入退款") if paid["refunds"] else ("SUCCESS", "支付成功")
    return {
        "appid": f"wx{mchid.lower()}",
        "mchid": mchid,
        "out_trade_no": paid["out_trade_no"],
        "transaction_id": f"{paid['transaction_id']}{'X' if wrong is Kind.WRONG_NUMBER else ''}",
        "trade_type": "JSAPI",
        "trade_state": state,
        "trade_state_desc": words,
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": local_time(paid["paid_at"]),
        "payer": {"openid": "oSANDBOX"},
        "amount": {"total": total, "payer_total": paid["payer_total"], "currency": "CNY", "payer_currency": "CNY"},
        "promotion_detail": [],
    }
