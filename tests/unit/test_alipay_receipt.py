"""What Alipay's words on a refund are worth: numbers and amounts exactly, and nothing that is about something else."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aftersales.channel import ReceiptStatus
from aftersales.money import Money
from aftersales.refund import LATER, Cause
from aftersales.testing.channel import a_refund_order
from plugins.alipay_refund.code import CAUSES, ECHOES, GATEWAY, refusal
from plugins.alipay_refund.receipt import found, made, yuan
from plugins.alipay_refund.sign import Doubtful

ORDER = a_refund_order()
MADE: dict[str, Any] = {"trade_no": ORDER.transaction_id, "fund_change": "Y", "refund_fee": "19.90"}
FOUND: dict[str, Any] = {
    "trade_no": ORDER.transaction_id,
    "out_request_no": ORDER.key,
    "refund_amount": "19.90",
    "refund_status": "REFUND_SUCCESS",
    "gmt_refund_pay": "2026-11-22 09:41:30",
}


def parts(*amounts: tuple[str, str]) -> dict[str, Any]:
    """Through which channels the money goes."""
    return {"refund_detail_item_list": [{"fund_channel": channel, "amount": amount} for channel, amount in amounts]}


def test_a_refund_made_now_is_booked_with_what_was_asked() -> None:
    """``refund_fee`` is what the trade was refunded in all: it bounds the amount and is never taken for it."""
    receipt = made({**MADE, "refund_fee": "99.50"}, ORDER)
    assert (receipt.key, receipt.amount, receipt.status) == (ORDER.key, ORDER.amount, ReceiptStatus.SUCCEEDED)


def test_a_refund_that_was_found_has_alipays_amount() -> None:
    """The query names amount and instant; Beijing's time becomes UTC."""
    receipt = found({**FOUND, "refund_amount": "19.9"}, ORDER.key, ORDER.transaction_id)
    assert receipt is not None
    assert (receipt.amount, receipt.status) == (Money(1990, "CNY"), ReceiptStatus.SUCCEEDED)
    assert receipt.at == datetime(2026, 11, 22, 1, 41, 30, tzinfo=UTC)


def test_an_empty_answer_finds_nothing() -> None:
    """10000 says that the query worked, and no more."""
    assert found({"code": "10000", "msg": "Success"}, ORDER.key, ORDER.transaction_id) is None
    assert found({"code": "10000", "trade_no": ORDER.transaction_id, "refund_status": ""}, ORDER.key, ORDER.transaction_id) is None


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, ReceiptStatus.SUCCEEDED),
        ({"refund_status": "REFUND_PROCESSING"}, ReceiptStatus.PROCESSING),
        ({"refund_status": None}, ReceiptStatus.SUCCEEDED),
        ({"refund_status": None, "gmt_refund_pay": None}, None),
        ({"refund_status": "REFUND_FAIL"}, None),
    ],
    ids=str,
)
def test_success_is_said_or_dated(changed: dict[str, Any], status: ReceiptStatus | None) -> None:
    """A refund is done when Alipay says so or dates it; an amount alone, or a word we do not know, says nothing."""
    said = {**FOUND, **changed}
    if status is None:
        with pytest.raises(Doubtful):
            found(said, ORDER.key, ORDER.transaction_id)
    else:
        receipt = found(said, ORDER.key, ORDER.transaction_id)
        assert receipt is not None
        assert receipt.status is status


@pytest.mark.parametrize(
    "changed",
    [
        {"trade_no": "4200000000"},
        {"trade_no": None},
        {"out_request_no": "Rc2-1"},
        {"refund_currency": "USD"},
        {"refund_fee": "19.89"},
        {"refund_fee": None},
        {"refund_fee": "much"},
    ],
    ids=str,
)
def test_an_answer_about_something_else_is_no_receipt(changed: dict[str, Any]) -> None:
    """Payment, number, currency and the bound of the amount all have to fit."""
    with pytest.raises(Doubtful):
        made({**MADE, **changed}, ORDER)


@pytest.mark.parametrize(
    "changed",
    [
        {"trade_no": "4200000000"},
        {"out_request_no": f"{ORDER.key}0"},
        {"out_request_no": None},
        {"refund_currency": "USD"},
        {"refund_amount": None},
        {"refund_amount": "0.00"},
        {"gmt_refund_pay": "yesterday"},
    ],
    ids=str,
)
def test_a_query_about_something_else_is_no_receipt(changed: dict[str, Any]) -> None:
    """What was found is the very refund, with an amount and a time that are ones."""
    with pytest.raises(Doubtful):
        found({**FOUND, **changed}, ORDER.key, ORDER.transaction_id)


