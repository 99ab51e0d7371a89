"""Keeping: what outside systems keep for a case is kept anew before its money is sent and while it is on its way.

::

    judged ──► reserved ──► kept anew: as it was judged? ──► the channel is called ──► looks: kept anew each time ──► settled
                               └─ no: nothing is sent, and people see to it                (no hold runs out meanwhile)

A hold runs out by itself after some days, and a person may take longer to decide: what was used since then is not paid for.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import cast

from aftersales.case import Case, State
from aftersales.errors import Conflict, Unknown
from aftersales.lookup import ASKED, Lookup
from aftersales.ports import Holding
from aftersales.query import CaseFile
from aftersales.refund import Refund
from aftersales.registry import Registry
from functions import lookups
from functions.asked import subject_of, unheld
from functions.context import Context

log = logging.getLogger(__name__)

#: When a hold ends by itself: a source says so in its answer's data. Without it, what is held is held for good.
UNTIL = "held_until"


def renewed(registry: Registry, refund: Refund) -> bool:
    """Whether all that the case was judged on is kept and still as it was, now for longer. Raises Unknown when nobody says."""
    file = registry.store.case(refund.case_id)
    order = registry.store.order(refund.merchant, refund.order_id)
    if file is None or order is None:
        return True
    now, same = registry.clock.now(), True
    for known in (x for x in file.case.lookups if x.held and x.status != ASKED):
        try:
            source = cast("Holding", registry.source(known.source))
            said = source.hold(subject_of(file.case, order, known.line_id), now)
        except Unknown:
            raise
        except Exception as error:  # switched off, broken: then nobody says
            log.exception("source %s broke", known.source)
            raise Unknown(f"The source broke: {error!r}", source=known.source) from error
        same &= said.held and (not said.get(UNTIL) or _judged_on(said) == _judged_on(known))
    return same


def checked(ctx: Context, file: CaseFile, *, unkept: bool) -> CaseFile:
    """The case as a person may approve it: what is not kept is asked for once more first.

    ``unkept``: the person has seen that it is not, and answers for it. Raises Conflict where it is not kept, or nobody knows.
    """
    case = file.case
    if case.promise is not None or not unheld(ctx.registry, case):
        return file
    if case.state is State.REVIEWING:
        try:
            lookups.ask(ctx.registry, case.case_id, once_more=True)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is not kept)
            log.warning("case %s: what it is about cannot be kept: %s", case.case_id, error)
        file = ctx.case(case.case_id)
    if file.case.state is not case.state or not unheld(ctx.registry, file.case):
        return file
    if not unkept:
        raise Conflict(
            "What is to be refunded is not kept: somebody could still use it.",
            todo="Try again once it can be kept; or read what its source says, and send unkept: true with your reason.",
            sources=sorted({said.source for said in file.case.lookups if not said.held or said.status == ASKED}),
        )
    return file


def asks(registry: Registry, case: Case) -> bool:
    """Whether a yes to this case asks somebody outside first: :func:`checked` or :func:`promised` would."""
    if case.promise is None:
        return case.state is State.REVIEWING and unheld(registry, case)
    kept = any(said.held for said in case.lookups)
    return case.promise.in_force and kept and (case.appealed or case.promise.sent_at is not None)


def promised(ctx: Context, file: CaseFile) -> CaseFile:
    """The case as a person may promise its thing once more: kept anew where a no let it go, and another one where it was sent.

    Raises Conflict where it is not to be had any more, or nobody says.
    """
    case = file.case
    held = [said for said in case.lookups if said.held]
    if case.promise is None or not case.promise.in_force or not held or not (case.appealed or case.promise.sent_at):
        return file
    fresh = replace(case, reopened=case.reopened + 1) if case.promise.sent_at else case  # the first one is gone under its key
    order, now = ctx.order_of(case.merchant, case.order_id), ctx.registry.clock.now()
    for known in held:
        try:
            said = cast("Holding", ctx.registry.source(known.source)).hold(subject_of(fresh, order, known.line_id), now)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is not kept)
            log.warning("case %s: what is promised cannot be kept: %s", case.case_id, error)
            said = known
        if said is known or not said.held:
            todo = "Approve money instead, or try again once it can be kept."
            raise Conflict("What is promised is not kept: it may be gone.", todo=todo, sources=[known.source])
    return replace(file, case=fresh)


def _judged_on(said: Lookup) -> tuple[object, ...]:
    return said.status, tuple((name, value) for name, value in said.data if name != UNTIL)
