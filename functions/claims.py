"""Claims: a clerk takes a case, so that no two work on it. Old claims count no more; what was decided is nobody's.

::

    nobody's ──claim──► a clerk's ──release, claim_hours, or the case moves on──► nobody's
                            └──────── taken over, or given to a colleague ───► another clerk's
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.caller import Role
from aftersales.case import WAITS, Case, Event
from aftersales.change import Change
from aftersales.errors import CaseClaimed, Conflict, Forbidden
from aftersales.query import CaseFile
from aftersales.queue import clerk_of
from aftersales.registry import Registry
from functions import sorting
from functions.body_queue import ME, ClaimBody
from functions.context import Context
from functions.reply import CaseView
from functions.sorting import SENIOR
from functions.view import stored


def claim(ctx: Context, case_id: str, body: ClaimBody) -> CaseView:
    """Take the case, or let a colleague have it. Raises CaseClaimed where another one has it and it is not to be taken over."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    to = ctx.caller.sub if body.to in ("", ME) else body.to
    return _committed(ctx, file, taken(ctx, file.case, to, take_over=body.take_over))


def taken(ctx: Context, case: Case, to: str, *, take_over: bool, **why: str) -> Change:
    """The change that lets ``to`` have the case, with ``why`` on record; one case or each of a batch."""
    _waits(case)
    if to == ctx.caller.sub:
        sorting.handled(ctx, case)
    elif ctx.caller.role not in SENIOR:
        raise Forbidden("Approvers and admins give a case to a colleague.", expected=sorted(SENIOR), found=ctx.caller.role)
    held = holder(ctx.registry, case, ctx.now)
    if held not in ("", to) and not take_over:
        raise _claimed(case, held, todo="Send take_over to take it from them; that is on record.")
    told = {"clerk": to} | ({"before": held} if held not in ("", to) else {})
    change = Change(case).then(Event.CLAIMED, ctx.caller.name, ctx.now, None, **told, **why)
    return change.with_case(clerk=to, claimed_at=ctx.now)


def release(ctx: Context, case_id: str) -> CaseView:
    """Put the case back, so that anybody takes it; approvers and admins put back others' too.

    Raises Conflict where nobody has it.
    """
    file = ctx.case(case_id)
    case = file.case
    ctx.unchanged(case.version)
    _waits(case)
    if not case.clerk:
        raise Conflict("Nobody has claimed this case.", state=case.state)
    if case.clerk != ctx.caller.sub and ctx.caller.role not in SENIOR:
        raise _claimed(case, case.clerk, todo="Ask them, an approver or an admin to put it back.")
    change = Change(case).then(Event.RELEASED, ctx.caller.name, ctx.now, None, clerk=case.clerk)
    return _committed(ctx, file, change.with_case(clerk="", claimed_at=None))


def since(registry: Registry, merchant: str, now: datetime) -> datetime:
    """Claims of this instant and older count no more."""
    return now - timedelta(hours=registry.merchant(merchant).claim_hours)


def holder(registry: Registry, case: Case, now: datetime) -> str:
    """Who has the case, "" for nobody."""
    return clerk_of(case, since(registry, case.merchant, now))


def free(ctx: Context, case: Case) -> None:
    """Raise CaseClaimed where a colleague of this clerk's has the case. Who may take any case decides any."""
    held = holder(ctx.registry, case, ctx.now)
    if ctx.caller.role is Role.CLERK and held not in ("", ctx.caller.sub):
        raise _claimed(case, held, todo="Leave it to them, or take it over: POST .../claim with take_over.")


def _waits(case: Case) -> None:
    if case.state not in WAITS:
        raise Conflict(
            f"A case that is {case.state} waits for nobody of the shop.",
            todo="Read the case again; its state says what is possible.",
            state=case.state,
        )


def _claimed(case: Case, held: str, todo: str) -> CaseClaimed:
    at = case.claimed_at.isoformat() if case.claimed_at else None
    return CaseClaimed(f"{held} has claimed this case.", todo=todo, clerk=held, claimed_at=at)


def _committed(ctx: Context, file: CaseFile, change: Change) -> CaseView:
    assert change.case is not None
    return ctx.commit(change, stored(ctx, replace(file, case=change.case)))
