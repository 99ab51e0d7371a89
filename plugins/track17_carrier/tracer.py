"""The tracer: numbers that are registered with 17TRACK, what it knows of them, and what it tells by itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aftersales.errors import BadSignature, ChannelBusy, Unknown
from aftersales.tracking import Found, Pace, Pushed, Trace, Waybill
from plugins.track17_carrier.said import trace_of
from plugins.track17_carrier.setting import Setting
from plugins.track17_carrier.sign import check
from plugins.track17_carrier.wire import Answer, Wire, code_of
from plugins.track17_carrier.word import ALREADY, AUTO, NOT_REGISTERED, NOTHING_YET, NUMBERS, SPENT

log = logging.getLogger(__name__)

#: Numbers in one call. A question may need three calls (ask, register, ask again), and three a second are taken: so one a second.
BATCH, PER_SECOND = 40, 1


class Track17Tracer:
    """A :class:`~aftersales.ports.Tracer` and :class:`~aftersales.ports.Pushing`. Safe for threads."""

    pace = Pace(batch=BATCH, gap=timedelta(hours=1), per_second=PER_SECOND)

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._wire = Wire(setting)

    def follows(self, carrier: str) -> bool:
        """Those that cross borders; companies inside China are asked elsewhere."""
        return carrier in NUMBERS or carrier == AUTO

    def wants_phone(self, carrier: str) -> bool:  # noqa: ARG002 (part of the port)
        """Nobody's, of no carrier that it follows."""
        return False

    def trace(self, waybills: Sequence[Waybill], now: datetime) -> tuple[Trace, ...]:
        """See :class:`~aftersales.ports.Tracer`. What is not registered yet is, and asked about once more; then it is left out."""
        self._fits(waybills)
        said = self._wire.call("gettrackinfo", _questions(waybills), now)
        strange = said.refused(NOT_REGISTERED)
        missing = [w for w in waybills if w.number in strange]
        late = self._made_up_for(missing, now) if missing else ()
        return (*_traces([w for w in waybills if w.number not in strange], said), *late)

    def subscribe(self, waybills: Sequence[Waybill], now: datetime) -> frozenset[str]:
        """See :class:`~aftersales.ports.Pushing`. What is registered for another key is told under that one: it is left out."""
        self._fits(waybills)
        fresh = {w.number: w for w in reversed(waybills)}
        said = self._register(fresh.values(), now)
        taken = {fresh[number].key for one in said.accepted if (number := str(one.get("number"))) in fresh}
        before = said.refused(ALREADY)
        known = [w for w in waybills if w.number in before]
        return frozenset(taken | (self._ours(known, now) if known else set()))

    def pushed(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> Pushed:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Pushing`. The waybill is the one under whose key the number was registered."""
        check(body, self._setting.key, headers.get("sign", ""))
        try:
            said = json.loads(body)
            event, data = said.get("event"), said.get("data") or {}
            key = str(data.get("tag") or "")
        except (ValueError, AttributeError, RecursionError) as error:
            raise BadSignature("The message is not of its form.") from error
        if not key or event not in ("TRACKING_UPDATED", "TRACKING_STOPPED"):
            return Pushed(())
        trace = trace_of(key, "", data)
        if event == "TRACKING_STOPPED":
            # It looks no more. A number of which nothing is known will never be known; where something is, that stays.
            trace = _stopped(trace or Trace(key, Found.NEVER))
        return Pushed((trace,) if trace else ())

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _fits(self, waybills: Sequence[Waybill]) -> None:
        if len(waybills) > BATCH:
            raise ValueError(f"{len(waybills)} waybills, and {BATCH} fit into a call")

    def _register(self, waybills: Iterable[Waybill], now: datetime) -> Answer:
        said = self._wire.call("register", [{**_question(w), "tag": w.key} for w in waybills], now)
        if any(code_of(one) in SPENT for one in said.rejected):
            log.error("17TRACK registers no more: the account's numbers are used up")
        return said

    def _made_up_for(self, waybills: Sequence[Waybill], now: datetime) -> tuple[Trace, ...]:
        """What is known of numbers that had to be registered first: mostly nothing so far, and then there is no answer yet."""
        try:
            self._register({w.number: w for w in reversed(waybills)}.values(), now)
            said = self._wire.call("gettrackinfo", _questions(waybills), now)
        except (Unknown, ChannelBusy) as error:
            log.warning("17TRACK does not register %d numbers: %s", len(waybills), error.message)
            return ()
        return _traces(waybills, Answer(said.accepted, ()))

    def _ours(self, waybills: Sequence[Waybill], now: datetime) -> set[str]:
        """The keys of those that are registered under them."""
        try:
            said = self._wire.call("gettrackinfo", _questions(waybills), now)
        except (Unknown, ChannelBusy) as error:
            log.warning("17TRACK does not say whose %d numbers are: %s", len(waybills), error.message)
            return set()
        tags = {(str(one.get("number")), str(one.get("tag") or "")) for one in said.accepted}
        tags |= {(str(one.get("number")), str(one.get("tag") or "")) for one in said.rejected if code_of(one) == NOTHING_YET}
        return {w.key for w in waybills if (w.number, w.key) in tags}


def _question(waybill: Waybill) -> dict[str, Any]:
    number = NUMBERS.get(waybill.carrier)
    return {"number": waybill.number} | ({"carrier": number} if number else {})


def _questions(waybills: Sequence[Waybill]) -> list[dict[str, Any]]:
    """Each number once, whoever asks about it."""
    return list({(w.number, w.carrier): _question(w) for w in waybills}.values())


def _traces(waybills: Sequence[Waybill], said: Answer) -> tuple[Trace, ...]:
    """One for each waybill that the answer is about."""
    by_number: dict[str, list[Mapping[str, Any]]] = {}
    for one in said.accepted:
        by_number.setdefault(str(one.get("number")), []).append(one)
    nothing, traces = said.refused(NOTHING_YET), []
    for w in waybills:
        entries = by_number.get(w.number, [])
        entry = next((one for one in entries if one.get("carrier") == NUMBERS.get(w.carrier)), entries[0] if entries else None)
        trace = trace_of(w.key, w.carrier, entry) if entry is not None else None
        if trace is None and w.number in nothing:
            trace = Trace(w.key, Found.NOT_YET)
        if trace is not None:
            traces.append(trace)
    return tuple(traces)


def _stopped(trace: Trace) -> Trace:
    found = Found.NEVER if trace.found is Found.NOT_YET else trace.found
    return Trace(trace.key, found, trace.scans, trace.carrier, over=True, frozen=trace.frozen)
