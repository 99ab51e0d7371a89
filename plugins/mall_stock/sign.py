"""Signatures of both sides: HMAC-SHA256 over a few lines of text. README.md has the contract to the byte."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from aftersales.errors import BadSignature

REQUEST, ANSWER = "STOCK-1-REQUEST", "STOCK-1-ANSWER"
KEY, TIMESTAMP, NONCE, SIGNATURE = "stock-key", "stock-timestamp", "stock-nonce", "stock-signature"

#: Seconds from now, either way, in which a message is taken; the other side keeps nonces that long.
FRESH_S = 300


def request_message(method: str, path: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What a request's signature covers; ``path`` with its query, percent-encoded as it is sent."""
    return _lines(REQUEST, method, path, timestamp, nonce, body)


def answer_message(status: int, asked: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What an answer's signature covers; ``asked`` is the nonce of the request, so that it answers no other one."""
    return _lines(ANSWER, str(status), asked, timestamp, nonce, body)


def signature(secret: str, message: bytes) -> str:
    """HMAC-SHA256, lower-case hexadecimal."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def check(secrets: Iterable[str], key_id: str, headers: Mapping[str, str], message: bytes, now_s: float) -> None:
    """Say nothing when the message was signed with one of ``secrets`` and is fresh; raise BadSignature otherwise.

    ``headers`` has lower-case names; ``now_s`` is the real time in seconds since 1970.
    """
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (timestamp and given and headers.get(NONCE)):
        raise BadSignature("A header of the signature is missing.")
    if headers.get(KEY, "") != key_id:
        raise BadSignature("The message is signed for another key.")
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12 or abs(now_s - int(timestamp)) > FRESH_S:
        raise BadSignature("The signature is not of these five minutes.", found=timestamp[:20])
    if not any(hmac.compare_digest(signature(secret, message).encode(), given.encode()) for secret in secrets):
        raise BadSignature("The signature does not fit the message.")


def _lines(*parts: str | bytes) -> bytes:
    *texts, body = parts
    assert isinstance(body, bytes)
    return "\n".join((*map(str, texts), hashlib.sha256(body).hexdigest())).encode()
