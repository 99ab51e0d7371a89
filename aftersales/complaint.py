"""Complaint: what a buyer's words are about, as they were read; and what a shop may do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Complaint(StrEnum):
    """Why somebody complains. It is what the words say, beside the reason that was chosen from the trade's list."""

    SPOILED = "spoiled_or_damaged_on_arrival"
    DEFECT = "quality_defect"
    TASTE = "taste_or_subjective"
    DIFFERENT = "not_as_described"
    SHORT = "short_weight_or_quantity"
    WRONG = "wrong_or_missing_item"
    FAKE = "counterfeit_or_expired"
    LATE = "late_or_lost_delivery"
    SERVICE = "service_attitude"
    OTHER = "changed_mind_or_other"


class Handling(StrEnum):
    """What is suggested to the shop. A person decides; nothing follows from it by itself."""

    ASK_PHOTOS = "ask_photos"
    REFUND_SHARE = "refund_share"  # money for the share that is bad or missing
    RETURN = "return"  # the goods come back, then the money goes
    REPLACE = "replace"
    REPAIR = "repair"
    TRACE = "trace"  # ask the carrier where the parcel is
    TALK = "talk"
    PLATFORM = "platform"  # let the platform look: whether goods are genuine is not settled by a photo


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text was read as. ``second`` is another complaint it may hold, None for none.

    ``confidence`` is in [0, 1]. ``sure`` says whether it is as high as the reader's own threshold; below, a person reads the words.
    ``language`` is ``zh-CN`` or ``en``, whichever prevails in the text.
    """

    reason: Complaint
    confidence: float
    second: Complaint | None
    language: str
    sure: bool
