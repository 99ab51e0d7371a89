"""Evidence: what a buyer or merchant hands in, and what a kind of case requires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aftersales.decision import Finding, Verdict


class EvidenceKind(StrEnum):
    """What a piece of evidence is."""

    PHOTO = "photo"
    VIDEO = "video"
    CHAT = "chat"
    PAYMENT_PROOF = "payment_proof"
    TRACKING = "tracking"
    INSPECTION = "inspection"


class EvidenceState(StrEnum):
    """How far one piece of evidence is."""

    AWAITING_UPLOAD = "awaiting_upload"
    UPLOADED = "uploaded"  # fixed by submit; waits for verification
    VERIFIED = "verified"  # checked: its findings are on record, good or bad


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence of a case. ``file_key`` names it in file storage; ``sha256`` is of the bytes that were checked."""

    evidence_id: str
    kind: EvidenceKind
    file_key: str
    content_type: str
    state: EvidenceState
    by: str
    added_at: datetime
    sha256: str | None = None
    overlay_key: str | None = None  # a copy with the regions drawn in
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether it may count towards what is required: handed in, and no check said it is missing or unusable."""
        return self.state is not EvidenceState.AWAITING_UPLOAD and not any(f.verdict is Verdict.MISSING for f in self.findings)


@dataclass(frozen=True, slots=True)
class Requirement:
    """At least ``at_least`` pieces of one of ``kinds``; ``text`` is the key of the sentence that tells the buyer."""

    kinds: tuple[EvidenceKind, ...]
    at_least: int
    text: str


def missing(required: Iterable[Requirement], given: Iterable[Evidence]) -> tuple[Requirement, ...]:
    """The requirements that ``given`` does not meet yet."""
    usable = [e for e in given if e.usable]
    return tuple(r for r in required if sum(e.kind in r.kinds for e in usable) < r.at_least)


def print_distance(a: str, b: str) -> int:
    """In how many of 64 bits two photo fingerprints (hex digits) differ. Raises ValueError."""
    return (int(a, 16) ^ int(b, 16)).bit_count()
