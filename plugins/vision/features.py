"""Features: what is kept of a picture so that a copy of it is recognised later, whatever was done to it. At most 24 KB.

Up to 220 corners and blobs, each with a description of its surroundings that light, scale and turning change little (SIFT, Lowe
2004, with the roots of Arandjelović and Zisserman 2012), 4 bits to a number, and a small grey copy of the whole picture.

========  ==================  ====================================================================
bytes     what                how
========  ==================  ====================================================================
2, 1, 1   ``AF``, version, 0  what this is
2, 2, 2   width, height, n    of the picture as it was looked at (long side 400 px), and its points
n × 6     x, y, size, angle   of each point: 1/64 px (two bytes each), 1/16 octave, 1/256 of a turn
n × 64    description         two numbers of 0 to 15 to a byte
the rest  the grey copy       a JPEG, long side 192 px
========  ==================  ====================================================================
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONG_SIDE = 400
GREY_SIDE = 192
MOST_POINTS = 220
MOST_BYTES = 24 * 1024
VERSION = 1

_HEAD = struct.Struct("<2sBBHHH")
_MAGIC = b"AF"
_LOOKED_AT = 400  # the strongest points, of which those that lie apart are kept
_CONTRAST = 0.02  # half of what is usual: fruit and white paper have few strong corners
_CELLS = 8  # of a side; no cell of the picture gives more points than it needs to be found again by
_MOST_IN_CELL = 12


class BadFeatures(ValueError):
    """These bytes are not features, or of a version that is not known."""


@dataclass(frozen=True, slots=True)
class Features:
    """Features, opened. ``at`` (n, 2) and ``size`` (n) float32 in px, ``angle`` (n) float32 in degrees.

    ``about`` is (n, 128) uint8 of 0 to 15; ``grey`` (h, w) uint8.
    """

    width: int
    height: int
    at: NDArray[np.float32]
    size: NDArray[np.float32]
    angle: NDArray[np.float32]
    about: NDArray[np.uint8]
    grey: NDArray[np.uint8]


def features(rgb: NDArray[np.uint8]) -> bytes:
    """The features of an (H, W, 3) uint8 picture, packed. The same picture gives the same bytes."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    scale = LONG_SIDE / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    grey = cv2.cvtColor(cv2.resize(rgb, size, interpolation=_way(scale)), cv2.COLOR_RGB2GRAY)
    # Without precise upscaling all points lie a quarter of a pixel off, to another side in a turned picture.
    finder: Any = cv2.SIFT.create(nfeatures=_LOOKED_AT, contrastThreshold=_CONTRAST, enable_precise_upscale=True)
    points, about = finder.detectAndCompute(grey, None)
    kept = _apart(points, size)
    return _packed(np.asarray(grey, np.uint8), [points[i] for i in kept], about[kept] if kept else np.zeros((0, 128), np.float32))


def _way(scale: float) -> int:
    import cv2

    return cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC


def _apart(points: Sequence[Any], size: tuple[int, int]) -> list[int]:
    """The strongest points, no more than a cell's share from one place: big letters must not drive out the goods."""
    given: dict[tuple[int, int], int] = {}
    first: list[int] = []
    later: list[int] = []
    for i, point in sorted(enumerate(points), key=lambda p: -p[1].response):
        cell = (int(point.pt[0] * _CELLS / size[0]), int(point.pt[1] * _CELLS / size[1]))
        given[cell] = given.get(cell, 0) + 1
        (first if given[cell] <= _MOST_IN_CELL else later).append(i)
    return (first + later)[:MOST_POINTS]


def _packed(grey: NDArray[np.uint8], points: Sequence[Any], about: NDArray[np.float32]) -> bytes:
    import numpy as np

    roots = np.sqrt(about / np.maximum(about.sum(axis=1, keepdims=True), 1e-9))
    steps = np.clip(np.round(roots * 30), 0, 15).astype(np.uint8)
    found = np.array([(*point.pt, point.size, point.angle) for point in points], dtype=np.float64).reshape(-1, 4)
    places = np.zeros(len(points), _POINT)
    places["x"], places["y"] = np.clip(np.round(found[:, :2] * 64), 0, 65535).T
    places["size"] = np.clip(np.round(16 * np.log2(np.maximum(found[:, 2], 1))), 0, 255)
    places["angle"] = np.round(found[:, 3] * 256 / 360) % 256
    head = _HEAD.pack(_MAGIC, VERSION, 0, grey.shape[1], grey.shape[0], len(points))
    whole: bytes = head + places.tobytes() + (steps[:, ::2] << 4 | steps[:, 1::2]).tobytes()
    return whole + _copy(grey, MOST_BYTES - len(whole))


_POINT = [("x", "<u2"), ("y", "<u2"), ("size", "u1"), ("angle", "u1")]


def _copy(grey: NDArray[np.uint8], most: int) -> bytes:
    """The small grey copy, as good as fits into ``most`` bytes."""
    import cv2

    scale = GREY_SIDE / max(grey.shape)
    small = cv2.resize(
        grey, (max(4, round(grey.shape[1] * scale)), max(4, round(grey.shape[0] * scale))), interpolation=cv2.INTER_AREA
    )
    copies = (cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, q])[1].tobytes() for q in (80, 70, 60, 45, 30, 15))
    return next(
        (copy for copy in copies if len(copy) <= most), cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 1])[1].tobytes()
    )


def opened(packed: bytes) -> Features:
    """The features that ``packed`` holds. Raises BadFeatures."""
    import cv2
    import numpy as np

    if len(packed) < _HEAD.size:
        raise BadFeatures("too short")
    magic, version, _, width, height, n = _HEAD.unpack_from(packed)
    start = _HEAD.size
    end = start + n * (6 + 64)
    if magic != _MAGIC or version != VERSION or n > MOST_POINTS or len(packed) <= end or len(packed) > MOST_BYTES:
        raise BadFeatures(f"not features of version {VERSION}")
    places = np.frombuffer(packed, _POINT, n, start)
    halves = np.frombuffer(packed, np.uint8, n * 64, start + n * 6).reshape(n, 64)
    about = np.stack([halves >> 4, halves & 15], axis=2).reshape(n, 128)
    grey = cv2.imdecode(np.frombuffer(packed, np.uint8, offset=end), cv2.IMREAD_GRAYSCALE)
    if grey is None or max(grey.shape) > GREY_SIDE:
        raise BadFeatures("no copy of the picture")
    at = (np.stack([places["x"], places["y"]], axis=1) / 64).astype(np.float32)
    size = np.exp2(places["size"].astype(np.float32) / 16).astype(np.float32)
    angle = (places["angle"].astype(np.float32) * (360 / 256)).astype(np.float32)
    return Features(width, height, at, size, angle, about, np.asarray(grey, np.uint8))
