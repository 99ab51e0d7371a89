"""UnionPay's words on a refund, as receipts. Source of the codes: UnionPay online gateway, response codes (appendix of 5.1.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aftersales.channel import ReceiptStatus, RefundOrder, RefundReceipt
from aftersales.money import Money
from aftersales.refund import BEIJING, LATER, Cause
from plugins.unionpay_refund.message import order_id_of

#: Done: success, and success that the issuer has yet to confirm.
DONE = frozenset({"00", "A6"})

#: Not decided: time-out, in progress, accepted, in progress at the issuer. Ask again.
OPEN = frozenset({"03", "04", "05", "83"})

#: The number was used before: a query tells what for.
USED = "12"

#: There is no such transaction, said to a query.
NONE = "34"

#: Final refusals. A code that is in none of these tables decides nothing: a word we do not understand proves nothing.
CAUSES: dict[str, Cause] = {
    "01": Cause.OTHER,  # failed
    "10": Cause.CONFIGURATION,  # malformed
    "11": Cause.CONFIGURATION,  # our signature
    "13": Cause.CONFIGURATION,  # a field is missing
    "30": Cause.OTHER,  # not passed
    "31": Cause.CONFIGURATION,  # the merchant's state
    "32": Cause.CONFIGURATION,  # no right to this kind of transaction
    "33": Cause.OVER_LIMIT,  # amount
    "34": Cause.NOT_FOUND,  # no such transaction
    "35": Cause.NOT_FOUND,  # the payment does not exist or is in another state
    "36": Cause.OVER_LIMIT,  # does not fit the payment
    "38": Cause.RISK_CONTROL,
    "39": Cause.OVER_LIMIT,  # outside the time in which it is taken
    "43": Cause.CONFIGURATION,  # no right to this business
    "45": Cause.OVER_LIMIT,  # the payment was refunded or revoked already
    "46": Cause.OVER_LIMIT,  # the payment was reversed
    "60": Cause.OTHER,  # the issuer refuses
    "61": Cause.ACCOUNT_ABNORMAL,  # card number
    "62": Cause.ACCOUNT_ABNORMAL,  # the issuer does not serve this merchant
    "63": Cause.ACCOUNT_ABNORMAL,  # the card's state
    "64": Cause.NOT_ENOUGH,  # balance
    "68": Cause.ACCOUNT_ABNORMAL,  # the card does not do this
    "73": Cause.ACCOUNT_ABNORMAL,  # the card has expired
    "78": Cause.ACCOUNT_ABNORMAL,  # restricted by the issuer
    "81": Cause.OVER_LIMIT,  # of the month
    "90": Cause.NOT_ENOUGH,  # balance of the account
    "92": Cause.CONFIGURATION,  # the merchant's licence: expired, withdrawn, struck off, moved, revoked
    "93": Cause.CONFIGURATION,
    "94": Cause.CONFIGURATION,
    "95": Cause.CONFIGURATION,
    "96": Cause.CONFIGURATION,
}

_AMOUNT = re.compile(r"[0-9]{1,12}")
_TAIL = re.compile(r"[0-9*]{6,15}([0-9]{4})")


class Doubtful(Exception):
    """The words are incomplete, contradict themselves, or speak of something else than was asked."""


def time_of(order: RefundOrder) -> str:
    """The ``txnTime`` of a refund, ``YYYYMMDDhhmmss`` in Beijing: with the order number it is the refund's name at UnionPay."""
    return order.asked_at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def check_name(said: Mapping[str, str], mer_id: str, order: RefundOrder) -> None:
    """Raises Doubtful unless the words are about this merchant's order number and time."""
    if (said.get("merId"), said.get("orderId"), said.get("txnTime")) != (mer_id, order_id_of(order.key), time_of(order)):
        raise Doubtful("it is about another transaction")


def check(said: Mapping[str, str], order: RefundOrder) -> None:
    """Raises Doubtful unless the words are about a refund of this amount, and of this payment where they name one."""
    if said.get("txnType") != "04":
        raise Doubtful("it is not about a refund")
    if amount_of(said) != order.amount:
        raise Doubtful("it is about another amount")
    if said.get("origQryId", order.transaction_id) != order.transaction_id:
        raise Doubtful("it is about another payment")
    if said.get("reqReserved", order.key) != order.key:
        raise Doubtful("it is about another refund")


def amount_of(said: Mapping[str, str]) -> Money:
    """The amount, whole fen. Raises Doubtful for anything else, and for another currency than CNY (156)."""
    if said.get("currencyCode", "156") != "156" or not _AMOUNT.fullmatch(said.get("txnAmt", "")):
        raise Doubtful("the amount is no amount")
    return Money(int(said["txnAmt"]), "CNY")


def receipt_of(key: str, said: Mapping[str, str], code: str, causes: Mapping[str, Cause]) -> RefundReceipt:
    """The receipt for the state ``code``. Raises Doubtful for a code that is not in the tables.

    A transaction that has failed has used its number up, and the money is with the merchant: CLOSED where another number may be
    sent without asking anybody, BOUNCED where a person or the buyer decides. ``causes`` say which of the two it is.
    """
    cause: Cause | None = None
    if code in DONE:
        status = ReceiptStatus.SUCCEEDED
    elif code in OPEN:
        status = ReceiptStatus.PROCESSING
    elif code in causes:
        status, cause = ReceiptStatus.FAILED, Cause.CLOSED if causes[code] in LATER else Cause.BOUNCED
    else:
        raise Doubtful(f"the code {code!r} is unknown")
    tail = _TAIL.fullmatch(said.get("accNo", ""))  # the card's number may come whole or encrypted: only its end is kept
    account = f"银行卡尾号{tail[1]}" if tail else ""
    return RefundReceipt(key, status, amount_of(said), channel_id=said.get("queryId", ""), account=account, cause=cause)
