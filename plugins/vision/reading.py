"""Reading: the bar codes and the words on a picture, and where they stand.

Codes are always looked for: some 10 ms. Words take half a second and more, so a picture is read only where it is worth it: where
it holds a code, where :mod:`plugins.vision.letters` sees much print or a glance confirms a little, or where the caller must know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aftersales.decision import Region
from plugins.vision import letters, ocr
from plugins.vision.letters import Letters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    RGB = NDArray[np.uint8]

#: What shops, makers and carriers print. Rarer ones are left out: they are what texture is taken for.
FORMATS = ("EANUPC", "Code128", "Code39", "Code93", "ITF", "DataBar", "QRCode", "DataMatrix", "PDF417", "Aztec")
#: Characters that a code has at least; shorter ones are chance, the more so where a code carries no check digit.
LEAST, LEAST_UNCHECKED, UNCHECKED = 4, 6, ("Code 39", "ITF")
#: So many marks in rows are print; fewer, or bars alone, take a glance that confirms them. A glance overlooks small letters.
PRINT = 24
#: Small print is worth a glance from a row of so many marks on, of a phone's eleven digits: shells and seeds mostly make five.
SMALL_ROW = 6
#: Below this long side a picture with bars on it is looked at once more, enlarged.
SMALL_SIDE = 800


@dataclass(frozen=True, slots=True)
class Line:
    """One line of words: ``confidence`` in [0, 1], ``region`` its four corners. ``text`` is "" where it could not be read."""

    text: str
    confidence: float
    region: Region


@dataclass(frozen=True, slots=True)
class Code:
    """One bar code: ``kind`` as zxing-cpp names it ("EAN-13", "Code 128", "QR Code"), ``region`` its four corners."""

    kind: str
    text: str
    region: Region


@dataclass(frozen=True, slots=True)
class Text:
    """What is written on a picture. ``able``: words can be read here; ``read``: this picture was read. ``shape``: height, width."""

    lines: tuple[Line, ...] = ()
    codes: tuple[Code, ...] = ()
    letters: Letters = field(default_factory=Letters)
    able: bool = False
    read: bool = False
    shape: tuple[int, int] = (1, 1)


def read(rgb: RGB, must: bool = False) -> Text:
    """What is written on an (H, W, 3) uint8 picture. ``must``: read it even where no print was noticed."""
    height, width = rgb.shape[:2]
    able = ocr.able()
    turns = (0,) if able else letters.TURNS  # where nothing can be read, this is all that tells what to mask
    seen = letters.look(rgb, turns)
    small_print = able and not seen.seen and max(height, width) > letters.SIDE
    if small_print:
        fine = letters.look(rgb, side=letters.FINE_SIDE)
        small_print = any(row.marks >= SMALL_ROW for row in fine.rows)
        seen = fine if small_print else seen
    found = codes(rgb, enlarge=bool(seen.bars))
    worth = must or bool(found) or seen.marks >= PRINT or (seen.seen and able and ocr.glance(rgb, fine=small_print))
    if not able or not worth:
        return Text((), found, seen, able, shape=(height, width))
    lines = tuple(Line(text, round(sure, 3), _region(corners, height, width)) for text, sure, corners in ocr.lines(rgb))
    return Text(lines, found, seen, able, read=True, shape=(height, width))


def codes(rgb: RGB, enlarge: bool = False) -> tuple[Code, ...]:
    """The bar codes of an (H, W, 3) uint8 picture. ``enlarge``: where none is read look again, in grey, and at twice the size."""
    import cv2

    found = _decoded(rgb, 1)
    if found or not enlarge:
        return found
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)  # zxing-cpp takes red for blue: its own grey is another one
    found = _decoded(grey, 1)
    if found or max(rgb.shape) > SMALL_SIDE:
        return found
    return _decoded(cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 2)


def _decoded(picture: Any, times: int) -> tuple[Code, ...]:
    import numpy as np
    import zxingcpp

    wanted = zxingcpp.BarcodeFormats([getattr(zxingcpp.BarcodeFormat, name) for name in FORMATS])
    height, width = picture.shape[0] / times, picture.shape[1] / times
    found = []
    for code in zxingcpp.read_barcodes(picture, formats=wanted):
        at, kind = code.position, str(code.format)
        corners = np.array([(p.x, p.y) for p in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)]) / times
        if len(code.text) >= (LEAST_UNCHECKED if kind.startswith(UNCHECKED) else LEAST):
            found.append(Code(kind, code.text, _region(corners, height, width)))
    return tuple(found)


def _region(corners: Any, height: float, width: float) -> Region:
    """Corners in pixels as fractions of the picture."""

    def within(share: float) -> float:
        return round(min(1.0, max(0.0, share)), 3)

    return tuple((within(float(x) / width), within(float(y) / height)) for x, y in corners)
