"""Delegations: an approver who is away lets a colleague say the second yes in their place, from when until when (RV-3).

The colleague's name stands under the yes, with for whom it was said. Nobody stands in for who said the first yes, and nobody who
said it chooses who says the second (:mod:`functions.second`). What ended stays on record.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta

from aftersales.caller import Role
from aftersales.change import Change
from aftersales.delegation import LONGEST, MOST, Delegation, Delegations
from aftersales.errors import Conflict, Forbidden, Invalid, NotFound
from aftersales.query import DelegationsOf
from functions.body import SOME, At, Dated, Id
from functions.context import Context
from functions.reply_base import View


class DelegationBody(Dated):
    """Who stands in, and how long. ``of`` is who is away: the caller when left out; an admin may name somebody else."""

    to: Id
    until: At
    reason: Annotated[str, Meta(min_length=1, max_length=200, pattern=SOME)]
    since: At | None = None
    of: Id | None = None


class DelegationView(View):
    """One delegation; ``holds`` says whether it does at this instant."""

    delegation_id: str
    of: str
    to: str
    since: datetime
    until: datetime
    reason: str
    by: str
    at: datetime
    holds: bool
    ended_at: datetime | None
    ended_by: str


class DelegationsView(View):
    """Who stands in for whom, newest first, with those that ended. ``version`` is what ``If-Match`` names."""

    version: int
    delegations: list[DelegationView]


def listed(ctx: Context) -> DelegationsView:
    """Who stands in for whom, and who did."""
    return _view(ctx, _stored(ctx))


def delegate(ctx: Context, body: DelegationBody) -> DelegationsView:
    """Let a colleague say the second yes. ``If-Match`` names the version that was read.

    Raises Forbidden for another's right unless the caller is an admin, Invalid for a time that is over, too long, or too far
    ahead, and for oneself, Conflict for a right that is delegated already or is not one's own, and when there are too many.
    """
    stored, of = _stored(ctx), body.of or ctx.caller.sub
    ctx.unchanged(stored.version)
    if of != ctx.caller.sub and ctx.caller.role is not Role.ADMIN:
        raise Forbidden("Another's right is delegated by an admin.", todo="Leave of out, or ask an admin.", found=of)
    if of == body.to:
        raise Invalid("Nobody stands in for themself.", where="$.to", found=body.to)
    since = max(body.since or ctx.now, ctx.now)
    _check_time(since, body.until, ctx.now)
    kept = stored.delegations
    if any(d.of == of and not d.is_over(ctx.now) and d.since < body.until and since < d.until for d in kept):
        raise Conflict("Somebody stands in for them then already.", todo="End that first.", found=of)
    if of != ctx.caller.sub and any(d.to == of and not d.is_over(ctx.now) for d in kept):
        raise Conflict("What was delegated to them is not theirs to pass on.", todo="Name who is away.", found=of)
    fresh = Delegation(secrets.token_hex(6), of, body.to, since, body.until, body.reason, ctx.caller.name, ctx.now)
    return _kept(ctx, replace(stored, delegations=(*_roomy(kept, ctx.now), fresh)))


def end(ctx: Context, delegation_id: str) -> DelegationsView:
    """End a delegation before its time: whoever is back, or an admin. One that is over stays as it was. Raises NotFound."""
    stored = _stored(ctx)
    ctx.unchanged(stored.version)
    found = next((d for d in stored.delegations if d.delegation_id == delegation_id), None)
    if found is None:
        raise NotFound("There is no such delegation.", found=delegation_id)
    if found.of != ctx.caller.sub and ctx.caller.role is not Role.ADMIN:
        raise Forbidden("A delegation is ended by who is back, or by an admin.", found=found.of)
    if found.is_over(ctx.now):
        return _view(ctx, stored)
    ended = replace(found, ended_at=ctx.now, ended_by=ctx.caller.name)
    return _kept(ctx, replace(stored, delegations=tuple(ended if d is found else d for d in stored.delegations)))


# --- inside -----------------------------------------------------------------------------------------------------------
def _check_time(since: datetime, until: datetime, now: datetime) -> None:
    if until <= since:
        raise Invalid("A delegation ends after it began, and lies ahead.", where="$.until", found=until.isoformat())
    if until - since > LONGEST or since - now > LONGEST:
        expected = f"at most {LONGEST // timedelta(days=1)} days"
        raise Invalid("A delegation is for a time away.", todo="Write it again later.", where="$.until", expected=expected)


def _roomy(kept: tuple[Delegation, ...], now: datetime) -> tuple[Delegation, ...]:
    """Those on record with room for one more: the oldest that are over go first. Raises Conflict when all of them hold."""
    while len(kept) >= MOST:
        oldest = next((d for d in kept if d.is_over(now)), None)
        if oldest is None:
            raise Conflict(f"A shop has at most {MOST} delegations.", todo="End some first.")
        kept = tuple(d for d in kept if d is not oldest)
    return kept


def _stored(ctx: Context) -> Delegations:
    found = ctx.registry.store.find(DelegationsOf(ctx.caller.merchant), None, 1).found
    return found[0] if found else Delegations(ctx.caller.merchant, (), ctx.now, "")


def _kept(ctx: Context, changed: Delegations) -> DelegationsView:
    changed = replace(changed, changed_at=ctx.now, by=ctx.caller.name)
    return ctx.commit(Change(delegations=changed), _view(ctx, replace(changed, version=changed.version + 1)))


def _view(ctx: Context, stored: Delegations) -> DelegationsView:
    listed = [
        DelegationView(
            delegation_id=d.delegation_id,
            of=d.of,
            to=d.to,
            since=d.since,
            until=d.until,
            reason=d.reason,
            by=d.by,
            at=d.at,
            holds=d.holds(ctx.now),
            ended_at=d.ended_at,
            ended_by=d.ended_by,
        )
        for d in reversed(stored.delegations)
    ]
    return DelegationsView(version=stored.version, delegations=listed)
