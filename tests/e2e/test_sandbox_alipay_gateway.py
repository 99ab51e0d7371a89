"""Alipay's gateway in the sandbox: what it demands of a caller, what survives a kill, and what it refuses to be taken for."""

import base64
import json
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from aftersales.refund import BEIJING
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import Keys as OtherKeys
from infra.local.sandbox import LooksReal, Sandbox
from infra.local.sandbox.alipay import Keys
from plugins.alipay_refund import build
from tests.e2e import alipay as set_up
from tests.e2e.alipay import ORDER, TOTAL

pytestmark = pytest.mark.e2e

keys, sandbox = set_up.keys, set_up.sandbox

ROOT = Path(__file__).parents[2]
ASKED: dict[str, Any] = {"trade_no": ORDER.transaction_id, "refund_amount": "19.90", "out_request_no": "Rc1-1"}


def call(sandbox: Sandbox, asked: object = ASKED, *, by: str = "body", after: str = "", **changes: str) -> tuple[str, bool]:
    """Code and sub-code of a call put together by hand, and whether the answer is signed.

    ``changes`` are made before it is signed ("-" removes a parameter), except ``sign``; ``after`` is appended to the signed form.
    """
    keys: Keys = sandbox.provider("alipay").keys
    said = {"app_id": keys.app_id, "method": "alipay.trade.refund", "charset": "utf-8", "sign_type": "RSA2", "version": "1.0"}
    said |= {"timestamp": f"{datetime.now(BEIJING):%Y-%m-%d %H:%M:%S}", "biz_content": json.dumps(asked), **changes}
    said = {name: value for name, value in said.items() if value != "-"}
    message = "&".join(f"{name}={said[name]}" for name in sorted(said) if name != "sign" and said[name])
    signature = base64.b64encode(keys.merchant.sign(message.encode(), PKCS1v15(), SHA256())).decode()
    form = urlencode({"sign": signature, **said}) + after
    url = f"{sandbox.base_url}/gateway.do" + (f"?{form}" if by == "address" else "")
    with urlopen(Request(url, None if by == "address" else form.encode()), timeout=5) as answer:
        told = json.load(answer)
    (node,) = (value for name, value in told.items() if name.endswith("_response"))
    return f"{node['code']} {node.get('sub_code', '')}".strip(), "sign" in told


def test_parameters_may_stand_in_the_address_or_in_the_form(sandbox: Sandbox) -> None:
    """Some clients ask by GET, others post a form; both are one call."""
    assert call(sandbox) == call(sandbox, by="address") == ("10000", True)
    assert sandbox.truth("alipay")["total"]["count"] == 1


@pytest.mark.parametrize(
    ("changes", "code", "signed"),
    [
        ({"app_id": "2021000000000000"}, "40002 isv.invalid-app-id", False),
        ({"app_id": "-"}, "40001 isv.missing-app-id", False),
        ({"sign": "AAAA"}, "40002 isv.invalid-signature", False),
        ({"sign": ""}, "40001 isv.missing-signature", False),
        ({"sign_type": "RSA"}, "40002 isv.invalid-signature-type", False),
        ({"after": "&notify_url=http%3A%2F%2F127.0.0.1%3A9"}, "40002 isv.invalid-signature", False),
        ({"after": "&app_id=2021000000000000"}, "40002 isv.invalid-parameter", True),
        ({"app_cert_sn": "0" * 32, "alipay_root_cert_sn": "0" * 32}, "40001 isv.missing-signature-config", False),
        ({"method": "alipay.trade.create"}, "40002 isv.invalid-method", True),
        ({"timestamp": "2026-11-22T09:41:30"}, "40002 isv.invalid-timestamp", True),
        ({"timestamp": "-"}, "40002 isv.invalid-timestamp", True),
        ({"biz_content": "{"}, "40002 isv.illegal-json", True),
    ],
    ids=str,
)
def test_a_call_that_is_not_whole_is_refused(changes: dict[str, str], code: str, signed: bool, sandbox: Sandbox) -> None:
    """Application, keys, certificates, method, time and every parameter are checked; who is not known gets no signature."""
    assert call(sandbox, **changes) == (code, signed)
    assert sandbox.truth("alipay")["total"]["executed"] == 0
    assert call(sandbox) == ("10000", True)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"refund_amount": "0.00"}, "ACQ.REFUND_FEE_ERROR"),
        ({"refund_amount": "19.901"}, "ACQ.INVALID_PARAMETER"),
        ({"refund_amount": "-1"}, "ACQ.INVALID_PARAMETER"),
        ({"refund_amount": "1e1"}, "ACQ.INVALID_PARAMETER"),
        ({"refund_amount": "99.51"}, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
        ({"out_request_no": "R" * 65}, "ACQ.INVALID_PARAMETER"),
        ({"out_request_no": ""}, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
        ({"refund_reason": "x" * 257}, "ACQ.INVALID_PARAMETER"),
        ({"trade_no": ""}, "ACQ.INVALID_PARAMETER"),
        ({"trade_no": "4200"}, "ACQ.TRADE_NOT_EXIST"),
        ({"refund_fee": "19.90"}, "ACQ.INVALID_PARAMETER"),
    ],
    ids=str,
)
def test_a_malformed_refund_is_refused(changed: dict[str, str], code: str, sandbox: Sandbox) -> None:
    """Amounts, numbers and reasons have a form, and parameters that are not documented are not taken."""
    assert call(sandbox, {**ASKED, **changed}) == (f"40004 {code}", True)
    assert sandbox.truth("alipay")["total"]["executed"] == 0


