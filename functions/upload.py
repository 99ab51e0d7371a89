"""Upload: what may be handed in as which kind, how large, and the signed place for it."""

from __future__ import annotations

from collections.abc import Mapping

from aftersales.errors import Invalid
from aftersales.evidence import Evidence, EvidenceKind
from aftersales.ports import Upload
from aftersales.registry import Registry
from functions.context import Context
from functions.reply import UploadView

MIB = 1024 * 1024
_PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/heic"})
_PAPERS = _PICTURES | {"application/pdf", "text/plain"}
#: What each kind may be uploaded as. Never a page or a drawing that could run in the browser of whoever looks at it.
TYPES: Mapping[EvidenceKind, frozenset[str]] = {
    EvidenceKind.PHOTO: _PICTURES,
    EvidenceKind.VIDEO: frozenset({"video/mp4", "video/quicktime", "video/webm"}),
    EvidenceKind.CHAT: _PAPERS,
    EvidenceKind.PAYMENT_PROOF: _PAPERS,
    EvidenceKind.TRACKING: _PAPERS,
    EvidenceKind.INSPECTION: _PAPERS,
}

#: What a shop's own proof may be.
PROOFS: Mapping[EvidenceKind, frozenset[str]] = {k: TYPES[k] for k in (EvidenceKind.PHOTO, EvidenceKind.INSPECTION)}


def most_bytes(kind: EvidenceKind) -> int:
    """The largest file of that kind. A video is of about half a minute at what phones record."""
    return 50 * MIB if kind is EvidenceKind.VIDEO else 10 * MIB


def checked(kind: EvidenceKind, content_type: str, size: int, types: Mapping[EvidenceKind, frozenset[str]] = TYPES) -> None:
    """Raise Invalid for a kind, a type or a size that is not taken."""
    if kind not in types:
        raise Invalid(f"A {kind} is not handed in here.", expected=sorted(types), found=kind)
    if content_type not in types[kind]:
        raise Invalid(f"A {kind} is not uploaded as {content_type}.", expected=sorted(types[kind]), found=content_type)
    if size > most_bytes(kind):
        raise Invalid(f"A {kind} of this size is not taken.", expected=f"at most {most_bytes(kind)} bytes", found=size)


def place(ctx: Context, piece: Evidence, size: int, case_version: int = 0) -> UploadView:
    """The signed upload for a piece of at most ``size`` bytes."""
    upload: Upload = ctx.registry.files.upload(piece.file_key, piece.content_type, size, ctx.now)
    return UploadView(
        evidence_id=piece.evidence_id,
        url=upload.url,
        fields=dict(upload.fields),
        expires_at=upload.expires_at,
        max_bytes=upload.max_bytes,
        case_version=case_version,
    )


def content_of(registry: Registry, piece: Evidence) -> bytes | None:
    """What was uploaded, None when nothing was."""
    return registry.files.read(piece.file_key, most_bytes(piece.kind))
