"""Paper: the sheet around a code or a line, where nothing can read what is written on the rest of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftersales.decision import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 320
#: A sheet is even: its light and its colour (CIE L*a*b*, as OpenCV scales them to bytes) differ by no more than this.
LIGHT, COLOUR = 22, 12
#: A sheet fills its rectangle by so much and the picture by no more than that; else it runs into the table.
FILLS, LARGEST = 0.6, 0.7


def brightest(rgb: NDArray[np.uint8]) -> Region | None:
    """The four corners of the sheet around the widest bright place of the picture, None where none stands out."""
    import cv2
    import numpy as np

    from plugins.vision.quality import fitted

    grey = cv2.GaussianBlur(cv2.cvtColor(fitted(rgb, SIDE), cv2.COLOR_RGB2GRAY), (0, 0), 2)
    bright = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
    depth = cv2.distanceTransform(bright, cv2.DIST_L2, 3)
    y, x = np.unravel_index(int(np.asarray(depth).argmax()), grey.shape)
    across, down = x / grey.shape[1], y / grey.shape[0]
    return around(
        rgb,
        tuple((float(across + dx), float(down + dy)) for dx, dy in ((-0.01, -0.01), (0.01, -0.01), (0.01, 0.01), (-0.01, 0.01))),
    )


def around(rgb: NDArray[np.uint8], seed: Region) -> Region | None:
    """The four corners of the sheet that ``seed`` is printed on, None where it does not stand out from what lies around."""
    import cv2
    import numpy as np

    from plugins.vision.quality import fitted

    small = fitted(rgb, SIDE)
    height, width = small.shape[:2]
    colours = cv2.cvtColor(cv2.medianBlur(small, 3), cv2.COLOR_RGB2LAB).astype(np.int16)
    place = np.zeros((height, width), dtype=np.uint8)
    outline = np.round(np.array(seed) * (width - 1, height - 1)).astype(np.int32)
    cv2.fillConvexPoly(place, np.asarray(cv2.convexHull(outline)), 1)
    place = np.asarray(cv2.dilate(place, np.ones((9, 9), dtype=np.uint8)), dtype=np.uint8)
    near = colours[place > 0]
    sheet = np.median(near[near[:, 0] >= np.percentile(near[:, 0], 60)], axis=0)
    off = np.abs(colours - sheet)
    like = ((off[..., 0] < LIGHT) & (off[..., 1:].max(axis=2) < COLOUR)).astype(np.uint8)
    closed = cv2.morphologyEx(like | place, cv2.MORPH_CLOSE, np.ones((7, 7), dtype=np.uint8))
    labels = cv2.connectedComponents(closed, connectivity=4)[1]
    part = (labels == np.bincount(labels[place > 0]).argmax()).astype(np.uint8)
    points = np.asarray(cv2.findNonZero(part), dtype=np.float32)
    rectangle = cv2.minAreaRect(points)
    area = float(rectangle[1][0] * rectangle[1][1])
    if part.sum() < FILLS * area or area > LARGEST * part.size:
        return None
    corners = np.clip(cv2.boxPoints(rectangle) / (width, height), 0, 1).round(3).tolist()
    return tuple((x, y) for x, y in corners)
