"""Masking: the copy that the other side sees, faces and personal data made unreadable, and nothing of the file but its pixels.

On a waybill everything is hidden unless it is known to be harmless: what nobody could read here may still be read by a person.
Elsewhere only what gives somebody away is hidden, so that labels stay to be seen. Hidden is hidden for good: a place becomes large
even tiles, each the mean of what lay there, with a grain on them, and what was below is in no layer of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from aftersales.decision import Region
from plugins.vision import paper
from plugins.vision.letters import Box, corners
from plugins.vision.personal import personal
from plugins.vision.reading import Code, Text
from plugins.vision.sheet import LONG_ROW, SURE, Sheets, everything, look, pieces
from plugins.vision.waybill import harmless

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    RGB = NDArray[np.uint8]
    Mask = NDArray[np.uint8]

QUALITY = 85
#: Tiles are so many in the height of what is hidden (a line of text, a face), and so many pixels wide at least.
TILES, LEAST_TILE = 1.5, 14
#: What is hidden reaches so far beyond the outline of its line, in heights of the line: letters stand out of their boxes.
MARGIN = 0.22
#: A bar code is at least so high for its length; its reader tells of the part that it read.
BAR_HEIGHT = 0.4
#: A sheet that is the subject of its picture fills at least so much of it; what seems smaller is a part of it.
LEAST_SHEET = 0.25
FRAME: Region = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def mask(rgb: RGB, text: Text, faces: Iterable[Box], sheets: Sheets | None = None) -> tuple[bytes, tuple[Region, ...]]:
    """A JPEG of the (H, W, 3) uint8 picture without what is personal, and the places that were hidden, at most 12."""
    hidden = places(rgb, text, faces, sheets)
    return jpeg(hide(rgb, hidden)), hidden[:12]


def places(rgb: RGB, text: Text, faces: Iterable[Box] = (), sheets: Sheets | None = None) -> tuple[Region, ...]:
    """What has to be hidden on the (H, W, 3) uint8 picture."""
    sheets = sheets or look(text)
    lines = [line.text for line in text.lines]
    hidden = [corners(face) for face in faces]
    hidden += [text.lines[i].region for i in personal(lines)]
    hidden += [code.region for code in text.codes if code.kind in ("QR Code", "PDF417", "Aztec") and sheets.has_waybill]
    if sheets.has_waybill:
        hidden += _on_waybill(rgb, text, sheets)
    elif not text.able:
        hidden += _unread(text)
    return tuple(dict.fromkeys(hidden))


def hide(rgb: RGB, hidden: Sequence[Region]) -> RGB:
    """The (H, W, 3) uint8 picture with these places tiled over."""
    import numpy as np

    out = rgb.copy()
    chance = np.random.default_rng(len(hidden))
    for region in hidden:
        _tile(rgb, out, region, chance)
    return out


def jpeg(rgb: RGB) -> bytes:
    """The picture as a JPEG that carries no metadata."""
    from PIL import Image

    out = BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _on_waybill(rgb: RGB, text: Text, sheets: Sheets) -> list[Region]:
    """All print that lies on the waybill but what is known to be harmless; the whole of it where it was not or hardly read."""
    region = sheets.waybill_region
    on_it = [line for line in text.lines if region and _overlap(line.region, region, text.shape) > 0.3]
    sure = [line for line in on_it if line.confidence >= SURE]
    if region is None or not text.read or 2 * len(sure) < len(on_it) or not on_it:
        return [*_sheet(rgb, text, region), *pieces(text), *(_whole(code, text.shape) for code in text.codes)]
    shown = [line.region for line in sure if harmless(line.text)]
    print_on_it = [*pieces(text), *(_whole(code, text.shape) for code in text.codes)]
    return [
        place
        for place in print_on_it
        if _overlap(place, region, text.shape) > 0.3 and not any(_overlap(place, kept, text.shape) > 0.5 for kept in shown)
    ]


def _sheet(rgb: RGB, text: Text, region: Region | None) -> list[Region]:
    """The sheet of a waybill that cannot be read. What a judge of scenes calls a waybill is little else: it may be hidden whole."""
    if region is not None and (text.codes or text.lines):
        return [region, paper.around(rgb, text.codes[0].region if text.codes else region) or everything(text, region)]
    sheet = (paper.around(rgb, region) if region else None) or paper.brightest(rgb)
    return [sheet] if sheet and _overlap(FRAME, sheet, text.shape) >= LEAST_SHEET else [FRAME]


def _whole(code: Code, shape: tuple[int, int]) -> Region:
    """What a code covers; of bars their whole height."""
    import cv2
    import numpy as np

    if code.kind in ("QR Code", "Data Matrix", "Aztec", "PDF417"):
        return code.region
    scale = np.array([shape[1], shape[0]], dtype=np.float32)
    middle, (wide, high), turn = cv2.minAreaRect(np.array(code.region, dtype=np.float32) * scale)
    least = BAR_HEIGHT * max(wide, high)
    around = cv2.boxPoints((middle, (max(wide, least), max(high, least)), turn)) / scale
    return tuple((round(float(x), 3), round(float(y), 3)) for x, y in np.clip(around, 0, 1))


def _unread(text: Text) -> list[Region]:
    """Rows of marks, where no words can be read here: personal or not, nobody can say."""
    rows = [row.region for row in text.letters.rows if row.marks >= LONG_ROW]
    return rows if text.letters.bars or len(rows) >= 2 else []


def _overlap(part: Region, whole: Region, shape: tuple[int, int]) -> float:
    """How much of ``part`` lies within ``whole``, both convex, in [0, 1]."""
    import cv2
    import numpy as np

    scale = np.array([shape[1], shape[0]], dtype=np.float32)
    a, b = (np.asarray(cv2.convexHull(np.array(region, dtype=np.float32) * scale)) for region in (part, whole))
    area = cv2.contourArea(a)
    return float(cv2.intersectConvexConvex(a, b)[0] / area) if area > 0 else 0.0


def _tile(rgb: RGB, out: RGB, region: Region, chance: np.random.Generator) -> None:
    """Write tiles over the region and its margin; each is the mean of what lay there."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    points = (np.array(region) * (width, height)).astype(np.float32)
    around = cv2.minAreaRect(points)
    tall = max(1.0, min(around[1]))
    margin = max(3.0, MARGIN * tall)
    grown = cv2.boxPoints((around[0], (around[1][0] + 2 * margin, around[1][1] + 2 * margin), around[2]))
    left, top = np.maximum(np.floor(grown.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(grown.max(axis=0)).astype(int) + 1, (width, height))
    if right <= left or bottom <= top:
        return
    size = max(LEAST_TILE, tall / TILES)
    shape = (max(1, round((right - left) / size)), max(1, round((bottom - top) / size)))
    coarse = cv2.resize(rgb[top:bottom, left:right], shape, interpolation=cv2.INTER_AREA).astype(np.int16)
    coarse += chance.integers(-10, 11, coarse.shape, dtype=np.int16)
    tiles = cv2.resize(np.clip(coarse, 0, 255).astype(np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
    inside = np.zeros((bottom - top, right - left), dtype=np.uint8)
    cv2.fillConvexPoly(inside, np.round(grown - (left, top)).astype(np.int32), 1)
    out[top:bottom, left:right][inside > 0] = tiles[inside > 0]
