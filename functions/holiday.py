"""Holiday: what people have to do with a parcel does not fall due in a holiday.

::

    the wait begins ──► its last day is a holiday ──► the same hour of the first working day after it, on record and told
          │             its year is not known yet ──► as it is, and provisional
          ▼
    the wait is over ─► computed once more: the calendar may have learnt that year, or another holiday, meanwhile

The buyer's wait (nobody takes a parcel in during Spring Festival) and the shop's (nobody opens one) move; a carrier's does not, and
neither does what the law counts in natural days, such as the seven days in which a return is applied for: those are judged by
the order's dates, and never pass through here.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, datetime

from aftersales.case import Event
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.parcel import Parcel, ParcelState
from aftersales.query import CaseFile
from aftersales.registry import Registry
from aftersales.text import text
from aftersales.workday import Day, Known, moved
from functions import words

log = logging.getLogger(__name__)
S = ParcelState

#: Parcels that wait for a person: the buyer's hands, or the shop's.
WAITING = frozenset({S.AWAITING_SHIPMENT, S.TURNED_BACK, S.DELIVERED, S.INSPECTING, S.LOST})

#: Whose lengths are somebody's promise. What is put off for an hour or a day (``uncovered``, ``look``) only looks again.
PROMISED = frozenset({"default", "merchant", "vertical", "tier", "moved"})

#: The name of a holiday that the calendar does not name.
UNNAMED = "other"


def kept(registry: Registry, change: Change, now: datetime) -> Change:
    """The change with its parcel's deadline out of a holiday, and that on record. Once or twice is the same.

    As it is where no calendar is switched on, the merchant does not want it, or nobody waits.
    """
    parcel, case, workdays = change.parcel, change.case, registry.workdays
    if case is None or case.terminal or parcel is None or workdays is None or not _waits(parcel):
        return change
    shop, deadline = registry.merchant(case.merchant), parcel.deadline
    assert deadline is not None
    assert deadline.due_at is not None
    if not shop.holidays_move:
        return change
    reckoned = moved(_known(registry), deadline.due_at, shop.zone)
    if reckoned.at == deadline.due_at:
        settled = replace(deadline, provisional=reckoned.provisional)
        return change if settled == deadline else replace(change, parcel=replace(parcel, deadline=settled))
    name = reckoned.holiday or UNNAMED
    fresh = replace(deadline.move(reckoned.at, name), provisional=reckoned.provisional)
    return replace(change, parcel=replace(parcel, deadline=fresh)).then(
        Event.DEADLINE_MOVED,
        "system",
        now,
        None,
        holiday=name,
        parcel=str(parcel.state),
        was=deadline.due_at.isoformat(),
        due_at=reckoned.at.isoformat(),
        **({"provisional": True} if reckoned.provisional else {}),
    )


def put_off(registry: Registry, file: CaseFile, now: datetime) -> Change | None:
    """What the calendar says now of a parcel's deadline that has passed; None where silence may decide."""
    change = kept(registry, Change(file.case, parcel=file.parcel), now)
    after = change.parcel.deadline if change.parcel else None
    return None if after is None or after.passed(now) else change


def said(deadline: Deadline, locale: str) -> tuple[str, ...]:
    """What is to be said beside a parcel's deadline: that a holiday moved it, and that its year is not known yet."""
    kind, _, name = deadline.cause.partition(": ")
    moved_by = text("functions", "deadline.holiday", locale, holiday=words.holiday(name, locale)) if kind == "moved" else ""
    unsure = text("functions", "deadline.provisional", locale) if deadline.provisional else ""
    return tuple(sentence for sentence in (moved_by, unsure) if sentence)


# --- inside -----------------------------------------------------------------------------------------------------------
def _waits(parcel: Parcel) -> bool:
    """Whether the parcel waits for a person, until an instant that was promised."""
    deadline: Deadline | None = parcel.deadline
    if parcel.state not in WAITING or deadline is None or deadline.due_at is None or deadline.paused:
        return False
    return deadline.cause.partition(":")[0] in PROMISED


def _known(registry: Registry) -> Known:
    """What the calendar knows; one that breaks knows nothing, and holds up nobody's refund."""

    def day(on: date) -> Day | None:
        assert registry.workdays is not None
        try:
            return registry.workdays.day(on)
        except Exception:  # however a calendar breaks, deadlines go on, and are provisional
            log.exception("the calendar of working days does not answer")
            return None

    return day