@pytest.mark.parametrize(
    ("said", "minor"), [("0", 0), ("0.01", 1), ("19.9", 1990), ("19.90", 1990), ("100", 10000), ("0019.90", 1990)]
)
def test_yuan_are_read_to_the_fen(said: str, minor: int) -> None:
    """Every way in which Alipay writes an amount is exact."""
    assert yuan(said) == Money(minor, "CNY")


@pytest.mark.parametrize(
    "said", ["", "-1.00", "+1", "1.", ".5", "1.005", "1e2", "1,000.00", "１", "NaN", 19.9, 1990, None, True, "9" * 15]
)
def test_what_is_no_amount_is_refused(said: Any) -> None:
    """Anything else than digits with at most two after the point is not an amount of yuan."""
    with pytest.raises(Doubtful):
        yuan(said)


@pytest.mark.parametrize(
    ("said", "payer", "account"),
    [
        ({}, None, ""),
        (parts(("ALIPAYACCOUNT", "19.90")), 1990, "支付宝余额"),
        (parts(("ALIPAYACCOUNT", "10.00"), ("BANKCARD", "9.90")), 1990, "支付宝余额、银行卡"),
        (parts(("PCREDIT", "15.00"), ("MDISCOUNT", "4.90")), 1500, "花呗"),
        (parts(("COUPON", "19.90")), 0, ""),
        (parts(("ALIPAYACCOUNT", "10.00"), ("STARDUST", "9.90")), None, "支付宝余额"),
        (parts(("ALIPAYACCOUNT", "10.00")), None, "支付宝余额"),
        ({"send_back_fee": "19.90"}, None, ""),
    ],
    ids=str,
)
def test_the_buyer_receives_what_goes_back_to_his_own_money(said: dict[str, Any], payer: int | None, account: str) -> None:
    """Vouchers and points are not money; unless every part is known and the parts are the whole, nothing is claimed."""
    receipt = made({**MADE, **said}, ORDER)
    assert (receipt.payer_amount.minor if receipt.payer_amount is not None else None, receipt.account) == (payer, account)


@pytest.mark.parametrize(
    ("status", "account"),
    [
        ("S", "支付宝余额、银行卡（银行已入账）"),
        ("P", "支付宝余额、银行卡（银行处理中）"),
        ("F", "支付宝余额、支付宝余额（银行卡未能入账）"),
        ("X", "支付宝余额、银行卡"),
    ],
)
def test_the_account_tells_how_the_bank_took_it(status: str, account: str) -> None:
    """A card that does not take the money is no failure: it is on the Alipay balance then, and the account says so."""
    said = {**parts(("ALIPAYACCOUNT", "10.00"), ("BANKCARD", "9.90")), "deposit_back_info": {"dback_status": status}}
    receipt = found({**FOUND, **said}, ORDER.key, ORDER.transaction_id)
    assert receipt is not None
    assert (receipt.account, receipt.status) == (account, ReceiptStatus.SUCCEEDED)


def test_parts_that_are_none_make_no_receipt() -> None:
    """A list of parts that cannot be read is a doubt about the whole."""
    for broken in ([5], [{"fund_channel": "ALIPAYACCOUNT", "amount": "x"}]):
        with pytest.raises(Doubtful):
            made({**MADE, "refund_detail_item_list": broken}, ORDER)


def test_amounts_of_any_size_survive_the_way_there_and_back() -> None:
    """What is asked in yuan is what is read in fen, for every fen up to a hundred and then some."""
    from plugins.alipay_refund.client import _body

    for minor in [*range(1, 10_001), 99_999_999_999]:
        order = replace(ORDER, amount=Money(minor, "CNY"))
        assert yuan(_body(order)["refund_amount"]) == order.amount


def test_every_documented_code_has_a_meaning() -> None:
    """Each refusal in the documentation is a cause; what may have moved money is none; two pass by themselves."""
    later = {code for code, cause in {**CAUSES, **GATEWAY}.items() if cause in LATER}
    assert later == {"ACQ.SELLER_BALANCE_NOT_ENOUGH", "40005"}
    assert (
        refusal("40004", "ACQ.SYSTEM_ERROR")
        is refusal("40004", "ACQ.REFUND_CHARGE_ERROR")
        is refusal("20000", "isp.unknow-error")
        is None
    )
    assert (
        refusal("40004", "ACQ.NEVER_HEARD_OF")
        is refusal("40004", "isp.unknow-error")
        is refusal("40002", "isp.unknow-error")
        is None
    )
    assert refusal("40006", "isv.insufficient-isv-permissions") is Cause.CONFIGURATION
    assert set(ECHOES) - set(CAUSES) == {"ACQ.DISCORDANT_REPEAT_REQUEST"}
