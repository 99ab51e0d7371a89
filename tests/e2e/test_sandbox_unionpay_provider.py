"""The sandbox's UnionPay itself: what it demands of a caller, what it keeps, and that nobody can take it for the real one."""

import logging
import socket
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.request import Request, urlopen

import pytest

from aftersales.errors import Rejected, Unknown
from aftersales.refund import Cause
from infra.local.sandbox import At, Fault, LooksReal, Sandbox
from infra.local.sandbox.unionpay import Keys, UnionPay
from plugins.unionpay_refund import build
from plugins.unionpay_refund.client import BACK, QUERY, UnionPayRefunds
from tests.e2e import unionpay as set_up
from tests.e2e.unionpay import ORDER, SIGNATURES, TOTAL, executed, fault, refused

pytestmark = pytest.mark.e2e

keys, neighbours, sandbox, unionpay, channel = set_up.keys, set_up.neighbours, set_up.sandbox, set_up.unionpay, set_up.channel


def test_keys_may_change_on_the_way(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """UnionPay signs with a new certificate from one moment to the next, and nothing has to be set."""
    channel.refund(ORDER)
    sandbox.lever("rotate", "unionpay")
    assert channel.find(ORDER) is not None


def test_queries_are_limited(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """The seventh query of one transaction within a minute is refused, which is no answer; the truth counts them."""
    sandbox.adjust("unionpay", limited=True)
    channel.refund(ORDER)
    for _ in range(6):
        assert channel.find(ORDER) is not None
    with pytest.raises(Unknown):
        channel.find(ORDER)
    calls = sandbox.truth("unionpay")["calls"]
    assert (calls["query"], calls["most_queries"], calls["exceeded"]) == (7, 7, True)


def test_money_may_leave_in_the_console(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """What somebody refunds by hand is gone from the payment: our refund of the rest is refused, and both stand in the truth."""
    sandbox.lever("outside", "unionpay", transaction_id=ORDER.transaction_id, minor=9000)
    with pytest.raises(Rejected) as no:
        channel.refund(ORDER)
    assert no.value.details["cause"] is Cause.OVER_LIMIT
    assert executed(sandbox) == 9000


def test_other_calls_are_not_known(unionpay: UnionPay) -> None:
    """The sandbox answers the calls it plays, by POST, and nothing else."""
    for method, path in (("GET", BACK), ("GET", QUERY), ("POST", f"{BACK}?a=1"), ("POST", "/gateway/api/frontTransReq.do")):
        assert unionpay.answer(method, path, {}, b"").status == 404


def test_what_is_not_signed_is_not_carried_out(sandbox: Sandbox) -> None:
    """A request without a merchant's signature is refused with a signed answer, and nothing is done."""
    for body, code in {b"": "13", b"a": "13", b"\xff": "13", b"a=1&a=2": "13", b"merId=x": "11"}.items():
        with urlopen(Request(sandbox.base_url + BACK, data=body, method="POST")) as reply:
            said = reply.read().decode()
        assert f"respCode={code}" in said
        assert "signature=" in said
    assert sandbox.truth("unionpay")["refunds"] == {}


ODD_FORMS: list[tuple[dict[str, str], str]] = [
    ({"orderId": "R-1234567"}, "10"),
    ({"orderId": "R123456"}, "10"),
    ({"txnTime": "20261399250000"}, "10"),
    ({"txnAmt": "19.90"}, "10"),
    ({"txnAmt": "0"}, "10"),
    ({"currencyCode": "840"}, "10"),
    ({"backUrl": "http://127.0.0.1/a?b=c"}, "10"),
    ({"origQryId": ""}, "13"),
    ({"txnType": "31"}, "32"),
    ({"bizType": "000301"}, "32"),
]


def test_unionpay_asks_for_its_form(sandbox: Sandbox, channel: UnionPayRefunds) -> None:
    """Numbers, amounts, times and addresses that are not of UnionPay's form are refused, and use no number up."""
    for changed, code in ODD_FORMS:
        said = channel._wire.call(BACK, {**channel._refund_fields(ORDER), **changed})
        assert said["respCode"] == code, changed
    assert sandbox.truth("unionpay")["refunds"] == {}


def test_everything_is_there_after_a_restart(tmp_path: Any) -> None:
    """Books, keys and clock are on disk: another process goes on where this one ended."""
    with Sandbox(tmp_path) as before:
        before.pay(ORDER.transaction_id, TOTAL, provider="unionpay")
        settings = before.settings(provider="unionpay")
        with closing(build(settings)) as channel:
            made = channel.refund(ORDER)
    with Sandbox(tmp_path) as after, closing(build({**settings, "base_url": after.base_url})) as channel:
        found = channel.find(ORDER)
        assert found is not None
        assert found.channel_id == made.channel_id
        assert after.settings(provider="unionpay")["certificate"] == settings["certificate"]
    assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "unionpay-keys").iterdir())


def test_real_keys_are_refused(tmp_path: Any, keys: Keys) -> None:
    """A folder with a file that UnionPay issues, or a merchant that was not made here, is not touched."""
    (tmp_path / "acp_prod_sign.pfx").write_bytes(b"")
    with pytest.raises(LooksReal):
        Keys.at(tmp_path)
    with pytest.raises(LooksReal):
        replace(keys, mer_id="898340183980105").check()


def test_nobody_at_the_other_end_is_unknown(keys: Keys) -> None:
    """Where no connection can be made nothing was sent, and nothing is known."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with closing(build({**keys.settings(), "base_url": url})) as channel, pytest.raises(Unknown) as unknown:
            channel.refund(ORDER)
    assert unknown.value.details["sent"] is False


def test_logs_hold_no_secrets(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, neither key nor certificate nor a card's number is logged."""
    caplog.set_level(logging.DEBUG)
    settings = sandbox.settings(provider="unionpay")
    with closing(build(settings)) as channel:
        for kind in SIGNATURES:
            fault(sandbox, Fault(At.CREATE, kind))
            with pytest.raises(Unknown):
                channel.refund(ORDER)
        fault(sandbox, refused("63"))
        with pytest.raises(Rejected):
            channel.refund(ORDER)
        channel.find(ORDER)
    assert caplog.text
    for secret in (settings["private_key"][40:80], settings["certificate"][40:80], "621626", "signature="):
        assert secret not in caplog.text
