"""The plugin and the voucher system of the sandbox hold each other to the contract, over real HTTP on loopback."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.signed import signature
from aftersales.testing.builders import NOW
from aftersales.testing.entitlements import subject_of
from infra.local.sandbox import At, Fault, Kind, LooksReal, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.voucher import Keys
from plugins.voucher_entitlements import build
from plugins.voucher_entitlements.source import VoucherEntitlements
from plugins.voucher_entitlements.wire import CONTRACT

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def sandbox(neighbours: WechatKeys) -> Iterator[Sandbox]:
    """A fresh one with the entitlement ``x``."""
    with Sandbox(keys=neighbours) as sandbox:
        sandbox.provider("voucher").issue("x", merchant="m1", order_id="o1", line_id="l1")
        yield sandbox


@pytest.fixture
def source(sandbox: Sandbox) -> Iterator[VoucherEntitlements]:
    """Its client."""
    source = build({**sandbox.settings(provider="voucher"), "read_s": 0.5, "total_s": 1})
    yield source
    source.close()


def deeds(sandbox: Sandbox, one: str = "x") -> list[str]:
    """What was done to an entitlement."""
    return [deed["what"] for deed in sandbox.truth("voucher")["entitlements"][one]["deeds"]]


WIRE = [Kind.HANG, Kind.CUT, Kind.TRICKLE, Kind.HTML, Kind.ERROR]
SPOILT = [Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL, Kind.WRONG_NUMBER]


@pytest.mark.parametrize("kind", [*WIRE, *SPOILT])
@pytest.mark.parametrize(
    ("at", "call", "done"), [(At.LOCK, "hold", "lock"), (At.VOID, "consume", "void"), (At.UNLOCK, "release", "unlock")]
)
def test_whatever_spoils_an_answer_it_is_unknown_and_done_once(sandbox, source, at, call, done, kind):
    """Silence, a broken answer, a proxy's page or a signature that does not fit is Unknown; the same call again ends it well."""
    subject = subject_of("x")
    if call != "hold":
        source.hold(subject, NOW)
    seconds = 5 if kind is Kind.TRICKLE else 2
    sandbox.fault(Fault(at, kind, seconds=seconds, status=502), provider="voucher")
    with pytest.raises(Unknown):
        getattr(source, call)(subject, NOW)
    assert deeds(sandbox)[-1] == done
    getattr(source, call)(subject, NOW)
    assert sandbox.truth("voucher")["faults_left"] == 0
    if call == "consume":
        assert deeds(sandbox).count("void") == 1


def test_a_request_that_comes_again_is_refused(sandbox):
    """Somebody who heard a request cannot send it again, and one of another path, body or time is not believed."""
    keys = sandbox.provider("voucher").keys

    def ask(path: str = "/entitlements/x", timestamp: str = "", nonce: str = "1" * 32, signed: str = "") -> tuple[int, str]:
        at = timestamp or str(int(time.time()))
        made = signature(keys.secrets[0], CONTRACT.request("GET", signed or path, at, nonce, b""))
        headers = CONTRACT.headers(keys.key_id, at, nonce, made)
        with httpx.Client(trust_env=False, timeout=5) as client:
            reply = client.get(f"{sandbox.base_url}{path}", headers=headers)
        return reply.status_code, reply.json().get("error", "")

    assert ask() == (200, "")
    assert ask() == (401, "replayed")
    assert ask(nonce="2" * 32, signed="/entitlements/y") == (401, "bad_signature")
    assert ask(nonce="3" * 32, timestamp=str(int(time.time()) - 302)) == (401, "stale")


def test_a_wrong_secret_is_no_answer(sandbox):
    """With a secret that the other side does not know nothing is learnt and nothing is done."""
    settings = {**sandbox.settings(provider="voucher"), "secret": "SANDBOX another secret that is long enough"}
    source = build(settings)
    for call in (source.ask, source.hold):
        with pytest.raises(Unknown):
            call(subject_of("x"), NOW)
    source.close()
    assert deeds(sandbox) == []


