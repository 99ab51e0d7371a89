"""Track: who asks whom where parcels are that bring goods back.

::

    a waybill was told ─► trail on record, due ─► (schedule) subscribe where the carrier tells by itself, else ask
    (schedule) due ─► "asked" is on record ─► one call for as many as fit ─► what is new is on record      one process wins each
    (callback) what a carrier tells by itself, its signature first ─► what is new is on record

That it is asked is on record before it is, with when it is asked next: nobody asks twice within a carrier's time, whoever crashes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aftersales.change import Change
from aftersales.channel import Limits
from aftersales.deadline import Deadline
from aftersales.errors import ChannelBusy, ClaimTaken, NotFound, StaleVersion
from aftersales.order import Order
from aftersales.parcel import Parcel
from aftersales.query import CaseFile
from aftersales.registry import Registry
from aftersales.tracking import Party, Pushed, Trace, Trail, Waybill, case_of_trail
from functions import gate, pace, silence, tracked
from functions.context import again, commit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One parcel that is to be asked about: its case as it was read, and whose phone is named."""

    file: CaseFile
    waybill: Waybill
    party: Party | None

    @property
    def trail(self) -> Trail:
        """Its trail."""
        assert self.file.trail is not None
        return self.file.trail


def begun(
    registry: Registry,
    file: CaseFile,
    order: Order,
    parcel: Parcel,
    now: datetime,
    *,
    label: bool = False,
    lead: str = "",
    elsewhere: bool = False,
) -> Trail | None:
    """The trail of a parcel whose waybill was just told, due at once; None where nobody is asked at this stage at all.

    ``elsewhere``: another case has this number, and a person has to see whose it is.
    """
    if not registry.tracers:
        return None
    name, known = tracer_of(registry, parcel.carrier), file.trail
    trail = Trail(
        file.case.case_id,
        file.case.merchant,
        name,
        parcel.carrier,
        parcel.number,
        now,
        Deadline.after(now, timedelta(0), "look") if name or lead else None,
        turn=parcel.turn,
        label=label,
        lead=lead,
        elsewhere=elsewhere,
        not_before=pace.not_before(registry, known),
        version=known.version if known else 0,
    )
    return replace(trail, checks=tracked.checks(registry, replace(file, parcel=parcel), order, trail, now))


def ask(registry: Registry, tracer: str, files: list[CaseFile]) -> bool | None:
    """Ask about these parcels in one call, and put on record what is new; whether there was an answer, None where nobody was asked.

    Raises ChannelBusy: nothing was asked. What goes wrong with one parcel is raised once the others are on record.
    """
    port, limits = registry.tracer(tracer), limits_of(registry, tracer)
    deaf = False
    if hasattr(port, "subscribe"):
        files, deaf = _subscribed(registry, tracer, files)
    if not files:
        return None
    try:
        gate.enter(registry, _door(tracer), limits)
    except ChannelBusy:
        if not deaf:
            raise
        in_vain(registry, files)
        return False
    asked = [q for q in (_on_record(registry, file) for file in files) if q is not None]
    if not asked:
        return None
    said: tuple[Trace, ...] | None = None
    try:
        said = gate.heard(registry, _door(tracer), lambda: port.trace([q.waybill for q in asked], registry.clock.now()), limits)
    except Exception as error:  # noqa: BLE001  # however a carrier breaks, what is on record is what is true
        log.warning("%s gave no answer about %d parcels: %s", tracer, len(asked), type(error).__name__)
    by_key, wrong = {trace.key: trace for trace in said or ()}, []
    for question in asked:
        try:
            _record(registry, question.file, by_key.get(question.trail.key), question.party)
        except Exception as error:  # noqa: BLE001  # raised below: the others were asked as well
            wrong.append(error)
    if wrong:
        raise wrong[0]
    return said is not None


def in_vain(registry: Registry, files: list[CaseFile]) -> None:
    """Put on record that nobody answers about these, who were not asked any more."""
    for file in files:
        _record(registry, file, None, None)


