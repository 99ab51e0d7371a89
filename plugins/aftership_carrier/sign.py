"""Signatures of what AfterShip tells: HMAC-SHA256 over the raw body with the webhooks' secret, in base64."""

from __future__ import annotations

import base64
import hashlib
import hmac

from aftersales.errors import BadSignature


def signature(body: bytes, secret: str) -> str:
    """Of a message."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def check(body: bytes, secret: str, given: str) -> None:
    """Say nothing when the message was signed with ``secret``; raise BadSignature otherwise."""
    if not hmac.compare_digest(signature(body, secret).encode(), given.strip().encode()):
        raise BadSignature("The signature does not fit the message.")
