"""The digest that SF asks for: MD5 over the URL-encoded question, its time and our check word, in Base64.

Java's encoder decides how: a blank becomes ``+``, ``*`` stays and ``~`` does not, unlike what browsers and Python's ``quote`` do.
"""

from __future__ import annotations

import base64
import hashlib

#: What ``java.net.URLEncoder`` leaves as it is (its documentation): letters, digits and these four; a blank becomes a plus.
KEPT = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-*_")
_BLANK = ord(" ")


def encoded(text: str) -> str:
    """The text as ``URLEncoder.encode(text, "UTF-8")`` writes it; half a surrogate pair counts as ``?``, as it does there."""
    return "".join(chr(b) if b in KEPT else "+" if b == _BLANK else f"%{b:02X}" for b in text.encode("utf-8", "replace"))


def digest(msg_data: str, timestamp: str, checkword: str) -> str:
    """``msgDigest`` of one question: ``timestamp`` in milliseconds, as it is sent."""
    said = encoded(f"{msg_data}{timestamp}{checkword}")
    return base64.b64encode(hashlib.md5(said.encode(), usedforsecurity=False).digest()).decode()  # SF's choice
