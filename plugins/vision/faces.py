"""Faces: where a photo shows one, by OpenCV's cascade for faces from the front, confirmed by the colour of skin.

A cascade takes many a round thing for a face, and a mask on a fruit would hide the evidence: what is not confirmed is left alone.
The picture is looked at as it is and turned to both sides, for a head is seldom upright. ``measure masking`` prints false alarms.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    RGB = NDArray[np.uint8]

#: The long side of what is looked at, and the smallest face on it, in pixels.
SIDE, SMALLEST = 480, 28
#: In degrees. The cascade finds faces that lean by some 10.
TURNS = (0, 20, -20)
#: A face's middle is skin by at least this share.
SKIN_FROM = 0.6

#: A picture with less skin on it than this has no face that could be told.
LEAST_SKIN = 0.004

#: (left, top, right, bottom) in fractions of width and height.
Box = tuple[float, float, float, float]

_one_at_a_time = Lock()  # a cascade keeps its work in itself


def find(rgb: RGB) -> tuple[Box, ...]:
    """The faces on an upright (H, W, 3) uint8 picture, a little larger than each is."""
    import cv2
    import numpy as np

    from plugins.vision.quality import fitted

    small = fitted(rgb, SIDE)
    skin = _skin(small)
    if float(skin.mean()) < LEAST_SKIN:
        return ()
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    height, width = grey.shape
    faces: list[Box] = []
    for turn in TURNS:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1)
        turned, its_skin = (
            np.asarray(cv2.warpAffine(plane, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
            for plane in (grey, skin)
        )
        back = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
        faces += [_grown(box, back, width, height) for box in _detected(turned) if _is_skin(its_skin, box)]
    return tuple(faces)


def _skin(rgb: RGB) -> NDArray[np.uint8]:
    """1 where the colour is one that human skin of any shade takes; hue tells little of shade, light tells nothing."""
    import cv2
    import numpy as np

    cr, cb = (np.asarray(plane) for plane in cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb))[1:])
    return ((cr >= 134) & (cr <= 176) & (cb >= 76) & (cb <= 128)).astype(np.uint8)


def _detected(grey: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    with _one_at_a_time:
        boxes = _cascade().detectMultiScale(grey, scaleFactor=1.2, minNeighbors=4, minSize=(SMALLEST, SMALLEST))
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h in boxes]


def _is_skin(skin: NDArray[np.uint8], box: tuple[int, int, int, int]) -> bool:
    x, y, w, h = box
    middle = skin[y + h // 5 : y + h - h // 8, x + w // 5 : x + w - w // 5]
    return middle.size > 0 and float(middle.mean()) >= SKIN_FROM


def _grown(box: tuple[int, int, int, int], back: NDArray[np.float64], width: int, height: int) -> Box:
    """The box on the upright picture, with hair, ears and chin."""
    import numpy as np

    x, y, w, h = box
    sides = [(x + dx * w, y + dy * h, 1.0) for dx in (-0.12, 1.12) for dy in (-0.18, 1.15)]
    there = np.clip((np.array(sides) @ back.T) / (width, height), 0, 1)
    left, top = there.min(axis=0).tolist()
    right, bottom = there.max(axis=0).tolist()
    return left, top, right, bottom


@cache
def _cascade() -> Any:
    """The cascade of the wheel (Intel's licence, in the file); one thread at a time."""
    import cv2

    found = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"))
    if found.empty():
        raise RuntimeError("OpenCV's wheel brings no cascade for faces: an OpenCV below 5 is needed")
    return found
