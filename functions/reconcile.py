"""Reconciliation: every channel's bill of every day against our record, until nothing is left to explain.

::

    no report yet ──► bill ──► match ──► ask and amend ──► match ──► tickets ──► reports: the day is done
         ▲             └─► not to be had: again next time; after three days a ticket             │
         └──────────── stale: a refund of this day turned out to be on another day's bill ◄──────┘

A day's report for the whole account is written last and says that the day is done, so that two runs at once, or one that was killed
anywhere, end the same: everything before it is found as it is, or made again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from aftersales.bill import Bill
from aftersales.change import Change
from aftersales.errors import AftersalesError, Invalid, Unknown
from aftersales.ports import Bills
from aftersales.query import RefundsOn
from aftersales.reconcile import Difference, Reconciled, reconcile
from aftersales.refund import BEIJING, Refund
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from functions import tickets
from functions.amend import Amended, amend, leg_named
from functions.context import again, commit
from functions.daybook import AT_MIDNIGHT, Daybook
from functions.pursue import close_explained, open_for, still_open
from functions.reports import Day, keep, summed, whole_reports

log = logging.getLogger(__name__)

#: Bills of a day are there at ten o'clock of the next one (WeChat Pay; Alipay an hour before).
READY = hour(10)
#: How many days back a missing one is tried again, unless the stage file says otherwise (``[settings.reconcile] days_back``).
DAYS_BACK = 7
#: How far back earlier reports are looked for, and days that have to be looked at again.
LONGEST = timedelta(days=60)
#: A bill that could not be had for so long gets a ticket.
MISSING_AFTER = timedelta(days=3)
#: What a run takes on nothing new after; Lambda ends it after 15 minutes.
BUDGET = timedelta(minutes=10)
#: Follow-ups that a report names.
NAMED = 200
#: How often a day is looked at in one run. One refund on two bills cannot keep a run going.
LOOKS = 3


class ReconciliationIncomplete(AftersalesError):
    """A schedule ran, and a day could not be looked at although its bill is there."""

    retry = True


@dataclass(slots=True)
class Tally:
    """What one run did: days done, bills that could not be had, follow-ups that closed, and days that broke."""

    days: int = 0
    missing: int = 0
    closed: int = 0
    failed: int = 0

    def complete(self) -> None:
        """Raise ReconciliationIncomplete when something broke, so that whoever watches the schedule is told."""
        if self.failed:
            raise ReconciliationIncomplete("Some days could not be reconciled; they are tried again.", failed=self.failed)


def run(registry: Registry, budget: timedelta = BUDGET) -> Tally:
    """Do what is left to do: days without a report, those to be looked at again, and follow-ups that something explains by now."""
    tally, until = Tally(), time.monotonic() + budget.total_seconds()
    for channel in registry.channels:
        try:
            if bills_of(registry, channel) is None:
                continue
            _days(registry, channel, tally, until)
            _follow(registry, channel, tally)
        except Exception:  # whatever it is, the other channels have bills too
            log.exception("%s could not be reconciled; it is tried again", channel)
            tally.failed += 1
    return tally


def bills_of(registry: Registry, channel: str) -> Bills | None:
    """The channel, if it tells what it did; None when it has no bills."""
    found = registry.channel(channel)
    return cast("Bills", found) if callable(getattr(found, "bill", None)) else None


def last_ready(now: datetime) -> date:
    """The last day whose bills can be there."""
    local = now.astimezone(BEIJING)
    return local.date() - timedelta(days=1 if local.time() >= READY else 2)


def due(registry: Registry, channel: str, now: datetime) -> list[date]:
    """The days that are left to do, oldest first.

    They begin with the first one known of, by a report or a refund of ours; where there is neither, with the last.
    """
    last = last_ready(now)
    known = whole_reports(registry, channel, last - LONGEST, last)
    done = {report.day for report in known}
    stale = {report.day for report in known if report.stale}
    back = int(registry.setting("reconcile", "days_back", str(DAYS_BACK)))
    window = [last - timedelta(days=n) for n in reversed(range(back))]
    begin = min(done, default=last)
    for day in window:
        if day >= begin:
            break
        if registry.store.find(RefundsOn(channel, day), None, 1).found:
            begin = day
    return sorted(stale | {day for day in window if day >= begin and day not in done})


# --- the days ---------------------------------------------------------------------------------------------------------
def _days(registry: Registry, channel: str, tally: Tally, until: float) -> None:
    """Look at every day that is left; and again at those from which refunds turn out to have moved."""
    looks: dict[date, int] = {}
    while days := [d for d in due(registry, channel, registry.clock.now()) if looks.get(d, 0) < LOOKS]:
        for day in days:
            if time.monotonic() > until:
                log.warning("%s: time is up before %s; the next run goes on there", channel, day)
                return
            looks[day] = looks.get(day, 0) + 1
            if not _day(registry, Day(channel, day, registry.clock.now()), tally, until):
                looks[day] = LOOKS


def _day(registry: Registry, on: Day, tally: Tally, until: float) -> bool:
    """One day; whether it is done."""
    try:
        look(registry, on, until)
    except (Unknown, Invalid) as error:
        log.warning("the bill of %s of %s cannot be had: %s", on.channel, on.day, error.message)
        tally.missing += 1
        _tell_missing(registry, on, error.message)
        return False
    except Exception:  # whatever it is, the other days are due too
        log.exception("%s of %s could not be reconciled; it is tried again", on.day, on.channel)
        tally.failed += 1
        return False
    tally.days += 1
    return True


def look(registry: Registry, on: Day, until: float) -> None:
    """Match one day of one channel, and write down what was found.

    Raises Unknown or Invalid, and nothing is stored but amended refunds, when its bill cannot be had or read.
    """
    bills = bills_of(registry, on.channel)
    assert bills is not None  # the caller has asked
    with TemporaryDirectory(prefix="aftersales-bill-") as name:
        folder = Path(name)
        bill = bills.bill(on.day, folder)
        with Daybook(folder / "daybook.sqlite", on.day) as book:
            given = book.noting(bill or Bill(on.channel, lambda _: iter(())))
            book.book(_near(registry, on))
            with reconcile(given, book.ledger(), on.day) as found:
                amended = amend(registry, on.channel, book, found.differences, until)
                if not amended.changed:
                    _write(registry, on, book, found, amended, billed=bill is not None)
                    return
            book.book(_near(registry, on))
            with reconcile(Bill(given.channel, given.rows), book.ledger(), on.day) as found:
                _write(registry, on, book, found, amended, billed=bill is not None)


def _near(registry: Registry, on: Day) -> Iterator[Refund]:
    """Our refunds of the day and of those beside it."""
    for day in (on.day - timedelta(days=1), on.day, on.day + timedelta(days=1)):
        cursor = None
        while True:
            page = registry.store.find(RefundsOn(on.channel, day), cursor, 500)
            yield from page.found
            cursor = page.cursor
            if cursor is None:
                break


# --- what was found ---------------------------------------------------------------------------------------------------
def _write(registry: Registry, on: Day, book: Daybook, found: Reconciled, amended: Amended, *, billed: bool) -> None:
    """Tickets first, then the merchants' reports, last the whole account's, which says that the day is done."""
    for one in _differences(registry, on, found, amended):
        ticket_id, merchant = open_for(registry, on, one, book.row(one.key), amended)
        midnight = one.kind == "ours_only" and one.key in found.tally.midnight
        book.found(AT_MIDNIGHT if midnight else one.kind, one.key, merchant, one.currency, ticket_id)
    figures = book.figures()
    whole = summed(figures)
    named = {currency: book.tickets(None, currency, NAMED) for currency in whole}
    merchants = {*book.merchants(), *(m for m, _ in figures)}
    for merchant in {"", *merchants}:
        mine = still_open(registry, merchant, on.channel, on.day)
        today = [t.ticket_id for t in mine if t.about["date"] == on.day.isoformat()]
        close_explained(registry, filter(book.tells, today), on.now)
        gone = f"{on.day} was looked at again, and does not differ any more."
        close_explained(registry, (name for name in today if not book.tells(name)), on.now, gone=gone)
    for merchant in merchants - {""}:
        own = {currency: one for (m, currency), one in figures.items() if m == merchant and currency}
        keep(registry, on, merchant, {c: (one, book.tickets(merchant, c, NAMED)) for c, one in own.items()}, billed=billed)
    keep(registry, on, "", {c: (one, named[c]) for c, one in whole.items()}, billed=billed)


def _differences(registry: Registry, on: Day, found: Reconciled, amended: Amended) -> Iterator[Difference]:
    """What the core has found; then refunds next to midnight that this bill lacks, and refunds that another day's bill has too."""
    yield from found.differences
    for key in sorted(found.tally.midnight):
        leg = leg_named(registry, key)
        if leg is not None:
            text = f"Our ledger has {leg.amount} within a minute of midnight, and the bill of {on.day} does not have it."
            money = {"ours_minor": leg.amount.minor, "currency": leg.currency, "ours_status": str(leg.state)}
            yield Difference("ours_only", key, "ours", transaction_id=leg.transaction_id, text=text, **money)  # type: ignore[arg-type]  # by name
    for key, other in sorted(amended.twice.items()):
        leg = leg_named(registry, key)
        if leg is not None:
            text = f"The bills of {other} and of {on.day} both have this number."
            yield Difference("duplicate", key, "theirs", theirs_minor=leg.amount.minor, currency=leg.currency, text=text)


