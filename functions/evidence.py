"""Evidence: a place to upload to, the moment it is fixed, and its verification in a function of its own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import uuid4

from aftersales.case import Event, State
from aftersales.change import Change
from aftersales.decision import Finding, Verdict
from aftersales.errors import Conflict, Invalid
from aftersales.evidence import Evidence, EvidenceKind, EvidenceState
from aftersales.photo import PhotoReport
from aftersales.query import CaseFile
from aftersales.registry import Registry
from functions import asked, proofs, question, retention, reuse
from functions.body import EvidenceBody
from functions.context import Context, again, by_system, commit
from functions.judgement import judge
from functions.reply import UploadView
from functions.upload import checked, content_of, most_bytes, place

MOST = 20  # pieces of a buyer's evidence per case
MOST_VIDEOS = 3  # of them: each is read whole when it is handed in, and looked at frame by frame
#: What is kept of a look at the merchant's own picture: whether it can be read. It says nothing about the claim.
QUALITY = frozenset({"vision.readable", "vision.large", "vision.lit", "vision.sharp"})


def add(ctx: Context, case_id: str, body: EvidenceBody) -> UploadView:
    """A place in the case for one more piece of evidence, and a signed upload for its file.

    What the shop's people add is their own proof, with a ``role``: it counts once it is handed in.
    """
    if ctx.caller.is_staff:
        return proofs.add_to_case(ctx, case_id, body)
    file = ctx.case(case_id)
    if body.role is not None or body.line_id:
        raise Invalid("A role and a line are for proofs of the shop.", todo="Leave role and line_id out.", found=str(body.role))
    checked(body.kind, body.content_type, body.bytes)
    _room(file, body.kind)
    evidence_id = uuid4().hex[:12]
    key = retention.key_of("evidence", file.case.merchant, case_id, evidence_id)
    piece = Evidence(evidence_id, body.kind, key, body.content_type, EvidenceState.AWAITING_UPLOAD, ctx.caller.name, ctx.now)
    change = Change(file.case).then(Event.EVIDENCE_ADDED, ctx.caller.name, ctx.now, evidence_id=evidence_id, kind=body.kind)
    view = place(ctx, piece, body.bytes, file.case.version + 1)
    return ctx.commit(replace(change, evidence=(piece,)).with_case(has_files=True), view)


def _room(file: CaseFile, kind: EvidenceKind) -> None:
    mine = [e for e in file.evidence if e.role is None]
    if len(mine) >= MOST:
        raise Conflict(f"A case takes {MOST} pieces of evidence.", todo="Hand in what shows it best.")
    if kind is EvidenceKind.VIDEO and sum(e.kind is kind for e in mine) >= MOST_VIDEOS:
        raise Conflict(f"A case takes {MOST_VIDEOS} videos.", todo="Add photos of what they do not show.")


def fixed(ctx: Context, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The evidence with every file that has arrived fixed by its hash; what was never uploaded is left as it is.

    A proof of the shop's is left to the shop, which hands it in itself.
    """
    return tuple(_fixed(ctx, e) if e.state is EvidenceState.AWAITING_UPLOAD and e.role is None else e for e in evidence)


def _fixed(ctx: Context, piece: Evidence) -> Evidence:
    content = content_of(ctx.registry, piece)
    if content is None:
        return piece
    return replace(piece, state=EvidenceState.UPLOADED, sha256=hashlib.sha256(content).hexdigest())


def awaits_look(evidence: tuple[Evidence, ...]) -> bool:
    """Whether a claim waits for verification: a photo or video of the buyer's was handed in, is there, and not looked at yet."""
    return any(e.state is EvidenceState.UPLOADED and e.is_looked_at and e.role is None and e.erased_at is None for e in evidence)


def verify(registry: Registry, case_id: str, evidence_id: str) -> bool:
    """Look at one piece, record what was seen, and judge the case once it was the last. False when there was nothing to do.

    May run twice or late: a piece that has findings is left alone, and the findings of a case that moved on are kept beside it.
    It is looked at once, however often the case changes while that is written down; of a piece that is erased meanwhile nothing
    stays.
    """
    file, piece = _unseen(registry, case_id, evidence_id)
    if file is None or piece is None:
        return _none_left(registry, file, evidence_id)
    seen = _looked_at(registry, file, piece)
    return again(lambda: _record(registry, case_id, seen))


