"""UnionPay's signatures: what UnionPay and openssl signed is read, and nothing that was touched or comes from others is."""

import base64
import json
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from aftersales.errors import BadSettings, BadSignature
from infra.local.sandbox.unionpay import Keys
from infra.local.sandbox.unionpay.keys import SIGNER, certificate, generate, pem
from infra.local.sandbox.unionpay.signature import answer, fields_in, notice, why_refused
from plugins.unionpay_refund.message import fields_of_answer, fields_of_notice, form, joined, key_of, order_id_of
from plugins.unionpay_refund.sign import Trust, digest, merchant_of, sign

DATA = Path(__file__).parents[1] / "data" / "unionpay"
PUBLISHED: dict[str, dict[str, str]] = json.loads((DATA / "published.json").read_text(encoding="utf-8"))
KEYS = Keys.fresh()
NAME = f"041@SANDBOX0001@{SIGNER}@00000001"
NOW = time.time()
ASKED = {
    "version": "5.1.0",
    "encoding": "UTF-8",
    "signMethod": "01",
    "merId": KEYS.mer_id,
    "txnType": "04",
    "respMsg": "成功[0000000]",
}


def read(name: str) -> dict[str, str]:
    """The fields of a published message."""
    body = PUBLISHED[name]["body"].encode()
    return fields_of_notice(body) if name.endswith("notice") else fields_of_answer(body)


def at(name: str) -> float:
    """When it was signed."""
    return datetime.fromisoformat(PUBLISHED[name]["at"]).timestamp()


# --- what UnionPay itself has signed ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PUBLISHED)
def test_what_unionpay_signed_is_believed(name: str) -> None:
    """A message of UnionPay's test environment, read as it was sent, verifies with the certificate that was UnionPay's then."""
    said = read(name)
    Trust(said["signPubKeyCert"], "").verify(said, at(name))


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("field", ["txnAmt", "orderId", "respCode", "merId", "txnTime", "queryId"])
def test_no_field_of_a_signed_message_can_be_changed(name: str, field: str) -> None:
    """Another amount, number, code, merchant or time, and a message of UnionPay's is not believed any more."""
    said = read(name)
    changed = {**said, field: said[field][:-1] + str((int(said[field][-1]) + 1) % 10)}
    with pytest.raises(BadSignature, match="does not fit"):
        Trust(said["signPubKeyCert"], "").verify(changed, at(name))


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_expired_certificate_is_not_believed(name: str) -> None:
    """UnionPay's certificates of those years have expired: the very same message is not believed today."""
    said = read(name)
    with pytest.raises(BadSignature, match="not valid at this time"):
        Trust(said["signPubKeyCert"], "").verify(said, NOW)


def test_the_certificate_of_a_published_message_is_in_unionpays_name() -> None:
    """The part of the name that is compared is where UnionPay's issuer writes the company."""
    said = read("refund answer")
    trust = Trust(pem(KEYS.issuer_cert), "中国银联股份有限公司")
    with pytest.raises(BadSignature, match="issuer"):  # not the name: that one fits
        trust.verify(said, at("refund answer"))


# --- openssl as the other side ----------------------------------------------------------------------------------------
def openssl(folder: Path, *args: str, told: bytes = b"") -> bytes:
    """What openssl answers."""
    return subprocess.run(["openssl", *args], cwd=folder, input=told, capture_output=True, check=True).stdout


def hashed(fields: Mapping[str, str]) -> bytes:
    """The scheme once more, in one line of its own."""
    return sha256("&".join(f"{k}={v}" for k, v in sorted(fields.items()) if k != "signature").encode()).hexdigest().encode()


def test_openssl_can_be_the_merchant(tmp_path: Path) -> None:
    """A request that openssl signed with the merchant's key is accepted by the sandbox's UnionPay; one byte changed, it is not."""
    (tmp_path / "key.pem").write_text(KEYS.settings()["private_key"])
    asked = {**ASKED, "certId": str(KEYS.merchant_cert.serial_number), "orderId": "R1234567", "reqReserved": "a b+c|中"}
    signature = openssl(tmp_path, "dgst", "-sha256", "-sign", "key.pem", told=hashed(asked))
    said = fields_in(urlencode({**asked, "signature": base64.b64encode(signature).decode()}).encode())
    assert why_refused(KEYS, said) == ""
    assert why_refused(KEYS, {**said, "orderId": "R1234568"}) == "Signature verification failed"


