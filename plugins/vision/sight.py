"""Sight: what the network sees of goods, rot, bad pieces and pieces' middles on a picture, as small maps.

The picture goes through twice: whole, and then either the part that the goods fill, nearer, or the whole once more, mirrored. Where
the two disagree nobody should be sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.vision.session import session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

NAME = "spoilage"
#: The network's square, in pixels and in cells of its answer; what is not picture is filled with PAD, as in training.
SIDE, CELLS, PAD = 256, 64, 114
#: Goods that fill less than this part of the picture are looked at from nearer, with this much around them.
NEARER_BELOW, AROUND = 0.4, 0.12
#: From this probability on a cell counts as goods, as rot, as part of a bad piece.
HALF = 0.5

Window = tuple[float, float, float, float]
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Margin:
    """The log odds of one look that the goods are spoiled rather than ``sound``, and rather than only ``blemished``."""

    sound: float
    blemished: float

    @property
    def alone(self) -> float:
        """The log odds that they are spoiled rather than either."""
        import numpy as np

        return -float(np.logaddexp(-self.sound, -self.blemished))


@dataclass(frozen=True, slots=True)
class Sight:
    """Maps of one ``window`` (left, top, right, bottom in [0, 1] of the picture): (h, w) probabilities, CELLS a side at most.

    ``margins`` say how clearly spoiled goods are to be seen, once for each look.
    """

    window: Window
    goods: Plane
    rot: Plane
    bad: Plane
    middle: Plane
    margins: tuple[Margin, Margin]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Cell coordinates as fractions of the picture."""
        left, top, right, bottom = self.window
        high, wide = self.goods.shape
        return left + (right - left) * x / wide, top + (bottom - top) * y / high


def look(rgb: Bytes) -> Sight:
    """The maps of an (H, W, 3) uint8 RGB picture. Deterministic; two runs of the network."""
    first, margin = _run(rgb, mirrored=False)
    window = _around(first[0])
    if window is None:
        second, other = _run(rgb, mirrored=True)
        both = (first + second) / 2
        return Sight(WHOLE, both[0], both[1], both[2], both[3], (margin, other))
    left, top, right, bottom = window
    high, wide = rgb.shape[:2]
    near, other = _run(rgb[int(top * high) : int(bottom * high) + 1, int(left * wide) : int(right * wide) + 1], mirrored=False)
    return Sight(window, near[0], near[1], near[2], near[3], (margin, other))


def _around(goods: Plane) -> Window | None:
    """The window that the goods fill, None where they fill the picture or are not seen."""
    import numpy as np

    seen = goods > HALF
    if seen.sum() < 6:
        return None
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    high, wide = goods.shape
    top, bottom, left, right = rows[0] / high, (rows[-1] + 1) / high, columns[0] / wide, (columns[-1] + 1) / wide
    if (bottom - top) * (right - left) > NEARER_BELOW:
        return None
    room_x, room_y = AROUND * (right - left) + 1 / wide, AROUND * (bottom - top) + 1 / high
    return max(0.0, left - room_x), max(0.0, top - room_y), min(1.0, right + room_x), min(1.0, bottom + room_y)


def _run(rgb: Bytes, *, mirrored: bool) -> tuple[Plane, Margin]:
    """(4, h, w) probabilities of the cells that the picture covers, and how clearly spoiled goods are seen."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    scale = SIDE / max(height, width)
    high, wide = max(4, round(height * scale)), max(4, round(width * scale))
    small = cv2.resize(rgb, (wide, high), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.full((SIDE, SIDE, 3), PAD, np.uint8)
    top, left = (SIDE - high) // 2, (SIDE - wide) // 2
    canvas[top : top + high, left : left + wide] = small[:, ::-1] if mirrored else small
    fed = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    dense, grade = session(NAME).run(["dense", "grade"], {"rgb": fed})
    step = SIDE // CELLS
    rows = slice(top // step, -(-(top + high) // step))
    columns = slice(left // step, -(-(left + wide) // step))
    maps = 1 / (1 + np.exp(-np.clip(dense[0, :, rows, columns], -30, 30)))
    sound, blemished, spoiled = (float(logit) for logit in grade[0])
    margin = Margin(spoiled - sound, spoiled - blemished)
    return np.ascontiguousarray(maps[:, :, ::-1] if mirrored else maps, dtype=np.float32), margin
