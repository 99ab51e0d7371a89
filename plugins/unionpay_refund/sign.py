"""UnionPay's signatures (5.1.0, method 01) both ways, and whose certificate is believed. Source: UnionPay open platform.

The signature is RSA PKCS#1 v1.5 with SHA-256 over the lower-case hexadecimal SHA-256 of the joined fields. A message of UnionPay's
brings its certificate with it (``signPubKeyCert``), so everything hangs on which certificates are UnionPay's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aftersales.errors import BadSettings, BadSignature
from plugins.unionpay_refund.message import joined

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.x509 import Certificate

VERSION = "5.1.0"
METHOD = "01"

_HASHES = frozenset({"sha256", "sha384", "sha512"})


def digest(fields: Mapping[str, str]) -> bytes:
    """What is signed: 64 lower-case hexadecimal digits, as text."""
    return hashlib.sha256(joined(fields).encode()).hexdigest().encode("ascii")


def sign(key: RSAPrivateKey, fields: Mapping[str, str]) -> str:
    """The signature of a message, base64; the same for the same fields."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return base64.b64encode(key.sign(digest(fields), padding.PKCS1v15(), hashes.SHA256())).decode()


class Trust:
    """Whose messages are believed: those signed with a pinned certificate, or with one of ``signer_name``'s by a pinned issuer.

    ``certs`` is PEM text, issuers (CA) and signing certificates in any order. An issuer alone proves nothing: it certifies every
    merchant too, so the certificate must also be in UnionPay's name, the third part of its common name between ``@``. SHA-1 as the
    issuer's hash is believed with ``allow_sha1`` only. Raises BadSettings.
    """

    def __init__(self, certs: str, signer_name: str, *, allow_sha1: bool = False) -> None:
        from cryptography.x509 import load_pem_x509_certificates

        try:
            found = load_pem_x509_certificates(_lines(certs))
        except ValueError as error:
            raise BadSettings("unionpay_refund: trusted_certs holds no certificates in PEM.") from error
        self._issuers = [cert for cert in found if _is_issuer(cert)]
        self._pinned = [cert for cert in found if not _is_issuer(cert)]
        self._name = signer_name
        self._hashes = _HASHES | {"sha1"} if allow_sha1 else _HASHES

    def verify(self, fields: Mapping[str, str], now_s: float) -> None:
        """Say nothing when the message is UnionPay's own; raise BadSignature otherwise. ``now_s``: the real time since 1970."""
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.x509 import load_pem_x509_certificate

        if fields.get("version") != VERSION or fields.get("signMethod") != METHOD or not fields.get("signature"):
            raise BadSignature("The message is not signed as agreed.")
        try:
            cert = load_pem_x509_certificate(fields.get("signPubKeyCert", "").encode())
            signature = base64.b64decode(fields["signature"], validate=True)
            key = self._believed(cert, datetime.fromtimestamp(now_s, UTC))
        except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:  # what it holds is a stranger's until it is believed
            raise BadSignature("The certificate or the signature cannot be read.") from error
        try:
            key.verify(signature, digest(fields), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise BadSignature("The signature does not fit the message.") from error

    def _believed(self, cert: Certificate, now: datetime) -> RSAPublicKey:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

        key = cert.public_key()
        if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
            raise BadSignature("The certificate's key is no RSA key of at least 2048 bits.")
        if not _valid(cert, now):
            raise BadSignature("The certificate is not valid at this time.", found=str(cert.serial_number))
        if cert in self._pinned:
            return key
        if _holder(cert) != self._name:
            raise BadSignature("The certificate is not UnionPay's.", expected=self._name, found=_holder(cert))
        if not any(_valid(issuer, now) and self._issued(cert, issuer) for issuer in self._issuers):
            raise BadSignature(
                "The certificate is not by an issuer that is configured.",
                todo="Add the certificate, or its issuer's, to trusted_certs if UnionPay has changed it. An issuer that signs with"
                " SHA-1 needs allow_sha1.",
                found=str(cert.serial_number),
            )
        return key

    def _issued(self, cert: Certificate, issuer: Certificate) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

        key, used = issuer.public_key(), cert.signature_hash_algorithm
        if cert.issuer != issuer.subject or not isinstance(key, RSAPublicKey) or used is None or used.name not in self._hashes:
            return False
        try:
            key.verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(), used)
        except InvalidSignature:
            return False
        return True


def merchant_of(private_key: str, certificate: str) -> tuple[RSAPrivateKey, str]:
    """Our key, and the ``certId`` of our certificate: its serial number, decimal. Raises BadSettings, also when they do not fit."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        key = load_pem_private_key(_lines(private_key), password=None)
    except (ValueError, TypeError) as error:
        raise BadSettings("unionpay_refund: private_key is no PEM private key without a password.") from error
    try:
        cert = load_pem_x509_certificate(_lines(certificate))
    except ValueError as error:
        raise BadSettings("unionpay_refund: certificate is no PEM certificate.") from error
    if not isinstance(key, RSAPrivateKey):
        raise BadSettings("unionpay_refund: private_key is not an RSA key.")
    if cert.public_key() != key.public_key():
        raise BadSettings("unionpay_refund: certificate belongs to another key than private_key.")
    return key, str(cert.serial_number)


def _is_issuer(cert: Certificate) -> bool:
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        return cert.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False


def _valid(cert: Certificate, now: datetime) -> bool:
    return cert.not_valid_before_utc <= now <= cert.not_valid_after_utc


def _holder(cert: Certificate) -> str:
    """Whose the certificate is: ``041@…@NAME@…`` is how the issuer writes common names."""
    from cryptography.x509.oid import NameOID

    names = [str(one.value) for one in cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    parts = names[0].split("@") if len(names) == 1 else []
    return parts[2] if len(parts) == 4 else ""


def _lines(pem: str) -> bytes:
    return pem.replace("\\n", "\n").strip().encode()
