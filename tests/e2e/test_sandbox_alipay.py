"""What goes wrong between us and Alipay: what the channel then says, and what the provider's books say was paid."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersales.channel import ReceiptStatus
from aftersales.errors import Rejected, Unknown
from aftersales.money import Money
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox.server import Server
from plugins.alipay_refund import build
from plugins.alipay_refund.client import AlipayRefunds
from tests.e2e import alipay as set_up
from tests.e2e.alipay import ORDER, PAID_ONCE, says, total

pytestmark = pytest.mark.e2e

keys, sandbox, channel = set_up.keys, set_up.sandbox, set_up.channel

SIGNATURES = (Kind.BAD_SIGNATURE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL)


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
    "429": Fault(At.CREATE, Kind.ERROR, status=429, code="LIMITED"),
    "20000, carried out": says("20000", executed=True),
    "20000, not carried out": says("20000"),
    "the system is in trouble, carried out": says("ACQ.SYSTEM_ERROR", executed=True),
    "the system is in trouble, not carried out": says("ACQ.SYSTEM_ERROR"),
    "the fee is in trouble": says("ACQ.REFUND_CHARGE_ERROR", executed=True),
    "a business code nobody knows": says("ACQ.NEVER_HEARD_OF", executed=True),
    "a gateway code nobody knows": says("20000 isp.something-new", executed=True),
    "Alipay's own trouble under a code of ours": says("40004 isp.unknow-error", executed=True),
    "an unsigned no of the gateway": says("40002 isv.invalid-signature", executed=True),
    "an unsigned no to the application": says("40002 isv.invalid-app-id"),
    "used before, and not found": says("ACQ.DISCORDANT_REPEAT_REQUEST"),
    "a redirect": Fault(At.CREATE, Kind.HTML, status=302),
    "an HTML page with 200": Fault(At.CREATE, Kind.HTML, status=200),
    "an HTML page with 403": Fault(At.CREATE, Kind.HTML, executed=False, status=403),
    "an HTML page with 502": Fault(At.CREATE, Kind.HTML, status=502),
    "a sum below the amount, signed": Fault(At.CREATE, Kind.WRONG_AMOUNT, minor=1989),
    "another payment, signed": Fault(At.CREATE, Kind.WRONG_NUMBER),
    **{f"the signature: {kind}": Fault(At.CREATE, kind) for kind in SIGNATURES},
}


@pytest.mark.parametrize("case", NO_ANSWER)
def test_no_trustworthy_answer_is_unknown_and_the_same_key_mends_it(case: str, sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Whatever was done, the channel says Unknown; the same key again ends in exactly one refund."""
    fault = NO_ANSWER[case]
    sandbox.fault(fault, provider="alipay")
    with pytest.raises(Unknown) as unknown:
        channel.refund(ORDER)
    assert sandbox.truth("alipay")["faults_left"] == 0
    assert unknown.value.details["key"] == ORDER.key
    assert total(sandbox)["executed"] == (ORDER.amount.minor if fault.executed else 0)
    sandbox.set_clock(10)
    assert (channel.find(ORDER) is not None) is fault.executed
    again = channel.refund(ORDER)
    assert (again.status, again.amount) == (ReceiptStatus.SUCCEEDED, ORDER.amount)
    assert total(sandbox) == PAID_ONCE


