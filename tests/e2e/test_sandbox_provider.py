"""The sandbox itself: what it demands of a caller, what survives a kill, and that nobody can take it for the real one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from aftersales.channel import RefundOrder
from aftersales.errors import Unknown
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import Keys, LooksReal, Sandbox
from plugins.wechatpay_refund import build
from plugins.wechatpay_refund.client import WechatPayRefunds
from plugins.wechatpay_refund.sign import authorization, private_key_of, request_message, sign

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
ORDER = a_refund_order()
TOTAL = ORDER.paid.minor


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture
def sandbox(keys: Keys) -> Iterator[Sandbox]:
    """The provider, with the default payment known."""
    with Sandbox(keys=keys) as sandbox:
        sandbox.pay(ORDER.transaction_id, TOTAL)
        yield sandbox


def executed(sandbox: Sandbox) -> int:
    """Fen that left the merchant, by the provider's books."""
    return int(sandbox.truth()["total"]["executed"])


def until(true: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether it comes true within the time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


# --- what the provider demands of a caller ----------------------------------------------------------------------------
CREATE = "/v3/refund/domestic/refunds"


def call(sandbox: Sandbox, said: object, method: str = "POST", path: str = CREATE, **changes: str) -> tuple[int, str]:
    """Status and code of a call put together by hand; ``changes`` are made after it was signed."""
    settings, body = sandbox.settings(), json.dumps(said).encode() if said is not None else b""
    parts = {"timestamp": changes.pop("signed_at", str(int(time.time()))), "nonce": "n", "url": path, "body": body.decode()}
    message = request_message(method, parts["url"], parts["timestamp"], parts["nonce"], parts["body"].encode())
    signature = sign(private_key_of(settings["private_key"]), message)
    sent = {**parts, "mchid": settings["mchid"], "serial": settings["serial_no"], "signature": signature, **changes}
    header = authorization(sent["mchid"], sent["serial"], sent["timestamp"], sent["nonce"], sent["signature"])
    request = Request(f"{sandbox.base_url}{sent['url']}", sent["body"].encode() or None, method=method)
    request.add_header("Authorization", sent.get("header", header))
    try:
        with urlopen(request, timeout=5) as answer:
            return answer.status, ""
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["code"]


SAID: dict[str, Any] = {
    "transaction_id": ORDER.transaction_id,
    "out_refund_no": "Rc1-1",
    "reason": "spoiled",
    "amount": {"refund": 1990, "total": 9950, "currency": "CNY"},
}


@pytest.mark.parametrize(
    "changes",
    [
        {"body": json.dumps(SAID) + " "},
        {"url": f"{CREATE}?x=1"},
        {"timestamp": "1700000000"},
        {"signed_at": "1700000000"},
        {"nonce": "m"},
        {"mchid": "SANDBOX0002"},
        {"serial": "SANDBOX"},
        {"signature": "AAAA"},
        {"header": ""},
        {"header": "Bearer x"},
        {"header": 'WECHATPAY2-SHA256-RSA2048 mchid="SANDBOX0001"'},
    ],
    ids=lambda c: next(f"{name} {value[-20:]}" for name, value in c.items()),
)
def test_a_call_that_was_changed_after_it_was_signed_is_refused(changes: dict[str, str], sandbox: Sandbox) -> None:
    """The signature covers method, exact path, time, nonce and exact bytes; without it nothing is done."""
    assert call(sandbox, SAID, **changes) == (401, "SIGN_ERROR")
    assert executed(sandbox) == 0
    assert call(sandbox, SAID) == (200, "")


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "late"},
        {"notify_url": "http://127.0.0.1:9/x"},
        {"amount": {**SAID["amount"], "refund": 1}},
        {"amount": {**SAID["amount"], "total": 9951}},
    ],
    ids=["reason", "notify_url", "refund", "total"],
)
def test_a_number_stands_for_all_its_parameters(changed: dict[str, Any], sandbox: Sandbox) -> None:
    """The same number with the same parameters is the same refund; with one changed it is an INVALID_REQUEST."""
    assert call(sandbox, SAID) == call(sandbox, SAID) == (200, "")
    assert call(sandbox, {**SAID, **changed}) == (400, "INVALID_REQUEST")
    assert sandbox.truth()["total"]["count"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"out_refund_no": ""},
        {"out_refund_no": "R" * 65},
        {"out_refund_no": "R/1"},
        {"out_refund_no": "退款"},
        {"out_refund_no": 1},
        {"transaction_id": ""},
        {"reason": "x" * 81},
        {"notify_url": "http://127.0.0.1:9/x?y=1"},
        {"notify_url": "http://127.0.0.1:9/" + "x" * 256},
        {"amount": 1990},
        {"amount": {"refund": 0, "total": 9950, "currency": "CNY"}},
        {"amount": {"refund": 19.9, "total": 9950, "currency": "CNY"}},
        {"amount": {"refund": True, "total": 9950, "currency": "CNY"}},
        {"amount": {"refund": 1990, "total": 9950, "currency": "USD"}},
        {"amount": {"refund": 1990, "total": 9950}},
    ],
    ids=lambda c: f"{next(iter(c))} {str(next(iter(c.values())))[:40]}",
)
def test_a_malformed_request_is_a_param_error(changed: dict[str, Any], sandbox: Sandbox) -> None:
    """Numbers, amounts, reason and address have a form; nothing is done for a request that lacks it."""
    assert call(sandbox, {**SAID, **changed}) == (400, "PARAM_ERROR")
    assert executed(sandbox) == 0


def test_a_body_that_is_no_object_is_a_param_error(sandbox: Sandbox) -> None:
    """A list, a number or no body at all is no refund."""
    for said in ([SAID], 5, None):
        assert call(sandbox, said) == (400, "PARAM_ERROR")


