"""Real photos as scenes: what each set really knows, and what it does not, per pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.data import Box, Photo
from models.spoilage.cutout import Cut, Cutout
from models.spoilage.label import Grade, grade
from models.spoilage.sample import KNOWS_BAD, KNOWS_FRUIT, KNOWS_HEAT, KNOWS_ROT, SOME, Piece, Scene, blank

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

#: Rot on less than this part of an apple photo: only a blemish.
LITTLE = 0.012
GRADES = {
    None: (0.0, 0.0, 0.0),
    Grade.SOUND: (1.0, 0.0, 0.0),
    Grade.BLEMISHED: (0.0, 1.0, 0.0),
    Grade.SPOILED: (0.0, 0.0, 1.0),
}
#: Boxes of web photos that hold anything from scab to rot, and now and then a bite.
DEFECT = (0.0, 0.4, 0.6)


def scene(photo: Photo, cut: Cut, boxes: Sequence[Box]) -> Scene:
    """The photo with what is known of it."""
    how = grade(photo)
    made = blank(cut.rgb)
    made.grades = GRADES[how]
    if photo.set not in SPEAKING:
        made.grades = GRADES[Grade.SOUND]  # no goods at all: nothing on it is spoiled
    if how is Grade.SOUND or photo.set not in SPEAKING:
        made.known |= KNOWS_ROT | KNOWS_BAD
    if cut.goods is not None:
        made.fruit[:] = cut.goods
        made.known |= KNOWS_FRUIT
    if photo.set == "apple_defect_det":
        _defects(made, boxes)
    elif photo.set == "mango_grade_det":
        _boxed(made, cut, boxes, how)
    elif how is not Grade.SOUND and cut.goods is not None:
        ground = _far(cut.goods)
        made.known[ground] |= KNOWS_ROT | KNOWS_BAD
    if cut.rot is not None and how is not Grade.SOUND:
        made.rot[:] = cut.rot
        made.known |= KNOWS_ROT
        if photo.set == "apple_rot_seg" and how is Grade.SPOILED and (cut.rot > 0).mean() < LITTLE:
            made.grades = GRADES[Grade.BLEMISHED]
    for piece in cut.pieces:
        _lay(made, piece)
    if _all_single(photo, cut):
        made.known |= KNOWS_HEAT
        made.pieces = [middle(piece) for piece in cut.pieces]
    if photo.set == "egg_tray" and cut.pieces and "cracked cells" in photo.detail:
        made.grades = GRADES[Grade.SPOILED]
    return made


#: Sets that say something about goods; on photos of all others nothing is spoiled.
SPEAKING = frozenset(
    {
        "fruit_fresh_rotten_det", "fresh_rotten_single", "fruit_rot_seg", "apple_rot_seg", "apple_defect_det", "mango_grade_det",
        "orange_peel_defect", "fruit_sound_det", "banana_ripeness", "product_shop", "egg_tray",
    }
)  # fmt: skip


def middle(piece: Cutout) -> Piece:
    """Where a cut lies on its photo."""
    import numpy as np

    rows, columns = np.nonzero(piece.shape)
    radius = float(np.sqrt(len(rows) / np.pi))
    bad = None if piece.grade is Grade.BLEMISHED else piece.grade is Grade.SPOILED
    return Piece(float(columns.mean()) + piece.at[0], float(rows.mean()) + piece.at[1], radius, bad)


def _lay(made: Scene, piece: Cutout) -> None:
    """Write what a cut says about its pixels."""
    height, width = piece.shape.shape
    left, top = piece.at
    window = (slice(top, top + height), slice(left, left + width))
    inside = piece.shape > 0
    made.fruit[window][inside] = 255
    made.known[window][inside] |= KNOWS_FRUIT
    if piece.grade is Grade.BLEMISHED:
        made.known[window][inside] &= ~KNOWS_BAD & 0xFF
        if piece.rot is None:
            made.known[window][inside] &= ~KNOWS_ROT & 0xFF
        return
    made.known[window][inside] |= KNOWS_BAD
    if piece.grade is Grade.SPOILED:
        made.bad[window][inside] = 255
        if piece.rot is None:
            made.known[window][inside] |= SOME
    else:
        made.known[window][inside] |= KNOWS_ROT


def _boxed(made: Scene, cut: Cut, boxes: Sequence[Box], how: Grade | None) -> None:
    """One fruit in each box: nothing is rotten outside, and each box is a piece."""
    import numpy as np

    height, width = cut.rgb.shape[:2]
    outside = np.ones((height, width), bool)
    for box in boxes:
        x, y, w, h = box.left * width, box.top * height, box.width * width, box.height * height
        outside[max(0, int(y - 0.06 * h)) : int(y + 1.06 * h) + 1, max(0, int(x - 0.06 * w)) : int(x + 1.06 * w) + 1] = False
        bad = None if how is Grade.BLEMISHED else how is Grade.SPOILED
        made.pieces.append(Piece(x + w / 2, y + h / 2, float(np.sqrt(w * h)) / 2, bad))
    made.known[outside] |= KNOWS_ROT | KNOWS_BAD
    if boxes:
        made.known[:] |= KNOWS_HEAT


def _defects(made: Scene, boxes: Sequence[Box]) -> None:
    """A defect lies somewhere in each box, whatever the box surrounds."""
    import numpy as np

    height, width = made.rgb.shape[:2]
    inside = np.zeros((height, width), bool)
    for box in boxes:
        x, y, w, h = box.left * width, box.top * height, box.width * width, box.height * height
        inside[max(0, int(y)) : int(y + h) + 1, max(0, int(x)) : int(x + w) + 1] = True
    made.known[inside] |= SOME
    made.known[~inside] |= KNOWS_ROT
    made.grades = DEFECT if boxes else GRADES[None]


def _all_single(photo: Photo, cut: Cut) -> bool:
    """Whether every piece of goods on the photo was cut out singly, so that its middle is known."""
    if photo.set == "mango_grade_det" or cut.goods is None or not cut.pieces:
        return False
    covered = sum(int((piece.shape > 0).sum()) for piece in cut.pieces)
    return all(piece.single for piece in cut.pieces) and covered > 0.95 * int((cut.goods > 0).sum())


def _far(goods: Bytes) -> NDArray[np.bool_]:
    """The ground, clear of the goods' rim."""
    import cv2
    import numpy as np

    return np.asarray(cv2.dilate(goods, np.ones((9, 9), np.uint8)) == 0)
