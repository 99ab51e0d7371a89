"""Fact: what a trade needs to know of an order beyond what every order says, declared as data and checked where it is told.

A line's ``data`` is fixed when the order is made (a deposit, a tariff heading, the voucher that was sold). An OrderFact happens
later (a balance was paid, a parcel was held by customs). Both are plain values under names that the trade declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aftersales.errors import Invalid

Plain = str | int | bool


class FieldKind(StrEnum):
    """What a declared value is. Money is ``minor``: whole minor units of the order's currency, from 0."""

    TEXT = "text"
    WHOLE = "whole"  # an integer from 0
    MINOR = "minor"
    PERMILLE = "permille"  # 0 to 1000
    YES_NO = "yes_no"
    INSTANT = "instant"  # ISO 8601 with an offset, as text
    DAY = "day"  # 2026-11-30


@dataclass(frozen=True, slots=True)
class Field:
    """One declared value. ``one_of`` closes the set; ``text`` is the key of the words that say what it is."""

    name: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    one_of: tuple[Plain, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Tells:
    """A fact that a mall or an outside system may tell about an order of this trade; ``per_line``: about one of its lines."""

    name: str
    fields: tuple[Field, ...] = ()
    per_line: bool = False


@dataclass(frozen=True, slots=True)
class OrderFact:
    """What happened to an order. ``source`` is the outside system that told it, "" for the mall."""

    name: str
    at: datetime
    line_id: str = ""
    source: str = ""
    data: Mapping[str, Plain] | None = None

    def get(self, name: str) -> Plain | None:
        """The value of that name, None where it was not told."""
        return (self.data or {}).get(name)


def check(fields: Iterable[Field], data: Mapping[str, Plain], where: str) -> None:
    """Raise Invalid, naming the place, for a value that is missing, unknown, of another kind, or none of those allowed."""
    known = {field.name: field for field in fields}
    for name in sorted(set(data) - set(known)):
        raise Invalid("This trade knows no such value.", where=f"{where}.{name}", expected=sorted(known), found=name)
    for name, field in known.items():
        if name not in data:
            if field.required:
                raise Invalid("This trade needs to know it.", where=f"{where}.{name}", expected=str(field.kind))
            continue
        value = data[name]
        if not is_a(field.kind, value):
            raise Invalid("This value is of another kind.", where=f"{where}.{name}", expected=str(field.kind), found=value)
        if field.one_of and value not in field.one_of:
            raise Invalid("This value is none of those allowed.", where=f"{where}.{name}", expected=list(field.one_of), found=value)


def is_a(kind: FieldKind, value: object) -> bool:
    """Whether the value is of that kind."""
    if kind is FieldKind.YES_NO:
        return isinstance(value, bool)
    if kind in (FieldKind.WHOLE, FieldKind.MINOR, FieldKind.PERMILLE):
        return type(value) is int and 0 <= value <= (1_000 if kind is FieldKind.PERMILLE else 10**12)
    if not isinstance(value, str):
        return False
    return kind is FieldKind.TEXT or instant_of(value, day=kind is FieldKind.DAY) is not None


def instant_of(value: object, *, day: bool = False) -> datetime | None:
    """The aware instant of an ISO 8601 text (of a ``day``: its naive midnight), None where it is none."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if day:
        return found if len(str(value)) == 10 else None  # 2026-11-30
    return found if found.tzinfo else None
