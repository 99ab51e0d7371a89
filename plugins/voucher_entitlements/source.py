"""The source: asks, keeps, voids and frees the entitlements of a line, each call repeatable under the same key.

::

    hold      lock ──► (and again, later: the lock lasts anew)
    consume   void what is locked for the key; what is void for it already is done
    release   unlock; nothing happens where this key locks nothing
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.fact import OrderFact, Plain, instant_of
from aftersales.lookup import Heard, HeardFact, Lookup, Subject
from aftersales.signed import DONE, NOT_THERE, REFUSED, Answer, Setting, Wire
from plugins.voucher_entitlements.entitlement import Entitlement, Status, chosen, entitlement_of
from plugins.voucher_entitlements.reading import answer_of, ids_of, unclear
from plugins.voucher_entitlements.wire import CONTRACT, opened

log = logging.getLogger(__name__)


class VoucherEntitlements:
    """A :class:`~aftersales.ports.Source`, :class:`~aftersales.ports.Holding` and :class:`~aftersales.ports.Telling`.

    ``lock_days`` is how long a lock lasts that nobody renews, ``now`` the real time in seconds since 1970. Safe for threads.
    """

    def __init__(self, setting: Setting, lock_days: int, now: Callable[[], float] = time.time) -> None:
        self._setting, self._lock_days, self._now = setting, lock_days, now
        self._wire = Wire(CONTRACT, setting, opened, now)

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """What the entitlements of the line are; see :class:`~aftersales.ports.Source`."""
        ids, why = ids_of(subject)
        if why:
            return unclear(self._setting.name, subject, now, why)
        found = [self._read(one) for one in ids]
        there = [one for one in found if one is not None]
        if len(there) < len(found):
            return unclear(self._setting.name, subject, now, "not_found")
        return answer_of(self._setting.name, subject, chosen(there, subject.pieces, subject.key), now, keeping=False)

    def hold(self, subject: Subject, now: datetime) -> Lookup:
        """Lock as many as go back, those with most left first; see :class:`~aftersales.ports.Holding`."""
        ids, why = ids_of(subject)
        if why:
            return unclear(self._setting.name, subject, now, why)
        found = {one: self._read(one) for one in ids}
        tried: set[str] = set()
        while True:  # each turn tries at least one that was not tried before
            there = [one for one in found.values() if one is not None]
            picked = chosen(there, subject.pieces, subject.key)
            fresh = [one for one in picked if one.can_be_kept(subject.key) and one.id not in tried]
            if not fresh or len(there) < len(ids):
                break
            for one in fresh:
                found[one.id] = self._locked(one.id, subject.key)
                tried.add(one.id)
        if len(there) < len(ids):
            return unclear(self._setting.name, subject, now, "not_found", held=any(x.is_kept_for(subject.key) for x in there))
        for one in there:
            if one not in picked and one.is_kept_for(subject.key):  # another call of ours locked it before a better one was free
                self._freed(one.id, subject.key)
        return answer_of(self._setting.name, subject, picked, now, keeping=True)

    def consume(self, subject: Subject, now: datetime) -> None:  # noqa: ARG002 (now is part of the port)
        """Void what is locked; see :class:`~aftersales.ports.Holding`. Rejected, too, where a lock ran out and it was used."""
        ids, _ = ids_of(subject)
        there = [one for one in (self._read(x) for x in ids) if one is not None]
        gone = sum(one.status is Status.VOID and one.voided_by == subject.key for one in there)
        for one in (x for x in there if x.was_kept_for(subject.key) and gone < subject.pieces):
            if self._relocked(one, subject.key):
                self._void(one.id, subject.key)
                gone += 1
        for one in (x for x in there if x.is_kept_for(subject.key)):
            if gone < subject.pieces:
                self._void(one.id, subject.key)
                gone += 1
            else:
                self._freed(one.id, subject.key)
        if not gone:
            raise Rejected("Nothing is kept under this key.", key=subject.key)

    def release(self, subject: Subject, now: datetime) -> None:  # noqa: ARG002 (now is part of the port)
        """Unlock; see :class:`~aftersales.ports.Holding`."""
        for one in ids_of(subject)[0]:
            self._freed(one, subject.key)

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:  # noqa: ARG002 (now is part of the port)
        """That an entitlement was used; see :class:`~aftersales.ports.Telling`. Signatures are judged by the real time."""
        message = CONTRACT.notice(*CONTRACT.parts(headers), body)
        CONTRACT.check(self._setting.secrets, self._setting.key_id, headers, message, self._now())
        try:
            said = json.loads(body)
            at = instant_of(said["at"])
            if said["event"] != "redeemed" or at is None:
                return Heard(())
            merchant, order_id, line_id = (str(said[name]) for name in ("merchant", "order_id", "line_id"))
            data: dict[str, Plain] = {"entitlement": str(said["entitlement"])[:64], "left": int(said["left"])}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadSignature("The notice is signed and cannot be read.") from error
        return Heard((HeardFact(merchant, order_id, OrderFact("redeemed", at, line_id, self._setting.name, data)),))

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _call(self, method: str, one: str, act: str = "", said: Mapping[str, Any] | None = None) -> Answer:
        return self._wire.call(method, f"/entitlements/{quote(one, safe='')}" + (f"/{act}" if act else ""), said)

    # --- one entitlement --------------------------------------------------------------------------------------------------
    def _read(self, one: str) -> Entitlement | None:
        """The entitlement as it is, None when there is none of this id."""
        answer = self._call("GET", one)
        if answer.status == NOT_THERE:
            return None
        if answer.status != DONE:
            raise self._wire.unknown(answer)
        return entitlement_of(answer.said, one)

    def _locked(self, one: str, key: str) -> Entitlement:
        """The entitlement after a lock was asked for, which may have been refused: then it says what it is now."""
        answer = self._call("POST", one, "lock", {"key": key, "days": self._lock_days})
        if answer.status not in (DONE, REFUSED):
            raise self._wire.unknown(answer)
        found = entitlement_of(answer.said.get("entitlement") or {} if answer.status == REFUSED else answer.said, one)
        if found.is_kept_for(key) != (answer.status == DONE):
            raise Unknown("The voucher system's answer contradicts itself.", status=answer.status)
        return found

    def _relocked(self, one: Entitlement, key: str) -> bool:
        """Whether a lock that ran out could be had again. Raises Rejected where it was used since: money may be out for it."""
        if one.can_be_kept(key) and self._locked(one.id, key).is_kept_for(key):
            return True
        log.error("a lock ran out, and what it kept is %s", one.status)
        raise Rejected("The lock ran out, and somebody else has it now.", key=key, status=str(one.status))

    def _void(self, one: str, key: str) -> None:
        answer = self._call("POST", one, "void", {"key": key})
        if answer.status == REFUSED:
            raise Rejected("It is not kept under this key.", key=key, refusal=str(answer.said.get("error", ""))[:64])
        if answer.status != DONE or entitlement_of(answer.said, one).status is not Status.VOID:
            raise self._wire.unknown(answer)

    def _freed(self, one: str, key: str) -> None:
        answer = self._call("POST", one, "unlock", {"key": key})
        if answer.status not in (DONE, NOT_THERE):
            raise self._wire.unknown(answer)
