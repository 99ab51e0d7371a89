"""The name of a refund at UnionPay, an order number and a time: what it protects from, how it grows too old and is used up."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from aftersales.channel import ReceiptStatus
from aftersales.errors import Rejected, Unknown
from aftersales.refund import Cause
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox.unionpay import Keys, UnionPay
from plugins.unionpay_refund import build
from plugins.unionpay_refund.client import UnionPayRefunds
from plugins.unionpay_refund.message import order_id_of
from plugins.unionpay_refund.receipt import time_of
from tests.e2e import unionpay as set_up
from tests.e2e.unionpay import NOW, ORDER, executed, fault, refused

pytestmark = pytest.mark.e2e

keys, neighbours, sandbox, unionpay, channel = set_up.keys, set_up.neighbours, set_up.sandbox, set_up.unionpay, set_up.channel


# --- the order's time -------------------------------------------------------------------------------------------------
def test_a_repeated_call_is_the_same_to_the_byte(sandbox: Sandbox, channel: UnionPayRefunds, unionpay: UnionPay) -> None:
    """The time of a refund is when it was first asked for: a call an hour later is the very same message."""
    heard: list[bytes] = []
    answer = unionpay.front.answer
    unionpay.front.answer = lambda method, path, body: (heard.append(body), answer(method, path, body))[1]  # type: ignore[method-assign]
    channel.refund(ORDER)
    sandbox.set_clock(3000)
    channel.refund(ORDER)
    first, second = (body for body in heard if b"txnType=04" in body)
    assert first == second
    said = dict(parse_qsl(first.decode()))
    assert (said["orderId"], said["txnTime"], said["reqReserved"]) == (order_id_of(ORDER.key), time_of(ORDER), ORDER.key)


def test_another_time_would_be_another_refund(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """At UnionPay the same order number with tomorrow's time is paid once more: that is why the time must not move."""
    channel.refund(ORDER)
    sandbox.set_clock(86400)
    channel.refund(replace(ORDER, asked_at=NOW + timedelta(days=1)))
    assert executed(sandbox) == 2 * ORDER.amount.minor


def test_a_time_that_has_become_too_old_is_unknown_at_first(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """UnionPay does not take an old time; whether an earlier call was taken is not sure yet, and no number is given up."""
    sandbox.set_clock(7200)
    with pytest.raises(Unknown):
        channel.refund(ORDER)
    assert executed(sandbox) == 0


def test_a_number_whose_time_is_over_is_closed(sandbox: Sandbox, keys: Keys) -> None:
    """A day later nothing under this number can have been taken since: it is closed, and a new number is needed."""
    late = replace(ORDER, asked_at=NOW - timedelta(days=1, minutes=1))
    with closing(build(sandbox.settings(provider="unionpay"))) as channel:
        with pytest.raises(Rejected) as no:
            channel.refund(late)
        assert (no.value.details["cause"], no.value.details["later"]) == (Cause.CLOSED, False)
        fault(sandbox, Fault(At.QUERY, Kind.ERROR))
        with pytest.raises(Unknown):  # not without UnionPay's own word that there is no such transaction
            channel.refund(late)
    assert executed(sandbox) == 0


def test_an_old_number_that_was_taken_is_found(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """The answer was lost, and the next call comes a day late: the refund is found and not made again."""
    fault(sandbox, Fault(At.CREATE, Kind.HANG))
    with pytest.raises(Unknown):
        channel.refund(ORDER)
    sandbox.set_clock(90000)
    fault(sandbox, refused("10", message="报文格式错误[txnTime无效]"))
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
    assert executed(sandbox) == ORDER.amount.minor


def test_a_malformed_request_is_not_a_late_one(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """The same code about another field is a refusal for configuration, however old the number."""
    late = replace(ORDER, asked_at=NOW - timedelta(days=2))
    fault(sandbox, refused("10", message="报文格式错误[backUrl]"))
    with pytest.raises(Rejected) as no:
        channel.refund(late)
    assert no.value.details["cause"] is Cause.CONFIGURATION


# --- a number that was used up ----------------------------------------------------------------------------------------
def test_a_short_account_uses_the_number_up(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """Where UnionPay keeps a refusal under its number, sent again it says that a new number is needed, which is then paid."""
    sandbox.lever("balance", "unionpay", minor=1000)
    with pytest.raises(Rejected) as no:
        channel.refund(ORDER)
    assert (no.value.details["cause"], no.value.details["later"]) == (Cause.NOT_ENOUGH, True)
    sandbox.lever("topup", "unionpay", minor=1000)
    for found in (channel.refund(ORDER), channel.find(ORDER)):
        assert found is not None
        assert (found.status, found.cause) == (ReceiptStatus.FAILED, Cause.CLOSED)
    channel.refund(replace(ORDER, key="Rc1-2"))
    assert (executed(sandbox), sandbox.truth("unionpay")["balance"]) == (1990, 10)


def test_a_short_account_may_leave_the_number_free(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """Where UnionPay forgets a refusal, the same number is paid once the account is topped up."""
    sandbox.lever("refusals", "unionpay", keep=False)
    sandbox.lever("balance", "unionpay", minor=1000)
    with pytest.raises(Rejected):
        channel.refund(ORDER)
    sandbox.lever("topup", "unionpay", minor=1000)
    assert channel.refund(ORDER).amount == ORDER.amount
    assert executed(sandbox) == 1990
