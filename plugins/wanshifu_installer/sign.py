"""Signatures of both sides: HMAC-SHA256 over a few lines of text. This part is ours, not published by the platform (README.md)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from aftersales.errors import BadSignature

REQUEST, ANSWER, NODE = "request", "answer", "node"
LICENSE, TIMESTAMP, NONCE, SIGN = "x-license-id", "x-timestamp", "x-nonce", "x-sign"

#: Milliseconds from now, either way, in which a message is taken.
FRESH_MS = 300_000


def message(kind: str, about: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """What a signature covers. ``about``: of a request its path, of an answer the nonce it answers, of a node nothing."""
    parts = (kind, about, headers.get(LICENSE, ""), headers.get(TIMESTAMP, ""), headers.get(NONCE, ""))
    return "\n".join((*parts, hashlib.sha256(body).hexdigest())).encode()


def signature(secret: str, said: bytes) -> str:
    """HMAC-SHA256, lower-case hexadecimal."""
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def check(secrets: Iterable[str], license_id: str, headers: Mapping[str, str], said: bytes, now_s: float) -> None:
    """Say nothing when the message was signed with one of ``secrets`` and is fresh; raise BadSignature otherwise.

    ``headers`` has lower-case names; ``now_s`` is the real time in seconds since 1970.
    """
    at, given = headers.get(TIMESTAMP, ""), headers.get(SIGN, "")
    if not (at and given and headers.get(NONCE)):
        raise BadSignature("A header of the signature is missing.")
    if headers.get(LICENSE, "") != license_id:
        raise BadSignature("The message is for another licence.")
    if not (at.isascii() and at.isdigit()) or len(at) > 15 or abs(now_s * 1000 - int(at)) > FRESH_MS:
        raise BadSignature("The signature is not of these five minutes.", found=at[:20])
    if not any(hmac.compare_digest(signature(secret, said).encode(), given.encode()) for secret in secrets):
        raise BadSignature("The signature does not fit the message.")
