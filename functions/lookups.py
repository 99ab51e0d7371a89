"""Lookups: outside systems are asked before a case is judged, and keep what it is about until its money is out.

::

    handed in ─► verifying ─► (stream) the hold is on record ─► ask, hold ─► answers on record ─► judged
                                  │ a crash at any arrow: the record comes again, the same key holds once
                                  └ no answer for a quarter of an hour: a person; silence then approves nothing that is not held
    closed ───► (stream) money out? consume : release ──► a quarter of an hour later once more (schedule), then it is forgotten
                                                          (a call that was still under way may have held it again)
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from aftersales.case import Case, Ending, Event, State
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.entry import Payout
from aftersales.errors import BadPlugin, NotFound, Rejected
from aftersales.lookup import ASKED, Ask, Lookup, Subject
from aftersales.ports import Holding, Source
from aftersales.query import CaseFile, Due, OrderFile, StepsOf
from aftersales.refund import RefundState
from aftersales.registry import Registry
from aftersales.remedy import Stage
from aftersales.ticket import Ticket, TicketKind
from functions import evidence, guard, pledges, price, promise, tickets
from functions.asked import left, subject_of, unheld
from functions.context import again, by_system, commit
from functions.judgement import judge_anew
from functions.payout import facts_of, offer_of

log = logging.getLogger(__name__)

#: How far a promised thing is once what was kept for it is used up.
GIVEN = (Stage.SENT, Stage.DONE)

#: When silence is heard again about a case of which something is not kept.
AGAIN = timedelta(hours=24)


def ask(registry: Registry, case_id: str, *, once_more: bool = False) -> bool:
    """Ask every source that has not answered, and judge the case once nothing is awaited. False when there was nothing to do.

    ``once_more``: also those that answered and keep nothing. Raises Unknown when a source does not answer; what the others answered
    is on record then.
    """
    file = again(lambda: _noted(registry, case_id, once_more=once_more))
    if file is None:
        return False
    order = _order(registry, file)
    silent: Exception | None = None
    answers = []
    for about, line_id in left(registry, file.case, once_more=once_more):
        try:
            if about.holds and file.case.reopened:  # what was kept before it lapsed may not have been let go yet
                before = replace(file.case, reopened=file.case.reopened - 1)
                _holding(registry, about.source).release(subject_of(before, order, line_id), registry.clock.now())
            answers.append(_answer(registry, about, subject_of(file.case, order, line_id)))
        except Exception as error:  # noqa: BLE001  # whatever it is, the others are asked all the same
            log.warning("source %s gave no answer about case %s: %s", about.source, case_id, error)
            silent = error
    if answers:
        again(lambda: _record(registry, case_id, tuple(answers)))
    if silent is not None:
        raise silent
    return bool(answers)


def end(registry: Registry, case_id: str) -> bool:
    """Consume or release what was kept for a case that has ended; False when there is nothing, or it goes on."""
    file = registry.store.case(case_id)
    if file is None or not _ended(file.case) or not any(x.held for x in file.case.lookups):
        return False
    order, paid = _order(registry, file), _is_paid(registry, file)
    for kept in (x for x in file.case.lookups if x.held):
        holding, subject = _holding(registry, kept.source), subject_of(file.case, order, kept.line_id)
        now = registry.clock.now()
        if not paid:
            for key in range(file.case.reopened + 1 + _was_sent(file.case)):  # before it was reopened; asked for and not stored
                holding.release(subject_of(replace(file.case, reopened=key), order, kept.line_id), now)
            continue
        try:
            holding.consume(subject, now)
        except Rejected as refusal:  # it is not kept for us any more: what was sent is sent, and people have to know
            commit(registry, Change(tickets=tickets.opened(registry, _not_voided(file, kept, refusal, now), now)))
    return True


def finish(registry: Registry, due: Due, now: datetime) -> bool:
    """End once more what was kept for a closed case, now that no call for it can be under way, and forget that it was kept."""
    file = registry.store.case(due.case_id)
    file = (pledges.looked_after(registry, file, now) if file else None) or file  # it has no other place in the schedule
    if file is None or file.case.holds_until is None or file.case.holds_until > now:
        return False
    end(registry, due.case_id)
    how = "consumed" if _is_paid(registry, file) else "released"
    freed = tuple(replace(x, held=False) for x in file.case.lookups)
    sources = ", ".join(sorted({x.source for x in file.case.lookups if x.held}))
    change = Change(file.case).then(Event.HOLD_ENDED, "system", now, source=sources, how=how)
    commit(registry, change.with_case(lookups=freed))
    return True


def kept_silent(registry: Registry, file: CaseFile, now: datetime) -> Change | None:
    """What silence does to a case of which something is not kept: it is put off. None where silence may decide.

    Raises Unknown when a source does not say.
    """
    if not unheld(registry, file.case):
        return None
    ask(registry, file.case.case_id, once_more=True)
    file = registry.store.case(file.case.case_id) or file
    if file.case.state is not State.REVIEWING or not unheld(registry, file.case):
        return Change()  # it is decided, or kept now: the next look goes on from there
    moved = Change(file.case).then(Event.DEADLINE_MOVED, "system", now, reason="silence.unheld", due_at=(now + AGAIN).isoformat())
    return moved.with_case(deadline=Deadline.after(now, AGAIN, "unheld"))


# --- inside -----------------------------------------------------------------------------------------------------------
def _not_voided(file: CaseFile, kept: Lookup, refusal: Rejected, now: datetime) -> Ticket:
    case = file.case
    return Ticket(
        tickets.name_of(TicketKind.NOT_VOIDED, case.case_id, kept.source, kept.line_id),
        TicketKind.NOT_VOIDED,
        case.merchant,
        now,
        order_id=case.order_id,
        case_id=case.case_id,
        amount_minor=case.amount.minor,
        currency=case.amount.currency,
        about={"source": kept.source, "line_id": kept.line_id, "code": refusal.code},
    )


def _noted(registry: Registry, case_id: str, *, once_more: bool) -> CaseFile | None:
    """The case, once it is on record that things are about to be kept for it; None when nobody is to be asked."""
    file, now = registry.store.case(case_id), registry.clock.now()
    if file is None or file.case.state not in (State.VERIFYING, State.REVIEWING):
        return None
    waiting = left(registry, file.case, once_more=once_more)
    held = {(x.source, x.line_id) for x in file.case.lookups if x.held}
    kept = {(a.source, line_id) for a, line_id in waiting if a.holds} - held
    if not waiting:
        return None
    if kept:
        fresh = tuple(Lookup(source, line_id, ASKED, now, held=True) for source, line_id in sorted(kept))
        known = tuple(x for x in file.case.lookups if (x.source, x.line_id) not in kept)
        change = Change(file.case).with_case(lookups=(*known, *fresh))
        commit(registry, change.then(Event.SOURCE_ASKED, "system", now, source=", ".join(sorted({x.source for x in fresh}))))
        return registry.store.case(case_id)
    return file


def _answer(registry: Registry, about: Ask, subject: Subject) -> Lookup:
    source, now = registry.source(about.source), registry.clock.now()
    said = _holding(registry, about.source).hold(subject, now) if about.holds else source.ask(subject, now)
    return replace(said, source=about.source, line_id=subject.line.line_id, asked_at=now, held=about.holds and said.held)


def _holding(registry: Registry, name: str) -> Holding:
    source: Source = registry.source(name)
    if not hasattr(source, "hold"):
        raise BadPlugin(f"The source {name} cannot keep anything for a case.", name=name)
    return cast("Holding", source)


def _record(registry: Registry, case_id: str, answers: tuple[Lookup, ...]) -> None:
    """Write the answers down, and what follows from them for the case as it is now."""
    file, now = registry.store.case(case_id), registry.clock.now()
    if file is None or file.case.state not in (State.VERIFYING, State.REVIEWING):
        return  # it ended meanwhile: that something may be kept for it is on record, and ends with it
    told = {(x.source, x.line_id) for x in answers}
    known = tuple(x for x in file.case.lookups if (x.source, x.line_id) not in told)
    change = Change(file.case).with_case(lookups=(*known, *answers))
    for said in answers:
        by, line = f"system:{said.source}", said.line_id
        change = change.then(Event.SOURCE_ANSWERED, by, now, source=said.source, status=said.status, line=line)
    assert change.case is not None
    if not left(registry, change.case):
        order = _order(registry, file)
        change = priced(registry, change, file, order, now)
        if not evidence.awaits_look(file.evidence):
            change = judge_anew(registry, change, file, order, now)
    commit(registry, change)


def priced(registry: Registry, change: Change, file: CaseFile, order: OrderFile, now: datetime) -> Change:
    """The change with the case at what it is worth by the answers, unless a person has agreed to an amount.

    Money that is given in place of a thing is no amount of the trade's: it stays, as does all while the trade is broken.
    """
    case = change.case
    assert case is not None
    if any(not a.by.startswith("system") for a in case.approvals) or (case.promise and not case.promise.in_force):
        return change
    offer, facts = offer_of(registry, case), facts_of(registry, replace(file, case=case), order, now)
    vertical = registry.vertical(case.vertical)
    quote = guard.quote(vertical, offer, facts)
    if not guard.knows(vertical, quote):
        return change
    due = case if case.promise and case.promise.payment_id else promise.priced(case, facts)
    fresh = price.by(due, quote, case.fault, facts.merchant.fee_permille)
    if fresh == case:
        return change
    return replace(change, case=fresh).then(Event.REPRICED, "system", now, amount_minor=fresh.amount.minor)


def _order(registry: Registry, file: CaseFile) -> OrderFile:
    order = by_system(registry).order_of(file.case.merchant, file.case.order_id)
    if order is None:
        raise NotFound("The order of this case is gone.", case_id=file.case.case_id)
    return order


def _ended(case: Case) -> bool:
    given = case.promise is not None and case.promise.stage in (Stage.SENT, Stage.MONEY)  # it left, or never will
    return case.terminal or case.state is State.REJECTED or given


def _is_paid(registry: Registry, file: CaseFile) -> bool:
    """Whether the buyer has been given what the case was about, by us or, as a person says, elsewhere."""
    if file.case.promise:
        return file.case.promise.stage in GIVEN
    if file.case.ending is not Ending.REFUNDED:
        return False
    legs = [r for r in file.refunds if r.payout is Payout.REFUND]
    if not legs or any(r.state is RefundState.SETTLED for r in legs):
        return True
    return any(how == "paid_elsewhere" for how in _given_up(registry, file.case.case_id))


def _was_sent(case: Case) -> bool:
    """Whether a promised thing was sent, so that another one in its place may be kept under the next key."""
    return case.promise is not None and case.promise.sent_at is not None


def _given_up(registry: Registry, case_id: str) -> Iterable[str]:
    cursor = None
    while True:
        page = registry.store.find(StepsOf(case_id), cursor, 100)
        yield from (str(s.data.get("how")) for s in page.found if s.event is Event.REFUND_GIVEN_UP)
        cursor = page.cursor
        if cursor is None:
            return
