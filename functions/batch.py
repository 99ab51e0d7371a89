"""Batch: a decision over many cases is asked for, looked at, let go or stopped. Who carries it out is :mod:`functions.batches`."""

from __future__ import annotations

from dataclasses import asdict, replace
from uuid import uuid4

from aftersales.batch import ENDED, Act, Batch, BatchState, Choice, Entry, Part, Result, parts_of
from aftersales.caller import Role
from aftersales.change import Change
from aftersales.errors import Conflict, Forbidden, Invalid, NotFound, SecondPersonRequired
from aftersales.query import BatchesOf, PartsOf
from functions import batched, batches, second
from functions.body_batch import BatchBody, ChoiceBody
from functions.body_queue import ME
from functions.context import Context
from functions.reply_batch import BatchPage, BatchView, ChoiceView, ItemPage, ItemView, TotalView

#: Who may assign a case to a colleague.
SENIOR = frozenset({Role.APPROVER, Role.ADMIN})

#: Parts that one page of items looks through.
MOST_PARTS = 100


def open_batch(ctx: Context, body: BatchBody) -> BatchView:
    """Ask for one decision over many cases. It is carried out after this answer, as if the caller decided each.

    Raises Invalid for a batch that names no cases, Forbidden where a clerk assigns cases to somebody else.
    """
    if (body.ids is None) == (body.choice is None):
        raise Invalid("A batch is about the cases of ids, or of choice.", expected="one of the two")
    to = _assignee(ctx, body)
    batch = Batch(
        batch_id=uuid4().hex,
        merchant=ctx.caller.merchant,
        sub=ctx.caller.sub,
        role=ctx.caller.role,
        opened_at=ctx.now,
        updated_at=ctx.now,
        action=body.action,
        state=BatchState.SELECTING,
        reason=body.reason.strip(),
        to=to,
        take_over=body.take_over,
        dry_run=body.dry_run,
        choice=_choice(ctx, body.choice) if body.choice else Choice(),
    ).moved(BatchState.SELECTING, ctx.now)
    entries = tuple(Entry(case_id) for case_id in dict.fromkeys(body.ids or ()))
    parts = parts_of(batch.batch_id, 0, entries)
    batch = replace(batch, named=len(entries), parts=len(parts)).counted((), entries)
    return _kept(ctx, batch, parts)


def get(ctx: Context, batch_id: str) -> BatchView:
    """One batch, and how far it is."""
    return _view(_found(ctx, batch_id))


def listed(ctx: Context, cursor: str | None = None, limit: int = 50) -> BatchPage:
    """The shop's batches, newest first."""
    page = ctx.registry.store.find(BatchesOf(ctx.caller.merchant), cursor, limit)
    return BatchPage(batches=[_view(batch) for batch in page.found], cursor=page.cursor)


def items(ctx: Context, batch_id: str, result: Result | None = None, cursor: str | None = None, limit: int = 50) -> ItemPage:
    """What became of the cases of a batch, in whole parts of ten; with ``result`` only those."""
    batch, found, looked = _found(ctx, batch_id), list[Entry](), 0
    while looked < MOST_PARTS:
        size = max((limit - len(found)) // 10, 1)
        page = ctx.registry.store.find(PartsOf(batch.batch_id), cursor, size)
        found += [e for part in page.found for e in part.entries if result is None or e.result is result]
        cursor, looked = page.cursor, looked + size
        if cursor is None or len(found) + 10 > limit:
            break
    return ItemPage(items=[_item(entry) for entry in found], cursor=cursor)


def run(ctx: Context, batch_id: str) -> BatchView:
    """Carry out what was selected: its maker says so after a dry run, another person where it pays more than the shop's limit.

    Raises SecondPersonRequired where its maker would be both, Forbidden for who has no right to it, Conflict in another state.
    """
    batch = _found(ctx, batch_id)
    ctx.unchanged(batch.version)
    if batch.state is BatchState.PREVIEWED:
        if (ctx.caller.sub, ctx.caller.role) != (batch.sub, batch.role):
            raise Forbidden("A dry run is carried out by whoever made it.", todo="Ask them, or make one of your own.")
        gone = batch.moved(BatchState.WAITING if batches.above(ctx.registry, batch) else BatchState.RUNNING, ctx.now)
    elif batch.state is BatchState.WAITING:
        if ctx.caller.sub == batch.sub:
            todo = "Ask a colleague to say run."
            raise SecondPersonRequired("A batch of this sum is let go by another person than its maker.", todo=todo)
        behalf = second.in_place_of(second.right(ctx, batch.merchant), {batch.sub})
        gone = replace(batch, go_by=ctx.caller.name, go_for=behalf).moved(BatchState.RUNNING, ctx.now)
    else:
        raise Conflict(f"A batch that is {batch.state} does not wait for anybody.", state=str(batch.state))
    return _kept(ctx, gone)


def stop(ctx: Context, batch_id: str) -> BatchView:
    """End a batch after the part it is at; what is done stays done. Anybody of the shop may. Raises Conflict once it has ended."""
    batch = _found(ctx, batch_id)
    ctx.unchanged(batch.version)
    if batch.state in ENDED:
        raise Conflict(f"A batch that is {batch.state} cannot be stopped.", state=str(batch.state))
    return _kept(ctx, batch.moved(BatchState.STOPPED, ctx.now))


def _assignee(ctx: Context, body: BatchBody) -> str:
    to = ctx.caller.sub if body.to == ME else body.to
    if (body.action is Act.ASSIGN) != bool(to) or (body.take_over and not to):
        raise Invalid("Cases are assigned to somebody, and nothing else is.", where="$.to", todo="Send the clerk's sub in to.")
    if to and to != ctx.caller.sub and ctx.caller.role not in SENIOR:
        raise Forbidden("A clerk takes cases; an approver assigns them.", expected=sorted(SENIOR), found=ctx.caller.role)
    return to


def _choice(ctx: Context, body: ChoiceBody) -> Choice:
    clerk = ctx.caller.sub if body.clerk == ME else body.clerk
    return Choice(
        state=body.state,
        kind=body.kind or "",
        vertical=body.vertical,
        category=body.category,
        evidence=body.evidence,
        lane=body.lane or "",
        clerk=clerk,
        min_minor=body.min_minor,
        max_minor=body.max_minor or 0,
        late=body.late,
    )


def _found(ctx: Context, batch_id: str) -> Batch:
    batch = batched.stored(ctx.registry, batch_id)
    if batch is None or batch.merchant != ctx.caller.merchant:
        raise NotFound("There is no such batch.", todo="Check the batch id.")
    return batch


def _kept(ctx: Context, batch: Batch, parts: tuple[Part, ...] = ()) -> BatchView:
    return ctx.commit(Change(batch=batch, parts=parts), _view(replace(batch, version=batch.version + 1)))


def _view(batch: Batch) -> BatchView:
    names = set(BatchView.__struct_fields__) - {"totals", "foreseen", "choice"}
    return BatchView(
        **{name: getattr(batch, name) for name in names},
        choice=ChoiceView(**asdict(batch.choice)),
        totals=[TotalView(**asdict(t)) for t in batch.totals],
        foreseen=[TotalView(**asdict(t)) for t in batch.foreseen],
    )


def _item(entry: Entry) -> ItemView:
    return ItemView(**{name: getattr(entry, name) for name in ItemView.__struct_fields__})
