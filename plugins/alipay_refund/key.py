"""Keys and certificates: read from settings, and the serial numbers that certificate mode sends along.

Source: Alipay open platform, signing with certificates. A certificate's number is the MD5 of its issuer's name and its serial.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aftersales.errors import BadSettings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.x509 import Certificate

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)

#: RSA signature algorithms (PKCS#1, RFC 8017): the root file also holds certificates for other algorithms, which do not count.
_RSA = "1.2.840.113549.1.1."


def private_key_of(text: str) -> RSAPrivateKey:
    """The application's key, PEM or bare base64, PKCS#8 or PKCS#1. Raises BadSettings."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    try:
        pem = "-----BEGIN" in text
        key = load_pem_private_key(text.encode(), None) if pem else load_der_private_key(_der(text), None)
    except (ValueError, TypeError) as error:
        raise BadSettings("alipay_refund: private_key is no private key without a password.") from error
    if not isinstance(key, RSAPrivateKey):
        raise BadSettings("alipay_refund: private_key is not an RSA key.")
    return key


def public_keys_of(text: str) -> dict[str, RSAPublicKey]:
    """Alipay's keys in PEM blocks or bare base64, by a name that nobody sends. Raises BadSettings."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

    found: dict[str, RSAPublicKey] = {}
    for number, block in enumerate(_blocks(text)):
        try:
            key = load_pem_public_key(block.encode()) if "-----BEGIN" in block else load_der_public_key(_der(block))
        except (ValueError, TypeError) as error:
            raise BadSettings("alipay_refund: alipay_public_key is no public key.") from error
        if not isinstance(key, RSAPublicKey):
            raise BadSettings("alipay_refund: alipay_public_key is not an RSA key.")
        found[f"#{number}"] = key
    return found


def certified_keys_of(text: str) -> dict[str, RSAPublicKey]:
    """The keys in Alipay's certificates by their numbers (``alipay_cert_sn``). Raises BadSettings."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    found: dict[str, RSAPublicKey] = {}
    for certificate in _certificates("alipay_cert", text):
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise BadSettings("alipay_refund: alipay_cert is not about an RSA key.")
        found[_number(certificate)] = key
    return found


def certificate_numbers(app_cert: str, alipay_root_cert: str) -> Mapping[str, str]:
    """What certificate mode adds to a request: ``app_cert_sn`` and ``alipay_root_cert_sn``. Raises BadSettings."""
    (app,) = _certificates("app_cert", _blocks(app_cert)[0])
    roots = [root for block in _blocks(alipay_root_cert) if (root := _rsa_root(block)) is not None]
    if not roots:
        raise BadSettings("alipay_refund: alipay_root_cert holds no RSA certificate.")
    return {"app_cert_sn": _number(app), "alipay_root_cert_sn": "_".join(_number(root) for root in roots)}


def _rsa_root(block: str) -> Certificate | None:
    """The certificate, None unless it is one with RSA. Of the others some are not well formed (as of 2026, Alipay's own E1)."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        root = load_pem_x509_certificate(block.encode())
    except ValueError:
        return None
    return root if root.signature_algorithm_oid.dotted_string.startswith(_RSA) else None


def _number(certificate: Certificate) -> str:
    """Alipay's rule: the MD5 of the issuer's name (RFC 4514) and the serial as a decimal number. No trust rests on it."""
    said = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()


def _certificates(name: str, text: str) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return [load_pem_x509_certificate(block.encode()) for block in _blocks(text)]
    except ValueError as error:
        raise BadSettings(f"alipay_refund: {name} is no certificate in PEM.") from error


def _blocks(text: str) -> list[str]:
    """The PEM blocks in a text, or the whole of it where there is none."""
    return [found[0] for found in _BLOCK.finditer(text)] or [text]


def _der(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
