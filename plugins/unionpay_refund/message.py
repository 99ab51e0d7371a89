"""UnionPay's messages as texts: the fields of answers and notices, and the order number that stands for a key.

Requests and notices are forms (percent-encoded); answers are ``k=v&k=v`` as it is, not encoded, where ``&`` inside ``{…}`` or
``[…]`` belongs to the value. Source: UnionPay open platform, sample programs for 5.1.0 and signed answers of its test environment.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from aftersales.errors import BadSignature

#: No refund message has more fields.
MOST_FIELDS = 100

_MARK = re.compile(r"&|\{[^}]*\}?|\[[^\]]*\]?")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: How our refund numbers look: a case id of 128 bits and the number of the leg.
_OURS = re.compile(r"R([0-9a-f]{32})-(0|[1-9][0-9]{0,5})")
_PACKED = re.compile(r"R([0-9A-Z]{25})([0-9A-Z]{4})")


def joined(fields: Mapping[str, str]) -> str:
    """What a signature covers: all fields but the signature, sorted by name, as they are, ``k=v&k=v``."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")


def form(fields: Mapping[str, str]) -> bytes:
    """The body of a request."""
    return urlencode(fields).encode("ascii")


def fields_of_answer(body: bytes) -> dict[str, str]:
    """The fields of an answer. Raises ValueError for what is no such text, and for a name that comes twice."""
    fields: dict[str, str] = {}
    for part in _parts(body.decode("utf-8").strip()):
        name, equals, value = part.partition("=")
        if not equals or not name.isalnum() or name in fields or len(fields) >= MOST_FIELDS:
            raise ValueError("not fields")
        fields[name] = value
    return fields


def fields_of_notice(body: bytes) -> dict[str, str]:
    """The fields of a notice. Raises BadSignature for what is no form, or could be read in two ways.

    A signature covers the joined text only: whoever moves an ``&`` from a value to between two fields leaves it valid. What an
    answer with the same text would say otherwise is therefore not believed.
    """
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=MOST_FIELDS, errors="strict")
        fields = dict(pairs)
        again = {**fields_of_answer(joined(fields).encode()), "signature": fields.get("signature", "")}
    except ValueError as error:
        raise BadSignature("The notice is no form.") from error
    if len(fields) != len(pairs) or again != {"signature": "", **fields}:
        raise BadSignature("The notice can be read in two ways.")
    return fields


def _parts(text: str) -> list[str]:
    """``text`` cut at every ``&`` that no bracket protects. A bracket protects up to its first counterpart, or to the end."""
    parts, start = [], 0
    for found in _MARK.finditer(text):
        if found[0] == "&":
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]


# --- order numbers ----------------------------------------------------------------------------------------------------
def order_id_of(key: str) -> str:
    """The ``orderId`` that stands for our refund number: a pure function, at most 32 letters and digits.

    UnionPay takes 8 to 40 without ``-`` or ``_``, and its files hold 32. Our own numbers are packed so that :func:`key_of` reads
    them back; any other text is hashed.
    """
    ours = _OURS.fullmatch(key)
    if ours:
        return f"R{_packed(int(ours[1], 16), 25)}{_packed(int(ours[2]), 4)}"
    return f"H{hashlib.sha256(key.encode()).hexdigest()[:31].upper()}"


def key_of(order_id: str) -> str:
    """Our refund number behind an ``orderId``; "" when it is not one of ours."""
    packed = _PACKED.fullmatch(order_id)
    if not packed:
        return ""
    key = f"R{int(packed[1], 36):032x}-{int(packed[2], 36)}"
    return key if order_id_of(key) == order_id else ""


def _packed(number: int, width: int) -> str:
    text = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text
