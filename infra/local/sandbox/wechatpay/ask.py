"""What a merchant asks for, once it is well formed; what is not is refused with WeChat Pay's own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.sandbox.wechatpay.keys import Keys, opened

#: Debit cards that an abnormal refund can be sent to: those of 15 banks (WeChat Pay APIv3, abnormal refunds, 2024-12).
BANKS = frozenset(
    {
        "CMB_DEBIT", "COMM_DEBIT", "ABC_DEBIT", "CCB_DEBIT", "ICBC_DEBIT", "BOC_DEBIT", "PAB_DEBIT", "SPDB_DEBIT", "CITIC_DEBIT",
        "CEB_DEBIT", "CMBC_DEBIT", "CIB_DEBIT", "GDB_DEBIT", "PSBC_DEBIT", "NBCB_DEBIT",
    }
)  # fmt: skip


class Refusal(Exception):
    """The answer is an error with this HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class Ask:
    """A well-formed request for a refund; ``params`` is all of it in one canonical text."""

    out_refund_no: str
    transaction_id: str
    out_trade_no: str
    minor: int
    total: int
    notify_url: str
    params: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """A well-formed request to send an abnormal refund to a card. ``digest`` stands for the card, to know it again."""

    refund_id: str
    out_refund_no: str
    bank: str
    tail: str
    digest: str


def object_of(body: bytes) -> Mapping[str, Any]:
    """The JSON object in a body; an empty one for other JSON. Raises Refusal for what is no JSON."""
    try:
        said = json.loads(body)
    except ValueError as error:
        raise Refusal(400, "PARAM_ERROR", "请求体不是合法的JSON") from error
    return said if isinstance(said, dict) else {}


def ask_of(said: Mapping[str, Any]) -> Ask:
    """The request for a refund. Raises Refusal (400 PARAM_ERROR) when it is not well formed."""
    amount = said.get("amount")
    texts = {k: said.get(k, "") for k in ("out_refund_no", "transaction_id", "out_trade_no", "notify_url", "reason")}
    if not isinstance(amount, dict) or not all(isinstance(v, str) for v in texts.values()):
        raise Refusal(400, "PARAM_ERROR", "参数错误")
    number, minor, total = texts["out_refund_no"], amount.get("refund"), amount.get("total")
    legal = number.isascii() and 0 < len(number) <= 64 and all(c.isalnum() or c in "_-|*@" for c in number)
    if not legal:
        raise Refusal(400, "PARAM_ERROR", "商户退款单号 out_refund_no 不合法")
    if type(minor) is not int or type(total) is not int or minor <= 0 or total <= 0 or amount.get("currency") != "CNY":
        raise Refusal(400, "PARAM_ERROR", "金额 amount 不合法")
    if not (texts["transaction_id"] or texts["out_trade_no"]) or len(texts["reason"]) > 80:
        raise Refusal(400, "PARAM_ERROR", "订单号与退款原因不合法")
    if len(texts["notify_url"]) > 256 or "?" in texts["notify_url"]:
        raise Refusal(400, "PARAM_ERROR", "notify_url 不合法")
    params = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return Ask(number, texts["transaction_id"], texts["out_trade_no"], minor, total, texts["notify_url"], params)


def redirect_of(refund_id: str, said: Mapping[str, Any], keys: Keys, serial: str) -> Redirect:
    """The request to send an abnormal refund to a card, encrypted with the platform's key ``serial``. Raises Refusal."""
    texts = {k: said.get(k) for k in ("out_refund_no", "type", "bank_type", "bank_account", "real_name")}
    if not all(isinstance(v, str) and v for v in texts.values()):
        raise Refusal(400, "PARAM_ERROR", "参数错误")
    if texts["type"] != "USER_BANK_CARD":  # MERCHANT_BANK_CARD gives up on the buyer: nothing of ours asks for it
        raise Refusal(400, "PARAM_ERROR", "异常退款处理方式 type 不支持")
    number, name = (opened(keys, serial, str(texts[k])) for k in ("bank_account", "real_name"))
    if number is None or name is None:
        raise Refusal(400, "PARAM_ERROR", "敏感字段解密失败，请检查加密所用的公钥")
    if not number.isascii() or not number.isdigit() or not 12 <= len(number) <= 19:
        raise Refusal(400, "PARAM_ERROR", "收款银行卡号 bank_account 不合法")
    if texts["bank_type"] not in BANKS:
        raise Refusal(400, "INVALID_REQUEST", "退款至用户时，不支持该银行的借记卡")
    digest = keys.digest(f"{texts['bank_type']}\n{number}\n{name}")
    return Redirect(refund_id, str(texts["out_refund_no"]), str(texts["bank_type"]), number[-4:], digest)
