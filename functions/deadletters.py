"""Dead letters: work that failed again and again is put aside as a ticket, where a person sees it and runs it again.

::

    fails ──► counted on its ticket, which nobody sees yet ──► 5 times, or for 6 hours ──► the ticket is open: put aside
                                                                                              │
              it goes well: closed ◄── a person runs it again, or (schedules) the next 6 hours ◄┘

What is written down names the work and the error's code, never what the work was about. Money does not hang on it: a refund whose
stream record or callback is put aside is still looked after by the schedule, which asks the channel.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from aftersales.change import Change
from aftersales.errors import AftersalesError
from aftersales.query import TicketsOf
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from functions import tickets
from functions.context import again, commit

log = logging.getLogger(__name__)

#: After this many failures, or once it has failed for this long, work is put aside.
TRIES, PATIENCE = 5, timedelta(hours=6)

#: A failure that comes this long after the last one is another matter: meanwhile the work went well, which nobody wrote down.
FORGOTTEN = timedelta(hours=12)

#: What the ticket says until then; it is closed, for nobody has to look.
COUNTING = "It is tried again by itself."


class What(StrEnum):
    """Which work it is."""

    STREAM = "stream"  # what follows from a stored record
    PHOTO = "photo"  # a job of the photo queue
    SCHEDULE = "schedule"  # something due
    CALLBACK = "callback"  # a channel's verified notice


@dataclass(frozen=True, slots=True)
class Work:
    """Work that can be run again. ``needs`` names it fully; ``case_id`` and the rest are for people, as far as they are known."""

    what: What
    needs: Mapping[str, str | int]
    merchant: str = ""
    case_id: str = ""
    key: str = ""
    channel: str = ""

    @property
    def ticket_id(self) -> str:
        """The same for the same work, whoever fails at it."""
        return tickets.name_of(TicketKind.DEAD_LETTER, self.what, *(str(self.needs[name]) or "-" for name in sorted(self.needs)))


def failed(registry: Registry, work: Work, error: Exception, now: datetime) -> bool:
    """Count one failure, and give whether the work is put aside now: then it counts as handled.

    Where not even that can be written down, it is not.
    """
    try:
        ticket = again(lambda: _counted(registry, work, error, now))
    except Exception:
        log.exception("a failure could not be counted: %s", work.ticket_id)
        return False
    if ticket.is_open:
        log.error("put aside after %s failures: %s", ticket.about["tries"], ticket.ticket_id)
    return ticket.is_open


def succeeded(registry: Registry, ticket_id: str, now: datetime) -> None:
    """Close the ticket of work that was put aside and has gone well."""

    def once() -> None:
        done = tickets.closed(registry, (ticket_id,), "It went well.", now)
        if done:
            commit(registry, Change(tickets=done))

    again(once)


@dataclass(slots=True)
class Aside:
    """What the schedules have put aside, read once a run and only when something is due; each is tried again every six hours."""

    registry: Registry
    now: datetime
    _tickets: dict[str, Ticket] | None = field(default=None)

    def rests(self, work: Work) -> bool:
        """Whether the work is left alone this time."""
        known = self._known().get(work.ticket_id)
        return known is not None and self.now - (known.seen_at or known.opened_at) < PATIENCE

    def went_well(self, work: Work) -> None:
        """Close its ticket, if it has one."""
        if work.ticket_id in self._known():
            succeeded(self.registry, work.ticket_id, self.now)

    def _known(self) -> dict[str, Ticket]:
        if self._tickets is None:
            self._tickets = {t.ticket_id: t for t in opened(self.registry) if t.about.get("what") == What.SCHEDULE}
        return self._tickets


def opened(registry: Registry) -> list[Ticket]:
    """All that is put aside, oldest first."""
    found, cursor = list[Ticket](), None
    while True:
        page = registry.store.find(TicketsOf(""), cursor, 100)
        found += [t for t in page.found if t.kind is TicketKind.DEAD_LETTER]
        cursor = page.cursor
        if cursor is None:
            return found


def work_of(ticket: Ticket) -> Work:
    """The work that a ticket is about."""
    needs = {name[5:]: value for name, value in ticket.about.items() if name.startswith("need.") and isinstance(value, str | int)}
    return Work(What(str(ticket.about["what"])), needs, "", ticket.case_id, ticket.key, ticket.channel)


def _counted(registry: Registry, work: Work, error: Exception, now: datetime) -> Ticket:
    """The ticket with one failure more, stored."""
    known = tickets.found(registry, work.ticket_id)
    over = known is None or (not known.is_open and (known.resolution != COUNTING or _forgotten(known, now)))  # an earlier matter
    first = now.isoformat() if over or known is None else str(known.about["first_at"])
    tries = 1 if over or known is None else int(known.about["tries"] or 0) + 1
    code = error.code if isinstance(error, AftersalesError) else type(error).__name__
    ticket = known or Ticket(
        work.ticket_id, TicketKind.DEAD_LETTER, work.merchant, now, case_id=work.case_id, key=work.key, channel=work.channel
    )
    about: dict[str, str | int | bool | None] = {
        "what": work.what,
        "code": code,
        "tries": tries,
        "first_at": first,
        "last_at": now.isoformat(),
        **{f"need.{name}": value for name, value in work.needs.items()},
    }
    aside = tries >= TRIES or (tries > 1 and now - datetime.fromisoformat(first) >= PATIENCE)
    closing = (None, "", "") if aside or (ticket.is_open and known) else (now, "system", COUNTING)
    ticket = replace(ticket, about=about, seen_at=now, closed_at=closing[0], closed_by=closing[1], resolution=closing[2])
    commit(registry, Change(tickets=(ticket,)))
    return ticket


def _forgotten(counting: Ticket, now: datetime) -> bool:
    return now - (counting.seen_at or counting.opened_at) >= FORGOTTEN
