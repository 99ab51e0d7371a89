"""Sweep: silence is an event. What is due is read in order and advanced like anything else.

Two sweeps at once, or one a day late, end the same: each record is read again, checked against its own deadline, and written on
the version that was read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aftersales.case import Approval, Event, State
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.errors import AftersalesError, OverRefund, StaleVersion
from aftersales.parcel import ParcelState
from aftersales.query import CaseFile, Due, DueBy, OrderFile
from aftersales.refund import OVERDUE
from aftersales.registry import Registry
from functions import (
    arrival,
    batches,
    collect,
    collected,
    deadletters,
    goods,
    holiday,
    inquiry,
    lookups,
    pledges,
    refunds,
    remedies,
    returns,
    silence,
    unanswered,
    unasked,
    uncovered,
    unjudged,
    words,
)
from functions.context import again, commit
from functions.deadletters import Aside, What, Work
from functions.payout import follow, timeouts

log = logging.getLogger(__name__)
PAGE = 500  # a page reads one entry more than it gives, to know whether another follows
MOST = 5_000  # records per shard and run; the rest stays due and comes first the next minute


class SweepIncomplete(AftersalesError):
    """A schedule ran, and some of what was due could not be advanced."""

    retry = True


@dataclass(slots=True)
class Tally:
    """What one sweep did: index entries read, records advanced, records that failed and will be tried again.

    ``passed_by`` are refunds of channels that took no calls, ``aside`` what failed so often that it is put aside as a ticket.
    """

    read: int = 0
    advanced: int = 0
    failed: int = 0
    passed_by: int = 0
    aside: int = 0

    def complete(self) -> None:
        """Raise SweepIncomplete when a record failed: the schedule counts as failed, and whoever watches it is told."""
        if self.failed:
            raise SweepIncomplete("Some records could not be advanced; they stay due.", failed=self.failed, advanced=self.advanced)


def sweep(registry: Registry) -> Tally:
    """Advance every case and parcel whose deadline has passed, and open what trades open by themselves."""
    tally = Tally()
    each(registry, "case", lambda due, now: _case(registry, due, now), tally)
    each(registry, "parcel", lambda due, now: _parcel(registry, due, now), tally)
    each(registry, "pickup", lambda due, now: collect.due(registry, due, now), tally)
    each(registry, "holds", lambda due, now: lookups.finish(registry, due, now), tally)
    each(registry, "order", lambda due, now: unasked.due(registry, due, now), tally)
    each(registry, "batch", lambda due, _: batches.due(registry, due), tally)
    return tally


def poll_refunds(registry: Registry) -> Tally:
    """Look after every refund that is due for a look: call it, ask for it, or report that it is overdue.

    Those of a channel that takes no calls just now stay due, unread: they are passed by until it is to be asked again.
    """
    tally, closed = Tally(), dict[str, datetime]()
    each(registry, "refund", lambda due, _: _refund(registry, due, registry.clock.now(), closed, tally), tally)
    return tally


def follow_parcels(registry: Registry) -> Tally:
    """Ask about every parcel on its way back that is due for a look, as many in a call as fit.

    Those whose carrier takes no calls just now stay due.
    """
    tally, questions = Tally(), inquiry.Round(registry)
    each(registry, "trail", questions.add, tally)
    questions.finish()
    tally.passed_by += questions.passed_by
    tally.failed += questions.failed
    return tally


def advance(registry: Registry, due: Due) -> None:
    """What a schedule does about one thing that is due, alone."""
    now, tally = registry.clock.now(), Tally()
    if due.kind == "refund":
        _refund(registry, due, now, {}, tally)
    elif due.kind == "parcel":
        _parcel(registry, due, now)
    elif due.kind == "pickup":
        collect.due(registry, due, now)
    elif due.kind == "trail":
        questions = inquiry.Round(registry)
        questions.add(due, now)
        questions.finish()
        if questions.failed:
            raise SweepIncomplete("The parcel could not be followed.")
    elif due.kind == "holds":
        lookups.finish(registry, due, now)
    elif due.kind == "order":
        unasked.due(registry, due, now)
    elif due.kind == "batch":
        batches.due(registry, due)
    else:
        _case(registry, due, now)


def each(registry: Registry, kind: str, work: Callable[[Due, datetime], bool], tally: Tally, most: int = MOST) -> None:
    """Do ``work`` for what is due of ``kind``, earliest first, about ``most`` of each shard; one that fails stops no other."""
    now = registry.clock.now()
    aside = Aside(registry, now)
    for shard in range(registry.store.due_shards):
        for due in _due(registry, DueBy(kind, shard, now), tally, most):
            named = _named(due)
            if aside.rests(named):
                tally.aside += 1
                continue
            try:
                tally.advanced += bool(again(lambda due=due: work(due, now)))  # type: ignore[misc]  # bound per turn
                aside.went_well(named)
            except StaleVersion:
                continue  # another sweep is at it
            except Exception as error:  # whatever it is, the others are due too
                log.exception("%s of case %s could not be advanced; it stays due", kind, due.case_id or "(none)")
                tally.aside += (rests := deadletters.failed(registry, named, error, now))
                tally.failed += not rests


def _named(due: Due) -> Work:
    """What is due, as work that can be run again."""
    needs: dict[str, str | int] = {"kind": due.kind, "case_id": due.case_id, "number": due.number, "channel": due.channel}
    whose = {"merchant": due.merchant, "order_id": due.order_id, "evidence_id": due.evidence_id}
    needs |= {name: value for name, value in whose.items() if value}
    return Work(What.SCHEDULE, needs, case_id=due.case_id, channel=due.channel)


def _due(registry: Registry, query: DueBy, tally: Tally, most: int) -> list[Due]:
    """What is due, read whole before anything moves, so that the index does not shift under the cursor."""
    found: list[Due] = []
    cursor = None
    while True:
        page = registry.store.find(query, cursor, min(PAGE, most))
        found += page.found
        tally.read += len(page.found)
        cursor = page.cursor
        if cursor is None or len(found) >= most:
            return found


def _case(registry: Registry, due: Due, now: datetime) -> bool:
    file = registry.store.case(due.case_id)
    late = pledges.looked_after(registry, file, now) if file else None
    file = late or file
    if file is None or file.case.deadline is None or not file.case.deadline.passed(now):
        return late is not None
    if file.case.state is State.REVIEWING and (put_off := lookups.kept_silent(registry, file, now)) is not None:
        commit(registry, put_off)
        return True
    order, waited = _order(registry, file), file.case.deadline
    if file.case.state is State.REVIEWING and (put_off := unjudged.kept_silent(registry, file, order, now)) is not None:
        commit(registry, put_off)
        return True
    try:
        change = uncovered.over(registry, waited, _silent(registry, file, order, waited, now), now)
    except OverRefund:  # the money went back another way
        change = uncovered.put_off(registry, file, now)
    commit(registry, change)
    return True


def _silent(registry: Registry, file: CaseFile, order: OrderFile, waited: Deadline, now: datetime) -> Change:
    """The change that silence brings. Raises OverRefund when the order's money does not cover it any more."""
    waits = file
    file, given = remedies.silent(registry, file, order, now)
    if given is None and (asked := unanswered.escalated(registry, waits, file, order, now)) is not None:
        return asked
    change = given or Change(file.case).then(
        Event.DEADLINE_PASSED, "system", now, timeouts(registry, file.case), cause=waited.cause
    )
    if change.case and change.case.state is State.APPROVED:
        silent = Approval("system", now, file.case.amount, "No answer in time counts as a yes.")
        change = change.with_case(approvals=(*file.case.approvals, silent))
    return follow(registry, change, order, "system", now)


