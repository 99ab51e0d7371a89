"""Stripe's signatures of webhooks: HMAC-SHA256 over ``<t>.<raw body>``. Source: Stripe documentation, webhook signatures.

Stripe's library has the same check, for one secret and with a clock of its own; it is 13 MiB to load, so that a callback would wait
for it. Nothing here parses what it has not verified.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from aftersales.errors import BadSignature

HEADER = "stripe-signature"

#: A message whose timestamp is further than this from now, either way, is refused (Stripe's libraries: 5 minutes).
FRESH_S = 300


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The signature ``v1`` of a body at a time (seconds since 1970, as text)."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now_s: float) -> None:
    """Say nothing when the message is Stripe's own and fresh; raise BadSignature otherwise.

    ``headers`` has lower-case names, ``now_s`` is the real time in seconds since 1970. The header may carry several ``v1``, one per
    secret while a secret is rolled; schemes other than ``v1`` (``v0`` signs test events weakly) do not count.
    """
    pairs = [part.strip().partition("=")[::2] for part in headers.get(HEADER, "").split(",")]
    timestamps = [value for name, value in pairs if name == "t"]
    given = [value.encode() for name, value in pairs if name == "v1"]
    if len(timestamps) != 1 or not given:
        raise BadSignature("The header Stripe-Signature is missing or incomplete.")
    timestamp = timestamps[0]
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        raise BadSignature("The signature's time is no time.", found=timestamp[:20])
    made = [signature(secret, timestamp, body).encode() for secret in secrets]
    if not any(hmac.compare_digest(ours, theirs) for ours in made for theirs in given):
        raise BadSignature(
            "The signature does not fit the message.", todo="Compare webhook_secrets with the endpoint's signing secret."
        )
    if abs(now_s - int(timestamp)) > FRESH_S:
        raise BadSignature("The signature is not of these five minutes.", found=timestamp)
