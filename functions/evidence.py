"""Evidence: a place to upload to, the moment it is fixed, and its verification in a function of its own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import uuid4

from aftersales.case import Event, State
from aftersales.change import Change, PhotoPrint
from aftersales.decision import Finding, Source, Verdict
from aftersales.errors import Conflict, Invalid
from aftersales.evidence import Evidence, EvidenceKind, EvidenceState, print_distance
from aftersales.ports import CaseFile, PhotoQuestion, PhotoReport, PrintsLike
from aftersales.registry import Registry
from functions.body import EvidenceBody
from functions.context import Context, by_system, commit
from functions.judgement import judge
from functions.reply import UploadView

MAX_BYTES = 10 * 1024 * 1024
MOST = 20  # pieces of evidence per case
_PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/heic"})
_PAPERS = _PICTURES | {"application/pdf", "text/plain"}
#: What each kind may be uploaded as. Never a page or a drawing that could run in the browser of whoever looks at it.
TYPES: dict[EvidenceKind, frozenset[str]] = {
    EvidenceKind.PHOTO: _PICTURES,
    EvidenceKind.VIDEO: frozenset({"video/mp4", "video/quicktime", "video/webm"}),
    EvidenceKind.CHAT: _PAPERS,
    EvidenceKind.PAYMENT_PROOF: _PAPERS,
    EvidenceKind.TRACKING: _PAPERS,
    EvidenceKind.INSPECTION: _PAPERS,
}
#: Two fingerprints of 64 bits at most this far apart are taken for one picture; ``python -m plugins.vision.measure`` says how well.
SAME_PICTURE = 10
MOST_ALIKE = 2_000


def add(ctx: Context, case_id: str, body: EvidenceBody) -> UploadView:
    """A place in the case for one more piece of evidence, and a signed upload for its file."""
    file = ctx.case(case_id)
    if body.content_type not in TYPES[body.kind]:
        raise Invalid(
            f"A {body.kind} is not uploaded as {body.content_type}.", expected=sorted(TYPES[body.kind]), found=body.content_type
        )
    if len(file.evidence) >= MOST:
        raise Conflict(f"A case takes {MOST} pieces of evidence.", todo="Hand in what shows it best.")
    evidence_id = uuid4().hex[:12]
    key = f"evidence/{file.case.merchant}/{case_id}/{evidence_id}"
    piece = Evidence(evidence_id, body.kind, key, body.content_type, EvidenceState.AWAITING_UPLOAD, ctx.caller.name, ctx.now)
    change = Change(file.case).then(Event.EVIDENCE_ADDED, ctx.caller.name, ctx.now, evidence_id=evidence_id, kind=body.kind)
    upload = ctx.registry.files.upload(key, body.content_type, min(body.bytes, MAX_BYTES), ctx.now)
    view = UploadView(
        evidence_id=evidence_id,
        url=upload.url,
        fields=dict(upload.fields),
        expires_at=upload.expires_at,
        max_bytes=upload.max_bytes,
        case_version=file.case.version + 1,
    )
    return ctx.commit(replace(change, evidence=(piece,)), view)


def fixed(ctx: Context, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The evidence with every file that has arrived fixed by its hash; what was never uploaded is left as it is."""
    return tuple(_fixed(ctx, e) if e.state is EvidenceState.AWAITING_UPLOAD else e for e in evidence)


def _fixed(ctx: Context, piece: Evidence) -> Evidence:
    content = ctx.registry.files.read(piece.file_key, MAX_BYTES)
    if content is None:
        return piece
    return replace(piece, state=EvidenceState.UPLOADED, sha256=hashlib.sha256(content).hexdigest())


