"""WeChat Pay's signatures: ours are what openssl makes, and nothing that was touched is believed."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from aftersales.errors import BadSettings, BadSignature
from plugins.wechatpay_refund import build
from plugins.wechatpay_refund.client import WechatPayRefunds
from plugins.wechatpay_refund.setting import Setting
from plugins.wechatpay_refund.sign import (
    answer_message,
    authorization,
    open_resource,
    private_key_of,
    public_key_of,
    request_message,
    sign,
    verify,
)

DATA = Path(__file__).parents[1] / "data" / "wechatpay"
VECTORS: dict[str, dict[str, str]] = json.loads((DATA / "vectors.json").read_text(encoding="utf-8"))
#: Ours, made anew each time: what openssl signed was signed with a key that nobody keeps.
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = OURS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
OUR_PUBLIC = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PUBLIC = (DATA / "public.pem").read_text(encoding="ascii")
SERIAL = "PUB_KEY_ID_SANDBOX_1"
KEYS = {SERIAL: public_key_of(SERIAL, PUBLIC)}
ANSWER = VECTORS["answer"]
BODY = ANSWER["body"].encode()
AT = int(ANSWER["timestamp"])
HEADERS = {
    "wechatpay-timestamp": ANSWER["timestamp"],
    "wechatpay-nonce": ANSWER["nonce"],
    "wechatpay-serial": SERIAL,
    "wechatpay-signature": ANSWER["signature"],
    "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
}
GCM = VECTORS["gcm"]
RESOURCE = {"algorithm": "AEAD_AES_256_GCM", **{k: GCM[k] for k in ("nonce", "associated_data", "ciphertext")}}
SETTINGS: dict[str, Any] = {
    "mchid": "SANDBOX0001",
    "serial_no": "SANDBOXABC",
    "private_key": PEM,
    "platform_keys": {SERIAL: OUR_PUBLIC},
    "apiv3_key": GCM["key"],
    "base_url": "http://127.0.0.1:9",
}


def flipped(text: str) -> str:
    """The base64 text with one bit of its bytes changed."""
    raw = bytearray(base64.b64decode(text))
    raw[7] ^= 1
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("name", ["get", "post"])
def test_what_is_signed_is_what_openssl_signed(name: str) -> None:
    """Openssl's signature over a request fits our bytes of it; the percent-encoded path and the empty body count."""
    v = VECTORS[name]
    message = request_message(v["method"], v["path"], v["timestamp"], v["nonce"], v["body"].encode())
    key = load_pem_public_key(PUBLIC.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(v["signature"]), message, PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(v["signature"]), message + b"\n", PKCS1v15(), SHA256())


