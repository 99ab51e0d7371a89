"""Sorting: a person says how hard a case is, and who decides such cases (RV-5)."""

from __future__ import annotations

from dataclasses import replace

from aftersales import triage
from aftersales.caller import Role
from aftersales.case import WAITS, Case, Event
from aftersales.change import Change
from aftersales.errors import Conflict, Forbidden
from aftersales.queue import lane_of
from functions.body_queue import TriageBody
from functions.context import Context
from functions.reply import CaseView
from functions.view import stored

#: Who looks after the shop's other people: gives cases away, puts them back, and says that one is easier than it was taken for.
SENIOR = frozenset({Role.APPROVER, Role.ADMIN, Role.PLATFORM})

#: Who is bound by no lane: the mall, and what nobody asked for.
ABOVE = frozenset({Role.PLATFORM, Role.SYSTEM})


def sort(ctx: Context, case_id: str, body: TriageBody) -> CaseView:
    """Put the case into another lane. Anybody may say that it is harder; that it is easier, approvers and admins only."""
    file = ctx.case(case_id)
    case, was = file.case, lane_of(file.case)
    ctx.unchanged(case.version)
    if case.state not in WAITS:
        raise Conflict(f"A case that is {case.state} waits for nobody of the shop.", state=case.state)
    if body.lane is was:
        raise Conflict(f"The case is {was} already.", found=was)
    easier = triage.LANES.index(body.lane) < triage.LANES.index(was)
    if easier and ctx.caller.role not in SENIOR:
        raise Forbidden("Approvers and admins make a case easier.", expected=sorted(SENIOR), found=ctx.caller.role)
    told = {"lane": str(body.lane), "before": str(was), "reason": body.reason}
    change = Change(case).then(Event.TRIAGED, ctx.caller.name, ctx.now, None, **told).with_case(lane=body.lane)
    assert change.case is not None
    return ctx.commit(change, stored(ctx, replace(file, case=change.case)))


def handled(ctx: Context, case: Case, behalf: str = "") -> None:
    """Raise Forbidden where the caller's role decides no cases of this lane; who speaks in ``behalf``'s place may."""
    lane = lane_of(case)
    handlers = ctx.registry.merchant(case.merchant).handlers.get(lane, ())
    if not behalf and ctx.caller.role not in ABOVE and ctx.caller.role not in handlers:
        raise Forbidden(
            f"A {ctx.caller.role} does not decide {lane} cases.",
            todo="Leave it to somebody who does.",
            lane=lane,
            expected=sorted(handlers),
            found=ctx.caller.role,
        )
