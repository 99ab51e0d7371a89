"""Faces: where a photo shows one, by OpenCV's cascades, confirmed by the colour of skin and by an eye.

Cascades take many a round thing for a face, and a mask on a fruit would hide the evidence: what is not confirmed is left alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    RGB = NDArray[np.uint8]

#: The long side of what is looked at, and the smallest face on it, in pixels.
SIDE, SMALLEST = 480, 28
#: A face's middle is skin by at least this share, and no more of one hue than a face is: fruit is evener.
SKIN_FROM = 0.45

#: (left, top, right, bottom) in fractions of width and height.
Box = tuple[float, float, float, float]


def find(rgb: RGB) -> tuple[Box, ...]:
    """The faces on an upright (H, W, 3) uint8 picture, a little larger than each is."""
    import cv2
    import numpy as np

    from plugins.vision.quality import fitted

    small = fitted(rgb, SIDE)
    skin = _skin(small)
    if float(skin.mean()) < 0.004:
        return ()
    grey = np.asarray(cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)), dtype=np.uint8)
    height, width = grey.shape
    found = [(box, True) for box in _detected("frontalface_alt2", grey)] + [(box, False) for box in _detected("profileface", grey)]
    found += [((width - x - w, y, w, h), False) for x, y, w, h in _detected("profileface", np.ascontiguousarray(grey[:, ::-1]))]
    faces = [box for box, frontal in found if _confirmed(grey, skin, box, frontal=frontal)]
    return tuple(_grown(box, width, height) for box in faces)


def _skin(rgb: RGB) -> NDArray[np.uint8]:
    """1 where the colour is one that human skin of any shade takes; hue tells little of shade, light tells nothing."""
    import cv2
    import numpy as np

    cr, cb = (np.asarray(plane) for plane in cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb))[1:])
    return ((cr >= 134) & (cr <= 176) & (cb >= 76) & (cb <= 128)).astype(np.uint8)


def _detected(cascade: str, grey: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    boxes = _cascade(cascade).detectMultiScale(grey, scaleFactor=1.2, minNeighbors=5, minSize=(SMALLEST, SMALLEST))
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h in boxes]


def _confirmed(grey: NDArray[np.uint8], skin: NDArray[np.uint8], box: tuple[int, int, int, int], *, frontal: bool) -> bool:
    x, y, w, h = box
    middle = skin[y + h // 5 : y + h - h // 8, x + w // 5 : x + w - w // 5]
    if middle.size == 0 or float(middle.mean()) < SKIN_FROM:
        return False
    upper = grey[y + h // 8 : y + (6 * h) // 10, x : x + w]
    return len(_eyes(upper, w)) >= 1 if frontal else True


def _eyes(upper: NDArray[np.uint8], width: int) -> list[Any]:
    import cv2
    import numpy as np

    times = max(1.0, 90 / width)
    larger = np.asarray(cv2.resize(upper, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    return list(_cascade("eye").detectMultiScale(larger, scaleFactor=1.1, minNeighbors=3, minSize=(14, 14)))


def _grown(box: tuple[int, int, int, int], width: int, height: int) -> Box:
    x, y, w, h = box
    left, top, right, bottom = x - 0.12 * w, y - 0.18 * h, x + 1.12 * w, y + 1.15 * h
    return max(0.0, left / width), max(0.0, top / height), min(1.0, right / width), min(1.0, bottom / height)


@cache
def _cascade(name: str) -> Any:
    """A cascade of the wheel (Intel's licence, in the file). Not to be used by two threads at once, and it is not: see masking."""
    import cv2

    found = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"))
    if found.empty():
        raise RuntimeError(f"OpenCV's wheel brings no cascade {name}: an OpenCV below 5 is needed")
    return found