def test_a_wrong_zone_is_forgiven_and_counted(sandbox: Sandbox) -> None:
    """Alipay takes a time that is eight hours off, as clients in the cloud send it; the sandbox keeps count."""
    assert call(sandbox, timestamp="2026-11-22 01:41:30") == ("10000", True)
    assert sandbox.truth("alipay")["calls"]["not_beijing"] == 1


def test_refunds_that_come_too_close_are_counted(sandbox: Sandbox) -> None:
    """Two refunds of one trade are three seconds apart: what Alipay says otherwise is not documented, so it is only counted."""
    call(sandbox)
    call(sandbox, {**ASKED, "out_request_no": "Rc1-2"})
    sandbox.set_clock(3)
    call(sandbox, {**ASKED, "out_request_no": "Rc1-3"})
    assert sandbox.truth("alipay")["calls"]["too_close"] == 1


def test_a_new_key_of_alipays_is_believed_once_it_is_known(sandbox: Sandbox) -> None:
    """After a rotation the old settings do not believe the new signature; settings with both keys do."""
    before = sandbox.settings(provider="alipay")
    sandbox.lever("rotate", "alipay")
    sandbox.lever("visible", "alipay", seconds=0)
    with closing(build(before)) as old, closing(build(sandbox.settings(provider="alipay"))) as new:
        with pytest.raises(Exception, match="signature does not fit"):
            old.refund(ORDER)
        assert new.refund(ORDER).amount == ORDER.amount
    sandbox.provider("alipay").keys.alipay.pop()


# --- as a process of its own ------------------------------------------------------------------------------------------
class Process:
    """The sandbox as ``make run`` starts it."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "infra.local.sandbox", "--data", str(data)]
        self.child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.child.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.child.stdout.readline())

    def ask(self, path: str, said: object = None) -> Any:
        """Call the truth port."""
        body = None if said is None else json.dumps(said).encode()
        with urlopen(Request(f"{self.ready['truth_url']}{path}", body), timeout=5) as answer:
            return json.load(answer)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end."""
        self.child.send_signal(number)
        status = self.child.wait(5)
        assert self.child.stdout is not None
        self.child.stdout.close()
        return status


def test_nothing_acknowledged_is_lost_when_the_sandbox_is_killed(tmp_path: Path) -> None:
    """Payments, refunds and keys survive kill -9, and the same numbers are the same refunds after it."""
    orders = [a_refund_order(f"Rc{n}-1", 100 + n) for n in range(4)]
    first = Process(tmp_path)
    paid = {"provider": "alipay", "transaction_id": ORDER.transaction_id, "total": TOTAL}
    first.ask("/payments", paid)
    folder = tmp_path / "alipay-keys"
    names = ("app_id", "seller_id", "private_key", "alipay_public_key")
    settings = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    with closing(build({**settings, "base_url": first.ready["base_url"]})) as channel:
        for order in orders:
            channel.refund(order)
    before = first.ask("/truth/alipay")
    first.end(signal.SIGKILL)
    second = Process(tmp_path)
    try:
        second.ask("/visible", {"provider": "alipay", "seconds": 0})
        with closing(build({**settings, "base_url": second.ready["base_url"]})) as channel:
            assert [channel.refund(order).amount for order in orders] == [order.amount for order in orders]
        after = second.ask("/truth/alipay")
        assert after["total"] == before["total"] == {"executed": 406, "paid": 406, "count": 4}
    finally:
        assert second.end(signal.SIGTERM) == 0


# --- it cannot be mistaken for the real one ---------------------------------------------------------------------------
def test_keys_that_could_be_real_are_refused(keys: tuple[Keys, OtherKeys], tmp_path: Path) -> None:
    """An application or a seller of digits, or a file that Alipay gives out: the sandbox does not start."""
    for real in ({"app_id": "2021003199665941"}, {"seller_id": "2088102117955611"}):
        with pytest.raises(LooksReal):
            replace(keys[0], **real).check()
    for name in ("alipayRootCert.crt", "appCertPublicKey_2021003199665941.crt"):
        (tmp_path / name).write_text("", encoding="ascii")
        with pytest.raises(LooksReal):
            Keys.at(tmp_path)
        (tmp_path / name).unlink()


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Files have mode 0600 in a folder of mode 0700, and a second start reads the same keys and certificates."""
    made = Keys.at(tmp_path / "keys")
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "keys").iterdir()} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    again = Keys.at(tmp_path / "keys")
    assert again.settings() == made.settings()
    assert again.settings(certificates=True) == made.settings(certificates=True)