def receive(registry: Registry, tracer: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Pushed:
    """What a carrier tells by itself: put on record, each word for its parcel alone.

    Raises BadSignature before anything is read. A word about a waybill that is none of ours any more changes nothing. What goes
    wrong with one is raised once the others are on record.
    """
    port = registry.tracer(tracer)
    if not hasattr(port, "pushed"):
        raise NotFound(f"{tracer} tells nothing by itself.", found=tracer)
    said: Pushed = port.pushed(headers, query, body, registry.clock.now())
    wrong = []
    for trace in said.traces:
        try:
            again(lambda told=trace: _told(registry, tracer, told))  # type: ignore[misc]  # bound per turn
        except Exception as error:  # noqa: BLE001  # raised below: it is told again then
            wrong.append(error)
    if wrong:
        raise wrong[0]
    return said


def limits_of(registry: Registry, tracer: str) -> Limits:
    """How many calls a second it takes."""
    return Limits(per_second=registry.tracer(tracer).pace.per_second)


# --- inside -----------------------------------------------------------------------------------------------------------
def _door(tracer: str) -> str:
    return f"tracer:{tracer}"


def tracer_of(registry: Registry, carrier: str) -> str:
    """The first that follows this carrier; "" where nobody does."""
    return next((name for name in registry.tracers if registry.tracer(name).follows(carrier)), "")


def _waybill(registry: Registry, file: CaseFile, trail: Trail) -> tuple[Waybill, Party | None]:
    """What is asked, and as whom: first as the shop, then once as the buyer, where the answer proves both."""
    waybill = Waybill(trail.key, trail.carrier, trail.number)
    if not registry.tracer(trail.tracer).wants_phone(trail.carrier):
        return waybill, None
    phone = registry.merchant(file.case.merchant).return_phone
    known = Party.BUYER if Party.SHOP in trail.denied and Party.BUYER in trail.proved else Party.SHOP
    party = pace.other_phone(registry, trail) or known
    if party is Party.BUYER or not phone:
        phone, party = tracked.order_of(registry, file).buyer.phone, Party.BUYER
    return replace(waybill, phone=phone), party if phone else None


def _on_record(registry: Registry, file: CaseFile) -> Question | None:
    """The question, on record as asked; None where somebody else is at it."""
    trail, now = file.trail, registry.clock.now()
    assert trail is not None
    first = pace.not_before(registry, trail)
    if first is not None and now < first:  # of a waybill that was told again
        _try(registry, Change(trail=replace(trail, deadline=Deadline(first, "look"))))
        return None
    waybill, party = _waybill(registry, file, trail)
    asked = replace(trail, asked_at=now, not_before=None, deadline=pace.next_look(registry, trail, now))
    if not _try(registry, Change(trail=asked)):
        return None
    return Question(replace(file, trail=replace(asked, version=trail.version + 1)), waybill, party)


def _subscribed(registry: Registry, tracer: str, files: list[CaseFile]) -> tuple[list[CaseFile], bool]:
    """Have those told by itself that are not yet; gives the others, and those that it does not take: they are asked about.

    Also gives whether there was no answer.
    """
    fresh = [file for file in files if file.trail and not file.trail.subscribed and file.trail.asked_at is None]
    if not fresh:
        return files, False
    port, limits, now = registry.tracer(tracer), limits_of(registry, tracer), registry.clock.now()
    assert hasattr(port, "subscribe")
    by_key = {waybill.key: waybill for waybill in (_waybill(registry, f, f.trail)[0] for f in fresh if f.trail)}
    gate.enter(registry, _door(tracer), limits)
    try:
        taken, deaf = gate.heard(registry, _door(tracer), lambda: port.subscribe(list(by_key.values()), now), limits), False
    except ChannelBusy:
        raise
    except Exception as error:  # noqa: BLE001  # however it breaks: who does not subscribe is asked
        log.warning("%s takes no subscription: %s", tracer, type(error).__name__)
        taken, deaf = frozenset(), True
    others = [file for file in files if file not in fresh]
    for file in fresh:
        trail = file.trail
        assert trail is not None
        if trail.key not in taken:
            others.append(file)
            continue
        told = replace(trail, subscribed=True, deadline=Deadline.after(now, pace.QUIET, "look"))
        _try(registry, Change(trail=told))
    return others, deaf


def _try(registry: Registry, change: Change) -> bool:
    try:
        commit(registry, change)
    except StaleVersion:  # somebody else is at it
        return False
    return True


def _record(registry: Registry, asked: CaseFile, trace: Trace | None, party: Party | None) -> None:
    """Put the answer on record, or that there was none; begun anew while somebody else changes the case.

    There was one, where the carrier has told something by itself meanwhile.
    """
    before, read = asked.trail, [asked]
    assert before is not None

    def once() -> None:
        now, file = registry.clock.now(), read.pop() if read else registry.store.case(before.case_id)
        if file is None or file.trail is None or file.trail.turn != before.turn:
            return
        if trace is not None:
            _keep(registry, file, trace, party, now)
        elif file.trail.heard_at == before.heard_at:
            change = silence.unheard(file, now)
            assert change.trail is not None
            commit(registry, replace(change, trail=replace(change.trail, deadline=pace.after_silence(registry, change.trail, now))))

    again(once)


def _told(registry: Registry, tracer: str, trace: Trace) -> None:
    """One word that was told without a question."""
    about = case_of_trail(trace.key)
    file = registry.store.case(about[0]) if about else None
    trail = file.trail if file else None
    if about is None or file is None or trail is None or trail.turn != about[1] or trail.tracer != tracer:
        log.info("%s tells of %s, which is none of ours any more", tracer, trace.key)
        return
    if silence.is_out(file) or silence.has_arrived(file):
        _keep(registry, file, trace, None, registry.clock.now())


def _keep(registry: Registry, file: CaseFile, trace: Trace, party: Party | None, now: datetime) -> None:
    """Put a word on record; nothing is written where it is no news and nobody had waited for it."""
    change, before = tracked.heard(registry, file, trace, party, now), file.trail
    after = change.trail
    assert before is not None
    assert after is not None
    waits = after.deadline or before.deadline is None
    if not change.steps and replace(after, heard_at=before.heard_at, deadline=before.deadline) == before and waits:
        return
    try:
        commit(registry, change)
    except ClaimTaken:  # who really carries it has this number in another case
        file = replace(file, trail=replace(before, elsewhere=True))
        commit(registry, tracked.heard(registry, file, trace, party, now))
