"""The digest as the platform computes it over what it received, in words of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote_plus


def fits(given: str, msg_data: str, timestamp: str, checkword: str) -> bool:
    """Whether a client that knows the check word made this digest."""
    said = quote_plus(f"{msg_data}{timestamp}{checkword}", safe="*", errors="replace").replace("~", "%7E")
    right = base64.b64encode(hashlib.md5(said.encode(), usedforsecurity=False).digest())
    return hmac.compare_digest(right, given.encode(errors="replace"))
