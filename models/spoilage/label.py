"""What a row of the evidence photos says about spoilage: its grade, and whether it may be used for it at all."""

from __future__ import annotations

from enum import IntEnum

from models.data import Photo


class Grade(IntEnum):
    """How the goods are; the order is that of the network's three answers."""

    SOUND = 0
    BLEMISHED = 1
    SPOILED = 2


#: Every set whose photos say something about spoilage, and ``product_shop``, whose goods are all sound.
SETS = (
    "fruit_fresh_rotten_det",
    "fresh_rotten_single",
    "fruit_rot_seg",
    "apple_rot_seg",
    "apple_defect_det",
    "mango_grade_det",
    "orange_peel_defect",
    "fruit_sound_det",
    "banana_ripeness",
    "product_shop",
)
#: The three groups that are left out in turn: each has sound and spoiled goods, apples, and grounds of its own.
THIRDS: tuple[tuple[str, ...], ...] = (
    ("fruit_fresh_rotten_det", "fruit_sound_det"),
    ("mango_grade_det", "apple_rot_seg", "banana_ripeness"),
    ("fresh_rotten_single", "fruit_rot_seg", "orange_peel_defect", "apple_defect_det"),
)
_SPOILED = ("rotten",)
_BLEMISHED = ("slight_rotten", "scab", "canker", "blackspot", "greening", "defect")
_NEITHER = ("overripe",)
_PACKED = ("milk", "oghurt", "juice", "sour", "cream", "tropicana", "oat", "soy")


def grade(photo: Photo) -> Grade | None:
    """The grade by the photo's class; None where the class leaves it open (overripe bananas) or names the wrong goods."""
    kind = photo.kind.lower()
    if photo.set not in SETS or any(word in kind for word in _NEITHER) or mistaken(photo):
        return None
    if any(word in kind for word in _BLEMISHED):
        return Grade.BLEMISHED
    return Grade.SPOILED if any(word in kind for word in _SPOILED) else Grade.SOUND


def mistaken(photo: Photo) -> bool:
    """Whether the class and the source's own name contradict each other: five sound fruits are called rotten strawberries."""
    return photo.set == "fruit_fresh_rotten_det" and "rotten" in photo.kind and "Fresh" in photo.detail


def produce(photo: Photo) -> bool:
    """Whether the goods are produce rather than a package."""
    return photo.set != "product_shop" or not any(word in photo.kind.lower() for word in _PACKED)


def fruit(photo: Photo) -> str:
    """The kind of fruit, the first word of the class; ``mixed`` where it is several or either of two."""
    word = photo.kind.lower().split("_")[0]
    return "mixed" if word == "mixed" or "_or_" in photo.kind else word