def test_our_signature_is_the_algorithm_asked_for() -> None:
    """What we sign verifies as RSA PKCS#1 v1.5 with SHA-256, and as nothing else."""
    signature = base64.b64decode(sign(private_key_of(PEM), b"message"))
    OURS.public_key().verify(signature, b"message", PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        OURS.public_key().verify(signature, b"message", PKCS1v15(), SHA512())


def test_the_authorization_header_has_the_five_fields() -> None:
    """The header names merchant, nonce, signature, time and serial, each in quotes, after the scheme."""
    value = authorization("M", "S", "1", "N", "x==")
    scheme, _, fields = value.partition(" ")
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert sorted(fields.split(",")) == ['mchid="M"', 'nonce_str="N"', 'serial_no="S"', 'signature="x=="', 'timestamp="1"']


@pytest.mark.parametrize("now", [AT - 300, AT, AT + 300])
def test_a_genuine_answer_is_believed_for_five_minutes(now: int) -> None:
    """A signature made by openssl verifies from five minutes before its time to five minutes after, both included."""
    verify(KEYS, HEADERS, BODY, now)


def test_a_certificate_serves_as_a_platform_key() -> None:
    """Older merchants have platform certificates: the key in one verifies the same signature."""
    certificate = (DATA / "certificate.pem").read_text(encoding="ascii")
    verify({SERIAL: public_key_of(SERIAL, certificate)}, HEADERS, BODY, AT)


def test_the_signature_type_may_be_absent() -> None:
    """The type is no part of what is signed and is not always sent."""
    verify(KEYS, {k: v for k, v in HEADERS.items() if k != "wechatpay-signature-type"}, BODY, AT)


BAD: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "another timestamp": lambda h: {**h, "wechatpay-timestamp": str(AT + 1)},
    "a timestamp that is no number": lambda h: {**h, "wechatpay-timestamp": "now"},
    "a timestamp in other digits": lambda h: {**h, "wechatpay-timestamp": "１７９５３１０１９０"},
    "an endless timestamp": lambda h: {**h, "wechatpay-timestamp": "9" * 5000},
    "another nonce": lambda h: {**h, "wechatpay-nonce": "x"},
    "an unknown serial": lambda h: {**h, "wechatpay-serial": "PUB_KEY_ID_OTHER"},
    "one bit of the signature": lambda h: {**h, "wechatpay-signature": flipped(h["wechatpay-signature"])},
    "half a signature": lambda h: {**h, "wechatpay-signature": h["wechatpay-signature"][:172]},
    "a signature that is no base64": lambda h: {**h, "wechatpay-signature": "签名"},
    "an unknown type": lambda h: {**h, "wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"},
    "a probe": lambda h: {**h, "wechatpay-signature": "WECHATPAY/SIGNTEST/" + h["wechatpay-signature"]},
    "no headers": lambda h: {},
    "headers as they were before HTTP lowered them": lambda h: {k.title(): v for k, v in h.items()},
    **{f"no {name}": (lambda h, n=name: {k: v for k, v in h.items() if k != n}) for name in list(HEADERS)[:4]},
}


@pytest.mark.parametrize("case", BAD)
def test_a_touched_header_is_refused(case: str) -> None:
    """Every header that carries the signature is needed as it was."""
    with pytest.raises(BadSignature) as refused:
        verify(KEYS, BAD[case](HEADERS), BODY, AT)
    assert refused.value.details["probe"] is (case == "a probe")


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY[:-1], BODY.replace(b"SUCCESS", b"success"), b"\xff"])
def test_a_touched_body_is_refused(body: bytes) -> None:
    """The signature covers the raw bytes: JSON that means the same is not the same."""
    with pytest.raises(BadSignature):
        verify(KEYS, HEADERS, body, AT)


@pytest.mark.parametrize("now", [AT - 301, AT + 301])
def test_a_stale_signature_is_refused(now: int) -> None:
    """A second beyond five minutes, either way, and a valid signature is a replay."""
    with pytest.raises(BadSignature):
        verify(KEYS, HEADERS, BODY, now)


