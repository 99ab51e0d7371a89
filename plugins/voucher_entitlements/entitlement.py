"""One entitlement as the voucher system tells it, and the choice among several of one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aftersales.errors import Unknown
from aftersales.fact import instant_of


class Status(StrEnum):
    """What an entitlement is. A lock lies beside it: what is locked is still unused, or active."""

    UNUSED = "unused"
    PARTLY_USED = "partly_used"
    USED = "used"
    ACTIVE = "active"  # a membership that runs
    EXPIRED = "expired"
    VOID = "void"


#: What a lock can keep from being used (any further).
LOCKABLE = frozenset({Status.UNUSED, Status.PARTLY_USED, Status.ACTIVE, Status.EXPIRED})

#: In which order the entitlements of a line are taken for the pieces that go back: those with most left first.
_TURN = (Status.UNUSED, Status.PARTLY_USED, Status.ACTIVE, Status.EXPIRED, Status.USED, Status.VOID)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """``used`` of ``of`` uses are gone. Instants are ISO 8601 texts with an offset, "" where there is none.

    ``later`` counts the renewals that begin after this one. ``binds`` says whether the lock of ``lock_key`` still holds (judged by
    the other side's clock), ``voided_by`` under which key it was made void.
    """

    id: str
    status: Status
    used: int
    of: int
    used_at: str
    since: str
    expires_at: str
    later: int
    lock_key: str
    lock_until: str
    binds: bool
    voided_by: str

    def is_kept_for(self, key: str) -> bool:
        """Whether the lock of ``key`` holds it."""
        return self.binds and self.lock_key == key and self.status is not Status.VOID

    def was_kept_for(self, key: str) -> bool:
        """Whether the lock of ``key`` ran out by itself."""
        return not self.binds and self.lock_key == key and self.status is not Status.VOID

    def is_ours(self, key: str) -> bool:
        """Whether ``key`` holds it, or has made it void."""
        return self.is_kept_for(key) or (self.status is Status.VOID and self.voided_by == key)

    def can_be_kept(self, key: str) -> bool:
        """Whether a lock of ``key`` is possible now."""
        return self.status in LOCKABLE and (not self.binds or self.lock_key == key)


def entitlement_of(said: Mapping[str, Any], asked: str) -> Entitlement:
    """The entitlement in an answer about ``asked``. Raises Unknown where it is another one or makes no sense."""
    try:
        lock = said.get("lock") or {}
        found = Entitlement(
            id=_text(said, "id"),
            status=Status(said["status"]),
            used=_whole(said, "used", 0),
            of=_whole(said, "of", 1),
            used_at=_instant(said, "used_at"),
            since=_instant(said, "since"),
            expires_at=_instant(said, "expires_at"),
            later=_whole(said, "later", 0),
            lock_key=_text(lock, "key") if lock else "",
            lock_until=_instant(lock, "until") if lock else "",
            binds=lock.get("binds") is True,
            voided_by=_text(said, "voided_by") if said.get("voided_by") else "",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unknown(f"The voucher system's answer is not of its form: {type(error).__name__}.") from error
    if found.id != asked or found.used > found.of or found.of < 1:
        raise Unknown("The voucher system's answer is about something else, or contradicts itself.")
    return found


def chosen(found: Iterable[Entitlement], pieces: int, key: str) -> tuple[Entitlement, ...]:
    """The ``pieces`` entitlements that go back: those of ``key`` first, then what can be kept, those with most left first."""

    def turn(one: Entitlement) -> tuple[bool, bool, int, float]:
        return not one.is_ours(key), not one.can_be_kept(key), _TURN.index(one.status), one.used / one.of

    return tuple(sorted(found, key=turn)[:pieces])  # as they are listed where nothing tells them apart


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said[name]
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        raise ValueError(name)
    return value


def _whole(said: Mapping[str, Any], name: str, default: int) -> int:
    value = said.get(name, default)
    if type(value) is not int or not 0 <= value <= 10**6:
        raise ValueError(name)
    return value


def _instant(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or instant_of(value) is None:
        raise ValueError(name)
    return value
