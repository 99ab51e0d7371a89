"""WeChat Pay APIv3: signatures both ways, decryption of notices, sealing of secrets. Source: WeChat Pay APIv3 documentation.

Messages are built from the exact bytes that are sent or came in; nothing here parses what it has not verified.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aftersales.errors import BadSettings, BadSignature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

SCHEME = "WECHATPAY2-SHA256-RSA2048"

#: A message whose timestamp is further than this from now, either way, is refused (WeChat Pay APIv3 documentation: 5 minutes).
FRESH_S = 300

#: The beginning of the wrong signatures that WeChat Pay sends on purpose, to see whether a merchant verifies at all.
PROBE = "WECHATPAY/SIGNTEST/"


def request_message(method: str, path: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """The bytes a request's signature covers: five lines, each ended; ``path`` with its query, percent-encoded as it is sent."""
    return f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """The bytes the signature of an answer or a notice covers; ``body`` as it came."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """RSA PKCS#1 v1.5 over SHA-256, base64."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def authorization(mchid: str, serial_no: str, timestamp: str, nonce: str, signature: str) -> str:
    """The value of the header ``Authorization``."""
    parts = {"mchid": mchid, "nonce_str": nonce, "signature": signature, "timestamp": timestamp, "serial_no": serial_no}
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in parts.items())


def verify(keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], body: bytes, now_s: float) -> None:
    """Say nothing when the message is WeChat Pay's own and fresh; raise BadSignature otherwise.

    ``headers`` has lower-case names; ``keys`` holds the platform's public keys by serial or ``PUB_KEY_ID_…``; ``now_s`` is the real
    time in seconds since 1970. ``details['probe']`` tells a SIGNTEST, which is no reason for an alarm.
    """
    timestamp, nonce, signature, serial = (headers.get(f"wechatpay-{n}", "") for n in ("timestamp", "nonce", "signature", "serial"))
    if signature.startswith(PROBE):
        raise BadSignature("WeChat Pay tests whether signatures are verified.", probe=True)
    if not (timestamp and nonce and signature and serial):
        raise BadSignature("A header of the signature is missing.", probe=False)
    if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise BadSignature("The signature is of an unknown type.", probe=False)
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12 or abs(now_s - int(timestamp)) > FRESH_S:
        raise BadSignature("The signature is not of these five minutes.", probe=False, found=timestamp[:20])
    key = keys.get(serial)
    if key is None:
        raise BadSignature(
            "The signature was made with a platform key that is not configured.",
            todo="Add the key to platform_keys if WeChat Pay has changed it.",
            probe=False,
            found=serial[:64],
        )
    if not _holds(key, signature, answer_message(timestamp, nonce, body)):
        raise BadSignature("The signature does not fit the message.", probe=False)


def _holds(key: RSAPublicKey, signature: str, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def seal(key: RSAPublicKey, text: str) -> str:
    """A secret that only WeChat Pay can read: RSA-OAEP with SHA-1, base64; another one each time."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    sha1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 (WeChat Pay's scheme)
    return base64.b64encode(key.encrypt(text.encode(), sha1)).decode()


def open_resource(apiv3_key: bytes, resource: Any) -> bytes:
    """The plain bytes of a notice's ``resource``: AES-256-GCM, the tag appended to the text. Raises BadSignature."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not isinstance(resource, Mapping) or resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise BadSignature("The notice is encrypted in an unknown way.")
    nonce, about, text = resource.get("nonce"), resource.get("associated_data", ""), resource.get("ciphertext")
    if not (isinstance(nonce, str) and isinstance(about, str) and isinstance(text, str)):
        raise BadSignature("The notice's resource is incomplete.")
    try:
        return AESGCM(apiv3_key).decrypt(nonce.encode(), base64.b64decode(text, validate=True), about.encode())
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise BadSignature(
            "The notice does not decrypt with the APIv3 key.", todo="Compare apiv3_key with the merchant portal."
        ) from error


def private_key_of(pem: str) -> RSAPrivateKey:
    """The merchant's key in a PEM text, line ends as such or as ``\\n``. Raises BadSettings."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_lines(pem), password=None)
    except (ValueError, TypeError) as error:
        raise BadSettings("wechatpay_refund: private_key is no PEM private key without a password.") from error
    if not isinstance(key, RSAPrivateKey):
        raise BadSettings("wechatpay_refund: private_key is not an RSA key.")
    return key


def public_key_of(serial: str, pem: str) -> RSAPublicKey:
    """A platform key in a PEM text: a public key, or a certificate that holds one. Raises BadSettings."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    text = _lines(pem)
    try:
        key = load_pem_x509_certificate(text).public_key() if b"BEGIN CERTIFICATE" in text else load_pem_public_key(text)
    except ValueError as error:
        raise BadSettings(f"wechatpay_refund: platform_keys {serial} is neither a public key nor a certificate in PEM.") from error
    if not isinstance(key, RSAPublicKey):
        raise BadSettings(f"wechatpay_refund: platform_keys {serial} is not an RSA key.")
    return key


def _lines(pem: str) -> bytes:
    return pem.replace("\\n", "\n").strip().encode()
