"""What the agent pushes: a form with the receipt as base64 in ``data``, and beside it what the receipt does not say."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aftersales.errors import Invalid

FIELDS = ("data", "orderNo", "ebcCode")
_NUMBER = re.compile(r"[0-9A-Za-z_./-]{0,64}")


@dataclass(frozen=True, slots=True)
class Pushed:
    """``content`` is XML, not looked at yet; the others are "" where they were not said."""

    content: bytes
    order_no: str
    ebc_code: str


def read(headers: Mapping[str, str], body: bytes) -> Pushed:
    """The form in a body whose signature was verified. Raises Invalid."""
    if not headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        raise Invalid("A receipt is pushed as a form.", expected="application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=8)
    except (UnicodeDecodeError, ValueError):
        raise Invalid("The form cannot be read.") from None
    said = dict(pairs)
    if len(said) != len(pairs) or set(said) - set(FIELDS) or "data" not in said:
        raise Invalid("The form has data, and may have orderNo and ebcCode, each once.", expected=list(FIELDS))
    order_no, ebc_code = said.get("orderNo", ""), said.get("ebcCode", "")
    if not _NUMBER.fullmatch(order_no) or not _NUMBER.fullmatch(ebc_code):
        raise Invalid("orderNo and ebcCode are numbers of at most 64 letters and digits.")
    return Pushed(unpacked(said["data"].replace(" ", "+")), order_no, ebc_code)  # a plus that nobody escaped arrives as a blank


def unpacked(data: str) -> bytes:
    """The bytes in base64, with or without line breaks. Raises Invalid."""
    try:
        return base64.b64decode("".join(data.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise Invalid("The receipt is no base64.") from None
