"""Statement: what reconciliation found on a day or in a month, per channel and currency, and what of it is still open."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from aftersales.caller import Role
from aftersales.errors import Invalid, NotFound
from aftersales.query import ReportsOf
from aftersales.registry import Registry
from aftersales.report import Report
from aftersales.ticket import Ticket, TicketKind
from functions import tickets
from functions.context import Context
from functions.reconcile import bills_of, last_ready
from functions.reply_base import View

#: Follow-ups that one statement looks up: a month with more of them is read day by day.
MOST_TICKETS = 500

FIGURES = ("ours", "ours_minor", "theirs", "theirs_minor", "matched", "matched_minor", "at_midnight", "to_query")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")


# --- what clients get -------------------------------------------------------------------------------------------------
class FollowUp(View):
    """A ticket about a difference. ``difference`` is its class, "" for a refund made elsewhere."""

    ticket_id: str
    kind: TicketKind
    difference: str
    key: str
    amount_minor: int
    currency: str
    is_open: bool
    resolution: str


class Sums(View, kw_only=True):
    """Counts, and sums in minor units: accepted by our record, on the bill, and the same on both.

    ``at_midnight``: ours within a minute of midnight that the bill lacks. ``to_query``: not ended yet on one side.
    """

    channel: str
    currency: str
    ours: int = 0
    ours_minor: int = 0
    theirs: int = 0
    theirs_minor: int = 0
    matched: int = 0
    matched_minor: int = 0
    at_midnight: int = 0
    to_query: int = 0
    differences: dict[str, int]


class DayView(Sums, kw_only=True):
    """One day of a channel. ``billed`` is false for a day without trades; ``stale``: it is about to be looked at again."""

    date: str
    billed: bool
    stale: bool
    runs: int
    made_at: datetime
    tickets: list[str]


class MissingView(View):
    """A day that is over and not reconciled: its bill could not be had yet."""

    channel: str
    date: str


class StatementView(View):
    """A day or a month (``date``) of a merchant; merchant "" is the whole account of each channel.

    ``totals`` adds the days up per channel and currency, without those in ``missing``. ``follow_ups`` are all tickets of a day, or
    those of a month that are open. ``cut`` says that there are more than are told.
    """

    date: str
    merchant: str
    totals: list[Sums]
    days: list[DayView]
    missing: list[MissingView]
    follow_ups: list[FollowUp]
    cut: bool


# --- how it is made ---------------------------------------------------------------------------------------------------
def read(ctx: Context, date: str, merchant: str | None = None) -> StatementView:
    """What reconciliation found on a day (YYYY-MM-DD, Beijing) or in a month (YYYY-MM), per channel and currency.

    The platform names the merchant, or reads the whole accounts. Raises Invalid for what is no date.
    """
    own = "" if ctx.caller.role is Role.PLATFORM else ctx.caller.merchant
    if merchant is not None and not ctx.caller.sees(merchant):
        raise NotFound("There is no such merchant.", found=merchant)
    asked = own if merchant is None else merchant
    first, last = span(date)
    reports = _reports(ctx.registry, asked, first, last)
    names = list(dict.fromkeys(name for report in reports for name in report.tickets))
    found = [t for name in names[:MOST_TICKETS] if (t := tickets.found(ctx.registry, name))]
    return StatementView(
        date=date,
        merchant=asked,
        totals=_totals(reports),
        days=[_day(report) for report in reports],
        missing=_missing(ctx, asked, reports, first, last),
        follow_ups=[_follow_up(t) for t in found if first == last or t.is_open],
        cut=len(names) > MOST_TICKETS or any(sum(r.differences.values()) > len(r.tickets) for r in reports),
    )


def span(text: str) -> tuple[date, date]:
    """The first and the last day of a day or a month. Raises Invalid."""
    first: date | None
    try:
        first = date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    except ValueError:
        first = None
    if first is None or not _DATE.fullmatch(text) or not 2000 <= first.year < 2200:
        raise Invalid("That is neither a day nor a month.", expected="2026-11-20 or 2026-11", found=text[:40])
    if len(text) > 7:
        return first, first
    return first, (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _reports(registry: Registry, merchant: str, first: date, last: date) -> list[Report]:
    found: list[Report] = []
    cursor = None
    while True:
        page = registry.store.find(ReportsOf(merchant, first, last), cursor, 100)
        found += page.found
        cursor = page.cursor
        if cursor is None:
            return found


def _totals(reports: Iterable[Report]) -> list[Sums]:
    sums: dict[tuple[str, str], Sums] = {}
    for report in reports:
        place = (report.channel, report.currency)
        total = sums.setdefault(place, Sums(channel=report.channel, currency=report.currency, differences={}))
        for name in FIGURES:
            setattr(total, name, getattr(total, name) + getattr(report, name))
        for kind, count in report.differences.items():
            total.differences[kind] = total.differences.get(kind, 0) + count
    return [sums[place] for place in sorted(sums)]


def _day(report: Report) -> DayView:
    return DayView(
        date=report.day.isoformat(),
        channel=report.channel,
        currency=report.currency,
        **{name: getattr(report, name) for name in FIGURES},
        differences=dict(report.differences),
        billed=report.billed,
        stale=report.stale,
        runs=report.runs,
        made_at=report.made_at,
        tickets=list(report.tickets),
    )


def _missing(ctx: Context, merchant: str, reports: list[Report], first: date, last: date) -> list[MissingView]:
    """The days of these that are over, and that no channel's whole account has a report of."""
    whole = reports if merchant == "" else _reports(ctx.registry, "", first, last)
    done = {(report.channel, report.day) for report in whole}
    until = min(last, last_ready(ctx.now))
    days = [first + timedelta(days=n) for n in range((until - first).days + 1)]
    channels = [name for name in ctx.registry.channels if bills_of(ctx.registry, name)]
    return [MissingView(name, day.isoformat()) for name in channels for day in days if (name, day) not in done]


def _follow_up(ticket: Ticket) -> FollowUp:
    return FollowUp(
        ticket_id=ticket.ticket_id,
        kind=ticket.kind,
        difference=str(ticket.about.get("class", "")),
        key=ticket.key,
        amount_minor=ticket.amount_minor,
        currency=ticket.currency,
        is_open=ticket.is_open,
        resolution=ticket.resolution,
    )
