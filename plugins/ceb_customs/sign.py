"""The shared secret's signatures: HMAC-SHA256 over purpose, time and content. Each purpose is another text, so none is another's.

::

    tell      the agent pushes        "tell\n<timestamp>\n"           + raw body
    ask       we ask the agent        "ask\n<timestamp>\n<nonce>\n"    + path with query
    answer    the agent answers       "answer\n<timestamp>\n<nonce>\n" + raw body      (our nonce: an old answer does not fit)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from aftersales.errors import BadSignature

TIMESTAMP, NONCE, SIGNATURE = "x-customs-timestamp", "x-customs-nonce", "x-customs-signature"

#: A message whose time is further than this from now, either way, is refused.
FRESH_S = 300


def signature(secret: str, purpose: str, timestamp: str, content: bytes, nonce: str = "") -> str:
    """The signature in hex. ``timestamp`` is seconds since 1970 as text."""
    head = "\n".join((purpose, timestamp, *((nonce,) if nonce else ()), ""))
    return hmac.new(secret.encode(), head.encode() + content, hashlib.sha256).hexdigest()


def signed(secret: str, purpose: str, timestamp: str, content: bytes, nonce: str = "") -> dict[str, str]:
    """The headers of a message."""
    said = {TIMESTAMP: timestamp, SIGNATURE: signature(secret, purpose, timestamp, content, nonce)}
    return {**said, NONCE: nonce} if nonce else said


def verify(secrets: Iterable[str], purpose: str, headers: Mapping[str, str], content: bytes, now_s: float, nonce: str = "") -> None:
    """Say nothing when the message is the other side's own and fresh; raise BadSignature otherwise.

    ``headers`` has lower-case names, ``now_s`` is the real time in seconds since 1970: signatures do not live in a clock that can
    be moved.
    """
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not timestamp or not given:
        raise BadSignature("The message of customs' agent is not signed.")
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        raise BadSignature("The signature's time is no time.")
    made = [signature(secret, purpose, timestamp, content, nonce) for secret in secrets]
    if not any(hmac.compare_digest(ours.encode(), given.encode()) for ours in made):
        raise BadSignature("The signature does not fit the message.", todo="Compare the secret with the agent's.")
    if abs(now_s - int(timestamp)) > FRESH_S:
        raise BadSignature("The signature is not of these five minutes.")
