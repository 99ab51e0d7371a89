"""Overlay: a copy of the photo with the patches outlined and, below them, what was measured. Nothing else of the file."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from plugins.vision.spoilage import Spoilage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

#: Yellow inside black shows on every fruit, for the colour-blind as well.
_LINES = (((0, 0, 0), 7), ((255, 235, 0), 3))


def draw(rgb: NDArray[np.uint8], spoilage: Spoilage) -> bytes | None:
    """A JPEG of the (H, W, 3) uint8 picture in its own size, None when there are no regions to draw."""
    from PIL import Image, ImageDraw

    if not spoilage.regions:
        return None
    picture = Image.fromarray(rgb)
    pen = ImageDraw.Draw(picture)
    for colour, width in _LINES:
        for region in spoilage.regions:
            outline = [(x * picture.width, y * picture.height) for x, y in region]
            pen.line([*outline, outline[0]], fill=colour, width=width, joint="curve")
    _write(picture, legend(spoilage))
    out = BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def legend(spoilage: Spoilage) -> str:
    """What the picture says, in plain ASCII."""
    figures = f"{spoilage.share:.0%} of the visible surface, confidence {spoilage.confidence:.0%}"
    return f"spoiled: {figures}" if spoilage.seen else f"a person looks; marked: {figures}"


def _write(picture: Picture, words: str) -> None:
    """``words`` on a black strip at the bottom, as large as they fit."""
    from PIL import ImageDraw, ImageFont

    pen = ImageDraw.Draw(picture)
    size = max(8, min(picture.height // 22, int(picture.width / (0.56 * len(words)))))
    font = ImageFont.load_default(size)
    top = picture.height - size - size // 2
    pen.rectangle((0, top, picture.width, picture.height), fill=(0, 0, 0))
    pen.text((size // 3, top + size // 8), words, font=font, fill=(255, 255, 255))
