"""Collect: what a carrier is asked about a pickup, one step at a time, and what its word changes.

::

    on record ─► (stream) "called" is on record ─► book ─► its word on record           one process wins each arrow, by version
                     │ a crash, or no answer: a minute later ─► find, under the same key
                     └ the carrier never heard of it, and no call can be under way any more ─► book again, under the same key
    case over, or sent another way ─► (stream, else schedule) cancelling ─► cancel, until the carrier says that nothing stands

What a carrier tells by itself is a reason to ask it, and never believed: late, twice or out of order, the answer is of now.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.errors import ClaimTaken, NotFound, Rejected, StaleVersion
from aftersales.pickup import (
    Booking,
    BookingStatus,
    Party,
    Pickup,
    PickupEvent,
    PickupState,
    Refusal,
    Told,
    Wish,
    advance_pickup,
    case_of_pickup,
)
from aftersales.query import CaseFile, Due
from aftersales.registry import Registry
from aftersales.text import DEFAULT_LOCALE, text
from functions import carriage, collected
from functions.context import again, commit

log = logging.getLogger(__name__)
S, E = PickupState, PickupEvent

#: How long another process may still be at a call that is on record; and after how long a carrier's "never heard of it" is final.
BUSY, FINAL = timedelta(seconds=50), timedelta(minutes=10)

#: The longest that nobody looks while a carrier gives no answer.
SELDOM = timedelta(hours=1)

#: What one look may do at most: called, refused, cancelled, asked again under the next number, called.
STEPS = 8

#: States in which a step is due at once.
AT_ONCE = frozenset({S.ASKED, S.MOVING, S.CANCELLING})


def look(registry: Registry, case_id: str, ref: str = "", *, hint: bool = False) -> bool:
    """Do what is next about a pickup, as far as the carrier answers; False when there was nothing to do.

    ``hint``: the carrier told that something happened, about ``ref``, and is asked at once. Never raises for a carrier that is
    silent: the pickup stays as it is on record, and the schedule looks again.
    """
    done = False
    for _ in range(STEPS):
        file = registry.store.case(case_id)
        pickup = file.pickup if file else None
        if file is None or pickup is None or not pickup.alive:
            return done
        if not collected.wanted(file) and (pickup.state is not S.CANCELLING or pickup.wanted):
            again(lambda: stop(registry, case_id))
            done = True
            continue
        try:
            went_on = _step(registry, file, pickup, ref, hint=hint)
        except StaleVersion:
            continue  # somebody else is at it: what they made of it is looked at
        except Exception as error:  # noqa: BLE001  # however a carrier breaks, what is on record is what is true
            log.warning("carrier %s gave no answer about %s: %s", pickup.carrier, pickup.key, type(error).__name__)
            again(lambda: _later(registry, case_id))
            return done
        done = True
        if not went_on:
            return done
        hint = False
    return done


def followed(registry: Registry, before: Pickup | None, after: Pickup) -> None:
    """A pickup came into a state in which a carrier is to be asked; may run twice, or late."""
    if after.state in AT_ONCE and (before is None or (before.state, before.number) != (after.state, after.number)):
        look(registry, after.case_id)


def unwanted(registry: Registry, case_id: str) -> None:
    """Something happened to a case with a pickup: where its goods are not to be collected any more, the pickup is cancelled."""
    file = registry.store.case(case_id)
    if file is not None and file.pickup is not None and file.pickup.alive and not collected.wanted(file):
        look(registry, case_id)


def due(registry: Registry, waiting: Due, now: datetime) -> bool:
    """The schedule's look at a pickup, where the stream did not run or a carrier did not answer."""
    file = registry.store.case(waiting.case_id)
    pickup = file.pickup if file else None
    if pickup is None or pickup.deadline is None or not pickup.deadline.passed(now):
        return False
    return look(registry, waiting.case_id)