def verify(registry: Registry, case_id: str, evidence_id: str) -> bool:
    """Look at one photo, record what was seen, and judge the case once it was the last. False when there was nothing to do.

    May run twice or late: a piece that has findings is left alone, and the findings of a case that moved on are kept beside it.
    """
    ctx = by_system(registry)
    file = registry.store.case(case_id)
    piece = next((e for e in file.evidence if e.evidence_id == evidence_id), None) if file else None
    if file is None or piece is None or piece.state is not EvidenceState.UPLOADED or piece.kind is not EvidenceKind.PHOTO:
        return False
    checked = _checked(registry, file, piece)
    change = Change(file.case, evidence=(checked,))
    seen = {f.check: str(f.verdict) for f in checked.findings}
    if file.case.state in (State.VERIFYING, State.REVIEWING):
        change = change.then(Event.FINDINGS_RECORDED, "system:vision", ctx.now, None, evidence_id=evidence_id, **seen)
    known = tuple(checked if e is piece else e for e in file.evidence)
    waiting = any(e.state is EvidenceState.UPLOADED and e.kind is EvidenceKind.PHOTO for e in known)
    if file.case.state is State.VERIFYING and not waiting:
        order = ctx.order_of(file.case.merchant, file.case.order_id)
        change = judge(registry, change, replace(file, evidence=known), order, ctx.now)
    commit(registry, change)
    return True


def _checked(registry: Registry, file: CaseFile, piece: Evidence) -> Evidence:
    content = registry.files.read(piece.file_key, MAX_BYTES)
    if content is None or hashlib.sha256(content).hexdigest() != piece.sha256:
        changed = Finding("evidence.unchanged", Verdict.UNSURE, "evidence.changed", evidence_id=piece.evidence_id)
        return replace(piece, state=EvidenceState.VERIFIED, findings=(changed,))
    report = registry.photos.inspect(content, _question(registry, file))
    findings = (*report.findings, *_reuse(registry, file, piece, report))
    overlay_key = None
    if report.overlay:
        overlay_key = f"overlay/{file.case.merchant}/{file.case.case_id}/{piece.evidence_id}"
        registry.files.write(overlay_key, report.overlay, "image/jpeg")
    named = tuple(replace(f, evidence_id=piece.evidence_id) for f in findings)
    return replace(piece, state=EvidenceState.VERIFIED, findings=named, overlay_key=overlay_key)


def _question(registry: Registry, file: CaseFile) -> PhotoQuestion:
    order = registry.store.order(file.case.merchant, file.case.order_id)
    line = order.order.line(file.case.items[0].line_id) if order and file.case.items else None
    return PhotoQuestion(line.title if line else "", line.category if line else "", file.case.vertical, file.case.reason)


def _reuse(registry: Registry, file: CaseFile, piece: Evidence, report: PhotoReport) -> tuple[Finding, ...]:
    """Whether the picture served another case. Suspicion goes to a person; it never rejects.

    Written first, then asked for: of two cases with one picture that are looked at in the same moment, one sees the other.
    """
    if not report.print:
        return ()
    registry.store.commit(Change(prints=(PhotoPrint(report.print, file.case.case_id, piece.evidence_id),)))
    alike = _alike(registry, report.print)
    others = [p for p in alike if p.case_id != file.case.case_id and print_distance(p.value, report.print) <= SAME_PICTURE]
    if not others:
        return (Finding("vision.reused", Verdict.PASS, "vision.not_seen_before", Source.MODEL, 0.9),)
    nearest = min(others, key=lambda p: print_distance(p.value, report.print))
    distance = print_distance(nearest.value, report.print)
    data = (("distance_bits", distance),)
    return (Finding("vision.reused", Verdict.UNSURE, "vision.seen_before", Source.MODEL, 1 - distance / 64, data),)


def _alike(registry: Registry, value: str) -> list[PhotoPrint]:
    """Every candidate for the same picture, up to a bound that only a picture of nothing reaches."""
    found: list[PhotoPrint] = []
    cursor = None
    while len(found) < MOST_ALIKE:
        page = registry.store.find(PrintsLike(value), cursor, 100)
        found += page.found
        cursor = page.cursor
        if cursor is None:
            break
    return found
