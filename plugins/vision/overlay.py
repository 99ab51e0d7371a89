"""Overlay: a copy of the picture with each finding's places outlined and numbered, and below it what the numbers mean.

Drawn on the copy that the other side sees, so that nothing masked comes back. The words are plain ASCII: the sentences for people,
in their language, stand beside the picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from aftersales.decision import Finding, Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw as Pen

#: Check → colour of its outlines; inside black they show on every fruit. The colour-blind tell yellow from blue.
COLOURS = {"vision.spoilage": (255, 235, 0), "vision.pieces": (90, 200, 255)}
OTHER = (255, 120, 220)


def draw(rgb: NDArray[np.uint8], findings: Iterable[Finding]) -> bytes | None:
    """A JPEG of the (H, W, 3) uint8 picture in its own size, None when no finding has a place on it."""
    from PIL import Image, ImageDraw

    marked = [f for f in findings if f.regions]
    if not marked:
        return None
    picture = Image.fromarray(rgb)
    pen = ImageDraw.Draw(picture)
    for number, finding in enumerate(marked, 1):
        for region in finding.regions:
            _outline(pen, picture, region, COLOURS.get(finding.check, OTHER), number)
    picture = _below(picture, [f"{number}: {legend(f)}" for number, f in enumerate(marked, 1)])
    out = BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def legend(finding: Finding) -> str:
    """What the picture says about one finding, in plain ASCII: its figures where it has some."""
    data = dict(finding.data)
    if finding.check == "vision.spoilage" and "spoiled_percent" in data:
        return f"spoiled, about {data['spoiled_percent']}% of what is visible ({finding.confidence:.0%} sure)"
    if finding.check == "vision.pieces" and "pieces_min" in data:
        bad = f", {_range(data, 'bad')} of them bad" if "bad_min" in data else ""
        return f"{_range(data, 'pieces')} pieces{bad}"
    return f"{finding.reason.removeprefix('vision.').replace('_', ' ')} ({finding.confidence:.0%} sure)"


def _range(data: dict[str, str | int | float | bool], name: str) -> str:
    low, high = data[f"{name}_min"], data[f"{name}_max"]
    return str(low) if low == high else f"{low}-{high}"


def _outline(pen: Pen, picture: Picture, region: Region, colour: tuple[int, int, int], number: int) -> None:
    from PIL import ImageFont

    points = [(x * picture.width, y * picture.height) for x, y in region]
    unit = max(1, max(picture.size) // 400)
    for ink, width in (((0, 0, 0), 4 * unit), (colour, 2 * unit)):
        pen.line([*points, points[0]], fill=ink, width=width, joint="curve")
    x, y = min(points, key=lambda p: p[1])
    size = 12 * unit
    pen.rectangle((x, y - size, x + size, y), fill=colour)
    pen.text((x + unit, y - size), str(number), font=ImageFont.load_default(size - unit), fill=(0, 0, 0))


def _below(picture: Picture, lines: list[str]) -> Picture:
    """The picture with ``lines`` on a black strip below it, as large as they fit."""
    from PIL import Image, ImageDraw, ImageFont

    size = max(8, min(max(picture.size) // 32, int(picture.width / (0.58 * max(map(len, lines))))))
    height = (size + size // 3) * len(lines) + size // 2
    whole = Image.new("RGB", (picture.width, picture.height + height))
    whole.paste(picture, (0, 0))
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(size)
    for row, line in enumerate(lines):
        pen.text((size // 3, picture.height + size // 4 + row * (size + size // 3)), line, font=font, fill=(255, 255, 255))
    return whole
