"""Originals: the unmasked file, for who needs it to decide. Every opening stands in the case, for both sides to read."""

from __future__ import annotations

from datetime import timedelta

from aftersales.caller import Role
from aftersales.case import Event
from aftersales.change import Change
from aftersales.errors import Conflict, NotFound
from aftersales.evidence import EvidenceState
from functions import exhibit
from functions.body import OriginalBody
from functions.context import Context
from functions.reply_evidence import OriginalView

#: Who is let to the other side's original. A clerk works with the masked copy.
OPENERS = frozenset({Role.APPROVER, Role.ADMIN, Role.PLATFORM})

#: How long an address leads there (the Files port).
LASTS = timedelta(minutes=5)

#: Steps after which no more openings are taken: they are read with the timeline, which is one answer of bounded size.
MOST_STEPS = 1_000


def open_original(ctx: Context, case_id: str, evidence_id: str, body: OriginalBody) -> OriginalView:
    """An address of the unmasked file for five minutes. Who opens the other side's gives a reason, and both sides read it.

    One's own file needs no record. Raises NotFound for who may not see it, Conflict when it was erased.
    """
    file = ctx.case(case_id)
    piece = next((e for e in file.evidence if e.evidence_id == evidence_id), None)
    own = piece is not None and exhibit.is_own(ctx.caller, piece)
    if piece is None or piece.state is EvidenceState.AWAITING_UPLOAD or not (own or ctx.caller.role in OPENERS):
        raise NotFound("There is no such file.", todo="Check the evidence id.")
    if piece.erased_at is not None:
        raise Conflict("This file was erased, as the shop's policy says.", todo="Its hash and what was seen on it are kept.")
    view = OriginalView(
        evidence_id=evidence_id, url=ctx.registry.files.url(piece.file_key, ctx.now), expires_at=ctx.now + LASTS, logged=not own
    )
    if own:
        return ctx.commit(Change(), view)
    if file.case.seq >= MOST_STEPS:
        raise Conflict("This case takes no more openings on record.", todo="Work with the masked copy.", found=file.case.seq)
    change = Change(file.case).then(Event.ORIGINAL_OPENED, ctx.caller.name, ctx.now, evidence_id=evidence_id, reason=body.reason)
    return ctx.commit(change, view)