def test_openssl_can_be_unionpay_to_verify(tmp_path: Path) -> None:
    """What the plugin signs verifies with openssl, from the bytes that are sent."""
    key, cert_id = merchant_of(KEYS.settings()["private_key"], KEYS.settings()["certificate"])
    asked = {**ASKED, "certId": cert_id, "reqReserved": "R0123-1"}
    sent = fields_in(form({**asked, "signature": sign(key, asked)}))
    (tmp_path / "public.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "signature").write_bytes(base64.b64decode(sent["signature"]))
    verdict = openssl(tmp_path, "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", told=hashed(sent))
    assert verdict == b"Verified OK\n"


def test_openssl_can_be_unionpay_to_answer(tmp_path: Path) -> None:
    """An answer whose certificates and signature openssl made is believed: by its issuer, and by itself; with SHA-1 if allowed."""
    for name, subject in (("ca", "/CN=OCA"), ("up", "/CN=041@8310@中国银联股份有限公司@0001")):
        openssl(
            tmp_path,
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-utf8",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
            "-subj",
            subject,
        )
    (tmp_path / "ca.cnf").write_text("basicConstraints=critical,CA:TRUE\n")
    openssl(tmp_path, "x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", "-extfile", "ca.cnf", "-out", "ca.pem")
    for algorithm in ("sha1", "sha256"):
        cert = ("-in", "up.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "69903319369", f"-{algorithm}")
        openssl(tmp_path, "x509", "-req", *cert, "-out", f"{algorithm}.pem")
    made = {a: _signed_by_openssl(tmp_path, a) for a in ("sha1", "sha256")}
    issuer, name = (tmp_path / "ca.pem").read_text(), "中国银联股份有限公司"
    Trust(issuer, name).verify(made["sha256"], time.time())
    Trust(issuer, name, allow_sha1=True).verify(made["sha1"], time.time())
    Trust((tmp_path / "sha1.pem").read_text(), name).verify(made["sha1"], time.time())
    with pytest.raises(BadSignature, match="issuer"):
        Trust(issuer, name).verify(made["sha1"], time.time())


def _signed_by_openssl(folder: Path, algorithm: str) -> dict[str, str]:
    said = {**ASKED, "signPubKeyCert": (folder / f"{algorithm}.pem").read_text().replace("\n", "\r\n")}
    signature = openssl(folder, "dgst", "-sha256", "-sign", "up.key", told=hashed(said))
    return fields_of_answer(joined({**said}).encode() + b"&signature=" + base64.b64encode(signature))


def test_the_same_message_has_the_same_signature() -> None:
    """A repeated call is the same to the byte: the scheme has no chance in it."""
    key, _ = merchant_of(KEYS.settings()["private_key"], KEYS.settings()["certificate"])
    assert form({**ASKED, "signature": sign(key, ASKED)}) == form({**ASKED, "signature": sign(key, dict(reversed(ASKED.items())))})


# --- whose certificate is believed ------------------------------------------------------------------------------------
def signed_with(key: rsa.RSAPrivateKey, cert: x509.Certificate) -> dict[str, str]:
    """A message, well signed with this key, and this certificate in it."""
    said = {**ASKED, "signPubKeyCert": pem(cert)}
    return {**said, "signature": base64.b64encode(key.sign(digest(said), padding.PKCS1v15(), hashes.SHA256())).decode()}


STRANGER = generate()
STRANGERS_CA = certificate("SANDBOX OCA1", STRANGER, STRANGER, None)
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)


def by(issuer: rsa.RSAPrivateKey, issuer_cert: x509.Certificate, name: str = NAME, days: int = 1) -> x509.Certificate:
    """A certificate for the stranger's key."""
    return certificate(name, STRANGER, issuer, issuer_cert, until=timedelta(days=days))


NOT_BELIEVED: dict[str, tuple[dict[str, str], str]] = {
    "another company's, by the same issuer": (signed_with(KEYS.merchant, KEYS.merchant_cert), "not UnionPay's"),
    "one that only ends in its name": (
        signed_with(STRANGER, by(KEYS.issuer, KEYS.issuer_cert, f"041@x@y@{SIGNER}")),
        "not UnionPay's",
    ),
    "one with the name in a part too many": (
        signed_with(STRANGER, by(KEYS.issuer, KEYS.issuer_cert, f"041@x@{SIGNER}@1@2")),
        "not UnionPay's",
    ),
    "one in its name, by a stranger": (signed_with(STRANGER, by(STRANGER, STRANGERS_CA)), "issuer"),
    "one in its name, by a merchant": (signed_with(STRANGER, by(KEYS.merchant, KEYS.merchant_cert)), "issuer"),
    "one in its name, by itself": (signed_with(STRANGER, certificate(NAME, STRANGER, STRANGER, None)), "issuer"),
    "an expired one": (signed_with(STRANGER, by(KEYS.issuer, KEYS.issuer_cert, days=-1)), "not valid"),
    "one with a short key": (
        signed_with(WEAK, certificate(NAME, WEAK, KEYS.issuer, KEYS.issuer_cert)),
        "2048",
    ),
    "its own, with another's signature": ({**signed_with(STRANGER, KEYS.signer_cert)}, "does not fit"),
    "no certificate": ({**signed_with(KEYS.signer, KEYS.signer_cert), "signPubKeyCert": ""}, "cannot be read"),
    "no PEM": ({**signed_with(KEYS.signer, KEYS.signer_cert), "signPubKeyCert": "-----BEGIN CERTIFICATE-----"}, "cannot be read"),
    "no signature": ({**signed_with(KEYS.signer, KEYS.signer_cert), "signature": ""}, "not signed"),
    "no base64": ({**signed_with(KEYS.signer, KEYS.signer_cert), "signature": "§"}, "cannot be read"),
    "another method": ({**signed_with(KEYS.signer, KEYS.signer_cert), "signMethod": "11"}, "as agreed"),
    "another version": ({**signed_with(KEYS.signer, KEYS.signer_cert), "version": "5.0.0"}, "as agreed"),
}


@pytest.mark.parametrize("case", NOT_BELIEVED)
def test_only_unionpays_certificate_is_believed(case: str) -> None:
    """The issuer certifies every merchant too: only what it issued in UnionPay's name speaks for UnionPay."""
    said, why = NOT_BELIEVED[case]
    # Merchants have our certificate too, so it may well lie among the trusted ones by mistake: it can issue nothing.
    trust = Trust(pem(KEYS.issuer_cert), SIGNER)
    with pytest.raises(BadSignature, match=why):
        trust.verify(said, NOW)


def test_a_pinned_certificate_issues_nothing() -> None:
    """A certificate that is trusted to sign is not trusted to say who else may."""
    trust = Trust(pem(KEYS.merchant_cert) + pem(KEYS.signer_cert), SIGNER)
    trust.verify(signed_with(KEYS.signer, KEYS.signer_cert), NOW)
    with pytest.raises(BadSignature, match="issuer"):
        trust.verify(signed_with(STRANGER, by(KEYS.merchant, KEYS.merchant_cert)), NOW)


def test_an_expired_issuer_vouches_for_nobody() -> None:
    """A certificate by an issuer whose own time is over is not believed."""
    old = certificate("SANDBOX OCA1", STRANGER, STRANGER, None, until=timedelta(days=-1))
    with pytest.raises(BadSignature, match="issuer"):
        Trust(pem(old), SIGNER).verify(signed_with(STRANGER, by(STRANGER, old)), NOW)


def test_other_keys_than_rsa_are_not_believed() -> None:
    """A certificate for an elliptic-curve key is no UnionPay certificate for method 01."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    like = certificate(NAME, STRANGER, KEYS.issuer, KEYS.issuer_cert)
    built = x509.CertificateBuilder(
        KEYS.issuer_cert.subject, subject, key.public_key(), 7, like.not_valid_before_utc, like.not_valid_after_utc
    ).sign(KEYS.issuer, hashes.SHA256())
    with pytest.raises(BadSignature, match="RSA"):
        Trust(pem(KEYS.issuer_cert), SIGNER).verify({**ASKED, "signPubKeyCert": pem(built), "signature": "AAAA"}, NOW)


def test_a_new_certificate_by_the_same_issuer_needs_no_change() -> None:
    """UnionPay changes its certificate without telling: its issuer and its name are enough."""
    trust = Trust(pem(KEYS.issuer_cert), SIGNER)
    trust.verify(signed_with(STRANGER, by(KEYS.issuer, KEYS.issuer_cert)), NOW)


# --- messages ---------------------------------------------------------------------------------------------------------
def test_an_answer_is_read_as_it_is() -> None:
    """Nothing in an answer is decoded: plus signs, equals signs and line ends stay; brackets protect what is in them."""
    said = fields_of_answer("a=1&b={x=1&y=2}&c=成功[0&1]&d=a+b%20c==&e=\r\nf\r\n&g=".encode())
    assert said == {"a": "1", "b": "{x=1&y=2}", "c": "成功[0&1]", "d": "a+b%20c==", "e": "\r\nf\r\n", "g": ""}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"a=1&a=2", b"a", b"a=1&&b=2", b"a-b=1", b"\xff=1", b"&".join(b"k%d=1" % i for i in range(101))]
)
def test_what_is_no_answer_is_not_read(body: bytes) -> None:
    """Pages, doubled names, broken text and endless lists are not fields."""
    with pytest.raises(ValueError):  # noqa: PT011 (json and unicode errors are ones too)
        fields_of_answer(body)


def test_a_signature_covers_every_boundary() -> None:
    """Moving an ``&`` between a value and two fields keeps the signed text; such a notice is refused before it is believed."""
    signed = fields_in(notice(KEYS, {**ASKED, "note": "x", "respCode": "63"}))
    assert fields_of_notice(urlencode(signed).encode()) == signed
    merged = {name: value for name, value in signed.items() if name != "respCode"}
    merged["note"] = f"x&respCode={signed['respCode']}"
    assert joined(merged) == joined(signed)
    with pytest.raises(BadSignature, match="two ways"):
        fields_of_notice(urlencode(merged).encode())


@pytest.mark.parametrize("body", [b"", b"{}", b"a=1&a=2", b"a", b"\xff\xfe=1", b"a=%FF"])
def test_what_is_no_notice_is_refused(body: bytes) -> None:
    """A doubled field, bytes that are no text, or no form at all: refused, and nothing breaks."""
    with pytest.raises(BadSignature):
        fields_of_notice(body)


def test_both_sides_read_each_other() -> None:
    """The sandbox's answers and notices are believed by the plugin, whatever is in them."""
    told = {**ASKED, "respMsg": "成功[0000000]", "reserved": "{a=1&b=2}", "empty": ""}
    trust = Trust(pem(KEYS.issuer_cert), SIGNER)
    trust.verify(fields_of_answer(answer(KEYS, told)), NOW)
    trust.verify(fields_of_notice(notice(KEYS, told)), NOW)


# --- order numbers ----------------------------------------------------------------------------------------------------
@given(st.integers(0, 2**128 - 1), st.integers(0, 999_999))
def test_an_order_number_stands_for_one_refund_number(case: int, leg: int) -> None:
    """Every refund number of ours becomes letters and digits that UnionPay takes and its files hold, and can be read back."""
    key = f"R{case:032x}-{leg}"
    order_id = order_id_of(key)
    assert order_id.isascii()
    assert order_id.isalnum()
    assert 8 <= len(order_id) <= 32
    assert key_of(order_id) == key


@given(st.text("0123456789abcdefR-", min_size=1, max_size=64))
def test_other_numbers_have_an_order_number_too(key: str) -> None:
    """Whatever a refund number looks like, its order number is legal, always the same, and claims to be no other one."""
    order_id = order_id_of(key)
    assert order_id == order_id_of(key)
    assert order_id.isalnum()
    assert 8 <= len(order_id) <= 32
    assert key_of(order_id) in ("", key)


def test_order_numbers_of_others_are_not_ours() -> None:
    """A number that somebody else made up is not read as one of ours, however it looks."""
    for odd in ("", "R", "R" * 30, "201807251814000000175473", f"R{'Z' * 29}", order_id_of(f"R{0:032x}-1").lower()):
        assert key_of(odd) == ""


# --- our own key ------------------------------------------------------------------------------------------------------
def test_our_certificate_gives_the_number_unionpay_knows_us_by() -> None:
    """``certId`` is the serial number of our certificate, decimal; line ends may come as ``\\n`` from an environment."""
    said = KEYS.settings()
    _, cert_id = merchant_of(said["private_key"].replace("\n", "\\n"), said["certificate"].replace("\n", "\\n"))
    assert cert_id == str(KEYS.merchant_cert.serial_number)


def test_a_certificate_of_another_key_is_found_out() -> None:
    """A key and a certificate that do not belong together are a wrong setting, not a refused refund."""
    with pytest.raises(BadSettings, match="another key"):
        merchant_of(KEYS.settings()["private_key"], pem(KEYS.signer_cert))


def test_wrong_keys_are_named_and_not_shown() -> None:
    """What is wrong with a key or certificate is said without showing it."""
    said = KEYS.settings()
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    wrong = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
    for key, cert in (
        (wrong, said["certificate"]),
        (curve, said["certificate"]),
        (said["private_key"], "-----BEGIN CERTIFICATE-----"),
    ):
        with pytest.raises(BadSettings) as refused:
            merchant_of(key, cert)
        assert "AAAA" not in str(refused.value)
    with pytest.raises(BadSettings, match="trusted_certs"):
        Trust("nothing", SIGNER)