@pytest.mark.parametrize(
    "fault",
    [
        Fault(At.QUERY, Kind.HANG),
        Fault(At.QUERY, Kind.CUT),
        Fault(At.QUERY, Kind.ERROR),
        Fault(At.QUERY, Kind.ERROR, code="20000"),
        Fault(At.QUERY, Kind.ERROR, code="40005"),
        Fault(At.QUERY, Kind.ERROR, code="ACQ.SYSTEM_ERROR"),
        Fault(At.QUERY, Kind.ERROR, code="40002 isv.invalid-signature"),
        Fault(At.QUERY, Kind.HTML, status=200),
        Fault(At.QUERY, Kind.WRONG_NUMBER),
        Fault(At.QUERY, Kind.WRONG_AMOUNT, minor=7),
        *(Fault(At.QUERY, kind) for kind in SIGNATURES),
    ],
    ids=lambda f: f"{f.kind} {f.code}",
)
def test_a_query_without_a_trustworthy_answer_is_unknown(fault: Fault, sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """``find`` says None only when Alipay itself shows no such refund."""
    channel.refund(ORDER)
    sandbox.set_clock(10)
    sandbox.fault(fault, provider="alipay")
    with pytest.raises(Unknown):
        channel.find(ORDER)
    assert sandbox.truth("alipay")["faults_left"] == 0


@pytest.mark.parametrize("status", [201, 400, 429, 503])
def test_a_signed_answer_under_another_status_is_no_answer(status: int, sandbox: Sandbox) -> None:
    """Alipay answers with 200: what somebody on the way made another status of is not taken for its word."""
    alipay = sandbox.provider("alipay")
    middle = Server("middle", "127.0.0.1", 0, lambda *asked: replace(alipay.answer(*asked), status=status))
    middle.start()
    with closing(build({**sandbox.settings(provider="alipay"), "base_url": middle.url})) as channel, pytest.raises(Unknown):
        channel.refund(ORDER)
    middle.stop()
    assert total(sandbox) == PAID_ONCE


def test_a_dead_gateway_was_not_told_anything(sandbox: Sandbox) -> None:
    """Where nobody listens the outcome is Unknown, and the channel says that nothing was sent."""
    with closing(build({**sandbox.settings(provider="alipay"), "base_url": "http://127.0.0.1:9"})) as deaf:
        with pytest.raises(Unknown) as unknown:
            deaf.refund(ORDER)
        assert unknown.value.details["sent"] is False


# --- one key, one refund ----------------------------------------------------------------------------------------------
def test_a_repetition_is_confirmed_and_pays_nothing(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """``fund_change`` is N the second time: within ten seconds nothing can confirm it, after that the query does."""
    channel.refund(ORDER)
    with pytest.raises(Unknown):
        channel.refund(ORDER)
    sandbox.set_clock(10)
    assert channel.refund(ORDER).amount == ORDER.amount
    assert total(sandbox) == PAID_ONCE


def test_an_empty_query_soon_after_the_refund_proves_nothing(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """For ten seconds after a refund was asked for its absence is Unknown; later it is None, or the refund."""
    fresh = replace(ORDER, asked_at=datetime.now(UTC))
    with pytest.raises(Unknown):
        channel.find(fresh)
    assert channel.find(replace(fresh, asked_at=fresh.asked_at - timedelta(seconds=10))) is None
    channel.refund(fresh)
    with pytest.raises(Unknown):
        channel.find(fresh)
    sandbox.set_clock(10)
    assert channel.find(fresh) is not None


def test_a_changed_amount_under_a_paid_key_is_unknown(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """The number stands for another refund, which was paid: that is neither a yes nor a no to this one."""
    channel.refund(ORDER)
    sandbox.set_clock(10)
    with pytest.raises(Unknown):
        channel.refund(replace(ORDER, amount=Money(1991, "CNY")))
    assert total(sandbox) == PAID_ONCE


def test_duplicates_at_the_same_time_are_one_refund(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Sixteen calls with one key from eight threads pay once, and all hear of the same refund."""
    sandbox.lever("visible", "alipay", seconds=0)
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(channel.refund, [ORDER] * 16))
    assert {(r.key, r.amount, r.status) for r in receipts} == {(ORDER.key, ORDER.amount, ReceiptStatus.SUCCEEDED)}
    assert total(sandbox) == PAID_ONCE
    assert sandbox.truth("alipay")["calls"]["create"] == 16


def test_refunds_at_the_same_time_stay_within_the_payment(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Eight refunds of 30.00 of a payment of 99.50 at once: three are paid."""

    def ask(n: int) -> bool:
        try:
            return bool(channel.refund(a_refund_order(f"Rc{n}-1", 3000)))
        except Rejected:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 3
    assert total(sandbox)["executed"] == 9000


def test_a_sum_of_many_refunds_is_booked_by_none_of_them(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Alipay's ``refund_fee`` grows with each refund of the trade; each receipt keeps its own amount."""
    sandbox.lever("visible", "alipay", seconds=0)
    orders = [a_refund_order(f"Rc{n}-1", 100 * n) for n in (1, 2, 3)]
    assert [channel.refund(order).amount.minor for order in orders] == [100, 200, 300]
    assert [found.amount.minor for order in orders if (found := channel.find(order)) is not None] == [100, 200, 300]
    assert channel.refund(orders[0]).amount.minor == 100


def test_reasons_of_any_kind_do_not_stop_a_refund(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Alipay takes 256 characters of reason; longer ones are shortened, and odd ones are signed as they are."""
    for n, reason in enumerate(["烂" * 500, 'a}b{c "50%" +1&2=\\', "🍓", "half a pair \ud83c"]):
        assert channel.refund(a_refund_order(f"Rc{n}-1", 10, reason=reason)).status is ReceiptStatus.SUCCEEDED


def test_our_clock_is_beijings(sandbox: Sandbox, channel: AlipayRefunds) -> None:
    """Every call carries Beijing's time, although this machine's zone may be another."""
    channel.refund(ORDER)
    assert "not_beijing" not in sandbox.truth("alipay")["calls"]


# --- logs -------------------------------------------------------------------------------------------------------------
def test_an_unsigned_no_is_an_operators_business(
    sandbox: Sandbox, channel: AlipayRefunds, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong keys come back as refusals that nobody signs: the log names the code, and neither key nor amount."""
    sandbox.fault(says("40002 isv.invalid-signature"), provider="alipay")
    with caplog.at_level(logging.DEBUG), pytest.raises(Unknown):
        channel.refund(ORDER)
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert ["isv.invalid-signature" in message for message in errors] == [True]
    settings: dict[str, Any] = sandbox.settings(provider="alipay")
    assert "19.90" not in caplog.text
    assert settings["private_key"].splitlines()[1] not in caplog.text
