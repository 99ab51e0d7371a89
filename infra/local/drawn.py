"""Pictures drawn by script, for machines without real photos: strawberries on white paper, some of them rotten.

They are what photo verification sees on a good photo, no more: tests hold them against the real verifier.
"""

from __future__ import annotations

import math
import random
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SIZE = (800, 600)
_SEEDS = 44
#: What covers a rotten berry: how many patches, how large (of its reach), in which colours: sunken rot, then mould.
_PATCHES = (
    (70, 0.16, ((58, 38, 28), (104, 76, 54), (74, 56, 46))),
    (150, 0.07, ((150, 150, 142), (126, 130, 120), (40, 30, 26))),
)


def strawberries(spoiled: int, of: int, seed: int = 0) -> bytes:
    """A JPEG, 800 x 600, of ``of`` strawberries (1 to 12), ``spoiled`` of them rotten and mouldy all over.

    The same seed draws the same. Where all are rotten nothing sound is left to compare with, and verification is unsure.
    """
    from PIL import Image, ImageDraw, ImageFilter

    if not (1 <= of <= 12 and 0 <= spoiled <= of):
        raise ValueError(f"cannot draw {spoiled} spoiled of {of} strawberries")
    chance = random.Random(seed)  # noqa: S311  # a drawing, no secret
    paper = _paper(chance)
    rotten = set(chance.sample(range(of), spoiled))
    reach = min(110.0, 0.3 * math.sqrt(SIZE[0] * SIZE[1] / of))
    for i, (x, y) in enumerate(_places(of, reach, chance)):
        berry = _berry(reach, chance, rotten=i in rotten).rotate(chance.uniform(-180, 180), Image.Resampling.BICUBIC)
        shadow = Image.new("RGBA", berry.size, (120, 118, 116, 0))
        shadow.putalpha(berry.getchannel("A").filter(ImageFilter.GaussianBlur(reach / 9)).point([v // 4 for v in range(256)]))
        for layer, off in ((shadow, int(reach / 9)), (berry, 0)):
            paper.paste(layer, (int(x - berry.width / 2) + off, int(y - berry.height / 2) + off), layer)
    ImageDraw.Draw(paper).text((8, SIZE[1] - 16), "drawn by script", fill=(170, 170, 170))
    out = BytesIO()
    paper.save(out, "JPEG", quality=90)
    return out.getvalue()


def _paper(chance: random.Random) -> Picture:
    """White paper with a grain, lit from some side."""
    from PIL import Image, ImageChops

    grain = Image.frombytes("L", SIZE, chance.randbytes(SIZE[0] * SIZE[1])).point([232 + v // 14 for v in range(256)])
    light = Image.linear_gradient("L").resize((1200, 1200)).rotate(chance.uniform(0, 360))
    shade = light.crop((200, 300, 200 + SIZE[0], 300 + SIZE[1])).point([225 + v // 9 for v in range(256)])
    return ImageChops.multiply(grain, shade).convert("RGB")


def _places(of: int, reach: float, chance: random.Random) -> list[tuple[float, float]]:
    """Where the berries lie: anywhere, none touching another or the rim."""
    margin = 1.25 * reach
    while True:
        places: list[tuple[float, float]] = []
        for _ in range(400):
            place = chance.uniform(margin, SIZE[0] - margin), chance.uniform(margin, SIZE[1] - margin)
            if all(math.dist(place, other) > 2.35 * reach for other in places):
                places.append(place)
            if len(places) == of:
                return places


def _berry(reach: float, chance: random.Random, *, rotten: bool) -> Picture:
    """One strawberry on transparent ground, its tip down, about twice ``reach`` wide."""
    from PIL import Image, ImageDraw

    side = int(3.2 * reach)
    middle = side / 2
    whole = Image.new("L", (side, side), 0)
    outline = [_edge(t / 90 * math.tau, reach, middle) for t in range(90)]
    ImageDraw.Draw(whole).polygon(outline, fill=255)
    skin = Image.new("RGB", (side, side), (200, 28, 36))
    pen = ImageDraw.Draw(skin)
    for ring in range(12, 0, -1):  # rounder towards the light
        r, lit = reach * ring / 9, middle - reach / 4
        pen.ellipse((lit - r, lit - r, lit + r, lit + r), fill=(232 - 5 * ring, 34, 40))
    for _ in range(_SEEDS):
        x, y = (middle + chance.uniform(-1, 1) * reach for _ in range(2))
        pen.ellipse((x - 2, y - 3, x + 2, y + 3), fill=(226, 186, 92))
    if rotten:
        _rot(skin, reach, chance)
    berry = Image.new("RGBA", (side, side), (200, 28, 36, 0))
    berry.paste(skin, (0, 0), whole)
    berry.putalpha(whole)
    leaf = (96, 74, 44, 255) if rotten else (62, 140, 48, 255)
    pen = ImageDraw.Draw(berry)
    for turn in (-1.1, -0.55, 0.0, 0.55, 1.1):
        tip = (middle + 0.75 * reach * math.sin(turn), middle - 0.95 * reach + 0.35 * reach * abs(turn))
        pen.polygon([(middle - reach / 7, middle - 0.95 * reach), tip, (middle + reach / 7, middle - 0.95 * reach)], fill=leaf)
        pen.line([(middle, middle - reach), tip], fill=leaf, width=max(2, int(reach / 7)))
    return berry


def _rot(skin: Picture, reach: float, chance: random.Random) -> None:
    """Brown rot all over, with sunken black spots and a lawn of grey mould."""
    from PIL import ImageDraw

    pen = ImageDraw.Draw(skin)
    side = skin.width
    pen.rectangle((0, 0, side, side), fill=(86, 58, 40))
    for count, size, colours in _PATCHES:
        for _ in range(count):
            x, y = (side / 2 + chance.uniform(-1.1, 1.1) * reach for _ in range(2))
            r = reach * size * chance.uniform(0.5, 1.3)
            pen.ellipse((x - r, y - r, x + r, y + r), fill=chance.choice(colours))


def _edge(angle: float, reach: float, middle: float) -> tuple[float, float]:
    """A point of the outline: round at the top, tapering to the tip."""
    x, y = math.sin(angle), -math.cos(angle)
    taper = 1 - 0.32 * max(0.0, y) ** 1.5
    return middle + 0.92 * reach * x * taper, middle + reach * y * (1.15 if y > 0 else 0.95)