def receive(registry: Registry, carrier: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Told:
    """What a carrier tells by itself: it is asked about that booking now.

    Raises BadSignature before anything is read, and NotFound for what is none of ours.
    """
    port = registry.carrier(carrier)
    if not hasattr(port, "told"):
        raise NotFound(f"The carrier {carrier} tells nothing by itself.", found=carrier)
    said: Told = port.told(headers, query, body, registry.clock.now())
    about = case_of_pickup(said.key)
    file = registry.store.case(about[0]) if about else None
    pickup = file.pickup if file else None
    if about is None or pickup is None or pickup.carrier != carrier or about[1] > pickup.number:
        raise NotFound("There is no such pickup.", found=said.key)
    if about[1] == pickup.number and pickup.alive:
        look(registry, pickup.case_id, said.ref, hint=True)
    elif not (about[1] == pickup.number and pickup.state is S.COLLECTED):
        _stray(registry, pickup, said)
    return said


def stop(registry: Registry, case_id: str) -> None:
    """Put on record that a pickup is not wanted any more: neither at its slot nor at another one. Nobody is called here."""
    file, now = registry.store.case(case_id), registry.clock.now()
    pickup = file.pickup if file else None
    if file is None or pickup is None or not pickup.alive:
        return
    if pickup.state is S.CANCELLING:
        if pickup.wanted:
            commit(registry, Change(pickup=replace(pickup, wanted=None, sender=None)))
        return
    change = collected.said(file, advance_pickup(replace(pickup, wanted=None), E.CANCEL_ASKED, now), zone_of(registry, file), now)
    commit(registry, change)


def wish_of(registry: Registry, pickup: Pickup, sender: Party) -> Wish:
    """What the carrier is asked for."""
    shop = registry.merchant(pickup.merchant)
    to = Party(shop.return_name, shop.return_phone, shop.return_address)
    goods = text("functions", "pickup.goods", DEFAULT_LOCALE)
    slot = None if pickup.drop_off else pickup.slot
    return Wish(pickup.key, pickup.company, slot, sender, to, pickup.weight_g, goods)


def zone_of(registry: Registry, file: CaseFile) -> ZoneInfo:
    """The merchant's zone."""
    return registry.merchant(file.case.merchant).zone


# --- inside -----------------------------------------------------------------------------------------------------------
def _step(registry: Registry, file: CaseFile, pickup: Pickup, ref: str, *, hint: bool) -> bool:
    """One step. Gives whether another one may follow at once."""
    if pickup.state is S.ASKED:
        return _call(registry, file, pickup)
    if pickup.state is S.CALLING:
        return _asked(registry, file, pickup, ref, hint=hint)
    if pickup.state is S.MOVING:
        return _move(registry, pickup)
    if pickup.state is S.CANCELLING:
        return _cancel(registry, pickup, ref)
    now = registry.clock.now()
    found = registry.carrier(pickup.carrier).find(pickup.key, pickup.ref or ref, now)
    if found is None:
        raise Rejected("The carrier has forgotten a pickup that it had confirmed.")  # nothing is concluded from that
    _record(registry, found, pickup)
    return False


def _call(registry: Registry, file: CaseFile, pickup: Pickup) -> bool:
    """Book it: that it is called is on record before it is. Who loses the race for the record calls nobody."""
    if pickup.sender is None or pickup.slot.end <= registry.clock.now():
        late = Booking(pickup.key, BookingStatus.REFUSED, refusal=Refusal.SLOT_TAKEN)
        commit(registry, collected.by(registry, file, pickup, late, registry.clock.now()))
        return True
    calling = advance_pickup(pickup, E.CALLED, registry.clock.now())
    commit(registry, Change(pickup=calling))
    now = registry.clock.now()
    if now - calling.since >= BUSY:  # this process slept: another one may have taken over
        return False
    said = registry.carrier(pickup.carrier).book(wish_of(registry, calling, pickup.sender), now)
    _record(registry, said, calling, answers=(S.CALLING, S.CANCELLING))
    return True


def _asked(registry: Registry, file: CaseFile, pickup: Pickup, ref: str, *, hint: bool) -> bool:
    """It was called, and no answer is on record."""
    now = registry.clock.now()
    if now - pickup.since < BUSY and not hint:
        return False
    found = registry.carrier(pickup.carrier).find(pickup.key, pickup.ref or ref, now)
    if found is not None:
        _record(registry, found, pickup)
        return True
    if now - pickup.since < FINAL:
        again(lambda: _later(registry, pickup.case_id))
        return False
    return _call(registry, file, pickup)


def _move(registry: Registry, pickup: Pickup) -> bool:
    """Give it the other slot; a carrier that cannot is asked to cancel, and then for a new one."""
    assert pickup.wanted is not None
    try:
        said = registry.carrier(pickup.carrier).move(pickup.key, pickup.ref, pickup.wanted, registry.clock.now())
    except Rejected:
        again(lambda: _instead(registry, pickup.case_id, pickup.version))
        return True
    _record(registry, said, pickup)
    return True


def _instead(registry: Registry, case_id: str, version: int) -> None:
    """Cancelling, with the other slot kept in mind."""
    file, now = registry.store.case(case_id), registry.clock.now()
    if file is not None and file.pickup is not None and file.pickup.version == version:
        commit(registry, Change(pickup=advance_pickup(file.pickup, E.CANCEL_ASKED, now)))


def _cancel(registry: Registry, pickup: Pickup, ref: str) -> bool:
    """Cancel it, and believe only the carrier that nothing stands."""
    carrier, now, ref = registry.carrier(pickup.carrier), registry.clock.now(), pickup.ref or ref
    if not ref:  # it was called without an answer
        found = carrier.find(pickup.key, "", now)
        if found is None and now - pickup.since < FINAL:
            again(lambda: _later(registry, pickup.case_id))
            return False
        if found is None or found.status is not BookingStatus.STANDS:
            _record(registry, found or Booking(pickup.key, BookingStatus.GONE), pickup)
            return True
        ref = found.ref
    try:
        carrier.cancel(pickup.key, ref, now)
    except Rejected:
        found = carrier.find(pickup.key, ref, now)
        if found is None or found.status is BookingStatus.STANDS:
            raise
        _record(registry, found, pickup)
        return True
    _record(registry, Booking(pickup.key, BookingStatus.GONE, ref), pickup)
    return True


def _stray(registry: Registry, pickup: Pickup, said: Told) -> None:
    """A booking that should stand no more is told of: if it does stand, it is cancelled."""
    carrier, now = registry.carrier(pickup.carrier), registry.clock.now()
    found = carrier.find(said.key, said.ref, now)
    if found is not None and found.status is BookingStatus.STANDS:
        log.error("%s stands at %s against our record: it is cancelled", said.key, pickup.carrier)
        carrier.cancel(said.key, found.ref or said.ref, now)


def _record(registry: Registry, said: Booking, seen: Pickup, answers: tuple[PickupState, ...] = ()) -> None:
    """Put on record what the carrier says, and what follows; begun anew while somebody else changes the case.

    It is a word about the pickup as it was ``seen``: one that was moved on meanwhile is asked about again, but for the answer to a
    call, which counts in the states ``answers`` too.
    """

    def once() -> None:
        file, now = registry.store.case(seen.case_id), registry.clock.now()
        pickup = file.pickup if file else None
        if file is None or pickup is None or pickup.key != said.key or not pickup.alive:
            return
        if (pickup.state, pickup.since) != (seen.state, seen.since) and pickup.state not in answers:
            return
        try:
            change = carriage.told(registry, collected.by(registry, file, pickup, said, now), now)
            commit(registry, collected.answered(registry, pickup, change, now))
        except ClaimTaken:
            commit(registry, carriage.told(registry, collected.by(registry, file, pickup, said, now, free=False), now))

    again(once)


def _later(registry: Registry, case_id: str) -> None:
    """Look again later, the longer there is no answer the later."""
    file, now = registry.store.case(case_id), registry.clock.now()
    pickup = file.pickup if file else None
    if file is None or pickup is None or not pickup.alive:
        return
    wait = min(max((now - pickup.since) / 2, timedelta(minutes=1)), SELDOM)
    commit(registry, collected.silent(registry, file, replace(pickup, deadline=Deadline.after(now, wait, "look")), now))
