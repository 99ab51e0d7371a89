"""Amending: what a channel's bill says about refunds of ours, taken over into our record before anything is called a difference.

A lost answer, a late notice, an instant on the other side of midnight: the bill knows better. Money is never believed from a bill
alone: the channel is asked for the refund, and its answer is recorded like any other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date

from aftersales.change import Change
from aftersales.channel import ReceiptStatus
from aftersales.errors import AftersalesError
from aftersales.reconcile import Difference
from aftersales.refund import Refund, RefundState, case_of
from aftersales.registry import Registry
from aftersales.report import Report
from aftersales.ticket import TicketKind
from functions import calls, legs, refunds, tickets
from functions.context import again, commit
from functions.daybook import Daybook, instant_of
from functions.reports import reports_on

log = logging.getLogger(__name__)

#: Refunds that one look at a day asks its channel about, beside those that contradict the bill; the rest have polls of their own.
MOST_ASKED = 500


@dataclass(slots=True)
class Amended:
    """What became of it: whether our record is not what was matched any more.

    ``twice``: refunds of ours that another day's bill has too, with that day. ``arrived``: those that the channel says it paid.
    """

    changed: bool = False
    twice: dict[str, date] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)


def leg_named(registry: Registry, key: str) -> Refund | None:
    """The refund of ours with this number, None when it is not ours."""
    case_id = case_of(key)
    file = registry.store.case(case_id) if case_id else None
    return next((r for r in file.refunds if r.key == key), None) if file else None


def amend(registry: Registry, channel: str, book: Daybook, differences: Iterable[Difference], until: float) -> Amended:
    """Ask about what the bill contradicts or leaves open, and put refunds on the day whose bill has them.

    Asks nobody any more once ``until`` (``time.monotonic``) has passed. Done again, it changes nothing more.
    """
    done = Amended()
    mine = [one.key for one in differences if one.kind == "status" or (one.kind == "theirs_only" and case_of(one.key))]
    asked, astray = [*mine, *book.unsettled(MOST_ASKED)], book.astray()
    for key in dict.fromkeys(asked):
        _look(registry, key, done, until)
    for key in dict.fromkeys((*asked, *astray)):
        _place(registry, channel, book, key, done)
        leg = leg_named(registry, key)  # another run may have amended it: what counts is what was matched
        done.changed |= leg is not None and not book.holds(leg)
    return done


def _look(registry: Registry, key: str, done: Amended, until: float) -> None:
    """Ask the channel about the refund, unless time is up; what it says is on record afterwards."""
    leg = leg_named(registry, key)
    if leg is None or time.monotonic() > until:
        return
    now = registry.clock.now()
    try:
        if leg.state is RefundState.SETTLED:
            receipt = calls.ask(registry, leg)
            if receipt is not None:
                legs.record(registry, key, legs.word_of(receipt, sure=True), now)
                if receipt.status is ReceiptStatus.SUCCEEDED:
                    done.arrived.add(key)
        else:
            refunds.poll(registry, leg, now)
    except AftersalesError as error:  # the others are asked about all the same
        log.warning("refund %s cannot be cleared up: %s", key, error.code)


def _place(registry: Registry, channel: str, book: Daybook, key: str, done: Amended) -> None:
    """Let our record say when the channel accepted it, as its bill does, where it says nothing or another day.

    The day it was counted on before is looked at again, for which it is marked in the same transaction. A refund that the other
    day's bill has too stays where it is.
    """
    row = book.row(key)

    def once() -> None:
        leg = leg_named(registry, key)
        at = instant_of(row) if row else None
        if leg is None or at is None or at.date() != book.day or (leg.accepted_at is not None and leg.day == book.day):
            return
        reports = _reports(registry, channel, leg) if leg.accepted_at else ()
        if reports and not _was_missed(registry, channel, leg):
            done.twice[key] = leg.day
            return
        commit(registry, Change(refunds=(replace(leg, accepted_at=at.astimezone(UTC)),), reports=reports))

    again(once)


def _reports(registry: Registry, channel: str, leg: Refund) -> tuple[Report, ...]:
    """The reports that count the leg, if there are any, to be made again: the whole account's marked, its merchant's emptied."""
    whole, own = (reports_on(registry, merchant, channel, leg.day) for merchant in ("", leg.merchant))
    return (*(replace(r, stale=True) for r in whole), *(_emptied(r) for r in own)) if whole else ()


def _emptied(report: Report) -> Report:
    fresh = Report(report.merchant, report.channel, report.day, report.currency, report.made_at)
    return replace(fresh, runs=report.runs, version=report.version)


def _was_missed(registry: Registry, channel: str, leg: Refund) -> bool:
    """Whether the bill of the day that our record has lacked it."""
    ticket = tickets.found(registry, tickets.name_of(TicketKind.DIFFERENCE, channel, "ours_only", leg.key))
    return ticket is not None and ticket.about.get("date") == leg.day.isoformat()
