"""What is painted for composites: grounds, light, patches of rot on sound pieces, and things that look bad but are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.spoilage.cutout import Cutout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]


def patches(pieces: Sequence[Cutout]) -> list[tuple[Bytes, Bytes]]:
    """(RGB, outline) of each marked patch of rot that is large enough to be used elsewhere."""
    import cv2
    import numpy as np

    found = []
    for piece in pieces:
        if piece.rot is None or not piece.rot.any():
            continue
        _, labels, stats, _ = cv2.connectedComponentsWithStats((piece.rot > 127).astype(np.uint8))
        for at in range(1, min(5, len(stats))):
            left, top, width, height, size = stats[at]
            if size > 250:
                window = np.s_[top : top + height, left : left + width]
                found.append((piece.rgb[window].copy(), np.where(labels[window] == at, 255, 0).astype(np.uint8)))
    return found


def spotted(piece: Cutout, rot: Sequence[tuple[Bytes, Bytes]], chance: np.random.Generator) -> tuple[Bytes, Bytes]:
    """A sound piece with one to three patches of rot on it, and where they are."""
    import cv2
    import numpy as np

    rgb, marked = piece.rgb.astype(np.float32), np.zeros(piece.shape.shape, np.uint8)
    rows, columns = np.nonzero(cv2.erode(piece.shape, np.ones((9, 9), np.uint8)))
    if len(rows) == 0:
        return piece.rgb, marked
    reach = np.sqrt((piece.shape > 0).sum() / np.pi)
    for _ in range(int(chance.choice([1, 2, 3], p=[0.65, 0.25, 0.1]))):
        patch, outline = rot[int(chance.integers(len(rot)))]
        scale = reach * (0.35 + 1.1 * chance.random()) / max(outline.shape)
        size = (max(6, int(outline.shape[1] * scale)), max(6, int(outline.shape[0] * scale)))
        patch, outline = (
            cv2.resize(p, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR) for p in (patch, outline)
        )
        at = int(chance.integers(len(rows)))
        left, top = int(columns[at]) - size[0] // 2, int(rows[at]) - size[1] // 2
        move = np.float32([[1, 0, left], [0, 1, top]])
        wide, high = marked.shape[1], marked.shape[0]
        alpha = cv2.warpAffine(cv2.erode(outline, np.ones((3, 3), np.uint8)), move, (wide, high))
        alpha = np.where(piece.shape > 0, alpha, 0).astype(np.uint8)
        colour = cv2.warpAffine(patch, move, (wide, high), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        soft = cv2.GaussianBlur(alpha, (0, 0), 1 + 0.05 * reach)[..., None].astype(np.float32) / 255
        rgb = rgb * (1 - soft) + colour * float(np.exp(chance.normal(0, 0.12))) * soft
        marked = np.maximum(marked, alpha)
    return np.clip(rgb, 0, 255).astype(np.uint8), np.where(marked > 127, 255, 0).astype(np.uint8)


def harmed(rgb: Bytes, shape: Bytes, chance: np.random.Generator) -> Bytes:
    """A sound piece that stays sound: a hard shadow over it, glare on it, a sticker, a speckled skin, or the pit of its stalk."""
    import cv2
    import numpy as np

    height, width = shape.shape
    what = chance.choice(["shadow", "glare", "sticker", "speckles", "pit"])
    if what in {"speckles", "pit"}:
        return (speckled if what == "speckles" else pitted)(rgb, shape, chance)
    spot = np.zeros((height, width), np.uint8)
    middle = (int(chance.integers(width)), int(chance.integers(height)))
    if what == "shadow":
        angle = chance.uniform(0, 2 * np.pi)
        rows, columns = np.mgrid[:height, :width]
        side = (columns - middle[0]) * np.cos(angle) + (rows - middle[1]) * np.sin(angle)
        soft = 1 / (1 + np.exp(-side / (1 + 0.06 * width * chance.random())))
        return np.clip(rgb * (1 - (0.3 + 0.4 * chance.random()) * soft[..., None]), 0, 255).astype(np.uint8)
    axes = tuple(max(2, int(s * (0.06 + 0.14 * chance.random()))) for s in (width, height))
    cv2.ellipse(spot, middle, axes, float(chance.uniform(0, 180)), 0, 360, 255, -1)
    colour = np.array([255, 255, 255], np.float32) if what == "glare" else chance.integers(20, 256, 3).astype(np.float32)
    blur = 0.05 * width if what == "glare" else 0.6
    alpha = cv2.GaussianBlur(spot, (0, 0), blur)[..., None].astype(np.float32) / 255 * (0.8 if what == "glare" else 0.95)
    return np.clip(rgb * (1 - alpha) + colour * alpha, 0, 255).astype(np.uint8)


def speckled(rgb: Bytes, shape: Bytes, chance: np.random.Generator) -> Bytes:
    """The piece with a skin of small dots, lighter or browner than itself, as apples, pears and guavas have by nature."""
    import cv2
    import numpy as np

    rows, columns = np.nonzero(shape)
    if len(rows) == 0:
        return rgb
    reach = float(np.sqrt(len(rows) / np.pi))
    dots = np.zeros((*shape.shape, 1), np.uint8)
    for at in chance.integers(len(rows), size=int(chance.integers(15, 140))):
        size = max(1, round(reach * chance.uniform(0.008, 0.03)))
        cv2.circle(dots, (int(columns[at]), int(rows[at])), size, int(chance.integers(90, 256)), -1, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(dots, (0, 0), 0.6 + 0.01 * reach)[..., None].astype(np.float32) / 255
    tone = rgb.astype(np.float32)
    colour = tone * np.float32(chance.uniform(0.45, 0.8)) if chance.random() < 0.5 else tone + (255 - tone) * np.float32(0.45)
    colour = 0.7 * colour + 0.3 * np.array([150, 110, 70], np.float32)
    return np.clip(tone * (1 - alpha) + colour * alpha, 0, 255).astype(np.uint8)


def pitted(rgb: Bytes, shape: Bytes, chance: np.random.Generator) -> Bytes:
    """The piece seen from its stalk or calyx: a soft hollow, dark in the middle, with a few short leaves or rays."""
    import cv2
    import numpy as np

    rows, columns = np.nonzero(cv2.erode(shape, np.ones((9, 9), np.uint8)))
    if len(rows) == 0:
        return rgb
    reach = float(np.sqrt((shape > 0).sum() / np.pi))
    at = int(chance.integers(len(rows)))
    x, y = int(columns[at]), int(rows[at])
    hollow, core = np.zeros(shape.shape, np.uint8), np.zeros(shape.shape, np.uint8)
    cv2.circle(hollow, (x, y), max(3, int(reach * chance.uniform(0.18, 0.35))), 255, -1)
    cv2.circle(core, (x, y), max(1, int(reach * chance.uniform(0.03, 0.07))), 255, -1)
    for angle in chance.uniform(0, 2 * np.pi, int(chance.integers(3, 9))):
        far = reach * chance.uniform(0.06, 0.16)
        end = (int(x + far * np.cos(angle)), int(y + far * np.sin(angle)))
        cv2.line(core, (x, y), end, 220, max(1, int(0.025 * reach)), cv2.LINE_AA)
    deep = cv2.GaussianBlur(hollow, (0, 0), 1 + 0.1 * reach)[..., None].astype(np.float32) / 255
    dark = cv2.GaussianBlur(core, (0, 0), 0.5 + 0.012 * reach)[..., None].astype(np.float32) / 255
    colour = np.array([70, 52, 32], np.float32) * np.float32(chance.uniform(0.6, 1.5))
    out = rgb * (1 - np.float32(chance.uniform(0.1, 0.4)) * deep)
    return np.clip(out * (1 - dark) + colour * dark, 0, 255).astype(np.uint8)


def lit(rgb: Bytes, chance: np.random.Generator) -> Bytes:
    """The piece under light that falls off to one side, a little lighter or darker and of another hue than its neighbours."""
    import numpy as np

    height, width = rgb.shape[:2]
    angle, depth = chance.uniform(0, 2 * np.pi), 0.35 * chance.random() ** 2
    across = (np.arange(width, dtype=np.float32) / width - 0.5) * np.float32(np.cos(angle))
    down = (np.arange(height, dtype=np.float32) / height - 0.5) * np.float32(np.sin(angle))
    light = (1 + depth * 2 * (across[None] + down[:, None]))[..., None]
    tint = np.exp(chance.normal(0, 0.05, 3) + chance.normal(0, 0.08)).astype(np.float32)
    return np.clip(rgb * light * tint, 0, 255).astype(np.uint8)


def procedural(height: int, width: int, chance: np.random.Generator) -> Bytes:
    """A painted ground: paper of any shade, boards, cloth, soil, sometimes with black corners."""
    import cv2
    import numpy as np

    sort = chance.choice(["paper", "white", "boards", "cloth", "soil", "dark"], p=[0.3, 0.2, 0.16, 0.12, 0.12, 0.1])
    base = {"white": (238, 238, 236), "dark": (14, 14, 15), "boards": (170, 125, 80), "soil": (105, 90, 72)}.get(str(sort))
    colour = np.array(base, np.float32) if base else chance.uniform(60, 245, 3).astype(np.float32)
    if sort == "paper":
        colour = np.float32(chance.uniform(120, 245)) + chance.normal(0, 9, 3).astype(np.float32)
    elif base:
        colour = colour * np.exp(chance.normal(0, 0.12)).astype(np.float32) + chance.normal(0, 6, 3).astype(np.float32)
    grain = np.zeros((height, width), np.float32)
    for step, strength in _GRAIN[str(sort)]:
        small = chance.normal(0, strength, (max(2, height // step[0]) + 1, max(2, width // step[1]) + 1)).astype(np.float32)
        grain += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    slope = np.linspace(-1, 1, width, dtype=np.float32) * chance.normal(0, 14) + np.linspace(-1, 1, height, dtype=np.float32)[
        :, None
    ] * chance.normal(0, 14)
    out = np.clip(colour + (grain + slope)[..., None], 0, 255).astype(np.uint8)
    if sort in {"paper", "white"} and chance.random() < 0.35:
        _corners(out, chance)
    return out


_GRAIN = {
    "paper": (((40, 40), 5.0), ((6, 6), 1.5)),
    "white": (((60, 60), 3.0),),
    "boards": (((3, 90), 12.0), ((40, 400), 14.0), ((2, 8), 5.0)),
    "cloth": (((3, 3), 14.0), ((30, 30), 8.0)),
    "soil": (((4, 4), 20.0), ((14, 14), 22.0), ((1, 1), 8.0)),
    "dark": (((30, 30), 3.0), ((2, 2), 2.0)),
}


def _corners(rgb: Bytes, chance: np.random.Generator) -> None:
    """Black corners, as a turned copy has."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    box = cv2.boxPoints(((width / 2, height / 2), (width * 1.05, height * 1.05), float(chance.uniform(5, 85))))
    inside = cv2.fillPoly(np.zeros((height, width), np.uint8), [box.astype(np.int32)], 1)
    rgb[inside == 0] = 0
