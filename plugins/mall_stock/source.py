"""The source: whether a thing is there, kept, taken for good, let go, and back; each call repeatable under the same key."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from aftersales.errors import Rejected, Unknown
from aftersales.fact import Plain, instant_of
from aftersales.goods import Disposition
from aftersales.lookup import Lookup, Subject, pairs
from aftersales.signed import DONE, NOT_THERE, REFUSED, Answer, Setting, Wire
from plugins.mall_stock.wire import CONTRACT, opened

AVAILABLE, NONE = "available", "none"


class MallStock:
    """A :class:`~aftersales.ports.Source`, :class:`~aftersales.ports.Holding` and :class:`~aftersales.ports.Shelving`.

    ``hold_days`` is how long a hold lasts that nobody ends, ``now`` the real time in seconds since 1970. Safe for threads.
    """

    def __init__(self, setting: Setting, hold_days: int, now: Callable[[], float] = time.time) -> None:
        self._name, self._hold_days = setting.name, hold_days
        self._wire = Wire(CONTRACT, setting, opened, now)

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """Whether as many are there, what this key keeps counted in; see :class:`~aftersales.ports.Source`."""
        answer = self._call("GET", subject.line.sku)
        if answer.status not in (DONE, NOT_THERE):
            raise self._wire.unknown(answer)
        return self._lookup(subject, now, answer.said if answer.status == DONE else {"free": 0, "holds": {}})

    def hold(self, subject: Subject, now: datetime) -> Lookup:
        """Keep as many, anew for some days where they are kept already; see :class:`~aftersales.ports.Holding`."""
        wanted = {"key": subject.key, "pieces": subject.pieces, "days": self._hold_days}
        answer = self._call("POST", subject.line.sku, "hold", wanted)
        if answer.status not in (DONE, REFUSED, NOT_THERE):
            raise self._wire.unknown(answer)
        said = {DONE: answer.said, REFUSED: answer.said.get("stock") or {}}.get(answer.status, {"free": 0, "holds": {}})
        found = self._lookup(subject, now, said)
        if found.held != (answer.status == DONE):
            raise Unknown("The warehouse system's answer contradicts itself.", status=answer.status)
        return found

    def consume(self, subject: Subject, now: datetime) -> None:  # noqa: ARG002 (now is part of the port)
        """It was sent: it is gone for good; see :class:`~aftersales.ports.Holding`."""
        answer = self._call("POST", subject.line.sku, "consume", {"key": subject.key})
        if answer.status in (REFUSED, NOT_THERE):
            raise Rejected("Nothing is kept under this key.", key=subject.key, refusal=str(answer.said.get("error", ""))[:64])
        if answer.status != DONE:
            raise self._wire.unknown(answer)

    def release(self, subject: Subject, now: datetime) -> None:  # noqa: ARG002 (now is part of the port)
        """Others may buy it again; see :class:`~aftersales.ports.Holding`."""
        answer = self._call("POST", subject.line.sku, "release", {"key": subject.key})
        if answer.status not in (DONE, NOT_THERE):
            raise self._wire.unknown(answer)

    def put_back(self, key: str, sku: str, pieces: int, disposition: Disposition, now: datetime) -> None:  # noqa: ARG002
        """They are back and go there; see :class:`~aftersales.ports.Shelving`."""
        told = {"key": key, "pieces": pieces, "disposition": str(disposition)}
        answer = self._call("POST", sku, "return", told)
        if answer.status in (REFUSED, NOT_THERE):
            refusal = str(answer.said.get("error", ""))[:64]
            raise Rejected("The warehouse system does not take these goods.", key=key, refusal=refusal)
        if answer.status != DONE:
            raise self._wire.unknown(answer)
        if answer.said.get("back") != told:
            raise Unknown("The warehouse system's answer is about something else.", status=answer.status)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _call(self, method: str, sku: str, act: str = "", said: Mapping[str, Any] | None = None) -> Answer:
        return self._wire.call(method, f"/stock/{quote(sku, safe='')}" + (f"/{act}" if act else ""), said)

    def _lookup(self, subject: Subject, now: datetime, said: Mapping[str, Any]) -> Lookup:
        """The answer about a line. ``holds`` names what the asked key keeps, and until when. Raises Unknown for nonsense."""
        free, holds = said.get("free"), said.get("holds") or {}
        mine = (holds.get(subject.key) if isinstance(holds, dict) else None) or {}
        kept, until = (mine.get("pieces", 0), str(mine.get("until", ""))) if isinstance(mine, dict) else (None, "")
        gone = isinstance(mine, dict) and mine.get("gone") is True  # sent already: kept for this key without an end
        endless = kept and not gone and instant_of(until) is None
        if type(free) is not int or type(kept) is not int or min(free, kept) < 0 or endless:
            raise Unknown("The warehouse system's answer is not of its form.")
        enough = free + kept >= subject.pieces
        data: dict[str, Plain] = {"sku": subject.line.sku, "free": free}
        if kept and not gone:
            data["held_until"] = until
        status = AVAILABLE if enough else NONE
        return Lookup(self._name, subject.line.line_id, status, now, kept >= subject.pieces, pairs(data))
