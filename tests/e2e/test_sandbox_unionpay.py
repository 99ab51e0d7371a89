"""What goes wrong between us and UnionPay: what the channel then says, and what the provider's books say was paid."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersales.channel import ReceiptStatus
from aftersales.errors import Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import LATER, Cause
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox.unionpay import Keys
from plugins.unionpay_refund import build
from plugins.unionpay_refund.client import UnionPayRefunds
from plugins.unionpay_refund.receipt import CAUSES, OPEN
from tests.e2e import unionpay as set_up
from tests.e2e.unionpay import NOW, ORDER, SIGNATURES, TOTAL, executed, fault, refused

pytestmark = pytest.mark.e2e

keys, neighbours, sandbox, unionpay, channel = set_up.keys, set_up.neighbours, set_up.sandbox, set_up.unionpay, set_up.channel

# --- no trustworthy answer --------------------------------------------------------------------------------------------
NO_ANSWER: dict[str, Fault] = {
    "cut off, carried out": Fault(At.CREATE, Kind.HANG),
    "cut off, not carried out": Fault(At.CREATE, Kind.HANG, executed=False),
    "timed out, carried out": Fault(At.CREATE, Kind.HANG, seconds=1),
    "timed out, not carried out": Fault(At.CREATE, Kind.HANG, executed=False, seconds=1),
    "cut in the middle of the body": Fault(At.CREATE, Kind.CUT),
    "an endless trickle": Fault(At.CREATE, Kind.TRICKLE, seconds=3),
    "500, not carried out": Fault(At.CREATE, Kind.ERROR, executed=False),
    "500, carried out": Fault(At.CREATE, Kind.ERROR),
    "503": Fault(At.CREATE, Kind.ERROR, executed=False, status=503),
    "429, carried out": Fault(At.CREATE, Kind.ERROR, status=429),
    "429, not carried out": Fault(At.CREATE, Kind.ERROR, executed=False, status=429),
    "a redirect": Fault(At.CREATE, Kind.HTML, status=302),
    "an HTML page with 200": Fault(At.CREATE, Kind.HTML, status=200),
    "an HTML page with 403": Fault(At.CREATE, Kind.HTML, executed=False, status=403),
    "an HTML page with 502": Fault(At.CREATE, Kind.HTML, status=502),
    "another amount, signed": Fault(At.CREATE, Kind.WRONG_AMOUNT),
    "another number, signed": Fault(At.CREATE, Kind.WRONG_NUMBER),
    **{f"{code}, carried out": Fault(At.CREATE, Kind.ERROR, status=200, code=code) for code in sorted(OPEN)},
    **{f"{code}, not carried out": refused(code) for code in ("03", "04", "05")},
    "busy": refused("06"),
    "closed for now": refused("02"),
    "asked too often": refused("37"),
    "a code nobody knows": refused("77"),
    "no code": refused(""),
    "used before, and not found": refused("12"),
    **{f"the signature: {kind}": Fault(At.CREATE, kind) for kind in SIGNATURES},
}


@pytest.mark.parametrize("case", NO_ANSWER)
def test_no_trustworthy_answer_is_unknown_and_the_same_key_mends_it(case: str, sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """Whatever was done, the channel says Unknown; the same key again ends in exactly one refund."""
    wrong = NO_ANSWER[case]
    fault(sandbox, wrong)
    with pytest.raises(Unknown) as unknown:
        channel.refund(ORDER)
    assert sandbox.truth("unionpay")["faults_left"] == 0
    assert unknown.value.details["key"] == ORDER.key
    assert executed(sandbox) == (ORDER.amount.minor if wrong.executed else 0)
    found = channel.find(ORDER)
    assert (found is not None) is wrong.executed
    again = channel.refund(ORDER)
    assert (again.key, again.amount) == (ORDER.key, ORDER.amount)
    assert sandbox.truth("unionpay")["total"] == {"executed": ORDER.amount.minor, "paid": ORDER.amount.minor, "count": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        Fault(At.QUERY, Kind.HANG),
        Fault(At.QUERY, Kind.CUT),
        Fault(At.QUERY, Kind.ERROR),
        Fault(At.QUERY, Kind.ERROR, status=429),
        Fault(At.QUERY, Kind.ERROR, status=200, code="37"),
        Fault(At.QUERY, Kind.ERROR, status=200, code="11"),
        Fault(At.QUERY, Kind.ERROR, status=200, code="03"),
        Fault(At.QUERY, Kind.ERROR, status=200, code="00"),
        Fault(At.QUERY, Kind.HTML, status=404),
        Fault(At.QUERY, Kind.WRONG_NUMBER),
        Fault(At.QUERY, Kind.WRONG_AMOUNT, minor=7),
        *(Fault(At.QUERY, kind) for kind in SIGNATURES),
    ],
    ids=lambda f: f"{f.kind} {f.status} {f.code}",
)
def test_a_query_without_a_trustworthy_answer_is_unknown(wrong: Fault, sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """``find`` says None only when UnionPay itself says that there is no such transaction."""
    channel.refund(ORDER)
    fault(sandbox, wrong)
    with pytest.raises(Unknown):
        channel.find(ORDER)
    assert sandbox.truth("unionpay")["faults_left"] == 0


# --- a final no -------------------------------------------------------------------------------------------------------
def test_a_final_no_has_a_cause(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """Each refusal becomes one of our causes, says whether it passes by itself, and carries UnionPay's own code."""
    for code, cause in CAUSES.items():
        fault(sandbox, refused(code, message="不行"))
        with pytest.raises(Rejected, match="不行") as no:
            channel.refund(ORDER)
        said = no.value.details
        assert (said["cause"], said["later"], said["channel_code"]) == (cause, cause in LATER, code)
    assert executed(sandbox) == 0