# --- what stays open --------------------------------------------------------------------------------------------------
def _follow(registry: Registry, channel: str, tally: Tally) -> None:
    """Close what our record explains by now, of the last days; what is older stays open until somebody sees to it."""
    now = registry.clock.now()
    last = last_ready(now)
    back = int(registry.setting("reconcile", "days_back", str(DAYS_BACK)))
    reports = whole_reports(registry, channel, last - timedelta(days=back - 1), last)
    named = dict.fromkeys(name for report in reports for name in report.tickets)
    tally.closed += close_explained(registry, named, now)
    if any(len(report.tickets) == NAMED for report in reports):  # more than reports name
        merchants = {ticket.merchant for name in named if (ticket := tickets.found(registry, name))}
        for merchant in merchants:
            left = (t.ticket_id for t in still_open(registry, merchant, channel, last - timedelta(days=back - 1)))
            tally.closed += close_explained(registry, left, now)


def _tell_missing(registry: Registry, on: Day, why: str) -> None:
    """A ticket about a bill that is long overdue, once."""
    ready = datetime.combine(on.day + timedelta(days=1), READY, BEIJING)
    if on.now < ready + MISSING_AFTER:
        return
    name = tickets.name_of(TicketKind.BILL_MISSING, on.channel, on.day.isoformat())
    about = {"date": on.day.isoformat(), "text": why[:200]}
    fresh = Ticket(name, TicketKind.BILL_MISSING, "", on.now, channel=on.channel, about=about)

    def once() -> None:
        if tickets.found(registry, name) is None:
            commit(registry, Change(tickets=(fresh,)))

    again(once)
