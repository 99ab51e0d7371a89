"""A photo or video that is handed in: what is asked about it, what was seen on it, and whether two of them are one picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from aftersales.decision import Finding


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture of the merchant's that photos are held beside. ``sha256`` names its bytes: what was seen on them holds for good.

    ``read`` gives them, None when they are gone or others lie in their place. It is called only where the picture is needed.
    """

    sha256: str
    read: Callable[[], bytes | None] = field(repr=False, compare=False)

    @classmethod
    def of(cls, content: bytes) -> Reference:
        """The reference to a picture that is at hand."""
        return cls(hashlib.sha256(content).hexdigest(), lambda: content)


@dataclass(frozen=True, slots=True)
class PhotoQuestion:
    """What is asked about a photo: what was bought, and what the buyer says is wrong.

    ``title`` may name the goods in several languages. ``pieces`` were ordered, 0 when that is not known. ``written`` is what may be
    read on the picture: ("order_id", …), ("tracking", …), ("sku", …). ``since`` and ``until`` bound when it can have been taken.
    ``catalogue`` is the seller's picture of the goods, ``dispatched`` are the merchant's photos from before the parcel left.
    ``label_with_flaw``: the merchant wants the label (or waybill) and the flaw in one picture.
    """

    title: str
    category: str
    vertical: str
    reason: str
    pieces: int = 0
    written: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    catalogue: Reference | None = None
    dispatched: tuple[Reference, ...] = ()
    label_with_flaw: bool = False


@dataclass(frozen=True, slots=True)
class PhotoReport:
    """What verification saw. ``print`` is the perceptual fingerprint, "" when the file could not be read as a picture.

    ``overlay`` is a JPEG copy with the regions drawn in, None when there is nothing to draw; ``masked`` is the copy that the other
    side sees, faces and personal data made unreadable, None when there is no picture. ``spoiled_share`` in [0, 1] is of the goods
    that are visible, None when it could not be told. ``words`` are the keys under which the picture
    is found again, ``features`` is what two pictures are then compared by.
    """

    findings: tuple[Finding, ...]
    print: str = ""
    overlay: bytes | None = None
    spoiled_share: float | None = None
    features: bytes = b""
    words: tuple[str, ...] = ()
    masked: bytes | None = None


@dataclass(frozen=True, slots=True)
class Sameness:
    """Whether one picture was made from another. ``same`` is None where too little shows to tell: that accuses nobody.

    ``confidence`` in [0, 1] is in ``same``; ``points`` of the pictures lie on each other; ``how`` names what was done, in words
    such as "mirrored" or "cut", "" where nothing can be told.
    """

    same: bool | None
    confidence: float = 0.0
    points: int = 0
    how: tuple[str, ...] = ()