def test_an_unknown_path_is_not_found(sandbox: Sandbox) -> None:
    """A well-signed call to something the sandbox does not have is a 404."""
    assert call(sandbox, None, "GET", "/v3/certificates") == (404, "RESOURCE_NOT_EXISTS")


def test_a_total_that_is_not_the_payment_is_refused(sandbox: Sandbox) -> None:
    """``amount.total`` must be what was paid."""
    assert call(sandbox, {**SAID, "amount": {**SAID["amount"], "total": 9949}}) == (400, "INVALID_REQUEST")


# --- the sandbox as a process -----------------------------------------------------------------------------------------
class Process:
    """The sandbox as ``make run`` starts it."""

    def __init__(self, data: Path, *options: str) -> None:
        command = [sys.executable, "-m", "infra.local.sandbox", "--data", str(data), "--gap-s", "0", *options]
        self.child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.child.stdout is not None
        self.ready: dict[str, str] = json.loads(self.child.stdout.readline())

    def channel(self) -> WechatPayRefunds:
        """The plugin with what lies in the folder of keys, as a stage file would read it."""
        folder = Path(self.ready["keys"])
        files = {"private_key": "private_key.pem", "platform_keys": "platform_keys.json"}
        names = {**files, **{n: n for n in ("mchid", "serial_no", "apiv3_key")}}
        settings = {name: (folder / file).read_text(encoding="utf-8") for name, file in names.items()}
        return build({**settings, "base_url": self.ready["base_url"]})

    def ask(self, path: str, said: object = None) -> Any:
        """Call the truth port."""
        body = None if said is None else json.dumps(said).encode()
        with urlopen(Request(f"{self.ready['truth_url']}{path}", body), timeout=5) as answer:
            return json.load(answer)

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and wait for the end."""
        self.child.send_signal(number)
        status = self.child.wait(5)
        assert self.child.stdout is not None
        self.child.stdout.close()
        return status


def test_nothing_acknowledged_is_lost_when_everything_is_killed(tmp_path: Path) -> None:
    """Payments, refunds, the account and the clock survive kill -9, and the same keys give the same refunds after it."""
    orders: list[RefundOrder] = [a_refund_order(f"Rc{n}-1", 100 + n) for n in range(8)]
    first = Process(tmp_path)
    first.ask("/payments", {"transaction_id": ORDER.transaction_id, "total": TOTAL})
    first.ask("/balance", {"minor": 5000})
    first.ask("/clock", {"offset_s": 3600})
    with closing(first.channel()) as channel:
        receipts = [channel.refund(order) for order in orders]
    before = first.ask("/truth")
    first.end()
    second = Process(tmp_path)
    try:
        after = second.ask("/truth")
        assert after["total"] == before["total"] == {"executed": 828, "paid": 828, "count": 8}
        assert (after["balance"], after["clock_offset_s"]) == (5000 - 828, 3600)
        with closing(second.channel()) as channel:
            assert [channel.refund(order) for order in orders] == receipts
        assert second.ask("/truth")["total"] == before["total"]
    finally:
        assert second.end(signal.SIGTERM) == 0


def test_faults_are_scripted_over_http(tmp_path: Path) -> None:
    """What goes wrong next can be said on the truth port, and a fault nobody knows is refused with the reason."""
    process = Process(tmp_path)
    try:
        process.ask("/payments", {"transaction_id": ORDER.transaction_id, "total": TOTAL})
        process.ask("/faults", [{"at": "create", "kind": "hang"}, {"at": "query", "kind": "error", "status": 500}])
        with closing(process.channel()) as channel:
            with pytest.raises(Unknown):
                channel.refund(ORDER)
            with pytest.raises(Unknown):
                channel.find(ORDER)
        truth = process.ask("/truth")
        assert (truth["faults_left"], truth["total"]["executed"]) == (0, 1990)
        with pytest.raises(OSError, match="400"):
            process.ask("/faults", {"at": "create", "kind": "earthquake"})
    finally:
        process.end(signal.SIGTERM)


def test_the_process_ends_with_its_parent(tmp_path: Path) -> None:
    """A launcher that is killed leaves no sandbox behind."""
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'infra.local.sandbox'], stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert running(child)
        parent.kill()
    assert until(lambda: not running(child))


def running(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be noticed does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- it cannot be mistaken for the real one ---------------------------------------------------------------------------
def test_the_sandbox_listens_on_loopback_only(keys: Keys) -> None:
    """Addresses others could reach, and names that could resolve to one, are refused."""
    for host in ("0.0.0.0", "192.0.2.1", "::", "api.mch.weixin.qq.com", ""):
        with pytest.raises(LooksReal):
            Sandbox(keys=keys, host=host)


def test_keys_that_could_be_real_are_refused(keys: Keys, tmp_path: Path) -> None:
    """A merchant number of digits, a serial we did not make, or a file that WeChat Pay issues: the sandbox does not start."""
    for real in ({"mchid": "1900000109"}, {"serial_no": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}):
        with pytest.raises(LooksReal):
            replace(keys, **real).check()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "apiclient_key.pem").write_text("", encoding="ascii")
    with pytest.raises(LooksReal):
        Keys.at(tmp_path / "keys")


def test_the_sandbox_does_not_run_in_the_cloud(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a Lambda function it refuses to start."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "api")
    with pytest.raises(LooksReal):
        Sandbox(keys=keys)


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Files have mode 0600 in a folder of mode 0700, and a second start reads the same keys."""
    made = Keys.at(tmp_path / "keys")
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "keys").iterdir()} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert Keys.at(tmp_path / "keys").settings() == made.settings()
