"""How a refund at Alipay ends: refused for a reason that becomes a cause, made later, dropped, or refused by a bank."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aftersales.channel import ReceiptStatus
from aftersales.errors import Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import Cause
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Kind, Sandbox
from plugins.alipay_refund.client import AlipayRefunds
from tests.e2e import alipay as set_up
from tests.e2e.alipay import ORDER, PAID_ONCE, TOTAL, says, total

pytestmark = pytest.mark.e2e

keys, sandbox, channel = set_up.keys, set_up.sandbox, set_up.channel


# --- a final no -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "cause", "later"),
    [
        ("ACQ.INVALID_PARAMETER", Cause.CONFIGURATION, False),
        ("ACQ.SELLER_BALANCE_NOT_ENOUGH", Cause.NOT_ENOUGH, True),
        ("ACQ.REASON_TRADE_BEEN_FREEZEN", Cause.RISK_CONTROL, False),
        ("ACQ.TRADE_NOT_EXIST", Cause.NOT_FOUND, False),
        ("ACQ.TRADE_HAS_FINISHED", Cause.OVER_LIMIT, False),
        ("ACQ.TRADE_HAS_CLOSE", Cause.OVER_LIMIT, False),
        ("ACQ.TRADE_STATUS_ERROR", Cause.OTHER, False),
        ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", Cause.OVER_LIMIT, False),
        ("ACQ.REASON_TRADE_REFUND_FEE_ERR", Cause.OVER_LIMIT, False),
        ("ACQ.NOT_ALLOW_PARTIAL_REFUND", Cause.OTHER, False),
        ("ACQ.BUYER_NOT_EXIST", Cause.ACCOUNT_ABNORMAL, False),
        ("ACQ.BUYER_ERROR", Cause.ACCOUNT_ABNORMAL, False),
        ("40005", Cause.TOO_SOON, True),
        ("40002 isv.invalid-timestamp", Cause.CONFIGURATION, False),
        ("40006", Cause.CONFIGURATION, False),
    ],
)
def test_a_final_no_has_a_cause(code: str, cause: Cause, later: bool, sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Each of Alipay's signed refusals becomes one of our causes, and says whether it passes by itself."""
    sandbox.fault(says(code), provider="alipay")
    with pytest.raises(Rejected) as refused:
        channel.refund(ORDER)
    assert (refused.value.details["cause"], refused.value.details["later"]) == (cause, later)
    assert total(sandbox)["executed"] == 0
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED


