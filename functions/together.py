"""Together: several lines of one order asked about in one call, each trade in a case of its own; and the whole read as one.

::

    l1 (of one trade), l2 (of another)  ──►  refund_only of l2    ──► refunded within seconds
                                        └─►  return_refund of l1  ──► the parcel comes back first

One part's refusal leaves the others. What gives money without a parcel goes first: what it leaves, the others know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from aftersales.case import Item, Kind
from aftersales.change import Answer, Change
from aftersales.errors import AftersalesError, IdempotencyMismatch, IncompleteEvidence, Invalid, NotOffered
from aftersales.order import Line
from aftersales.query import AnswerTo, OrderFile
from aftersales.vertical import Facts, Remedy, Vertical
from functions import failures
from functions.body import CaseBody, ItemBody
from functions.body_together import PieceBody, TogetherBody
from functions.cases import open_case
from functions.context import KEPT, Context, again, commit
from functions.orders import why_not
from functions.reply import CaseView, Why
from functions.reply_together import OpenedView, RefusedView, TogetherView


@dataclass(frozen=True, slots=True)
class Wish:
    """Pieces of one line with the kind and reason that they are asked about for."""

    line: Line
    vertical: Vertical
    kind: Kind
    reason: str
    item: ItemBody

    @property
    def goods_back(self) -> bool:
        """Whether a parcel has to come back first."""
        offer = self.vertical.offer(self.kind)
        return offer is not None and offer.goods_back


def open_together(ctx: Context, body: TogetherBody) -> TogetherView:
    """Open a case for each trade, kind and reason; with ``submit`` hand in those that are complete.

    Sent again with the same key, what was opened is not opened again. Raises NotFound for an order, Invalid for a line that is not
    there or is named twice.
    """
    file = ctx.order(body.order_id)
    pieces = _named(file, body.items)
    results, left = _replayed(ctx, pieces)
    wishes: list[Wish] = []
    for piece in left:
        try:
            wishes.append(_wish(ctx, file, body, piece))
        except AftersalesError as error:
            results.append(OpenedView([piece.line_id], None, _refused(ctx, error)))
    for number, group in enumerate(_cases(wishes)):
        results.append(_opened(ctx, body, group, freight=body.freight and number == 0))
    view = TogetherView(body.order_id, results)
    if not any(r.refused and r.refused.retry for r in results):
        _keep(ctx, view)
    return view


# --- which pieces, for what ---------------------------------------------------------------------------------------------
def _named(file: OrderFile, items: Iterable[PieceBody]) -> list[PieceBody]:
    """The pieces line by line: a line that was sold as one stands for its parts, less those that are named by themselves."""
    asked = list(items)
    ids = [piece.line_id for piece in asked]
    if len(set(ids)) != len(ids):
        raise Invalid("A line is named once.", found=ids)
    found: list[PieceBody] = []
    for piece in asked:
        parts = [line for line in file.order.lines if line.part and line.part.of == piece.line_id]
        if not parts:
            file.order.line(piece.line_id)
            found.append(piece)
        found += [
            msgspec.structs.replace(piece, line_id=line.line_id, pieces=piece.pieces * line.part.each)
            for line in parts
            if line.part and line.line_id not in ids
        ]
    return found


def _wish(ctx: Context, file: OrderFile, body: TogetherBody, piece: PieceBody) -> Wish:
    """What is asked for these pieces. Raises NotOffered where nothing that gives money is offered now."""
    line = file.order.line(piece.line_id)
    vertical = ctx.registry.vertical(line.vertical)
    kind = piece.kind or body.kind or _offered(ctx, file, vertical, piece)
    offer = vertical.offer(kind)
    first = offer.reasons[0].code if offer and offer.reasons else ""
    item = ItemBody(line_id=piece.line_id, pieces=piece.pieces, share_percent=piece.share_percent)
    return Wish(line, vertical, kind, piece.reason or body.reason or first, item)


def _offered(ctx: Context, file: OrderFile, vertical: Vertical, piece: PieceBody) -> Kind:
    """The first kind that gives money and is offered now. Raises NotOffered with all reasons."""
    said: list[Why] = []
    merchant, items = ctx.registry.merchant(file.order.merchant), (Item(piece.line_id, piece.pieces, piece.share_percent),)
    for offer in vertical.offers:
        if offer.remedy is Remedy.MONEY and offer.kind is not Kind.CLAIM:
            against = why_not(ctx, vertical, offer.when, Facts(file.order, file.ledger, merchant, offer.kind, items, ctx.now))
            if not against:
                return offer.kind
            said += against
    raise NotOffered(
        "; ".join(why.text for why in said),
        todo="Ask the order's options for what is possible.",
        reasons=[{"code": why.code, "text": why.text} for why in said],
    )


def _cases(wishes: list[Wish]) -> list[list[Wish]]:
    """The wishes of one trade, kind and reason together; those without a parcel first."""
    groups: dict[tuple[str, Kind, str], list[Wish]] = {}
    for wish in wishes:
        groups.setdefault((wish.vertical.name, wish.kind, wish.reason), []).append(wish)
    return sorted(groups.values(), key=lambda group: group[0].goods_back)


# --- one case -----------------------------------------------------------------------------------------------------------
def _opened(ctx: Context, body: TogetherBody, group: list[Wish], *, freight: bool) -> OpenedView:
    """The case of one group, or why there is none."""
    ids = [wish.item.line_id for wish in group]
    wanted = CaseBody(
        order_id=body.order_id,
        kind=group[0].kind,
        reason=group[0].reason,
        items=[wish.item for wish in group],
        freight=freight,
        note=body.note,
        submit=body.submit,
    )
    own = replace(ctx, once=replace(ctx.once, key=_key(ctx.once.key, ids[0])) if ctx.once else None)
    try:
        return OpenedView(ids, _open(own, wanted), None)
    except AftersalesError as error:
        kept = _kept(ctx, ids[0])  # the same call, sent twice at once, was faster
        return OpenedView(ids, kept, None) if kept else OpenedView(ids, None, _refused(ctx, error))


def _open(ctx: Context, wanted: CaseBody) -> CaseView:
    """The case, handed in where that is wanted and it is complete."""
    try:
        return again(lambda: open_case(ctx, wanted))
    except IncompleteEvidence:
        return again(lambda: open_case(ctx, msgspec.structs.replace(wanted, submit=False)))


def _refused(ctx: Context, error: AftersalesError) -> RefusedView:
    told = failures.of_error(error, ctx.locale, ctx.audience)
    reasons = [Why(code=r["code"], text=r["text"]) for r in error.details.get("reasons", []) if "text" in r]
    said = error.message if isinstance(error, NotOffered) or told is None else told.text
    return RefusedView(code=error.code, text=said, todo=told.next if told else error.todo, retry=error.retry, reasons=reasons)


# --- sent again -----------------------------------------------------------------------------------------------------------
def _key(key: str, line_id: str) -> str:
    """The key of one case of the call; no caller's key has a space."""
    return f"{key} {line_id}"