def test_what_a_code_means_can_be_set(sandbox: Sandbox) -> None:
    """A code that UnionPay adds, or uses otherwise, is a line in the settings."""
    settings = {**sandbox.settings(provider="unionpay"), "causes": '{"77": "risk_control", "64": "account_abnormal"}'}
    with closing(build(settings)) as channel:
        for code, cause in (("77", Cause.RISK_CONTROL), ("64", Cause.ACCOUNT_ABNORMAL)):
            fault(sandbox, refused(code))
            with pytest.raises(Rejected) as no:
                channel.refund(ORDER)
            assert no.value.details["cause"] is cause


def test_a_refusal_about_another_transaction_is_no_refusal(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """A signed no that names another number says nothing about this one."""
    sandbox.lever("balance", "unionpay", minor=0)
    fault(sandbox, Fault(At.CREATE, Kind.WRONG_NUMBER))
    with pytest.raises(Unknown):
        channel.refund(ORDER)


def test_an_unknown_payment_is_refused(channel: UnionPayRefunds) -> None:
    """A payment UnionPay does not have cannot be refunded."""
    with pytest.raises(Rejected) as no:
        channel.refund(a_refund_order(order_id="o2", asked_at=NOW))
    assert no.value.details["cause"] is Cause.NOT_FOUND


@pytest.mark.parametrize(
    "odd",
    [
        {"amount": Money(5, "USD"), "paid": Money(5, "USD")},
        {"amount": Money(0, "CNY")},
        {"amount": Money(10**12, "CNY")},
        {"transaction_id": "42&respCode=00"},
        {"transaction_id": ""},
        {"key": "R1{x"},
    ],
    ids=["currency", "nothing", "too much", "payment", "no payment", "key"],
)
def test_what_unionpay_could_misread_is_not_sent(odd: dict[str, Any], sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """Other currencies, amounts it has no room for, and letters that mean something in a message are refused before a call."""
    with pytest.raises(Rejected) as no:
        channel.refund(replace(ORDER, **odd))
    assert no.value.details["cause"] is Cause.CONFIGURATION
    assert "create" not in sandbox.truth("unionpay")["calls"]


def test_a_wrong_key_of_ours_is_a_refusal_for_configuration(sandbox: Sandbox) -> None:
    """UnionPay does not accept what it cannot verify, and says so, signed: an operator has to look."""
    stranger = Keys.fresh().settings()
    settings = {
        **sandbox.settings(provider="unionpay"),
        "private_key": stranger["private_key"],
        "certificate": stranger["certificate"],
    }
    with closing(build(settings)) as channel, pytest.raises(Rejected) as no:
        channel.refund(ORDER)
    assert (no.value.details["cause"], no.value.details["channel_code"]) == (Cause.CONFIGURATION, "11")


# --- eleven months ----------------------------------------------------------------------------------------------------
def test_after_eleven_months_it_is_too_late(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """A payment can be refunded on its 330th day, and not after; the channel says so beforehand."""
    now = datetime.now(UTC)  # not that of the module: a minute may have passed since
    fresh, old = (a_refund_order(f"Rc{n}-1", order_id=f"o{n}", asked_at=now) for n in (2, 3))
    sandbox.pay(fresh.transaction_id, TOTAL, now - timedelta(days=330) + timedelta(minutes=1), provider="unionpay")
    sandbox.pay(old.transaction_id, TOTAL, now - timedelta(days=330, seconds=1), provider="unionpay")
    assert channel.refund(fresh).status is ReceiptStatus.PROCESSING
    with pytest.raises(Rejected) as no:
        channel.refund(old)
    assert no.value.details["cause"] is Cause.OVER_LIMIT
    assert channel.limits.window == timedelta(days=330)


def test_the_window_is_a_setting(sandbox: Sandbox) -> None:
    """A contract may allow less: the channel then says so."""
    with closing(build({**sandbox.settings(provider="unionpay"), "window_days": "90"})) as channel:
        assert channel.limits.window == timedelta(days=90)


# --- one key, one refund ----------------------------------------------------------------------------------------------
def test_duplicates_at_the_same_time_are_one_refund(sandbox: Sandbox) -> None:
    """Sixteen calls with one key from eight threads pay once, and all hear of the same refund."""
    with closing(build(sandbox.settings(provider="unionpay"))) as channel, ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(channel.refund, [ORDER] * 16))
    assert len({r.channel_id for r in receipts}) == 1
    assert sandbox.truth("unionpay")["total"] == {"executed": 1990, "paid": 1990, "count": 1}
    assert sandbox.truth("unionpay")["calls"]["create"] == 16


def test_refunds_at_the_same_time_stay_within_the_payment(sandbox: Sandbox) -> None:
    """Eight refunds of 30.00 of a payment of 99.50 at once: three are paid."""

    def ask(n: int) -> bool:
        try:
            return bool(channel.refund(a_refund_order(f"Rc{n}-1", 3000, asked_at=NOW)))
        except Rejected:
            return False

    with closing(build(sandbox.settings(provider="unionpay"))) as channel, ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 3
    assert executed(sandbox) == 9000


def test_another_address_for_notices_does_not_pay_again(sandbox: Sandbox) -> None:
    """A lost answer, a restart with another address, the same key: UnionPay knows the number, and the refund is found."""
    settings = sandbox.settings("http://127.0.0.1:9/a", provider="unionpay")
    with closing(build(settings)) as before, closing(build({**settings, "notify_url": ""})) as after:
        fault(sandbox, Fault(At.CREATE, Kind.HANG))
        with pytest.raises(Unknown):
            before.refund(ORDER)
        assert after.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert executed(sandbox) == ORDER.amount.minor


# --- how it ends ------------------------------------------------------------------------------------------------------
def test_processing_ends_after_its_delay(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """A refund to a card takes days: accepted is not paid, and a query tells when it is."""
    sandbox.adjust("unionpay", delay_s=86400)
    assert channel.refund(ORDER).status is ReceiptStatus.PROCESSING
    found = channel.find(ORDER)
    assert found is not None
    assert found.status is ReceiptStatus.PROCESSING
    assert sandbox.truth("unionpay")["total"] == {"executed": 1990, "paid": 0, "count": 1}
    sandbox.set_clock(86401)
    found = channel.find(ORDER)
    assert found is not None
    assert found.status is ReceiptStatus.SUCCEEDED
    assert sandbox.truth("unionpay")["total"]["paid"] == 1990


@pytest.mark.parametrize(("code", "cause"), [("63", Cause.BOUNCED), ("60", Cause.BOUNCED), ("90", Cause.CLOSED)])
def test_a_refund_may_fail_after_all(code: str, cause: Cause, sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """What was accepted can still fail: the money is back with the merchant, and the number is used up however often it is sent."""
    sandbox.lever("balance", "unionpay", minor=5000)
    fault(sandbox, Fault(At.CREATE, Kind.OUTCOME, status_text=code))
    assert channel.refund(ORDER).status is ReceiptStatus.PROCESSING
    for found in (channel.find(ORDER), channel.refund(ORDER)):
        assert found is not None
        assert (found.status, found.cause) == (ReceiptStatus.FAILED, cause)
    assert (executed(sandbox), sandbox.truth("unionpay")["balance"]) == (0, 5000)


def test_success_with_a_flaw_is_success(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """A6: UnionPay has done it, and the issuer has yet to confirm."""
    fault(sandbox, Fault(At.CREATE, Kind.OUTCOME, status_text="A6"))
    channel.refund(ORDER)
    found = channel.find(ORDER)
    assert found is not None
    assert found.status is ReceiptStatus.SUCCEEDED


def test_an_end_that_nobody_knows_is_no_end(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """A code that is in no table says neither that it was paid nor that it was not."""
    fault(sandbox, Fault(At.CREATE, Kind.OUTCOME, status_text="77"))
    channel.refund(ORDER)
    with pytest.raises(Unknown):
        channel.find(ORDER)
