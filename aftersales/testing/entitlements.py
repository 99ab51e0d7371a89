"""Entitlements in memory: what a source knows that can tell whether what was sold was used (:mod:`.entitlements_contract`).

It answers about a line in one of STATUSES, with these values beside it:

    ids         which ones go back, in the order of ``left``
    left        uses left of each, as ``3/10 1/1``; once kept, only what is kept counts
    used_at     the latest use                     since       when a membership began
    expired_at  when it ran out by itself          later       renewals that begin after it
    held_until  when the hold ends by itself       why         of an unclear answer: WHYS
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import TypeVar

from aftersales.errors import Rejected, Unknown
from aftersales.fact import Plain
from aftersales.lookup import Lookup, Subject, pairs
from aftersales.testing.builders import a_line, an_order
from aftersales.testing.clock import FakeClock

#: ``locked``: by somebody else; ``unclear``: nothing that a rule can judge.
STATUSES = ("unused", "partly_used", "used", "active", "expired", "void", "locked", "unclear")
#: Nothing is named, not one for each piece, too many to ask about, nobody knows it, or they differ in what cannot be added up.
WHYS = ("no_id", "not_one_each", "too_many", "not_found", "mixed")

T = TypeVar("T")

_TURN = ("unused", "partly_used", "active", "expired", "used", "void")


@dataclass(frozen=True, slots=True)
class Sold:
    """One entitlement. ``lock`` is the key that keeps it until ``until``, ``voided_by`` the one that made it void."""

    id: str
    of: int = 1
    used: int = 0
    used_at: datetime | None = None
    since: datetime | None = None
    expires_at: datetime | None = None
    later: int = 0
    lock: str = ""
    until: datetime | None = None
    voided_by: str = ""

    def status(self, now: datetime) -> str:
        """What it is, whoever keeps it."""
        if self.voided_by or self.used >= self.of:
            return "void" if self.voided_by else "used"
        if self.expires_at and self.expires_at <= now:
            return "expired"
        return "active" if self.since else "partly_used" if self.used else "unused"


class FakeEntitlements:
    """Keeps entitlements in memory, from any thread; ``clock`` is its own. ``script`` names calls whose answers are lost."""

    def __init__(self, clock: FakeClock | None = None, name: str = "entitlements", lock_days: int = 30) -> None:
        self.clock, self.name, self.lock_days = clock or FakeClock(), name, lock_days
        self.sold: dict[str, Sold] = {}
        self.script: list[tuple[str, bool]] = []
        self._lock = RLock()

    # --- the port -----------------------------------------------------------------------------------------------------
    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """See :class:`~aftersales.ports.Source`."""
        return self._answered("ask", lambda: self._look(subject, now, keeping=False))

    def hold(self, subject: Subject, now: datetime) -> Lookup:
        """See :class:`~aftersales.ports.Holding`."""

        def work() -> Lookup:
            for one in self._picked(subject):
                if self._can_be_kept(one, subject.key):
                    until = self.clock.now() + timedelta(days=self.lock_days)
                    self.sold[one.id] = replace(one, lock=subject.key, until=until)
            return self._look(subject, now, keeping=True)

        return self._answered("hold", work)

    def consume(self, subject: Subject, now: datetime) -> None:  # noqa: ARG002 (now is part of the port)
        """See :class:`~aftersales.ports.Holding`."""

        def work() -> None:
            mine = [one for one in self._all(subject) if subject.key in (one.lock, one.voided_by)]
            if not mine or any(self._status(one) == "used" for one in mine):
                raise Rejected("Nothing is kept under this key.", key=subject.key)
            for one in mine[: subject.pieces]:
                self.sold[one.id] = replace(one, lock="", voided_by=subject.key)
            for one in mine[subject.pieces :]:
                self.sold[one.id] = replace(one, lock="")

        self._answered("consume", work)

    def release(self, subject: Subject, now: datetime) -> None:  # noqa: ARG002 (now is part of the port)
        """See :class:`~aftersales.ports.Holding`."""

        def work() -> None:
            for one in self._all(subject):
                if one.lock == subject.key:
                    self.sold[one.id] = replace(one, lock="")

        self._answered("release", work)

    # --- levers -------------------------------------------------------------------------------------------------------
    def use(self, one: str, times: int = 1) -> bool:
        """Somebody uses it; False where it is kept, void, expired or used up."""
        with self._lock:
            sold = self.sold[one]
            if self._binds(sold) or self._status(sold) in ("void", "expired") or sold.used + times > sold.of:
                return False
            self.sold[one] = replace(sold, used=sold.used + times, used_at=self.clock.now())
            return True

    # --- inside -------------------------------------------------------------------------------------------------------
    def _answered(self, call: str, work: Callable[[], T]) -> T:
        with self._lock:
            lost = next((entry for entry in self.script if entry[0] == call), None)
            if lost:
                self.script.remove(lost)
            if lost is None or lost[1]:
                found = work()
                if lost is None:
                    return found
            raise Unknown("No answer.")

    def _ids(self, subject: Subject) -> list[str]:
        return str(subject.line.data.get("entitlement", "")).split()

    def _all(self, subject: Subject) -> list[Sold]:
        return [self.sold[one] for one in self._ids(subject) if one in self.sold]

    def _status(self, one: Sold) -> str:
        return one.status(self.clock.now())

    def _binds(self, one: Sold) -> bool:
        return bool(one.lock) and one.until is not None and one.until > self.clock.now()

    def _can_be_kept(self, one: Sold, key: str) -> bool:
        return self._status(one) not in ("used", "void") and (not self._binds(one) or one.lock == key)

    def _is_ours(self, one: Sold, key: str) -> bool:
        return one.voided_by == key or (self._binds(one) and one.lock == key)

    def _picked(self, subject: Subject) -> list[Sold]:
        def turn(one: Sold) -> tuple[bool, bool, int, float]:
            ours, free = self._is_ours(one, subject.key), self._can_be_kept(one, subject.key)
            return not ours, not free, _TURN.index(self._status(one)), one.used / one.of

        return sorted(self._all(subject), key=turn)[: subject.pieces]

    def _look(self, subject: Subject, now: datetime, *, keeping: bool) -> Lookup:
        ids, why = self._ids(subject), ""
        if not ids:
            why = "no_id"
        elif len(ids) != subject.line.pieces or len(set(ids)) != len(ids) or not 0 < subject.pieces <= len(ids):
            why = "not_one_each"
        elif any(one not in self.sold for one in ids):
            why = "not_found"
        if why:
            return Lookup(self.name, subject.line.line_id, "unclear", now, data=pairs({"why": why}))
        picked = self._picked(subject)
        ours = [one for one in picked if self._is_ours(one, subject.key)]
        status, why = self._together(picked, subject.key)
        told: dict[str, Plain] = {
            "ids": " ".join(one.id for one in picked),
            "left": " ".join(
                f"{0 if keeping and not self._is_ours(one, subject.key) else one.of - one.used}/{one.of}" for one in picked
            ),
            "later": max(one.later for one in picked),
        }
        ran_out = [one.expires_at for one in picked if one.expires_at and self._status(one) == "expired"]
        instants = {
            "used_at": max((one.used_at for one in picked if one.used_at), default=None),
            "since": min((one.since for one in picked if one.since), default=None),
            "expired_at": min(ran_out, default=None),
            "held_until": min((one.until for one in ours if one.until and not one.voided_by), default=None),
        }
        told |= {name: at.isoformat() for name, at in instants.items() if at} | ({"why": why} if why else {})
        return Lookup(self.name, subject.line.line_id, status, now, bool(ours), pairs(told))

    def _together(self, picked: list[Sold], key: str) -> tuple[str, str]:
        if any(self._binds(one) and one.lock != key for one in picked):
            return "locked", ""
        found = {self._status(one) for one in picked}
        if len(found) == 1 and len({one.since for one in picked if one.since}) <= 1:
            return found.pop(), ""
        return ("partly_used", "") if found <= {"unused", "partly_used", "used"} else ("unclear", "mixed")


def subject_of(ids: str, key: str = "k1", *, pieces: int = 1, line_pieces: int = 0) -> Subject:
    """So many ``pieces`` of a line whose entitlements these are."""
    line = a_line(data={"entitlement": ids} if ids else {}, pieces=line_pieces or max(len(ids.split()), 1))
    return Subject(key, "c1", an_order(lines=(line,)), line, pieces)
