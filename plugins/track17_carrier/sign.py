"""Signatures of what 17TRACK tells: SHA-256 over the raw body, a slash and our access key, in hexadecimal."""

from __future__ import annotations

import hashlib
import hmac

from aftersales.errors import BadSignature


def signature(body: bytes, key: str) -> str:
    """Of a message, with the account's key."""
    return hashlib.sha256(body + b"/" + key.encode()).hexdigest()


def check(body: bytes, key: str, given: str) -> None:
    """Say nothing when the message was signed with ``key``; raise BadSignature otherwise."""
    if not hmac.compare_digest(signature(body, key).encode(), given.strip().lower().encode()):
        raise BadSignature("The signature does not fit the message.")
