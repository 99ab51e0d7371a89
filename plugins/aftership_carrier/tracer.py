"""The tracer: numbers that AfterShip follows for us, what it knows of them, and what it tells by itself."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aftersales.errors import BadSignature, ChannelBusy, Unknown
from aftersales.tracking import Pace, Pushed, Trace, Waybill
from plugins.aftership_carrier.said import FIELD, key_of, trace_of
from plugins.aftership_carrier.setting import Setting
from plugins.aftership_carrier.sign import check
from plugins.aftership_carrier.wire import Answer, Wire
from plugins.aftership_carrier.word import AUTO, EXISTS, SLUGS

log = logging.getLogger(__name__)

#: Numbers in one question. Each may have to be created by a call of its own, and twenty of those are taken in a second.
BATCH, PER_SECOND = 20, 1

#: The fourteenth and last try of telling comes 245,730 seconds after the first (its document on webhooks, read 2026-11).
OLDEST_S, AHEAD_S = 4 * 86_400, 300

GOOD = frozenset({200, 201})


class AftershipTracer:
    """A :class:`~aftersales.ports.Tracer` and :class:`~aftersales.ports.Pushing`. Safe for threads.

    ``now`` is the real time in seconds since 1970: limits and messages live in it.
    """

    pace = Pace(batch=BATCH, gap=timedelta(hours=1), per_second=PER_SECOND)

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._setting, self._now = setting, now
        self._wire = Wire(setting, now)

    def follows(self, carrier: str) -> bool:
        """Those that cross borders; companies inside China are asked elsewhere."""
        return carrier in SLUGS or carrier == AUTO

    def wants_phone(self, carrier: str) -> bool:  # noqa: ARG002 (part of the port)
        """Nobody's, of no carrier that it follows."""
        return False

    def trace(self, waybills: Sequence[Waybill], now: datetime) -> tuple[Trace, ...]:
        """See :class:`~aftersales.ports.Tracer`. What it does not follow yet it does from now on."""
        _fits(waybills)
        entries, traces = self._find(waybills, now), []
        for waybill in waybills:
            entry = _about(waybill, entries) or self._begun(waybill, now)
            trace = trace_of(waybill.key, waybill.carrier, entry) if entry is not None else None
            if trace is not None:
                traces.append(trace)
        return tuple(traces)

    def subscribe(self, waybills: Sequence[Waybill], now: datetime) -> frozenset[str]:
        """See :class:`~aftersales.ports.Pushing`. What is followed under another key is told under that one."""
        _fits(waybills)
        taken: set[str] = set()
        known: list[Waybill] = []
        try:
            for waybill in waybills:
                said = self._create(waybill, now)
                if said.code in GOOD:
                    taken.add(waybill.key)
                elif said.code == EXISTS:
                    known.append(waybill)
            entries = self._find(known, now) if known else []
        except (Unknown, ChannelBusy) as error:
            if not taken:
                raise
            log.warning("AfterShip follows %d of %d numbers: %s", len(taken), len(waybills), error.message)
            return frozenset(taken)
        ours = {(_number(entry), key_of(entry)) for entry in entries}
        return frozenset(taken | {w.key for w in known if (w.number, w.key) in ours})

    def pushed(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> Pushed:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Pushing`. The waybill is the one under whose key the number is followed."""
        check(body, self._setting.webhook_secret, headers.get("aftership-hmac-sha256", ""))
        try:
            said = json.loads(body)
            event, tracking, at = said.get("event"), said.get("msg") or {}, said.get("ts")
            key = key_of(tracking)
        except (ValueError, AttributeError, RecursionError) as error:
            raise BadSignature("The message is not of its form.") from error
        if not isinstance(at, int | float) or not -OLDEST_S <= at - self._now() <= AHEAD_S:
            raise BadSignature("The message is of another time: no try of telling comes so late.")
        trace = trace_of(key, "", tracking) if event == "tracking_update" and key else None
        return Pushed((trace,) if trace else ())

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _find(self, waybills: Sequence[Waybill], now: datetime) -> list[Mapping[str, Any]]:
        """What AfterShip knows of these numbers, each asked about once. Raises Unknown where it does not say."""
        said = self._wire.find(",".join(dict.fromkeys(w.number for w in waybills)), now)
        found = said.data.get("trackings")
        if said.code not in GOOD or not isinstance(found, list):
            raise Unknown(f"AfterShip answers {said.code}.")
        return [entry for entry in found if isinstance(entry, dict)]

    def _create(self, waybill: Waybill, now: datetime) -> Answer:
        slug = SLUGS.get(waybill.carrier)
        said = {"tracking_number": waybill.number, "title": waybill.key, "custom_fields": {FIELD: waybill.key}}
        answer = self._wire.create(said | ({"slug": slug} if slug else {}), now)
        if answer.code not in GOOD and answer.code != EXISTS:
            log.warning("AfterShip does not follow the parcel of %s: %s", waybill.key, answer.code)
        return answer

    def _begun(self, waybill: Waybill, now: datetime) -> Mapping[str, Any] | None:
        """Have it followed, and what is known at once; None where that did not work, which takes nothing from the others."""
        try:
            said = self._create(waybill, now)
        except (Unknown, ChannelBusy) as error:
            log.warning("AfterShip does not begin to follow the parcel of %s: %s", waybill.key, error.message)
            return None
        entry = said.data.get("tracking", said.data)
        return entry if said.code in GOOD and isinstance(entry, dict) else None


def _fits(waybills: Sequence[Waybill]) -> None:
    if len(waybills) > BATCH:
        raise ValueError(f"{len(waybills)} waybills, and {BATCH} fit into a question")


def _about(waybill: Waybill, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The entry about a waybill, that of its own carrier first."""
    found = [entry for entry in entries if _number(entry) == waybill.number]
    slug = SLUGS.get(waybill.carrier)
    return next((entry for entry in found if entry.get("slug") == slug), found[0] if found else None)


def _number(entry: Mapping[str, Any]) -> str:
    return str(entry.get("tracking_number") or "").upper()
