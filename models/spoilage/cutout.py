"""Pieces of fruit cut out of their photos: the stuff that composites are made of.

Where a mask of the fruit is given it is used; where a box is, GrabCut starts from the ellipse in it; on plain ground it starts from
what differs in colour from the picture's rim. A cut that does not look like a piece is thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.data import FRUIT, ROT, Box, Photo, fit, mask, read
from models.spoilage.label import Grade, fruit, grade

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

SIDE = 288
#: Long and narrow goods: a cut that is not convex may still be one piece, or a bunch.
LONG = ("banana",)
#: Rot on less than this part of a piece is a blemish: the piece is not called spoiled.
SPECK = 0.04
#: Sets whose goods lie on plain ground.
PLAIN = ("apple_rot_seg", "fresh_rotten_single", "orange_peel_defect", "fruit_fresh_rotten_det", "fruit_sound_det")


@dataclass(frozen=True, slots=True)
class Cutout:
    """One cut: (h, w, 3) RGB, its outline (h, w) in {0, 255}, the rot on it or None where that is not known.

    ``single`` says whether it is surely one piece. ``at`` is (left, top) in its photo of SIDE px.
    """

    rgb: Bytes
    shape: Bytes
    rot: Bytes | None
    grade: Grade
    fruit: str
    single: bool
    photo: Photo
    at: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cut:
    """A photo at SIDE px, its cut pieces, where goods are on it and where rot is, (H, W) in {0, 255}; None where not known."""

    rgb: Bytes
    pieces: tuple[Cutout, ...]
    goods: Bytes | None
    rot: Bytes | None


def cut(data: Path, photo: Photo, boxes: Sequence[Box]) -> Cut:
    """What can be cut out of a photo; no pieces where nothing could be cut well."""
    import cv2
    import numpy as np

    rgb = fit(read(data, photo), SIDE)
    how = grade(photo)
    given = mask(data, photo)
    if given is not None:
        given = np.asarray(cv2.resize(given, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    rot = None if given is None else np.where(given == ROT, 255, 0).astype(np.uint8)
    if how is Grade.SOUND:
        rot = np.zeros(rgb.shape[:2], np.uint8)
    if photo.set == "egg_tray":
        return _tray(rgb, photo)
    if how is None:
        return Cut(rgb, (), None, None)
    parts, goods = _parts(rgb, photo, given, boxes)
    made = [_made(rgb, part, rot, photo, how) for part in parts]
    return Cut(rgb, tuple(one for one in made if one is not None), goods, rot)


def _parts(rgb: Bytes, photo: Photo, given: Bytes | None, boxes: Sequence[Box]) -> tuple[list[Bytes], Bytes | None]:
    """The outline of each part of the photo, and where goods are, if that is known."""
    import numpy as np

    if given is not None and photo.set == "fruit_rot_seg":
        goods = np.where(given >= FRUIT, 255, 0).astype(np.uint8)
        return components(goods, 0.02), goods
    if photo.set == "mango_grade_det":
        parts = [part for box in boxes[:12] if _lonely(box, boxes) for part in _boxed(rgb, box)]
        return parts, _union(parts) if boxes and len(parts) == len(boxes) else None
    if photo.set not in PLAIN:
        return [], None
    ground = plain(rgb) if plainly(rgb) else np.zeros(rgb.shape[:2], np.uint8)
    if given is not None:
        ground = _joined(ground, np.where(given == ROT, 255, 0).astype(np.uint8))
    goods_known = 0.04 < (ground > 0).mean() < 0.9
    if boxes and photo.set != "apple_rot_seg" and fruit(photo) not in LONG:
        parts = [part for box in boxes[:12] if _lonely(box, boxes) for part in _boxed(rgb, box)]
        return parts, np.maximum(ground, _union(parts)) if parts and goods_known else None
    return components(ground, 0.015), ground if goods_known else None


def _union(parts: list[Bytes]) -> Bytes:
    import numpy as np

    return np.asarray(np.max(parts, axis=0), dtype=np.uint8)


def _tray(rgb: Bytes, photo: Photo) -> Cut:
    """The eggs of a tray of 30, by their colour; cracked ones are spoiled where the row lists them. Never some of them."""
    import cv2
    import numpy as np

    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    brown = np.where((lab[..., 1] > 7) & (lab[..., 2] > 12) & (lab[..., 0] > 25), 255, 0).astype(np.uint8)
    brown = cv2.morphologyEx(brown, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    parts = [
        part
        for part in components(np.asarray(brown, dtype=np.uint8), 0.002, 40)
        if (part > 0).mean() < 0.02 and solidity(part) > 0.9
    ]
    if len(parts) != 30:
        return Cut(rgb, (), None, None)
    parts.sort(key=lambda part: float(np.nonzero(part)[0].mean()))
    rows = [sorted(parts[i : i + 5], key=lambda part: float(np.nonzero(part)[1].mean())) for i in range(0, 30, 5)]
    cracked = set(photo.detail.split("top-left: ")[-1].split()) if "cracked cells" in photo.detail else None
    pieces = []
    for row, line in enumerate(rows, 1):
        for column, part in enumerate(line, 1):
            how = Grade.BLEMISHED if cracked is None else Grade.SPOILED if f"{row}{column}" in cracked else Grade.SOUND
            rot = np.zeros(part.shape, np.uint8) if how is Grade.SOUND else None
            one = _made(rgb, part, rot, photo, how, least=8)
            if one is not None:
                pieces.append(one)
    return Cut(rgb, tuple(pieces), _union(parts), None)


def _lonely(box: Box, boxes: Sequence[Box]) -> bool:
    """Whether hardly anything of the box lies under another one."""
    for other in boxes:
        if other is box:
            continue
        across = min(box.left + box.width, other.left + other.width) - max(box.left, other.left)
        down = min(box.top + box.height, other.top + other.height) - max(box.top, other.top)
        if across > 0 and down > 0 and across * down > 0.15 * box.width * box.height:
            return False
    return True


def _boxed(rgb: Bytes, box: Box) -> list[Bytes]:
    """The piece in a box, found by GrabCut from the ellipse in it; none where it does not fill the box as a piece would."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    x, y, w, h = box.left * width, box.top * height, box.width * width, box.height * height
    if min(w, h) < 28:
        return []
    guess = np.full((height, width), cv2.GC_BGD, np.uint8)
    middle, reach = (round(x + w / 2), round(y + h / 2)), np.array([w / 2, h / 2])
    for scale, sort in ((1.1, cv2.GC_PR_BGD), (0.95, cv2.GC_PR_FGD), (0.6, cv2.GC_FGD)):
        size = (reach * scale).round().astype(int).tolist()
        cv2.ellipse(guess, middle, size, 0, 0, 360, sort, -1)
    found = _grabbed(rgb, guess)
    parts = components(found, 0.004)[:1]
    return [part for part in parts if 0.55 < (part > 0).sum() / (w * h) < 0.97 and solidity(part) > 0.9]


