"""Domain values as items, and back.

=============  ====================================================================================================================
attribute      what it holds
=============  ====================================================================================================================
``PK, SK``     ``ORDER#{merchant}#{order}`` / ``HEAD``, ``MONEY``, ``CASE#{id}``, ``PROOF#{id}`` ·
               ``CASE#{id}`` / ``HEAD``, ``EVIDENCE#{id}``, ``PARCEL``, ``PICKUP``, ``TRAIL``, ``REFUND#{nn}``,
               ``COUNTED``, ``EVENT#{first seq}`` · ``COUNTS#{merchant}#{part}`` / ``HEAD`` ·
               ``IDEM#{caller}#{key}``, ``CLAIM#{name}`` / ``HEAD`` ·
               ``INBOX#{merchant}#{recipient}`` / ``{instant}#{key}`` ·
               ``PHOTO#{word}`` / ``{instant}#{case}#{evidence}`` ·
               ``PAY#{channel}#{transaction}`` / ``{merchant}#{order}`` · ``TICKET#{id}`` / ``HEAD`` ·
               ``REPLIES#{merchant}``, ``DELEGATED#{merchant}`` / ``HEAD`` · ``REFUSED#{merchant}`` / ``{instant}#{id}`` ·
               ``MERCHANT#{merchant}`` / ``RULES``, ``RULES#{version}`` ·
               ``REPORTS#{merchant}`` / ``{day}#{channel}#{currency}`` ·
               ``SPENT#{merchant}#{period}#{payout}#{currency}`` / ``HEAD``
``version``    the stored version of orders, ledgers, cases, parcels, refunds, tickets, reports, templates and rulebooks
``n:{bucket}`` how many cases are in it, of a part of a merchant's counters; it has no ``j``
``spent``      minor units, of an allowance's counter; it has no ``j``
``w``          the write's own mark: whoever finds it again knows that this very write was applied
``j``          the value as JSON; above :data:`PLAIN_BYTES` deflated (a Binary): write units are paid per KB
``q qs, b bs, d ds, c cs``  keys of the indexes queue, who, due and desk (``schema.py``)
``expires``    epoch seconds, of answers
=============  ====================================================================================================================

Ids that come from outside have ``%`` and ``#`` escaped, so that no id can pose as two parts of a key.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Item = dict[str, Any]  # attribute name → {"S": ...}, as boto3's clients take and give them

#: JSON above this is deflated; below it would seldom save a write unit, and people can read it in the console.
PLAIN_BYTES = 600

#: The window of what is deflated quickly: most records are smaller.
SMALL_BYTES = 4096


def part(text: str) -> str:
    """``text`` as one part of a key."""
    return text.replace("%", "%25").replace("#", "%23")


def parts(key: str) -> list[str]:
    """The parts a key was made of."""
    return [p.replace("%23", "#").replace("%25", "%") for p in key.split("#")]


def stamp(at: datetime) -> str:
    """An instant as UTC text of one width, so that texts sort as instants do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def item(key: tuple[str, str], value: object, *, leave_out: Iterable[str] = (), **attributes: str | int | None) -> Item:
    """The item of ``value`` under ``key``, with further string or number attributes; None ones are left out."""
    plain = _lean(value)
    for each in plain if isinstance(plain, list) else [plain]:
        for name in leave_out:
            each.pop(name, None)
    given = {"PK": key[0], "SK": key[1], **attributes}
    return {**{name: _attribute(v) for name, v in given.items() if v is not None}, "j": packed(plain)}


def packed(plain: object) -> dict[str, Any]:
    """Plain values as one attribute."""
    text = msgspec.json.encode(plain)
    if len(text) <= PLAIN_BYTES:
        return {"S": text.decode()}
    # A window no larger than the text deflates as well, and is set up in a sixth of the time. Who inflates it need not know.
    wbits, memory = (-12, 5) if len(text) <= SMALL_BYTES else (-15, 8)
    deflate = zlib.compressobj(9, zlib.DEFLATED, wbits, memory)
    return {"B": deflate.compress(text) + deflate.flush()}


def bytes_of(item: Item) -> int:
    """The size of the value an item holds, in bytes as packed."""
    packed_value = item.get("j", {})
    return len(packed_value["B"]) if "B" in packed_value else 0  # plain text is short


def value(kind: type[T], stored: Mapping[str, Any], **known: object) -> T:
    """The value an item holds, its stored version and ``known`` fields put in."""
    if "version" in stored:
        known["version"] = int(stored["version"]["N"])
    text = json_of(stored)
    if known:  # put behind the others, so that one pass reads them all
        text = text[:-1] + (b"," if len(text) > len("{}") else b"") + msgspec.json.encode(known)[1:]
    return msgspec.json.decode(text, type=kind)


def values(kind: type[T], stored: Mapping[str, Any], **known: object) -> tuple[T, ...]:
    """The values of an item that holds a list, ``known`` fields put into each."""
    return tuple(msgspec.convert({**plain, **known}, kind, strict=True) for plain in msgspec.json.decode(json_of(stored)))


def json_of(stored: Mapping[str, Any]) -> bytes:
    """The JSON an item holds, deflated or not."""
    attribute = stored["j"]
    if "S" in attribute:
        return str(attribute["S"]).encode()
    binary = attribute["B"]
    if isinstance(binary, str):  # a Lambda's stream record is JSON, where bytes travel as base64
        binary = base64.b64decode(binary)
    return zlib.decompress(bytes(binary), wbits=-15)


def _attribute(given: str | int) -> dict[str, str]:
    return {"N": str(given)} if isinstance(given, int) else {"S": given}


def _lean(given: Any) -> Any:
    """Plain values of ``given``. Empty fields are left out where empty is their default; a default that says something is kept."""
    if given is None or isinstance(given, str | int):
        return given
    kind: Any = type(given)
    if (empty := _empty_fields(kind)) is not None:
        return {name: _lean(v) for name, is_empty in empty if (v := getattr(given, name)) or not is_empty(v)}
    if isinstance(given, tuple | list):
        return [_lean(v) for v in given]
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    return dict(given) if isinstance(given, Mapping) else given


@cache
def _empty_fields(kind: type) -> tuple[tuple[str, Callable[[Any], bool]], ...] | None:
    """The fields of a dataclass, each with whether a value is its default; None for what is none."""
    return tuple((f.name, partial(_is_default, f)) for f in fields(kind)) if is_dataclass(kind) else None


def _is_default(field: Field[Any], given: object) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return default is not MISSING and bool(default == given)