def _unseen(registry: Registry, case_id: str, evidence_id: str) -> tuple[CaseFile | None, Evidence | None]:
    file = registry.store.case(case_id)
    piece = next((e for e in file.evidence if e.evidence_id == evidence_id), None) if file else None
    waits = piece is not None and piece.state is EvidenceState.UPLOADED and piece.is_looked_at and piece.erased_at is None
    return file, piece if waits else None


def _none_left(registry: Registry, file: CaseFile | None, evidence_id: str) -> bool:
    """False; what was made of the piece after its files were erased is erased, too."""
    for piece in file.evidence if file else ():
        if piece.evidence_id == evidence_id and piece.erased_at is not None and file is not None:
            for key in retention.files_of(file.case.merchant, file.case.case_id, piece):
                registry.files.delete(key)
    return False


def _record(registry: Registry, case_id: str, seen: Evidence) -> bool:
    """Write down what was seen, and what follows from it for the case as it is now."""
    ctx = by_system(registry)
    file, piece = _unseen(registry, case_id, seen.evidence_id)
    if file is None or piece is None:
        return _none_left(registry, file, seen.evidence_id)
    change = Change(file.case, evidence=(seen,))
    if seen.role is None and file.case.state in (State.VERIFYING, State.REVIEWING):
        told = {f.check: str(f.verdict) for f in seen.findings}
        change = change.then(Event.FINDINGS_RECORDED, "system:vision", ctx.now, None, evidence_id=seen.evidence_id, **told)
    known = tuple(seen if e is piece else e for e in file.evidence)
    if seen.role is None and file.case.state is State.VERIFYING and not awaits_look(known) and not asked.left(registry, file.case):
        order = ctx.order_of(file.case.merchant, file.case.order_id)
        change = judge(registry, change, replace(file, evidence=known), order, ctx.now)
    commit(registry, change)
    return True


def _looked_at(registry: Registry, file: CaseFile, piece: Evidence) -> Evidence:
    """The piece with what was seen on it; the copies made of it are stored."""
    content = question.unchanged(registry, piece, most_bytes(piece.kind))
    if content is None:
        changed = Finding("evidence.unchanged", Verdict.UNSURE, "evidence.changed", evidence_id=piece.evidence_id)
        return replace(piece, state=EvidenceState.VERIFIED, findings=() if piece.role else (changed,))
    report = _report(registry, file, piece, content)
    if piece.role is None:
        findings = (*report.findings, *reuse.of_photo(registry, file, piece, report))
    else:
        findings = tuple(f for f in report.findings if f.check in QUALITY)
    made = {
        name: _kept(registry, file, piece, name, copy)
        for name, copy in (("overlay", report.overlay if piece.role is None else None), ("masked", report.masked))
    }
    named = tuple(replace(f, evidence_id=piece.evidence_id) for f in findings)
    state = EvidenceState.VERIFIED
    return replace(piece, state=state, findings=named, overlay_key=made["overlay"], masked_key=made["masked"])


def _report(registry: Registry, file: CaseFile, piece: Evidence, content: bytes) -> PhotoReport:
    order = registry.store.order(file.case.merchant, file.case.order_id)
    asked = question.asked(registry, file, order, registry.clock.now())
    if piece.role is not None:
        return registry.photos.inspect(content, question.about_proof(asked))
    look = registry.photos.watch if piece.kind is EvidenceKind.VIDEO else registry.photos.inspect
    return look(content, asked)


def _kept(registry: Registry, file: CaseFile, piece: Evidence, name: str, copy: bytes | None) -> str | None:
    """Where a copy of the piece is stored, None where there is none."""
    if not copy:
        return None
    key = retention.key_of(name, file.case.merchant, file.case.case_id, piece.evidence_id)
    registry.files.write(key, copy, "image/jpeg")
    return key
