"""Appeal: a buyer who was told no asks once for somebody else to look; silence never says no then, and never yes."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from msgspec import Meta

from aftersales.case import Event
from aftersales.change import Change
from aftersales.errors import Conflict
from functions import lookups
from functions.body import Body
from functions.context import Context
from functions.payout import timeouts
from functions.reply import CaseView
from functions.view import stored


class AppealBody(Body):
    """What speaks against the rejection."""

    text: Annotated[str, Meta(min_length=4, max_length=1000)]


def appeal(ctx: Context, case_id: str, body: AppealBody) -> CaseView:
    """A rejected case goes to a second person while it is not closed yet; its pieces are held again, at what they are worth now.

    Raises Conflict for a second appeal, IllegalTransition for a case that is not rejected, PiecesTaken when another case has them.
    """
    file = ctx.case(case_id)
    if file.case.appealed:
        raise Conflict("This case was appealed before.", todo="Call the platform, or the consumers' association.")
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    change = Change(file.case).then(Event.APPEALED, ctx.caller.name, ctx.now, timeouts(ctx.registry, file.case), text=body.text)
    ledger, items = order.ledger.hold(case_id, tuple(replace(i, units=()) for i in file.case.items), file.case.freight_minor)
    change = replace(change, ledger=ledger).with_case(appealed=True, items=items, approvals=())
    change = lookups.priced(ctx.registry, change, file, replace(order, ledger=ledger), ctx.now)  # it may have been paid further
    assert change.case is not None
    return ctx.commit(change, stored(ctx, replace(file, case=change.case)))