def test_another_key_does_not_verify() -> None:
    """A signature of somebody else's key, under a serial we know, is refused."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    forged = sign(generate_private_key(65537, 2048), answer_message(ANSWER["timestamp"], ANSWER["nonce"], BODY))
    with pytest.raises(BadSignature):
        verify(KEYS, {**HEADERS, "wechatpay-signature": forged}, BODY, AT)


def test_a_resource_opens_to_what_was_encrypted() -> None:
    """A text encrypted elsewhere opens with the APIv3 key."""
    assert open_resource(GCM["key"].encode(), RESOURCE).decode() == GCM["plain"]


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "abcdef012346"},
        {"nonce": "short"},
        {"nonce": 5},
        {"associated_data": "refunds"},
        {"associated_data": None},
        {"ciphertext": flipped(GCM["ciphertext"])},
        {"ciphertext": GCM["ciphertext"][:-8]},
        {"ciphertext": "AAAA"},
        {"ciphertext": "烂"},
        {"algorithm": "AEAD_SM4_GCM"},
    ],
    ids=str,
)
def test_a_touched_resource_does_not_open(change: dict[str, Any]) -> None:
    """Text, nonce, associated data and algorithm are all needed as they were."""
    with pytest.raises(BadSignature):
        open_resource(GCM["key"].encode(), {**RESOURCE, **change})


def test_a_resource_does_not_open_with_another_key() -> None:
    """A wrong APIv3 key opens nothing, and neither does a resource that is none."""
    with pytest.raises(BadSignature):
        open_resource(b"0" * 32, RESOURCE)
    with pytest.raises(BadSignature):
        open_resource(GCM["key"].encode(), None)


def notice(plain: dict[str, Any] | str, **changes: Any) -> tuple[dict[str, str], bytes]:
    """A validly signed and encrypted message with this inside."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    text = (plain if isinstance(plain, str) else json.dumps(plain)).encode()
    cipher = base64.b64encode(AESGCM(GCM["key"].encode()).encrypt(b"abcdef012345", text, b"refund")).decode()
    said = {"id": "n1", "event_type": "REFUND.SUCCESS", "resource_type": "encrypt-resource"}
    body = json.dumps({**said, "resource": {**RESOURCE, "ciphertext": cipher}, **changes}).encode()
    signature = sign(private_key_of(PEM), answer_message(str(AT), "n", body))
    return {**HEADERS, "wechatpay-nonce": "n", "wechatpay-signature": signature}, body


PLAIN: dict[str, Any] = {
    "mchid": "SANDBOX0001",
    "transaction_id": "4200",
    "out_refund_no": "Rc1-1",
    "refund_id": "5030",
    "refund_status": "SUCCESS",
    "success_time": "2026-11-20T12:00:00+08:00",
    "user_received_account": "招商银行信用卡0403",
    "amount": {"total": 9950, "refund": 1990, "payer_total": 9900, "payer_refund": 1980},
}


def channel() -> WechatPayRefunds:
    """The plugin, its clock at the time of the signatures."""
    return WechatPayRefunds(Setting.parse(SETTINGS), now=lambda: AT)


def test_a_notice_says_how_the_refund_ended() -> None:
    """Number, amount, what the payer receives, account and instant come out of the decrypted notice; 204 acknowledges it."""
    found = channel().notice(*notice(PLAIN), datetime(2031, 1, 1, tzinfo=UTC))
    said = found.receipt
    assert (said.key, said.status, said.amount.minor, said.channel_id) == ("Rc1-1", "succeeded", 1990, "5030")
    assert said.payer_amount is not None
    assert said.payer_amount.minor == 1980
    assert (said.account, said.at) == ("招商银行信用卡0403", datetime(2026, 11, 20, 4, tzinfo=UTC))
    assert (found.notice_id, found.reply_status, found.reply) == ("n1", 204, "")


