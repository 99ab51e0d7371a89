"""Pace: when a carrier is asked about a parcel next. Where it tells by itself, seldom; else as often as news can matter."""

from __future__ import annotations

from datetime import datetime, timedelta

from aftersales.deadline import Deadline
from aftersales.registry import Registry
from aftersales.tracking import Found, Party, Passage, Trail

#: A parcel that its carrier tells of by itself is asked about only once there was no word for so long.
QUIET = timedelta(hours=24)

#: Nothing known of it yet; somewhere on its way; about to arrive.
YOUNG, ON_ITS_WAY, NEAR = timedelta(hours=6), timedelta(hours=4), timedelta(hours=1)

#: Where a question found nobody, and for how long it can be in vain before it is asked seldom.
AGAIN, SELDOM = timedelta(minutes=30), timedelta(hours=2)

_NEAR = frozenset({Passage.OUT_FOR_DELIVERY, Passage.AT_STATION})


def next_look(registry: Registry, trail: Trail, now: datetime) -> Deadline | None:
    """When somebody is asked again after a word; None where nothing more will be said."""
    other = other_phone(registry, trail) if trail.found in (Found.KNOWN, Found.OTHER_PARTY) else None
    if trail.over and trail.found in (Found.KNOWN, Found.NEVER) and other is None:
        return None
    gap = registry.tracer(trail.tracer).pace.gap
    return Deadline.after(now, max(gap if other else _wait(trail), gap), "look")


def given_up(now: datetime) -> Deadline:
    """When a number is asked about again that nobody knew in days: it may be scanned after all."""
    return Deadline.after(now, QUIET, "look")


def after_silence(registry: Registry, trail: Trail, now: datetime) -> Deadline:
    """When somebody is asked again while there is no answer."""
    gap = registry.tracer(trail.tracer).pace.gap
    since = now - (trail.silent_since or now)
    return Deadline.after(now, max(min(AGAIN + since / 2, SELDOM), gap), "look")


def not_before(registry: Registry, trail: Trail | None) -> datetime | None:
    """Before when its tracer is not to be asked about this case again, whichever number is told; None where it can be at once."""
    if trail is None or trail.tracer not in registry.tracers:
        return trail.not_before if trail else None
    asked = trail.asked_at + registry.tracer(trail.tracer).pace.gap if trail.asked_at else None
    return max(filter(None, (asked, trail.not_before)), default=None)


def other_phone(registry: Registry, trail: Trail) -> Party | None:
    """Whose phone was not named yet, where the carrier's answer to it would prove who sends and who takes."""
    if not registry.tracer(trail.tracer).wants_phone(trail.carrier):
        return None
    known = {*trail.proved, *trail.denied}
    return next((party for party in (Party.SHOP, Party.BUYER) if party not in known), None)


def _wait(trail: Trail) -> timedelta:
    """How long news can wait."""
    if trail.subscribed or trail.found is Found.OTHER_PARTY:
        return QUIET
    if trail.last is None:
        return YOUNG
    return NEAR if trail.last.state in _NEAR else ON_ITS_WAY
