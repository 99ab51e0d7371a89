"""Alipay's signatures: ours are what openssl makes, answers are cut out as they stand, and nothing that was touched is believed."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from aftersales.errors import BadSignature
from plugins.alipay_refund import build
from plugins.alipay_refund.key import certificate_numbers, certified_keys_of, private_key_of, public_keys_of
from plugins.alipay_refund.notice import opened
from plugins.alipay_refund.setting import Setting
from plugins.alipay_refund.sign import Doubtful, any_signed, is_signed, request_message, sign, told
from plugins.alipay_refund.wire import Wire

DATA = Path(__file__).parents[1] / "data" / "alipay"
VECTORS: dict[str, dict[str, str]] = json.loads((DATA / "vectors.json").read_text(encoding="utf-8"))
PUBLIC = (DATA / "public.pem").read_text(encoding="ascii")
ROOTS = (DATA / "roots.pem").read_text(encoding="ascii")
KEYS = public_keys_of(PUBLIC)
(KEY,) = KEYS.values()
#: Ours, made anew each time: what openssl signed was signed with a key that nobody keeps.
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = OURS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
METHOD = "alipay.trade.refund"
NODE, ANSWER = VECTORS["answer"]["message"], VECTORS["answer"]["signature"]
SETTINGS: dict[str, Any] = {
    "app_id": "2021SANDBOX1",
    "seller_id": "2088SANDBOX1",
    "private_key": PEM,
    "alipay_public_key": PUBLIC,
    "base_url": "http://127.0.0.1:9",
}


def flipped(text: str) -> str:
    """The base64 text with one bit of its bytes changed."""
    raw = bytearray(base64.b64decode(text))
    raw[7] ^= 1
    return base64.b64encode(raw).decode()


# --- requests ---------------------------------------------------------------------------------------------------------
def test_what_is_signed_is_what_openssl_signed() -> None:
    """Openssl's signature over a request written by hand fits our bytes of it: sorted, raw values, nothing empty, no ``sign``."""
    vector = VECTORS["request"]
    pairs = dict(part.split("=", 1) for part in vector["message"].replace("+1&2", "+1\x002").split("&"))
    said = {name: value.replace("\x00", "&") for name, value in reversed(pairs.items())}
    message = request_message({"sign": "x", "app_auth_token": "", **said})
    assert message.decode() == vector["message"]
    assert is_signed(KEY, vector["signature"], message)
    assert not is_signed(KEY, vector["signature"], message + b"&")