NOT_OURS: dict[str, tuple[Any, dict[str, Any]]] = {
    "another merchant": ({**PLAIN, "mchid": "1900000001"}, {}),
    "another status inside": ({**PLAIN, "refund_status": "CLOSED"}, {}),
    "an unknown status": ({**PLAIN, "refund_status": "REFUNDED"}, {"event_type": "REFUND.REFUNDED"}),
    "an amount of true": ({**PLAIN, "amount": {"refund": True}}, {}),
    "an amount in yuan": ({**PLAIN, "amount": {"refund": 19.9}}, {}),
    "an amount of nothing": ({**PLAIN, "amount": {"refund": 0}}, {}),
    "more for the payer than was refunded": ({**PLAIN, "amount": {"refund": 1990, "payer_refund": 1991}}, {}),
    "another currency": ({**PLAIN, "amount": {"refund": 1990, "currency": "USD"}}, {}),
    "no amount": ({**PLAIN, "amount": None}, {}),
    "an empty number": ({**PLAIN, "out_refund_no": ""}, {}),
    "no number of WeChat Pay's": ({**PLAIN, "refund_id": None}, {}),
    "a time that is none": ({**PLAIN, "success_time": "yesterday"}, {}),
    "a time without a zone": ({**PLAIN, "success_time": "2026-11-20T12:00:00"}, {}),
    "a list inside": ("[]", {}),
    "no JSON inside": ("no json", {}),
    "a notice about a payment": (PLAIN, {"event_type": "TRANSACTION.SUCCESS"}),
    "a resource of another type": (PLAIN, {"resource_type": "plain"}),
    "no resource": (PLAIN, {"resource": None}),
    "no id": (PLAIN, {"id": None}),
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_a_signed_message_that_is_no_notice_of_ours_is_refused(case: str) -> None:
    """A signature says who speaks. What is said must still be a whole, consistent notice about a refund of this merchant."""
    plain, changes = NOT_OURS[case]
    with pytest.raises(BadSignature):
        channel().notice(*notice(plain, **changes), datetime.now(UTC))


def test_a_notice_is_verified_before_it_is_decrypted() -> None:
    """A body that would decrypt, with a signature that does not fit, is refused for its signature."""
    headers, body = notice(PLAIN)
    with pytest.raises(BadSignature, match="does not fit"):
        channel().notice({**headers, "wechatpay-nonce": "m"}, body, datetime.now(UTC))


@pytest.mark.parametrize(
    "change",
    [
        *({name: ""} for name in ("mchid", "serial_no", "private_key", "platform_keys", "apiv3_key", "base_url")),
        {"apiv3_key": "k" * 31},
        {"apiv3_key": "k" * 33},
        {"private_key": "secret-but-no-key"},
        {"platform_keys": "no json"},
        {"platform_keys": "[]"},
        {"platform_keys": {SERIAL: 5}},
        {"base_url": "http://pay.example"},
        {"standby_url": "ftp://127.0.0.1"},
        {"notify_url": "https://mall.example/v1/callbacks/wechatpay?a=b"},
        {"notify_url": "https://mall.example/" + "x" * 256},
        {"read_s": 0},
        {"connect_s": "soon"},
        {"total_s": float("nan")},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused_early(change: dict[str, Any]) -> None:
    """A wrong setting is named when the channel is built, and no secret is in the message."""
    with pytest.raises(BadSettings) as refused:
        build({**SETTINGS, **change})
    assert next(iter(change)) in refused.value.message
    assert "secret-but-no-key" not in f"{refused.value} {refused.value.details}"


def test_keys_may_come_from_one_line_of_an_environment() -> None:
    """Line ends written as backslash n, and platform keys as JSON text, are what an environment variable can hold."""
    platform = json.dumps({SERIAL: OUR_PUBLIC})
    setting = Setting.parse({**SETTINGS, "private_key": PEM.replace("\n", "\\n"), "platform_keys": platform})
    assert private_key_of(setting.private_key).private_numbers() == private_key_of(PEM).private_numbers()
    assert setting.platform_keys == {SERIAL: OUR_PUBLIC}


@pytest.mark.parametrize("pem", ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", PUBLIC])
def test_a_broken_key_is_named(pem: str) -> None:
    """A PEM text without a usable private key is a wrong setting, not a crash."""
    with pytest.raises(BadSettings, match="private_key"):
        private_key_of(pem)


def test_secrets_are_not_shown() -> None:
    """Neither the private key nor the APIv3 key stands in what a log would print of the settings."""
    shown = repr(replace(Setting.parse(SETTINGS)))
    assert GCM["key"] not in shown
    assert PEM.splitlines()[1] not in shown


def test_building_the_channel_imports_nothing_heavy() -> None:
    """Neither cryptography nor httpx is loaded before the first call: a cold start does not pay for a refund it does not make."""
    program = (
        "import json, sys\n"
        "from plugins.wechatpay_refund import build\n"
        "build(json.load(sys.stdin))\n"
        "print(sorted({'cryptography', 'httpx', 'ssl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], input=json.dumps(SETTINGS), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
