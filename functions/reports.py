"""Reports: what reconciliation found on a day, by merchant and currency, as it is stored. Kept again, it is stored once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from aftersales.change import Change
from aftersales.query import ReportsOf
from aftersales.registry import Registry
from aftersales.report import Report
from aftersales.ticket import TicketKind
from functions import tickets
from functions.context import again, commit
from functions.daybook import Figures

#: The currency of a day on which nothing happened: that of the channels with bills.
USUAL = "CNY"


@dataclass(frozen=True, slots=True)
class Day:
    """Whose bill of which day is looked at, and when."""

    channel: str
    day: date
    now: datetime


def reports_on(registry: Registry, merchant: str, channel: str, day: date) -> list[Report]:
    """A merchant's reports of a channel's day, by currency; merchant "" is the whole account."""
    found: list[Report] = []
    cursor = None
    while True:
        page = registry.store.find(ReportsOf(merchant, day, day), cursor, 100)
        found += (r for r in page.found if r.channel == channel)
        cursor = page.cursor
        if cursor is None:
            return found


def whole_reports(registry: Registry, channel: str, first: date, last: date) -> list[Report]:
    """The reports of a channel's whole account from ``first`` to ``last``."""
    found: list[Report] = []
    cursor = None
    while True:
        page = registry.store.find(ReportsOf("", first, last), cursor, 100)
        found += (r for r in page.found if r.channel == channel)
        cursor = page.cursor
        if cursor is None:
            return found


def summed(figures: dict[tuple[str, str], Figures]) -> dict[str, Figures]:
    """Everybody's figures together, by currency; what has no currency is told with the first one."""
    sums: dict[str, Figures] = {}
    for (_, currency), one in sorted(figures.items(), key=lambda item: item[0][1]):
        if currency:
            sums.setdefault(currency, Figures()).add(one)
    sums = sums or {USUAL: Figures()}
    for (_, currency), one in figures.items():
        if not currency:
            next(iter(sums.values())).add(one)
    return sums


def keep(registry: Registry, on: Day, merchant: str, found: dict[str, tuple[Figures, tuple[str, ...]]], *, billed: bool) -> None:
    """Store a merchant's reports of the day by currency, where they are not just so already; begun anew if somebody else did."""

    def once() -> None:
        known = {r.currency: r for r in reports_on(registry, merchant, on.channel, on.day)}
        made = {c: _report(on, merchant, c, *found.get(c, (Figures(), ())), billed=billed) for c in {*known, *found}}
        changed = []
        for currency, report in made.items():
            old = known.get(currency)
            if old is None:
                changed.append(report)
            elif replace(report, made_at=old.made_at, runs=old.runs, version=old.version) != old:
                changed.append(replace(report, runs=old.runs + 1, version=old.version))
        missed = tickets.name_of(TicketKind.BILL_MISSING, on.channel, on.day.isoformat())
        closed = () if merchant else tickets.closed(registry, (missed,), "The bill has come.", on.now)
        if changed or closed:
            commit(registry, Change(reports=tuple(changed), tickets=closed))

    again(once)


def _report(on: Day, merchant: str, currency: str, one: Figures, named: tuple[str, ...], *, billed: bool) -> Report:
    return Report(
        merchant,
        on.channel,
        on.day,
        currency,
        on.now,
        ours=one.ours,
        ours_minor=one.ours_minor,
        theirs=one.theirs,
        theirs_minor=one.theirs_minor,
        matched=one.matched,
        matched_minor=one.matched_minor,
        at_midnight=one.at_midnight,
        to_query=one.to_query,
        billed=billed,
        differences=dict(sorted(one.differences.items())),
        tickets=named,
    )
