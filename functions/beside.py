"""Beside: goods of one case that travel in another case's parcel. Nobody is asked twice about one number.

The case whose parcel it is, is looked at instead of a carrier. Where it is not followed there any more, because its buyer has told
another number since or it is over, one of those that are left follows the number itself, and the others travel with that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from aftersales import waybill
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.errors import ClaimTaken
from aftersales.query import CaseFile, OfBuyer
from aftersales.registry import Registry
from aftersales.tracking import Trace, Trail
from functions import number, pace, silence, tracked
from functions.context import commit

#: How often a parcel is looked at that travels in another case's.
BESIDE = timedelta(hours=1)

#: Cases of one buyer that are looked through for another one with the same number, newest first.
MOST = 50


def look(registry: Registry, file: CaseFile, trail: Trail, now: datetime) -> None:
    """Put on record what is known of the parcel in which these goods travel. Raises StaleVersion where somebody else does."""
    lead = registry.store.case(trail.lead)
    known = lead.trail if lead else None
    if lead is None or known is None or known.number != trail.number:
        _apart(registry, file, trail, lead, now)
        return
    change = _told(registry, file, trail, known, now)
    after = change.trail
    if after is not None and after.deadline is not None and not silence.is_out(lead) and not after.over:
        _apart(registry, file, trail, lead, now)
        return
    later = Deadline.after(now, BESIDE, "look") if after and after.deadline else None
    commit(registry, replace(change, trail=replace(after, deadline=later) if after else None))


def others(registry: Registry, file: CaseFile, number: str) -> Iterator[CaseFile]:
    """The other cases of this buyer at this shop whose goods travel, or travelled, under this number."""
    for case in registry.store.find(OfBuyer(file.case.merchant, file.case.buyer_id), None, MOST).found:
        other = registry.store.case(case.case_id) if case.case_id != file.case.case_id else None
        if other is not None and other.parcel is not None and other.parcel.number == number:
            yield other


# --- inside -----------------------------------------------------------------------------------------------------------
def _told(registry: Registry, file: CaseFile, trail: Trail, known: Trail, now: datetime) -> Change:
    """The change that the other case's trail brings to this one."""
    doubted = trail.elsewhere or known.elsewhere
    same = replace(trail, proved=known.proved, denied=known.denied, tracer=known.tracer or trail.tracer, elsewhere=doubted)
    later = replace(same, deadline=Deadline.after(now, BESIDE, "look"))
    if known.silent_since is not None:
        return silence.unheard(replace(file, trail=replace(later, silent_since=known.silent_since)), now)
    if known.found is None:
        return Change(trail=later)
    trace = Trace(trail.key, known.found, known.scans, known.carrier, known.over, known.frozen)
    return tracked.heard(registry, replace(file, trail=same), trace, None, now)


def _apart(registry: Registry, file: CaseFile, trail: Trail, lead: CaseFile | None, now: datetime) -> None:
    """Travel with another case of this buyer that follows this number, or follow it from here on.

    Its name is held while it is followed: who of several comes second finds it taken, and looks again later. Where a stranger's
    case took it once it was free, the list says so.
    """
    other = _following(registry, file, trail)
    if other:
        commit(registry, Change(trail=replace(trail, lead=other, deadline=Deadline.after(now, BESIDE, "look"))))
        return
    known = (pace.not_before(registry, trail), pace.not_before(registry, lead.trail if lead else None))
    first = max(filter(None, known), default=None)
    own = replace(trail, lead="", not_before=first, deadline=Deadline.after(now, timedelta(0), "look"))
    change, name = Change(parcel=file.parcel, trail=own), waybill.claim_of(trail.carrier, trail.number)
    try:
        commit(registry, number.holding(change, file, name))
    except ClaimTaken:
        if _following(registry, file, trail):  # by one that travels beside as well: looked at again in a minute
            return
        theirs = lead is not None and name in number.held(lead)  # told first, and another one since
        change = replace(change, trail=replace(own, elsewhere=own.elsewhere or not theirs))
        with suppress(ClaimTaken):  # else one that travels beside as well follows it from now on
            commit(registry, number.holding(change, file, f"beside#{trail.lead}#{trail.number}"))


def _following(registry: Registry, file: CaseFile, trail: Trail) -> str:
    """Another case of this buyer in which the number is followed; "" where there is none."""
    cases = registry.store.find(OfBuyer(file.case.merchant, file.case.buyer_id), None, MOST).found
    for case in cases:
        other = registry.store.case(case.case_id) if case.case_id != file.case.case_id and not case.terminal else None
        theirs = other.trail if other else None
        if other and theirs and not theirs.lead and theirs.number == trail.number and silence.is_out(other):
            return case.case_id
    return ""
