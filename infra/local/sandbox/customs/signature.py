"""The contract's signatures from the agent's side, written down a second time: what two sides agree on is not one side's code."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping, Sequence

from infra.local.sandbox.fault import Kind

SPOILT = frozenset({Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED})
FRESH_S = 300
_NAMES = ("X-Customs-Timestamp", "X-Customs-Nonce", "X-Customs-Signature")


def _made(secret: str, purpose: str, timestamp: str, nonce: str, content: bytes) -> str:
    head = f"{purpose}\n{timestamp}\n{nonce}\n" if nonce else f"{purpose}\n{timestamp}\n"
    return hmac.digest(secret.encode(), head.encode() + content, "sha256").hex()


def signed(secret: str, purpose: str, content: bytes, nonce: str = "", fault: Kind | None = None) -> dict[str, str]:
    """The headers of a message, with what the script does to them."""
    if fault is Kind.UNSIGNED:
        return {}
    timestamp = str(int(time.time()) - (600 if fault is Kind.STALE else 0))
    key = secret[::-1] if fault is Kind.BAD_SIGNATURE else secret
    said = dict(zip(_NAMES, (timestamp, nonce, _made(key, purpose, timestamp, nonce, content)), strict=True))
    return {name: value for name, value in said.items() if value}


def is_ours(secrets: Sequence[str], headers: Mapping[str, str], target: str) -> bool:
    """Whether a question is fresh and signed with one of our secrets."""
    timestamp, nonce, given = (headers.get(name) or "" for name in _NAMES)
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > FRESH_S or not nonce:
        return False
    return any(hmac.compare_digest(_made(one, "ask", timestamp, nonce, target.encode()), given) for one in secrets)
