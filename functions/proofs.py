"""Proofs: what the merchant puts on record itself — at dispatch, long before anybody complains, or beside a buyer's evidence.

::

    POST …/proofs (or …/evidence) ──► upload ──► POST …/hand-in: fixed by its hash, at this instant
                                                      │
    a case of this order is handed in ──► the order's proofs go on record with it, as they were handed in
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from aftersales.case import Event
from aftersales.change import Change
from aftersales.errors import Conflict, NotFound
from aftersales.evidence import Evidence, EvidenceKind, EvidenceState, Proof, ProofRole
from aftersales.query import CaseFile, OrderFile
from functions import retention
from functions.body import EvidenceBody, ProofBody
from functions.context import Context
from functions.exhibit import SHOPS
from functions.reply import CaseView, UploadView
from functions.reply_evidence import ProofPage, ProofView
from functions.upload import PROOFS, checked, content_of, place
from functions.view import stored

MOST = 20  # proofs per order, and per case


def add(ctx: Context, order_id: str, body: ProofBody) -> UploadView:
    """A place with the order for a proof of the merchant's, and a signed upload for its file; it counts once it is handed in.

    ``catalogue`` is the seller's picture of a line's goods, ``dispatch`` shows them before the parcel left.
    """
    order = ctx.order(order_id)
    if len(order.proofs) >= MOST:
        raise Conflict(f"An order takes {MOST} proofs.", todo="Hand in what shows it best.", found=len(order.proofs))
    _about(order, body.line_id)
    checked(body.kind, body.content_type, body.bytes, PROOFS)
    evidence_id = uuid4().hex
    key = retention.key_of("evidence", order.order.merchant, "proofs", evidence_id)
    piece = _piece(ctx, evidence_id, key, body.kind, body.content_type, body.role, body.line_id)
    view = place(ctx, piece, body.bytes)
    until = ctx.now + timedelta(days=ctx.registry.merchant(order.order.merchant).proofs_days)
    return ctx.commit(Change(proofs=(Proof(order.order.merchant, order_id, piece, until),)), view)


def hand_in(ctx: Context, order_id: str, evidence_id: str) -> ProofView:
    """Fix the uploaded file by its hash, now: from this instant on it is on record. Doing so again changes nothing."""
    order = ctx.order(order_id)
    proof = next((p for p in order.proofs if p.piece.evidence_id == evidence_id), None)
    if proof is None:
        raise NotFound("There is no such proof.", todo="Check its id.")
    if proof.piece.state is EvidenceState.AWAITING_UPLOAD:
        until = ctx.now + timedelta(days=ctx.registry.merchant(order.order.merchant).proofs_days)
        proof = replace(proof, piece=_fixed(ctx, proof.piece), files_until=until)
        return ctx.commit(Change(proofs=(proof,)), _view(ctx, proof.piece))
    return ctx.commit(Change(), _view(ctx, proof.piece))


def listed(ctx: Context, order_id: str) -> ProofPage:
    """The proofs of an order, oldest first. The shop's people see the files, a mall's backend those that it handed in itself."""
    return ProofPage(proofs=[_view(ctx, p.piece) for p in ctx.order(order_id).proofs])


def add_to_case(ctx: Context, case_id: str, body: EvidenceBody) -> UploadView:
    """A place in the case for a proof of the merchant's; it is seen by both sides once it is handed in."""
    file = ctx.case(case_id)
    if sum(e.role is not None for e in file.evidence) >= MOST:
        raise Conflict(f"A case takes {MOST} proofs of the shop.", todo="Hand in what shows it best.")
    if file.case.terminal:
        raise Conflict("A closed case takes no more evidence.", todo="Write to the buyer.", state=file.case.state)
    _about(ctx.order_of(file.case.merchant, file.case.order_id), body.line_id)
    checked(body.kind, body.content_type, body.bytes, PROOFS)
    evidence_id = uuid4().hex[:12]
    key = retention.key_of("evidence", file.case.merchant, case_id, evidence_id)
    piece = _piece(ctx, evidence_id, key, body.kind, body.content_type, body.role or ProofRole.INSPECTION, body.line_id)
    view = place(ctx, piece, body.bytes, file.case.version + 1)
    change = Change(file.case, evidence=(piece,)).with_case(has_files=True)
    return ctx.commit(change, view)


def hand_in_to_case(ctx: Context, case_id: str, evidence_id: str) -> CaseView:
    """Fix the uploaded file of the shop's own proof by its hash, now. The step is on record for both sides."""
    file = ctx.case(case_id)
    piece = next((e for e in file.evidence if e.evidence_id == evidence_id and e.role is not None), None)
    if piece is None:
        raise NotFound("There is no such proof.", todo="Check its id; a buyer's evidence is handed in with the claim.")
    if piece.state is not EvidenceState.AWAITING_UPLOAD:
        raise Conflict("This proof was handed in already.", todo="Add another one.", found=str(piece.added_at))
    piece = _fixed(ctx, piece)
    change = Change(file.case, evidence=(piece,)).then(
        Event.PROOF_ADDED, ctx.caller.name, ctx.now, evidence_id=evidence_id, role=str(piece.role), sha256=piece.sha256
    )
    assert change.case is not None
    known = tuple(piece if e.evidence_id == evidence_id else e for e in file.evidence)
    return ctx.commit(change, stored(ctx, replace(file, case=change.case, evidence=known)))


def of_order(order: OrderFile, file: CaseFile) -> tuple[Evidence, ...]:
    """The order's proofs that go on record with a case: handed in, about its lines, and not there yet."""
    known, lines = {e.evidence_id for e in file.evidence}, {"", *(i.line_id for i in file.case.items)}
    fresh = (p.piece for p in order.proofs if p.piece.evidence_id not in known and p.piece.line_id in lines)
    return tuple(e for e in fresh if e.state is not EvidenceState.AWAITING_UPLOAD and e.erased_at is None)


def _piece(
    ctx: Context, evidence_id: str, key: str, kind: EvidenceKind, content_type: str, role: ProofRole, line_id: str
) -> Evidence:
    state = EvidenceState.AWAITING_UPLOAD
    return Evidence(evidence_id, kind, key, content_type, state, ctx.caller.name, ctx.now, role=role, line_id=line_id)


def _about(order: OrderFile, line_id: str) -> None:
    if line_id:
        order.order.line(line_id)  # raises Invalid for a line that the order has not


def _fixed(ctx: Context, piece: Evidence) -> Evidence:
    content = content_of(ctx.registry, piece)
    if content is None:
        raise Conflict("Nothing was uploaded yet.", todo="Upload the file, then hand it in.", found=piece.evidence_id)
    return replace(piece, state=EvidenceState.UPLOADED, sha256=hashlib.sha256(content).hexdigest(), added_at=ctx.now)


def _view(ctx: Context, piece: Evidence) -> ProofView:
    there = piece.erased_at is None and piece.state is not EvidenceState.AWAITING_UPLOAD
    may_see = ctx.caller.role in SHOPS or ctx.caller.name == piece.by
    assert piece.role is not None
    return ProofView(
        evidence_id=piece.evidence_id,
        kind=piece.kind,
        role=piece.role,
        line_id=piece.line_id,
        state=piece.state,
        by=piece.by,
        added_at=piece.added_at,
        sha256=piece.sha256,
        erased_at=piece.erased_at,
        url=ctx.registry.files.url(piece.file_key, ctx.now) if there and may_see else None,
    )
