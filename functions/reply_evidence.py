"""Replies about files: the merchant's proofs with an order, and the unmasked original."""

from __future__ import annotations

from datetime import datetime

from aftersales.evidence import EvidenceKind, EvidenceState, ProofRole
from functions.reply_base import View


class ProofView(View):
    """A proof of the merchant's with the order, as the merchant's people see it."""

    evidence_id: str
    kind: EvidenceKind
    role: ProofRole
    line_id: str
    state: EvidenceState
    by: str
    added_at: datetime
    sha256: str | None
    erased_at: datetime | None
    url: str | None


class ProofPage(View):
    """The proofs of an order."""

    proofs: list[ProofView]


class OriginalView(View):
    """The unmasked file, for five minutes. ``logged``: that it was opened stands in the timeline, with the reason."""

    evidence_id: str
    url: str
    expires_at: datetime
    logged: bool