def _kept(ctx: Context, line_id: str) -> CaseView | None:
    """The case that this very call opened for the line before. Raises IdempotencyMismatch where another call has its key."""
    if ctx.once is None:
        return None
    kept = ctx.registry.store.find(AnswerTo(ctx.asker, _key(ctx.once.key, line_id), ctx.now)).found
    if kept and kept[0].request != ctx.once.request:
        raise IdempotencyMismatch("This Idempotency-Key was used for another request.", todo="Use a new key for a new request.")
    return msgspec.json.decode(kept[0].body, type=CaseView) if kept else None


def _replayed(ctx: Context, pieces: list[PieceBody]) -> tuple[list[OpenedView], list[PieceBody]]:
    """What an earlier try of this very call opened, and the pieces that are still to be asked about."""
    found = [case for piece in pieces if (case := _kept(ctx, piece.line_id))]
    done = [OpenedView([item.line_id for item in case.items], case, None) for case in found]
    covered = {line_id for one in done for line_id in one.line_ids}
    return done, [piece for piece in pieces if piece.line_id not in covered]


def _keep(ctx: Context, view: TogetherView) -> None:
    """Keep the answer to the whole call, so that it is given again word for word."""
    if ctx.once:
        body = msgspec.json.encode(view).decode()
        answer = Answer(ctx.asker, ctx.once.key, ctx.once.request, ctx.once.status, body, ctx.now + KEPT)
        commit(ctx.registry, Change(answer=answer))