def plainly(rgb: Bytes) -> bool:
    """Whether what lies along the picture's rim is mostly of one colour."""
    import numpy as np

    _, off, ring, _ = _against(rgb)
    return float(np.percentile(off[ring], 70)) < 13


def plain(rgb: Bytes) -> Bytes:
    """What lies on plain ground, whatever its colour; black corners count as ground."""
    import cv2
    import numpy as np

    rim, off, _, void = _against(rgb)
    guess = np.where(off > 14, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    guess[off > 40] = cv2.GC_FGD
    guess[rim | void] = cv2.GC_BGD
    if (guess == cv2.GC_FGD).sum() < 50 and (guess == cv2.GC_PR_FGD).sum() < 200:
        return np.zeros(rgb.shape[:2], np.uint8)
    return _grabbed(rgb, guess)


def _against(rgb: Bytes) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """The picture's rim, each pixel's distance from the ground's colour, the ring that tells that colour, and black corners."""
    import cv2
    import numpy as np

    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 1.2).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    height, width = rgb.shape[:2]
    rim = np.ones((height, width), bool)
    edge = max(3, min(height, width) // 40)
    rim[edge:-edge, edge:-edge] = False
    void = rgb.max(axis=2) < 14
    void &= _reaching(void)
    ring = rim & ~void if (rim & ~void).sum() > 60 else cv2.dilate(void.astype(np.uint8), np.ones((9, 9))).astype(bool) & ~void
    if not ring.any():
        ring = rim
    ground = np.median(lab[ring], axis=0)
    off = np.hypot(lab[..., 1] - ground[1], lab[..., 2] - ground[2]) + 0.35 * np.abs(lab[..., 0] - ground[0])
    return rim, np.asarray(off, dtype=np.float32), ring, void


def _reaching(mask_: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of a mask that touch the rim."""
    import cv2
    import numpy as np

    _, labels = cv2.connectedComponents(mask_.astype(np.uint8))
    touching = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.isin(labels, touching[touching > 0])


def _grabbed(rgb: Bytes, guess: Bytes) -> Bytes:
    """GrabCut's answer with holes filled and threads cut off, (H, W) in {0, 255}."""
    import cv2
    import numpy as np

    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(
            cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), guess, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK
        )
    except cv2.error:  # one side is empty: no piece
        return np.zeros(guess.shape, np.uint8)
    found = np.where((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    outlines, _ = cv2.findContours(found, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros_like(found), outlines, -1, 255, -1), dtype=np.uint8)


def components(whole: Bytes, least: float, most: int = 12) -> list[Bytes]:
    """The connected parts of at least this share of the picture, largest first."""
    import cv2
    import numpy as np

    _, labels, stats, _ = cv2.connectedComponentsWithStats(whole)
    sizes = stats[:, cv2.CC_STAT_AREA]
    order = [i for i in np.argsort(-sizes) if i and sizes[i] > least * whole.size]
    return [np.where(labels == i, 255, 0).astype(np.uint8) for i in order[:most]]


def solidity(part: Bytes) -> float:
    """A part's area over that of its convex hull."""
    import cv2
    import numpy as np

    outlines, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.contourArea(cv2.convexHull(np.concatenate(outlines)))
    return float((part > 0).sum() / max(1.0, hull))


def _convex(part: Bytes, photo: Photo) -> bool:
    return fruit(photo) not in LONG and solidity(part) > 0.93


def _joined(part: Bytes, rot: Bytes) -> Bytes:
    """The part with the rot that touches it: dark rot at its rim is easily taken for shade."""
    import cv2
    import numpy as np

    both = np.maximum(part, np.where(cv2.dilate(part, np.ones((9, 9), np.uint8)) > 0, rot, 0))
    return np.asarray(cv2.morphologyEx(both, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), dtype=np.uint8)


def _made(rgb: Bytes, part: Bytes, rot: Bytes | None, photo: Photo, how: Grade, least: int = 24) -> Cutout | None:
    """The cut with its surroundings cropped off; None where it is tiny or runs off the picture."""
    import numpy as np

    rows, columns = np.nonzero(part.any(axis=1))[0], np.nonzero(part.any(axis=0))[0]
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    rim = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    around = 2 * (bottom - top + right - left)
    if (rim > 0).sum() > 0.12 * around or (part > 0).mean() > 0.92 or min(bottom - top, right - left) < least:
        return None
    window = np.s_[top:bottom, left:right]
    spots = None if rot is None else np.where(part > 0, rot, 0).astype(np.uint8)[window]
    if spots is not None and how is not Grade.SOUND:
        share = float((spots > 0).sum() / (part > 0).sum())
        how = Grade.SOUND if share == 0 else Grade.BLEMISHED if share < SPECK else how
    return Cutout(
        rgb[window].copy(), part[window].copy(), spots, how, fruit(photo), _convex(part, photo), photo, (int(left), int(top))
    )
