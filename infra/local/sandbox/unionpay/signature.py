"""The provider's side of UnionPay's signatures, written on its own: no fault of our client can hide in a shared function.

Source: UnionPay open platform, version 5.1.0, signMethod 01; signed messages of its test environment.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote_plus, unquote_plus

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.loopback import MARK
from infra.local.sandbox.unionpay.keys import SIGNER, Keys, certificate, pem

#: Signatures that can be spoilt here. STALE: by a certificate that has expired. UNKNOWN_SERIAL: by a certificate in UnionPay's name
#: from a stranger. SIGNTEST: by another company's genuine certificate, of the same issuer.
SPOILT = frozenset({Kind.BAD_SIGNATURE, Kind.UNSIGNED, Kind.STALE, Kind.UNKNOWN_SERIAL, Kind.SIGNTEST})


def fields_in(body: bytes) -> dict[str, str]:
    """The fields of a form. Raises ValueError for what is none."""
    fields: dict[str, str] = {}
    for pair in body.decode("ascii").split("&"):
        name, mark, value = pair.partition("=")
        if not mark or name in fields:
            raise ValueError("no form")
        fields[unquote_plus(name)] = unquote_plus(value, errors="strict")
    return fields


def why_refused(keys: Keys, fields: Mapping[str, str]) -> str:
    """What is wrong with a request's signature; empty when nothing is."""
    if fields.get("version") != "5.1.0" or fields.get("signMethod") != "01" or fields.get("encoding", "").upper() != "UTF-8":
        return "version、signMethod 或 encoding 不支持"
    if fields.get("certId") != str(keys.merchant_cert.serial_number):
        return "certId 不存在"
    try:
        signature = base64.b64decode(fields.get("signature", ""), validate=True)
        keys.merchant_cert.public_key().verify(signature, _hashed(fields), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr, call-arg, arg-type]  # ours is RSA
    except (InvalidSignature, binascii.Error):
        return "Signature verification failed"
    return ""


def answer(keys: Keys, fields: Mapping[str, str], fault: Kind | None = None) -> bytes:
    """An answer: the signed fields as they are, not encoded."""
    return "&".join(f"{name}={value}" for name, value in signed(keys, fields, fault).items()).encode()


def notice(keys: Keys, fields: Mapping[str, str], fault: Kind | None = None) -> bytes:
    """A notice: the signed fields as a form."""
    return "&".join(f"{name}={quote_plus(value)}" for name, value in signed(keys, fields, fault).items()).encode("ascii")


def signed(keys: Keys, fields: Mapping[str, str], fault: Kind | None = None) -> dict[str, str]:
    """``fields`` sorted, then the certificate and the signature, as UnionPay writes them; ``fault`` spoils them on purpose."""
    said = {name: fields[name] for name in sorted(fields)}
    if fault is Kind.UNSIGNED:
        return said
    key, cert = _signer(keys, fault)
    said["signPubKeyCert"] = pem(cert).strip().replace("\n", "\r\n")
    covered = {**said, "respMsg": said.get("respMsg", "") + " "} if fault is Kind.BAD_SIGNATURE else said
    said["signature"] = base64.b64encode(key.sign(_hashed(covered), padding.PKCS1v15(), hashes.SHA256())).decode()
    return said


def _signer(keys: Keys, fault: Kind | None) -> tuple[RSAPrivateKey, x509.Certificate]:
    name = f"041@{MARK}0001@{SIGNER}@00000001"
    if fault is Kind.STALE:
        return keys.signer, certificate(name, keys.signer, keys.issuer, keys.issuer_cert, until=timedelta(days=-1))
    if fault is Kind.UNKNOWN_SERIAL:
        stranger = certificate(keys.issuer_cert.subject.rfc4514_string(), keys.merchant, keys.merchant, None)
        return keys.merchant, certificate(name, keys.merchant, keys.merchant, stranger)
    if fault is Kind.SIGNTEST:
        return keys.merchant, keys.merchant_cert
    return keys.signer, keys.signer_cert


def _hashed(fields: Mapping[str, str]) -> bytes:
    pairs = sorted((name, value) for name, value in fields.items() if name != "signature")
    return hashlib.sha256("&".join(map("=".join, pairs)).encode()).hexdigest().encode()
