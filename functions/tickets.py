"""Tickets: what a person has to see to. They are opened and closed by what happens to money, and read and closed by people."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import datetime

from aftersales.caller import Role
from aftersales.change import Change
from aftersales.errors import Conflict, NotFound
from aftersales.query import TicketNamed, TicketsOf
from aftersales.refund import Cause, Refund
from aftersales.registry import Registry
from aftersales.text import text
from aftersales.ticket import Ticket, TicketKind
from functions import failures, words
from functions.context import Context
from functions.failures import Audience
from functions.remedy import CloseBody
from functions.reply_base import FailureView
from functions.reply_money import TicketPage, TicketView

#: The tickets that a leg can have; they close by themselves when it ends.
OF_LEG = (TicketKind.REFUND_DELAYED, TicketKind.REFUND_FAILED, TicketKind.REFUND_BOUNCED)

#: Pages that one request looks through before it hands back an empty one with a cursor.
MOST_LOOKS = 20

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def name_of(kind: TicketKind, *about: str) -> str:
    """The id of the ticket about this: it fits into an address, whatever numbers a channel gives."""
    plain = (part if _PLAIN.fullmatch(part) else hashlib.sha256(part.encode()).hexdigest()[:32] for part in about)
    return ":".join((kind, *plain))


# --- by what happens --------------------------------------------------------------------------------------------------
def about_leg(kind: TicketKind, leg: Refund, now: datetime) -> Ticket:
    """The ticket of that kind about a leg."""
    return Ticket(
        name_of(kind, leg.key),
        kind,
        leg.merchant,
        now,
        order_id=leg.order_id,
        case_id=leg.case_id,
        key=leg.key,
        channel=leg.channel,
        channel_id=leg.channel_id,
        amount_minor=leg.amount.minor,
        currency=leg.currency,
        about={"number": leg.number, "cause": leg.cause, "transaction_id": leg.transaction_id, "payout": leg.payout},
    )


def opened(registry: Registry, ticket: Ticket, now: datetime) -> tuple[Ticket, ...]:
    """What to store so that this ticket is open: the new one; or the one of its name, told again, or opened again."""
    known = found(registry, ticket.ticket_id)
    if known is None:
        return (ticket,)
    about = {**known.about, **ticket.about}
    if known.is_open:  # whose it is may be known by now
        whose = {n: getattr(ticket, n) or getattr(known, n) for n in ("merchant", "order_id", "case_id", "channel_id")}
        return (replace(known, about=about, seen_at=now, **whose),)
    times = known.about.get("opened", 1)
    about["opened"] = (times if isinstance(times, int) else 1) + 1
    return (replace(ticket, about=about, seen_at=now, version=known.version),)


def closed(registry: Registry, names: tuple[str, ...], resolution: str, now: datetime) -> tuple[Ticket, ...]:
    """What to store so that those of these tickets that are open are closed by the system."""
    known = (found(registry, name) for name in names)
    return tuple(ticket.closed("system", resolution, now) for ticket in known if ticket and ticket.is_open)


def closed_of(registry: Registry, leg: Refund, resolution: str, now: datetime) -> tuple[Ticket, ...]:
    """The same for all tickets of a leg; nobody is asked when it never had one."""
    return closed(registry, tuple(name_of(kind, leg.key) for kind in OF_LEG), resolution, now) if leg.reported else ()


def found(registry: Registry, ticket_id: str) -> Ticket | None:
    """The ticket of that name, None when it was never opened."""
    return next(iter(registry.store.find(TicketNamed(ticket_id), None, 1).found), None)


# --- by people --------------------------------------------------------------------------------------------------------
def listed(
    ctx: Context,
    open: bool = True,  # noqa: A002 (it is the parameter's name in the address)
    kind: TicketKind | None = None,
    merchant: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> TicketPage:
    """Tickets that are open, or those that are closed, oldest first; of one kind, if it is named.

    The platform names the merchant, or reads those of nobody. A page may hold fewer than ``limit`` while there is a cursor.
    """
    own = "" if ctx.caller.role is Role.PLATFORM else ctx.caller.merchant
    if merchant is not None and not ctx.caller.sees(merchant):
        raise NotFound("There is no such merchant.", found=merchant)
    fits: list[Ticket] = []
    for _ in range(MOST_LOOKS):
        page = ctx.registry.store.find(TicketsOf(own if merchant is None else merchant, open), cursor, limit)
        fits, cursor = [t for t in page.found if kind in (None, t.kind)], page.cursor
        if fits or cursor is None:
            break
    return TicketPage(tickets=[view(ctx, t) for t in fits], cursor=cursor)


def get(ctx: Context, ticket_id: str) -> TicketView:
    """One ticket."""
    return view(ctx, _mine(ctx, ticket_id))


def close(ctx: Context, ticket_id: str, body: CloseBody) -> TicketView:
    """Close a ticket: somebody has seen to it, and says how."""
    ticket = _mine(ctx, ticket_id)
    if not ticket.is_open:
        raise Conflict("This ticket is closed already.", todo="Read it: it says by whom, and why.", found=ticket.closed_by)
    done = ticket.closed(ctx.caller.name, body.resolution, ctx.now)
    return ctx.commit(Change(tickets=(done,)), view(ctx, done))


def view(ctx: Context, ticket: Ticket) -> TicketView:
    """A ticket, with what it means in words, and what to do: about its cause or what is doubted, where it has that."""
    said, then = (text("functions", f"ticket.{ticket.kind}{end}", ctx.locale) for end in ("", ".next"))
    doubts = str(ticket.about.get("doubts") or "") if ticket.kind is TicketKind.PARCEL else ""
    said = words.joined(ctx.locale, said, *(text("functions", why, ctx.locale) for why in doubts.split(words.APART) if why))
    cause = ticket.about.get("cause") if ticket.kind is TicketKind.REFUND_FAILED else None
    if cause:
        wrong, then = failures.reason_of(str(cause), ctx.locale, Audience.SHOP)
        said += ("" if ctx.locale.startswith("zh") else " ") + wrong
    told = failures.of_cause(Cause(str(cause)), ctx.locale, Audience.SHOP) if cause else None
    return TicketView(
        ticket_id=ticket.ticket_id,
        kind=ticket.kind,
        merchant=ticket.merchant,
        is_open=ticket.is_open,
        text=said,
        next=then,
        failure=FailureView(code=told.failure, text=told.text, next=told.next, passes=told.passes) if told else None,
        order_id=ticket.order_id,
        case_id=ticket.case_id,
        key=ticket.key,
        channel=ticket.channel,
        channel_id=ticket.channel_id,
        amount_minor=ticket.amount_minor,
        currency=ticket.currency,
        about=dict(ticket.about),
        opened_at=ticket.opened_at,
        seen_at=ticket.seen_at,
        closed_at=ticket.closed_at,
        closed_by=ticket.closed_by,
        resolution=ticket.resolution,
    )


def _mine(ctx: Context, ticket_id: str) -> Ticket:
    """The ticket, as far as it exists for the caller."""
    ticket = found(ctx.registry, ticket_id)
    if ticket is None or not ctx.caller.sees(ticket.merchant):
        raise NotFound("There is no such ticket.", todo="Check its id.")
    return ticket
