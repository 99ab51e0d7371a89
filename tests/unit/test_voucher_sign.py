"""Signatures of the voucher contract: a worked example to the byte, and everything that is not believed."""

import hashlib
import hmac

import pytest

from aftersales.errors import BadSettings, BadSignature
from aftersales.signed import Setting, signature
from plugins.voucher_entitlements import build
from plugins.voucher_entitlements.wire import CONTRACT

SECRET = "a shared secret of the tests that is long enough"
NOW = 1_795_000_000
SOUND = {"base_url": "https://vouchers.example", "key_id": "mall", "secret": SECRET}


def headers(message: bytes, **changes: str) -> dict[str, str]:
    """The headers of a sound message."""
    made = {"key": "mall", "timestamp": str(NOW), "nonce": "0" * 32, "signature": signature(SECRET, message), **changes}
    return {f"entitlement-{name}": value for name, value in made.items()}


def test_a_request_is_signed_as_the_contract_says():
    """Six lines without an end, the last one the digest of the body; nothing else goes into the signature."""
    body = b'{"key":"C1-l1","days":30}'
    said = (
        "ENTITLEMENTS-1-REQUEST\nPOST\n/entitlements/E%201/lock\n1795000000\n00000000000000000000000000000000\n"
        + hashlib.sha256(body).hexdigest()
    )
    assert CONTRACT.request("POST", "/entitlements/E%201/lock", str(NOW), "0" * 32, body) == said.encode()
    assert signature(SECRET, said.encode()) == hmac.new(SECRET.encode(), said.encode(), "sha256").hexdigest()


def test_messages_of_each_kind_differ():
    """A signature of one kind of message is never one of another kind."""
    kinds = {
        CONTRACT.request("GET", "/x", "1", "2", b""),
        CONTRACT.answer(200, "1", "1", "2", b""),
        CONTRACT.notice("1", "2", b""),
    }
    assert len(kinds) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "another"},
        {"timestamp": str(NOW - 301)},
        {"timestamp": str(NOW + 301)},
        {"timestamp": "1e9"},
        {"timestamp": "٣"},
        {"timestamp": ""},
        {"nonce": ""},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "ü" * 64},
    ],
    ids=str,
)
def test_what_is_not_signed_now_by_us_both_is_not_believed(changes):
    """Another key, another time than these five minutes, or a signature that does not fit is refused."""
    message = CONTRACT.notice(str(NOW), "0" * 32, b"{}")
    CONTRACT.check((SECRET,), "mall", headers(message), message, NOW)
    with pytest.raises(BadSignature):
        CONTRACT.check((SECRET,), "mall", headers(message, **changes), message, NOW)


@pytest.mark.parametrize("late", [-300, 300])
def test_five_minutes_are_included(late):
    """A message of exactly five minutes ago, or ahead, is still taken."""
    message = CONTRACT.notice(str(NOW), "0" * 32, b"{}")
    CONTRACT.check((SECRET,), "mall", headers(message), message, NOW + late)


def test_an_answer_is_for_its_own_request():
    """An answer's signature covers its status and the nonce of the request: it answers no other one."""
    assert CONTRACT.answer(200, "a" * 32, "1", "2", b"{}") != CONTRACT.answer(200, "b" * 32, "1", "2", b"{}")
    assert CONTRACT.answer(200, "a" * 32, "1", "2", b"{}") != CONTRACT.answer(409, "a" * 32, "1", "2", b"{}")


def test_while_a_secret_is_changed_both_are_believed():
    """With two secrets the first one signs, and what either signed is believed."""
    old, new = "the old secret of thirty-two bytes or more", "the new secret of thirty-two bytes or more"
    setting = Setting.parse("voucher_entitlements", {**SOUND, "secret": f"{new}, {old}"})
    assert setting.secrets == (new, old)
    message = CONTRACT.notice(str(NOW), "0" * 32, b"{}")
    for secret in (old, new):
        CONTRACT.check(setting.secrets, "mall", headers(message, signature=signature(secret, message)), message, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": ""},
        {"base_url": "http://vouchers.example"},
        {"base_url": "https://vouchers.example/?a=1"},
        {"key_id": ""},
        {"key_id": "a\nb"},
        {"secret": ""},
        {"secret": "short"},
        {"secret": f"{SECRET},short"},
        {"lock_days": 0},
        {"lock_days": 91},
        {"read_s": 0},
        {"total_s": "soon"},
    ],
    ids=str,
)
def test_wrong_settings_are_named_and_not_shown(wrong):
    """A setting that cannot be right stops the start; the message names it and has no secret in it."""
    with pytest.raises(BadSettings) as error:
        build({**SOUND, **wrong})
    assert next(iter(wrong)) in error.value.message
    assert SECRET not in error.value.message
    assert "short" not in error.value.message.replace("shorter", "")


def test_secrets_are_not_shown():
    """A setting printed by accident shows no secret."""
    assert SECRET not in repr(Setting.parse("voucher_entitlements", SOUND))