@pytest.mark.parametrize("code", ["ACQ.TRADE_HAS_CLOSE", "ACQ.REASON_TRADE_REFUND_FEE_ERR", "ACQ.DISCORDANT_REPEAT_REQUEST"])
def test_a_no_may_be_the_echo_of_our_own_refund(code: str, sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """A refund whose answer was lost closed the trade: the no to the next call is looked up, and is no failure."""
    order = replace(ORDER, amount=ORDER.paid)
    sandbox.fault(Fault(At.CREATE, Kind.HANG), says(code), provider="alipay")
    with pytest.raises(Unknown):
        channel.refund(order)
    sandbox.set_clock(60)
    assert channel.refund(order).status is ReceiptStatus.SUCCEEDED
    assert total(sandbox) == {"executed": TOTAL, "paid": TOTAL, "count": 1}


def test_a_no_that_cannot_be_looked_up_is_unknown(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """While Alipay does not say what the number stands for, its no may still be an echo."""
    sandbox.fault(says("ACQ.TRADE_HAS_CLOSE"), Fault(At.QUERY, Kind.HANG), provider="alipay")
    with pytest.raises(Unknown):
        channel.refund(ORDER)


def test_a_short_account_is_mended_by_a_top_up(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """A seller short of money pays nothing; after the account was topped up the same key is paid."""
    sandbox.lever("balance", "alipay", minor=1000)
    with pytest.raises(Rejected) as refused:
        channel.refund(ORDER)
    assert refused.value.details["cause"] is Cause.NOT_ENOUGH
    sandbox.lever("topup", "alipay", minor=1000)
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert (total(sandbox)["executed"], sandbox.truth("alipay")["balance"]) == (1990, 10)


def test_the_states_of_a_trade_are_heard(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Unknown, unpaid, frozen, finished, and refunded in full in Alipay's console: each is a no with its cause."""
    causes = {}
    for name in ("unknown", "unpaid", "frozen", "finished", "closed"):
        order = a_refund_order(f"R{name}-1", order_id=name)
        if name != "unknown":
            status = "WAIT_BUYER_PAY" if name == "unpaid" else "TRADE_SUCCESS"
            sandbox.pay(order.transaction_id, TOTAL, provider="alipay", status=status)
        if name in ("frozen", "finished"):
            sandbox.lever("freeze" if name == "frozen" else "finish", "alipay", transaction_id=order.transaction_id)
        if name == "closed":
            sandbox.lever("outside", "alipay", transaction_id=order.transaction_id, minor=TOTAL)
        with pytest.raises(Rejected) as refused:
            channel.refund(order)
        causes[name] = refused.value.details["cause"]
    assert causes == {
        "unknown": Cause.NOT_FOUND,
        "unpaid": Cause.OTHER,
        "frozen": Cause.RISK_CONTROL,
        "finished": Cause.OVER_LIMIT,
        "closed": Cause.OVER_LIMIT,
    }
    assert channel.find(a_refund_order("Runknown-1", order_id="unknown")) is None


def test_other_currencies_are_not_asked_for(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Alipay refunds in CNY: anything else is refused before a call is made."""
    with pytest.raises(Rejected):
        channel.refund(replace(ORDER, amount=Money(5, "USD"), paid=Money(5, "USD")))
    assert "create" not in sandbox.truth("alipay")["calls"]


def test_a_year_after_the_payment_it_is_too_late(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """A payment can be refunded on its 365th day, and not after; the channel says so in its limits."""
    now = datetime.now(UTC)
    fresh, old = a_refund_order("Rc2-1", order_id="o2"), a_refund_order("Rc3-1", order_id="o3")
    sandbox.pay(fresh.transaction_id, TOTAL, now - timedelta(days=365) + timedelta(minutes=1), provider="alipay")
    sandbox.pay(old.transaction_id, TOTAL, now - timedelta(days=365, seconds=1), provider="alipay")
    assert channel.refund(fresh).status is ReceiptStatus.SUCCEEDED
    with pytest.raises(Rejected) as refused:
        channel.refund(old)
    assert refused.value.details["cause"] is Cause.OVER_LIMIT
    assert (channel.limits.window, channel.limits.currencies) == (timedelta(days=365), {"CNY"})


# --- how it ends ------------------------------------------------------------------------------------------------------
def test_a_refund_may_be_made_later(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Accepted without any money moved is Unknown; an hour later the query shows it."""
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="SUCCESS", seconds=3600), provider="alipay")
    with pytest.raises(Unknown):
        channel.refund(ORDER)
    assert total(sandbox) == {"executed": 1990, "paid": 0, "count": 1}
    sandbox.set_clock(3600)
    assert channel.find(ORDER) is None  # done this very moment
    sandbox.set_clock(3611)
    found = channel.find(ORDER)
    assert found is not None
    assert found.at is not None
    assert abs(found.at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
    assert total(sandbox) == PAID_ONCE


def test_a_refund_may_be_dropped_in_silence(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """What was accepted and never made is not found; the same key pays it then, once."""
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="FAILED", seconds=5), provider="alipay")
    with pytest.raises(Unknown):
        channel.refund(ORDER)
    sandbox.set_clock(60)
    assert channel.find(ORDER) is None
    assert total(sandbox)["executed"] == 0
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert total(sandbox) == PAID_ONCE


@pytest.mark.parametrize(("outcome", "account"), [("SUCCESS", "银行卡（银行已入账）"), ("BOUNCED", "支付宝余额（银行卡未能入账）")])
def test_a_bank_card_may_refuse_the_money(outcome: str, account: str, sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """The bank answers a day later. Whatever it says the buyer is paid: on the card, or on the Alipay balance instead."""
    order = a_refund_order("Rc2-1", order_id="o2")
    sandbox.pay(order.transaction_id, TOTAL, provider="alipay", card=True)
    sandbox.adjust("alipay", delay_s=86400)
    if outcome == "BOUNCED":
        sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text=outcome, seconds=86400), provider="alipay")
    assert channel.refund(order).account == "银行卡（银行处理中）"
    sandbox.set_clock(86401)
    found = channel.find(order)
    assert found is not None
    assert (found.status, found.account) == (ReceiptStatus.SUCCEEDED, account)


def test_the_payer_receives_less_where_vouchers_paid_a_part(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Alipay gives the buyer's own money back first and vouchers last: of 99.50, 49.75 with money, 19.90 and then 50.00 go back."""
    first, second = a_refund_order("Rc2-1", order_id="o2"), a_refund_order("Rc2-2", 5000, order_id="o2")
    sandbox.pay(first.transaction_id, TOTAL, provider="alipay", payer_total=4975)
    assert [channel.refund(order).payer_amount for order in (first, second)] == [Money(1990, "CNY"), Money(2985, "CNY")]
