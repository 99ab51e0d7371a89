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


class ProofRole(StrEnum):
    """What a proof of the merchant's shows."""

    DISPATCH = "dispatch"  # the goods before the parcel left
    PACKING_LIST = "packing_list"
    INSTALLATION = "installation"
    INSPECTION = "inspection"
    CATALOGUE = "catalogue"  # the seller's picture of the goods


class EvidenceState(StrEnum):
    """How far one piece of evidence is."""

    AWAITING_UPLOAD = "awaiting_upload"
    UPLOADED = "uploaded"  # fixed by submit; waits for verification
    VERIFIED = "verified"  # checked: its findings are on record, good or bad


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence of a case. ``file_key`` names it in file storage; ``sha256`` is of the bytes that were checked.

    ``masked_key`` is the copy that the other side sees, ``overlay_key`` one with the regions drawn in. A piece with a ``role`` is
    the merchant's proof, about one line of the order or ("") all of it, and ``added_at`` is when it was handed in. ``erased_at``:
    its files are gone, as the merchant's policy says; its hash and what was seen stay.
    """

    evidence_id: str
    kind: EvidenceKind
    file_key: str
    content_type: str
    state: EvidenceState
    by: str
    added_at: datetime
    sha256: str | None = None
    overlay_key: str | None = None
    findings: tuple[Finding, ...] = ()
    masked_key: str | None = None
    role: ProofRole | None = None
    line_id: str = ""
    erased_at: datetime | None = None

    @property
    def usable(self) -> bool:
        """Whether it may count towards what is required: the buyer's, handed in, and no check said it is missing or unusable.

        Of a file that was erased counts what was seen before; one that nobody looked at is gone.
        """
        seen = self.state is EvidenceState.VERIFIED or self.erased_at is None
        handed_in = self.state is not EvidenceState.AWAITING_UPLOAD and self.role is None and seen
        return handed_in and not any(f.verdict is Verdict.MISSING for f in self.findings)

    @property
    def is_looked_at(self) -> bool:
        """Whether verification looks at it: photos and videos, and whatever the merchant hands in as a picture."""
        return self.kind in SHOWING if self.role is None else self.content_type.startswith("image/")


#: Kinds that show the goods: one of them that is no good is forgiven once the other shows it.
SHOWING = frozenset({EvidenceKind.PHOTO, EvidenceKind.VIDEO})


@dataclass(frozen=True, slots=True)
class Proof:
    """What the merchant keeps with an order, before anybody claims anything. ``files_until`` is when its file is erased."""

    merchant: str
    order_id: str
    piece: Evidence
    files_until: datetime | None = None


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