def test_our_signature_is_the_algorithm_asked_for() -> None:
    """What we sign verifies as RSA PKCS#1 v1.5 with SHA-256, and as nothing else."""
    signature = base64.b64decode(sign(private_key_of(PEM), b"message"))
    OURS.public_key().verify(signature, b"message", PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        OURS.public_key().verify(signature, b"message", PKCS1v15(), SHA512())


@pytest.mark.parametrize("at", [0, 1795311690.9])
def test_the_timestamp_is_beijings_whatever_the_machine_thinks(at: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose zone is far away sends Beijing's time all the same."""
    monkeypatch.setenv("TZ", "America/New_York")
    form = parse_qs(Wire(Setting.parse(SETTINGS), lambda: at)._form(METHOD, {}).decode())
    expected = {0: "1970-01-01 08:00:00", 1795311690.9: "2026-11-22 09:41:30"}[at]
    assert form["timestamp"] == [expected]
    assert form["charset"] == ["utf-8"]
    assert form["sign_type"] == ["RSA2"]


# --- answers ----------------------------------------------------------------------------------------------------------
SHAPES: dict[str, str] = {
    "the signature after the node": '{"alipay_trade_refund_response":%s,"sign":"%s"}',
    "the signature before the node": '{"sign":"%s","alipay_trade_refund_response":%s}',
    "a certificate between": '{"alipay_trade_refund_response":%s,"alipay_cert_sn":"","sign":"%s"}',
    "space everywhere": ' {\n "alipay_trade_refund_response"\t: %s\r\n , "sign" : "%s" } \n',
    "more nodes": '{"x":{"sign":"y","alipay_trade_refund_response":{}},"alipay_trade_refund_response":%s,"z":[1,"}"],"sign":"%s"}',
    "a name in other letters": '{"alipay_trade_refund_respons\\u0065":%s,"sign":"%s"}',
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_node_is_cut_out_as_it_stands(shape: str) -> None:
    """Braces, quotes and backslashes inside texts end nothing; openssl's signature fits the very characters of the node."""
    first = "sign" if shape.endswith("before the node") else "node"
    body = SHAPES[shape] % ((ANSWER, NODE) if first == "sign" else (NODE, ANSWER))
    answer = told(body.encode(), METHOD)
    assert answer.raw.decode() == NODE
    assert answer.said["store_name"] == 'a}b{c "店" \\'
    assert any_signed(KEYS, answer.sign, answer.raw)


def test_an_error_node_is_an_answer_too() -> None:
    """The gateway's own refusals may come under a common name."""
    assert told(b'{"error_response":{"code":"40002"},"sign":"x"}', METHOD).said == {"code": "40002"}


def test_numbers_are_kept_as_they_are_written() -> None:
    """An amount that comes as a number loses no digit on its way."""
    assert told(b'{"error_response":{"a":12.30,"b":1e2,"c":7}}', METHOD).said == {"a": "12.30", "b": "1e2", "c": "7"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html></html>",
        b"\xff\xfe",
        b'{"alipay_trade_refund_response":{}',
        b'{"alipay_trade_refund_response":{}} {}',
        b'{"alipay_trade_refund_response":{},}',
        b'{"alipay_trade_refund_response" {}}',
        b'{"other_response":{},"sign":"x"}',
        b'{"alipay_trade_refund_response":"encrypted","sign":"x"}',
        b'{"alipay_trade_refund_response":[],"sign":"x"}',
        b'{"alipay_trade_refund_response":{"code":NaN},"sign":"x"}',
        b'{"alipay_trade_refund_response":{},"sign":true}',
        b'{"alipay_trade_refund_response":{},"error_response":{},"sign":"x"}',
        b'{"alipay_trade_refund_response":{},"sign":"x","sign":"y"}',
        b'{"alipay_trade_refund_response":{},"alipay_trade_refund_response":{},"sign":"x"}',
        b'{"alipay_trade_refund_response":{"code":"10000","code":"40004"},"sign":"x"}',
        b'{"alipay_trade_refund_response":{"list":[{"amount":"1","amount":"2"}]},"sign":"x"}',
        b'{"alipay_trade_refund_response":' + b"[" * 200_000,
    ],
    ids=lambda b: b[:60].decode(errors="replace"),
)
def test_what_could_be_read_in_two_ways_is_no_answer(body: bytes) -> None:
    """Names that stand twice, two nodes, half a node, or no JSON at all: nothing is taken from it."""
    with pytest.raises(Doubtful):
        told(body, METHOD)


BAD_ANSWERS: dict[str, tuple[str, str, str]] = {
    "one bit of the signature": (NODE, flipped(ANSWER), ""),
    "half a signature": (NODE, ANSWER[:172], ""),
    "no base64": (NODE, "签名", ""),
    "no signature": (NODE, "", ""),
    "JSON that means the same": (NODE.replace('","', '", "'), ANSWER, ""),
    "another amount": (NODE.replace("19.90", "19.91"), ANSWER, ""),
    "a certificate nobody knows": (NODE, ANSWER, "0" * 32),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_a_touched_answer_is_not_believed(case: str) -> None:
    """The signature covers the exact characters, and is made by a key we know."""
    node, signature, cert_sn = BAD_ANSWERS[case]
    assert any_signed(KEYS, ANSWER, NODE.encode())
    assert not any_signed(KEYS, signature, node.encode(), cert_sn)


def test_either_of_two_keys_may_sign() -> None:
    """While Alipay changes its key, both are configured; another one's signature fits neither."""
    other = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    both = public_keys_of(other + PUBLIC)
    assert len(both) == 2
    assert any_signed(both, ANSWER, NODE.encode())
    assert not any_signed(public_keys_of(other), ANSWER, NODE.encode())


# --- certificates -----------------------------------------------------------------------------------------------------
def test_certificates_have_the_numbers_that_openssl_and_md5_give_them() -> None:
    """Issuer and serial make the number; of the roots only those with RSA count, and one that is not well formed harms nobody."""
    first, last = VECTORS["certificates"]["root1"], VECTORS["certificates"]["root2"]
    assert certificate_numbers(ROOTS, ROOTS) == {"app_cert_sn": first, "alipay_root_cert_sn": f"{first}_{last}"}


def test_an_answer_names_the_certificate_it_is_signed_with() -> None:
    """The key in Alipay's certificate verifies, under the certificate's own number and under no other."""
    blocks = ROOTS.split("\n\n")
    keys = certified_keys_of(f"{blocks[0]}\n{blocks[2]}")
    first, last = VECTORS["certificates"]["root1"], VECTORS["certificates"]["root2"]
    assert set(keys) == {first, last}
    assert any_signed(keys, ANSWER, NODE.encode(), first)
    assert not any_signed(keys, ANSWER, NODE.encode(), "12e0843adf9e17eb8600487aabaa784e")


# --- notices ----------------------------------------------------------------------------------------------------------
FORM = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
NOTICE = VECTORS["notice"]["message"]
SAID = dict(part.split("=", 1) for part in NOTICE.replace(" & ", " \x00 ").split("&"))
SAID = {name: value.replace("\x00", "&") for name, value in SAID.items()} | {
    "sign_type": "RSA2",
    "sign": VECTORS["notice"]["signature"],
}


@pytest.mark.parametrize("write", [urlencode, lambda said: urlencode(list(said.items())[::-1], quote_via=quote)])
def test_a_genuine_notice_opens(write: Callable[[dict[str, str]], str]) -> None:
    """Openssl's signature over the sorted values fits whatever order they come in, and however they are encoded."""
    said = opened(KEYS, FORM, write(SAID).encode())
    assert said == SAID
    assert said["subject"] == "草莓 & 樱桃 (5 斤)+1"


def test_a_notice_may_come_in_gbk() -> None:
    """The signature covers bytes: a notice in the charset of the payment verifies, and its texts are read in that charset."""
    said = {"app_id": "2021SANDBOX1", "charset": "GBK", "notify_id": "n1", "subject": "草莓"}
    message = "&".join(f"{k}={v}" for k, v in sorted(said.items())).encode("gbk")
    body = urlencode({**said, "sign": sign(OURS, message), "sign_type": "RSA2"}, encoding="gbk").encode()
    ours = public_keys_of(OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    assert opened(ours, FORM, body)["subject"] == "草莓"


BAD_NOTICES: dict[str, tuple[dict[str, str], bytes]] = {
    "another sum": (FORM, urlencode({**SAID, "refund_fee": "19.91"}).encode()),
    "one more parameter": (FORM, urlencode({**SAID, "x": "1"}).encode()),
    "one parameter less": (FORM, urlencode({k: v for k, v in SAID.items() if k != "refund_fee"}).encode()),
    "a parameter twice": (FORM, urlencode({**SAID}).encode() + b"&out_biz_no=Rc2-1"),
    "a parameter twice, the same": (FORM, urlencode({**SAID}).encode() + b"&out_biz_no=Rc1-1"),
    "the signature twice": (FORM, urlencode({**SAID}).encode() + b"&sign=x"),
    "no signature": (FORM, urlencode({k: v for k, v in SAID.items() if k != "sign"}).encode()),
    "one bit of the signature": (FORM, urlencode({**SAID, "sign": flipped(SAID["sign"])}).encode()),
    "SHA-1": (FORM, urlencode({**SAID, "sign_type": "RSA"}).encode()),
    "no type of signature": (FORM, urlencode({k: v for k, v in SAID.items() if k != "sign_type"}).encode()),
    "JSON": ({"content-type": "application/json"}, json.dumps(SAID).encode()),
    "no headers": ({}, urlencode(SAID).encode()),
    "raw UTF-8": (FORM, "&".join(f"{k}={v}" for k, v in SAID.items()).encode()),
    "a thousand parameters": (FORM, urlencode({**SAID, **{f"x{i}": "" for i in range(1000)}}).encode()),
    "nothing": (FORM, b""),
}


@pytest.mark.parametrize("case", BAD_NOTICES)
def test_a_touched_notice_is_refused(case: str) -> None:
    """Every parameter is needed as it was, once, in a form."""
    headers, body = BAD_NOTICES[case]
    with pytest.raises(BadSignature):
        opened(KEYS, headers, body)


@pytest.mark.parametrize(
    "change",
    [{"app_id": "2021SANDBOX2"}, {"seller_id": "2088SANDBOX2"}, {"seller_id": ""}, {"notify_id": ""}, {"charset": "utf-7"}],
    ids=str,
)
def test_a_signed_notice_for_somebody_else_is_refused(change: dict[str, str]) -> None:
    """A signature says who speaks. What is said must still be meant for this application and this seller."""
    said = {**{k: v for k, v in SAID.items() if k not in ("sign", "sign_type")}, **change}
    message = "&".join(f"{k}={v}" for k, v in sorted(said.items())).encode()
    body = urlencode({**said, "sign_type": "RSA2", "sign": sign(OURS, message)}).encode()
    ours = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(BadSignature):
        build({**SETTINGS, "alipay_public_key": ours}).notice(FORM, body, datetime.now(UTC))
