"""Pledges: the answer that a shop promises within so many hours, found late where it did not come, and made good with points.

::

    handed in, waits ──► pledge ──► an answer in time: kept
                            └ the instant passes (schedule) ──► late on record, with what is owed ──► points given, once
                                  a crash at any arrow: the same key is given once ┘   └ no answer: again, less and less often;
                                                                                        a no, or three days of silence: a ticket

A stage whose port ``points`` is not switched on gives none: its late cases say that they are late, and that is all.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import UNANSWERED, Case, Event
from aftersales.change import Change, Plain
from aftersales.errors import BadPlugin, BadSettings, Rejected, Unknown
from aftersales.pledge import Pledge
from aftersales.query import CaseFile
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from functions import tickets
from functions.context import commit

log = logging.getLogger(__name__)

#: When the membership system is asked again at the earliest and at the latest, and after how much silence a person sees to it.
SOON, SELDOM, LONG = timedelta(minutes=1), timedelta(hours=1), timedelta(days=3)

#: Why points are given, as the membership system keeps it; and why they were not, where it said nothing.
REASON, SILENT = "late_answer", "unknown"


def promised(registry: Registry, change: Change, now: datetime) -> Change:
    """The change of a case that was handed in, with its pledge where it waits for an answer now; a case has one at most.

    What the rules answered at once needs none. One whose buyer was asked for more at once gets it when that comes in and it waits.
    """
    case = change.case
    if case is None or case.pledge is not None or case.state not in UNANSWERED:
        return change
    pledge = Pledge.of(registry.merchant(case.merchant).pledge_hours, case.tier, now)
    return change.with_case(pledge=pledge) if pledge else change


def looked_after(registry: Registry, file: CaseFile, now: datetime) -> CaseFile | None:
    """The case once what is due about its pledge was done; None where nothing was due.

    Its being late, and what that costs, is on record before anybody is called. Raises StaleVersion when somebody else is at it.
    """
    pledge = file.case.pledge
    if pledge is None or pledge.due_at is None or pledge.due_at > now:
        return None
    if pledge.open:
        commit(registry, _late(registry, file.case, pledge, now))
        file = registry.store.case(file.case.case_id) or file
    case, pledge = file.case, file.case.pledge
    if pledge is None or pledge.again_at is None or pledge.again_at > now:
        return file
    commit(registry, _given(registry, case, pledge, now))
    return registry.store.case(case.case_id) or file


def key_of(case: Case) -> str:
    """The key under which a case's points are given: one per case, for ever."""
    return f"{case.case_id}/late"


# --- inside -----------------------------------------------------------------------------------------------------------
def _late(registry: Registry, case: Case, pledge: Pledge, now: datetime) -> Change:
    points = registry.merchant(case.merchant).late_points if _gives(registry) else 0
    change = Change(case).with_case(pledge=pledge.missed(now, points))
    return change.then(Event.ANSWER_LATE, "system", now, until=pledge.by.isoformat(), cause=pledge.cause, points=points)


def _gives(registry: Registry) -> bool:
    """Whether there is a membership system. One that is broken just now will be asked again: it counts."""
    try:
        return registry.points is not None
    except (BadPlugin, BadSettings):
        return True


def _given(registry: Registry, case: Case, pledge: Pledge, now: datetime) -> Change:
    """The change after the membership system was asked once."""
    try:
        _give(registry, case, pledge.points, now)
    except Rejected as refusal:
        return _failed(registry, case, pledge, refusal.code, now)
    except Exception as error:  # noqa: BLE001  # however it breaks, they may have been given: the same key finds out
        log.warning("points of case %s may not have been given: %s", case.case_id, type(error).__name__)
        return _unanswered(registry, case, pledge, now)
    done = Change(case).with_case(pledge=replace(pledge, again_at=None, given_at=now))
    return done.then(Event.POINTS_GIVEN, "system", now, points=pledge.points)


def _give(registry: Registry, case: Case, points: int, now: datetime) -> None:
    if registry.points is None:
        raise Unknown("No membership system is switched on any more.")
    registry.points.give(key_of(case), case.merchant, case.buyer_id, points, REASON, now)


def _unanswered(registry: Registry, case: Case, pledge: Pledge, now: datetime) -> Change:
    """Asked again in a minute at first, then after twice as long, every hour at last; a person sees to it after three days."""
    if pledge.late_at is not None and now - pledge.late_at >= LONG:
        return _failed(registry, case, pledge, SILENT, now)
    wait = min(SELDOM, SOON * 2 ** min(pledge.tries, 10))
    return Change(case).with_case(pledge=replace(pledge, tries=pledge.tries + 1, again_at=now + wait))


def _failed(registry: Registry, case: Case, pledge: Pledge, code: str, now: datetime) -> Change:
    """The change that ends it without points: a person sees to them, and they are not asked for again."""
    key, why = key_of(case), "points.unanswered" if code == SILENT else "points.refused"
    about: dict[str, Plain] = {"points": pledge.points, "code": code}
    name = tickets.name_of(TicketKind.POINTS_OWED, case.case_id)
    ticket = Ticket(name, TicketKind.POINTS_OWED, case.merchant, now, case.order_id, case.case_id, key, about=about)
    ended = Change(case, tickets=tickets.opened(registry, ticket, now)).with_case(
        pledge=replace(pledge, again_at=None, failed=code)
    )
    return ended.then(Event.POINTS_FAILED, "system", now, points=pledge.points, reason=why)