def test_a_secret_can_be_changed_while_both_sides_work(sandbox, source):
    """Requests with the old secret are taken for a while; where both are set, answers with either are believed."""
    old = sandbox.settings(provider="voucher")["secret"]
    sandbox.provider("voucher").keys.rotate()
    with pytest.raises(Unknown):
        source.ask(subject_of("x"), NOW)
    both = build({**sandbox.settings(provider="voucher")})
    assert both.ask(subject_of("x"), NOW).status == "unused"
    first_old = build({**sandbox.settings(provider="voucher"), "secret": f"{old},{sandbox.provider('voucher').keys.secrets[0]}"})
    assert first_old.ask(subject_of("x"), NOW).status == "unused"
    both.close()
    first_old.close()


def test_a_notice_is_believed_once_it_is_verified(sandbox, source):
    """A genuine notice becomes the fact that the line was used; another signature, body or time is refused."""
    other = sandbox.provider("voucher")
    other.book.redeem("x")
    headers, body = other.notice_of("x")
    [heard] = source.heard(headers, body, NOW).facts
    assert (heard.merchant, heard.order_id, heard.fact.line_id, heard.fact.name) == ("m1", "o1", "l1", "redeemed")
    for spoilt in (Kind.BAD_SIGNATURE, Kind.STALE):
        with pytest.raises(BadSignature):
            source.heard(*other.notice_of("x", spoilt), NOW)
    with pytest.raises(BadSignature):
        source.heard(headers, body.replace(b"m1", b"m2"), NOW)
    assert heard.fact.data == {"entitlement": "x", "left": 0}


def test_an_unreachable_system_is_unknown(sandbox):
    """Where nobody listens, every call is Unknown, soon."""
    source = build({**sandbox.settings(provider="voucher"), "base_url": "http://127.0.0.1:9"})
    for call in (source.ask, source.hold, source.release):
        with pytest.raises(Unknown):
            call(subject_of("x"), NOW)


def test_ids_are_only_ids(sandbox, source):
    """An id that looks like a path or a query reaches the other side as an id."""
    for odd in ("../x", "x?a=1", "x/void", "%2e%2e", "券一"):
        assert source.ask(subject_of(odd), NOW).get("why") == "not_found"
        sandbox.provider("voucher").issue(odd)
        assert source.ask(subject_of(odd), NOW).status == "unused"


def test_a_lock_that_ran_out_and_was_used_is_told(sandbox, source):
    """Where a lock ran out and somebody used it, consume is Rejected: what was used is never made void."""
    source.hold(subject_of("x"), NOW)
    sandbox.set_clock(31 * 86_400)
    assert sandbox.provider("voucher").book.redeem("x")
    with pytest.raises(Rejected):
        source.consume(subject_of("x"), NOW)
    assert sandbox.truth("voucher")["entitlements"]["x"]["status"] == "used"


def test_books_and_keys_outlive_the_process(tmp_path: Path, neighbours):
    """What was locked and used is still so after a restart, and the same client is believed."""
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        sandbox.provider("voucher").issue("x")
        settings = sandbox.settings(provider="voucher")
        source = build(settings)
        source.hold(subject_of("x"), NOW)
        source.close()
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        again = build({**settings, "base_url": sandbox.base_url})
        assert again.ask(subject_of("x", "k2"), NOW).status == "locked"
        assert not sandbox.provider("voucher").book.redeem("x")
        again.close()
    assert (tmp_path / "voucher-keys" / "secret").stat().st_mode & 0o777 == 0o600


def test_it_refuses_keys_that_could_be_real(tmp_path: Path):
    """Keys without the sandbox's mark stop it."""
    Keys.fresh(tmp_path / "voucher-keys")
    (tmp_path / "voucher-keys" / "client.json").write_text(json.dumps({"key_id": "mall", "secrets": ["s" * 40]}))
    with pytest.raises(LooksReal):
        Keys.at(tmp_path / "voucher-keys")
