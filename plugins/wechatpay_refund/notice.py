"""WeChat Pay's notices, once their signature holds: about a refund of ours, or about one that was made without us."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aftersales.channel import Outside, OutsideKind, OutsideState, RefundNotice
from aftersales.errors import BadSignature
from aftersales.refund import case_of
from plugins.wechatpay_refund.receipt import Doubtful, receipt_of
from plugins.wechatpay_refund.setting import Setting
from plugins.wechatpay_refund.sign import open_resource

#: CLOSED gave the money back to the merchant; ABNORMAL took it from there, though the buyer has not got it yet.
_STATES = {"SUCCESS": OutsideState.GONE, "ABNORMAL": OutsideState.GONE, "CLOSED": OutsideState.BACK}


def notice_of(setting: Setting, body: bytes) -> RefundNotice:
    """What a verified message says. Raises BadSignature for one that is no notice about a refund of this merchant."""
    said = _object(body)
    if said.get("resource_type") != "encrypt-resource" or not str(said.get("event_type", "")).startswith("REFUND."):
        raise BadSignature("The message is not a notice about a refund.")
    plain = _object(open_resource(setting.apiv3_key, said.get("resource")))
    if plain.get("mchid") != setting.mchid or not isinstance(said.get("id"), str):
        raise BadSignature("The notice is not for this merchant.")
    if said["event_type"] != f"REFUND.{plain.get('refund_status')}":
        raise BadSignature("The notice contradicts itself.")
    try:
        receipt = receipt_of(plain, "refund_status")
        outside = _outside(plain) if case_of(receipt.key) is None else None
    except Doubtful as error:
        raise BadSignature(f"The notice cannot be read: {error}.") from error
    return RefundNotice(receipt if outside is None else None, said["id"], outside, reply_status=204)


def _outside(plain: Mapping[str, Any]) -> Outside:
    """A refund under a number that is not ours: made in the merchant's console, or by another system of the merchant's."""
    receipt, transaction_id = receipt_of(plain, "refund_status"), plain.get("transaction_id")
    if not isinstance(transaction_id, str) or not transaction_id or plain["refund_status"] not in _STATES:
        raise Doubtful("a refund made elsewhere names no payment")
    state = _STATES[plain["refund_status"]]
    return Outside(receipt.key, transaction_id, receipt.amount, OutsideKind.REFUND, state, receipt.at)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except ValueError as error:
        raise BadSignature("The notice is no JSON.") from error
    if not isinstance(said, dict):
        raise BadSignature("The notice is no JSON object.")
    return said
