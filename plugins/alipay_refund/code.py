"""Alipay's codes on a refund, and what each means to us. A code that is not here is Unknown: it proves nothing.

Source: Alipay open platform, ``alipay.trade.refund``, business and common error codes (read 2026-11).
"""

from __future__ import annotations

from aftersales.refund import Cause

OK = "10000"

#: A refusal by the gateway itself: the call never reached the business. ``isp.`` and ``aop.`` sub-codes are Alipay's own trouble.
GATEWAY: dict[str, Cause] = {
    "20001": Cause.CONFIGURATION,  # authorisation
    "40001": Cause.CONFIGURATION,  # a parameter is missing
    "40002": Cause.CONFIGURATION,  # a parameter is wrong
    "40003": Cause.CONFIGURATION,  # a condition is not met
    "40005": Cause.TOO_SOON,  # too many calls: not processed
    "40006": Cause.CONFIGURATION,  # no right
}
REFUSED = "40004"

#: A final no of the business. Those of the trade's state and amount may be the echo of an earlier call of ours; see ECHOES.
CAUSES: dict[str, Cause] = {
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": Cause.NOT_ENOUGH,
    "ACQ.TRADE_NOT_EXIST": Cause.NOT_FOUND,
    "ACQ.REASON_TRADE_BEEN_FREEZEN": Cause.RISK_CONTROL,
    "ACQ.BUYER_ERROR": Cause.ACCOUNT_ABNORMAL,
    "ACQ.BUYER_NOT_EXIST": Cause.ACCOUNT_ABNORMAL,
    "ACQ.BUYER_ENABLE_STATUS_FORBID": Cause.ACCOUNT_ABNORMAL,
    "ACQ.CUSTOMER_VALIDATE_ERROR": Cause.ACCOUNT_ABNORMAL,
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": Cause.OVER_LIMIT,
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": Cause.OVER_LIMIT,
    "ACQ.REFUND_FEE_ERROR": Cause.OVER_LIMIT,
    "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": Cause.OVER_LIMIT,
    "ACQ.TRADE_HAS_FINISHED": Cause.OVER_LIMIT,  # past the contract's window
    "ACQ.TRADE_HAS_CLOSE": Cause.OVER_LIMIT,  # refunded in full already, or never paid
    "ACQ.TRADE_NOT_ALLOW_REFUND": Cause.OVER_LIMIT,  # not under this contract, or not any more
    "ACQ.TRADE_STATUS_ERROR": Cause.OTHER,
    "ACQ.REASON_TRADE_STATUS_INVALID": Cause.OTHER,
    "ACQ.NOT_ALLOW_PARTIAL_REFUND": Cause.OTHER,
    "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND": Cause.OTHER,
    "ACQ.ENTERPRISE_PAY_BIZ_ERROR": Cause.OTHER,
    "ACQ.TRADE_SETTLE_ERROR": Cause.OTHER,
    "ACQ.INVALID_PARAMETER": Cause.CONFIGURATION,
    "ACQ.CURRENCY_NOT_SUPPORT": Cause.CONFIGURATION,
    "ACQ.USER_NOT_MATCH_ERR": Cause.CONFIGURATION,
    "ACQ.REFUND_ACCOUNT_NOT_EXIST": Cause.CONFIGURATION,
    "ACQ.REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST": Cause.CONFIGURATION,
    "ACQ.REFUNDALLOC_UNAUTH_LIMIT": Cause.CONFIGURATION,
    "ACQ.OVERDRAFT_AGREEMENT_NOT_MATCH": Cause.CONFIGURATION,
    "ACQ.OVERDRAFT_ASSIGN_ACCOUNT_INVALID": Cause.CONFIGURATION,
}

#: A no that an earlier call with the same number, whose answer was lost, may have brought about: the number is looked up first. The
#: first one says that the number stands for another amount, and is never a cause: what it stands for must be there.
ECHOES = frozenset(
    {
        "ACQ.DISCORDANT_REPEAT_REQUEST",
        "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        "ACQ.REFUND_FEE_ERROR",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_HAS_CLOSE",
        "ACQ.TRADE_NOT_ALLOW_REFUND",
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_STATUS_INVALID",
    }
)

#: There is no bill for the day. The names in the documentation and those on the wire differ.
NO_BILL = frozenset({"isp.bill_not_exist", "isv.bill_not_exist", "BILL_NOT_EXIST", "bill_not_exist"})


def refusal(code: str, sub_code: str) -> Cause | None:
    """The cause of a final no; None for anything that is not one."""
    if sub_code.startswith(("isp.", "aop.")):
        return None
    return CAUSES.get(sub_code) if code == REFUSED else GATEWAY.get(code)