def _parcel(registry: Registry, due: Due, now: datetime) -> bool:
    file = registry.store.case(due.case_id)
    parcel = file.parcel if file else None
    if file is None or parcel is None or parcel.deadline is None or not parcel.deadline.passed(now):
        return False
    if parcel.state is ParcelState.ACCEPTED:
        return goods.due(registry, due, now)
    if (put_off := holiday.put_off(registry, file, now)) is not None:
        commit(registry, put_off)
        return True
    if (put_off := silence.put_off(file, now)) is not None:
        commit(registry, put_off)
        return True
    if (put_off := collected.put_off(file, now) or arrival.put_off(registry, file, now)) is not None:
        commit(registry, put_off)
        return True
    moved = arrival.passed(registry, file, parcel, now)
    if moved.state is parcel.state:
        commit(registry, arrival.escalated(registry, file, moved, now))
        return True
    order = _order(registry, file)
    if moved.state is ParcelState.LAPSED:
        change = Change(file.case, parcel=moved).then(Event.GOODS_NOT_SENT, "system", now)
        change = arrival.settled(registry, file, follow(registry, change, order, "system", now), now)
    elif moved.state is ParcelState.DELIVERED:
        change = Change(file.case, parcel=moved).then(Event.GOODS_DELIVERED, "system", now, cause=words.SILENT)
        change = holiday.kept(registry, change, now)
    else:
        try:
            change = returns.inspected(registry, file, moved, order, "system", now)
            change = uncovered.over(registry, parcel.deadline, change, now)
        except OverRefund:  # the money went back another way
            change = uncovered.put_off(registry, file, now)
    commit(registry, change)
    return True


def _refund(registry: Registry, due: Due, now: datetime, closed: dict[str, datetime], tally: Tally) -> bool:
    """Look after one leg; ``closed`` holds until when which channel takes no calls.

    One that was passed by for two days is looked at all the same: that it is late has to be told.
    """
    if registry.clock.now() < closed.get(due.channel, now) and now - due.due_at < OVERDUE:
        tally.passed_by += 1
        return False
    file = registry.store.case(due.case_id)
    refund = next((r for r in file.refunds if r.number == due.number), None) if file else None
    if refund is None or refund.deadline is None or not refund.deadline.passed(now):
        return False
    until = refunds.poll(registry, refund, now)
    if until is None:
        return True
    closed[refund.channel] = until
    tally.passed_by += 1
    return False


def _order(registry: Registry, file: CaseFile) -> OrderFile:
    order = registry.store.order(file.case.merchant, file.case.order_id)
    if order is None:
        raise AftersalesError("The order of this case is gone.", case_id=file.case.case_id)
    return order
