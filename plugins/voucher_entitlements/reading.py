"""What the entitlements of a line say together, as the one answer about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from aftersales.fact import Plain, instant_of
from aftersales.lookup import Lookup, Subject, pairs
from plugins.voucher_entitlements.entitlement import Entitlement, Status

#: Beside those of :class:`Status`: somebody else keeps it; nothing that a rule could judge (``why`` says what it is).
LOCKED, UNCLEAR = "locked", "unclear"

#: Entitlements whose uses are counted together.
_COUNTED = frozenset({Status.UNUSED, Status.PARTLY_USED, Status.USED})

#: An answer lists no more than these; a line of more pieces is for a person.
MOST = 100


def ids_of(subject: Subject) -> tuple[tuple[str, ...], str]:
    """The entitlements of the line, one per piece, and what is wrong with them ("" for nothing)."""
    said = subject.line.data.get("entitlement")
    ids = tuple(said.split()) if isinstance(said, str) else ()
    if not ids:
        return (), "no_id"
    if len(ids) != subject.line.pieces or len(set(ids)) != len(ids) or not 0 < subject.pieces <= len(ids):
        return (), "not_one_each"
    return (ids, "") if len(ids) <= MOST and all(len(one) <= 64 for one in ids) else ((), "too_many")


def unclear(name: str, subject: Subject, now: datetime, why: str, *, held: bool = False) -> Lookup:
    """The answer that no rule can judge."""
    return Lookup(name, subject.line.line_id, UNCLEAR, now, held, pairs({"why": why}))


def answer_of(name: str, subject: Subject, picked: tuple[Entitlement, ...], now: datetime, *, keeping: bool) -> Lookup:
    """What the picked entitlements say together. ``keeping``: only what is kept for us counts as left."""
    ours = [one for one in picked if one.is_ours(subject.key)]
    status, why = _status(picked, subject.key)
    counted = [one for one in picked if not keeping or one.is_ours(subject.key)]
    data: dict[str, Plain] = {
        "ids": " ".join(one.id for one in picked),
        "left": " ".join(f"{one.of - one.used if one in counted else 0}/{one.of}" for one in picked),
        "later": max(one.later for one in picked),
    }
    told = {
        "used_at": _last(one.used_at for one in picked),
        "since": _first(one.since for one in picked),
        "expired_at": _first(one.expires_at for one in picked if one.status is Status.EXPIRED),
        "held_until": _first(one.lock_until for one in ours if one.is_kept_for(subject.key)),
        "why": why,
    }
    return Lookup(name, subject.line.line_id, status, now, bool(ours), pairs(data | {k: v for k, v in told.items() if v}))


def _status(picked: tuple[Entitlement, ...], key: str) -> tuple[str, str]:
    if any(one.binds and one.lock_key != key and one.status is not Status.VOID for one in picked):
        return LOCKED, ""
    found = {one.status for one in picked}
    if len(found) == 1:
        several = found == {Status.ACTIVE} and len({one.since for one in picked}) > 1
        return (UNCLEAR, "mixed") if several else (str(found.pop()), "")
    return (str(Status.PARTLY_USED), "") if found <= _COUNTED else (UNCLEAR, "mixed")


def _first(instants: Iterable[str]) -> str:
    return min((x for x in instants if x), key=_at, default="")


def _last(instants: Iterable[str]) -> str:
    return max((x for x in instants if x), key=_at, default="")


def _at(instant: str) -> datetime:
    found = instant_of(instant)
    assert found is not None  # it was read from an answer that was checked
    return found
