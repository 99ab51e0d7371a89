"""Rerun: what the platform sees of work that was put aside, and how it runs it again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from aftersales.change import Change
from aftersales.errors import Conflict, NotFound
from aftersales.query import Due
from aftersales.registry import Registry
from aftersales.ticket import TicketKind
from functions import callbacks, deadletters, expire, follow, sweep, tickets
from functions.context import Context, again
from functions.deadletters import What, Work
from functions.reply_money import TicketPage, TicketView

log = logging.getLogger(__name__)


def listed(ctx: Context, cursor: str | None = None, limit: int = 50) -> TicketPage:
    """What failed again and again and was put aside, oldest first."""
    return tickets.listed(ctx, True, TicketKind.DEAD_LETTER, "", cursor, limit)


def run(ctx: Context, ticket_id: str) -> TicketView:
    """Run it again now. It went well: its ticket is closed; it failed: that is counted, and it stays put aside.

    A photo is handed to the function that looks at photos; its ticket closes once that went well.
    """
    ticket = tickets.found(ctx.registry, ticket_id)
    if ticket is None or ticket.kind is not TicketKind.DEAD_LETTER:
        raise NotFound("There is no such dead letter.", todo="Check its id.")
    if not ticket.is_open:
        raise Conflict("This is not put aside any more.", todo="Read its ticket: it says why.", found=ticket.resolution)
    work = deadletters.work_of(ticket)
    try:
        RUNS[work.what](ctx.registry, work, ticket_id)
    except Exception as error:  # whatever it is: that is what a person wants to know
        log.exception("%s failed again", ticket_id)
        deadletters.failed(ctx.registry, work, error, ctx.now)
        return ctx.commit(Change(), tickets.view(ctx, tickets.found(ctx.registry, ticket_id) or ticket))
    known = tickets.found(ctx.registry, ticket_id) or ticket
    done = known if work.what is What.PHOTO else known.closed(ctx.caller.name, "It was run again and went well.", ctx.now)
    return ctx.commit(Change(tickets=(replace(done, seen_at=ctx.now),)), tickets.view(ctx, done))


def _stream(registry: Registry, work: Work, _: str) -> None:
    seen = registry.stream.stored({name: str(value) for name, value in work.needs.items()})
    if seen is not None:
        follow.act(registry, seen)


def _photo(registry: Registry, work: Work, ticket_id: str) -> None:
    body = {name: str(value) for name, value in work.needs.items()}
    registry.queue.send(follow.PHOTO_QUEUE, {**body, follow.ASIDE: ticket_id})


def _schedule(registry: Registry, work: Work, _: str) -> None:
    needs = work.needs
    now = registry.clock.now()
    whose = {name: str(needs[name]) for name in ("merchant", "order_id", "evidence_id") if name in needs}
    due = Due(str(needs["kind"]), str(needs["case_id"]), now, int(needs["number"]), str(needs["channel"]), **whose)
    erase = {"files": expire.files, "proof": expire.proof}.get(due.kind)
    again(lambda: erase(registry, due, now) if erase else sweep.advance(registry, due))


def _callback(registry: Registry, work: Work, _: str) -> None:
    callbacks.made_up_for(registry, work.needs)


RUNS: Mapping[What, Callable[[Registry, Work, str], None]] = {
    What.STREAM: _stream,
    What.PHOTO: _photo,
    What.SCHEDULE: _schedule,
    What.CALLBACK: _callback,
}
