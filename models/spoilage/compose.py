"""Composites: cut pieces, sound and spoiled, laid on any ground. Masks, middles and counts are exact, and no ground tells anything.

Sound pieces come to lie on the plates that spoiled ones were taken from, and the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.spoilage.cutout import SPECK, Cutout
from models.spoilage.label import Grade
from models.spoilage.paint import harmed, lit, patches, procedural, spotted
from models.spoilage.sample import KNOWS_BAD, KNOWS_FRUIT, KNOWS_HEAT, KNOWS_ROT, SIDE, SOME, Piece, Scene, blank
from models.spoilage.scene import GRADES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

ALL_KNOWN = KNOWS_FRUIT | KNOWS_ROT | KNOWS_BAD | KNOWS_HEAT


@dataclass(frozen=True, slots=True)
class Ground:
    """A picture to lay pieces on. ``bare``: surely without produce, so that nothing but the pieces counts as goods."""

    rgb: Bytes
    bare: bool


@dataclass(slots=True)
class Stock:
    """What composites are made of: the pieces by fruit and grade, grounds, and patches of rot."""

    pieces: dict[str, dict[Grade, list[Cutout]]]
    grounds: list[Ground]
    rot: list[tuple[Bytes, Bytes]]


@dataclass(frozen=True, slots=True)
class Laid:
    """One piece on the canvas, its pixels in a window at (left, top); it may lie under later ones."""

    left: int
    top: int
    rgb: Bytes
    shape: Bytes
    rot: Bytes | None
    grade: Grade


def stock(pieces: Sequence[Cutout], grounds: list[Ground]) -> Stock:
    """The stock of these cuts. Of many shots of one thing (a group) only some are kept; bunches stay out."""
    found: dict[str, dict[Grade, list[Cutout]]] = {}
    per_group: dict[tuple[str, Grade], int] = {}
    for piece in pieces:
        key = (piece.photo.group, piece.grade)
        per_group[key] = per_group.get(key, 0) + 1
        if per_group[key] <= 12 and (piece.single or piece.fruit == "banana"):
            kinds = found.setdefault(piece.fruit, {})
            kinds.setdefault(piece.grade, []).append(piece)
    return Stock(found, grounds, patches(pieces))


def composite(have: Stock, chance: np.random.Generator) -> Scene:
    """A canvas of SIDE px (its long side) with 0 to 30 pieces."""
    import numpy as np

    height, width = SIDE, int(SIDE * (0.6 + 0.4 * chance.random()))
    if chance.random() < 0.5:
        height, width = width, height
    ground = _ground(have, height, width, chance)
    made = blank(ground.rgb, KNOWS_ROT | KNOWS_BAD | (KNOWS_FRUIT | KNOWS_HEAT if ground.bare else 0))
    count = int(chance.choice([0, 1, int(chance.integers(2, 5)), int(chance.integers(5, 13)), int(chance.integers(13, 31))],
                              p=[0.04, 0.24, 0.27, 0.27, 0.18]))  # fmt: skip
    places, reach = _places(count, height, width, chance)
    names = sorted(have.pieces)
    weights = np.array([np.sqrt(sum(len(v) for v in have.pieces[name].values())) for name in names])
    main = str(chance.choice(names, p=weights / weights.sum()))
    spoiled = 0.0 if chance.random() < 0.42 else float(chance.choice([0.15, 0.4, 0.8], p=[0.45, 0.35, 0.2]))
    forced = int(chance.integers(max(1, count))) if spoiled else -1
    owner = np.full((height, width), -1, np.int16)
    laid: list[Laid] = []
    for at, (x, y) in enumerate(places):
        fruit = main if chance.random() < 0.8 else str(chance.choice(names, p=weights / weights.sum()))
        bad = at == forced or chance.random() < spoiled
        one = _piece(have, fruit, reach, (x, y), chance, bad=bad)
        if one is not None:
            _paste(made, owner, one, len(laid), chance)
            laid.append(one)
    _settle(made, owner, laid)
    return made


def _ground(have: Stock, height: int, width: int, chance: np.random.Generator) -> Ground:
    """A cut of some ground, scaled to fill the canvas."""
    import cv2
    import numpy as np

    if chance.random() < 0.3 or not have.grounds:
        return Ground(procedural(height, width, chance), bare=True)
    whole = have.grounds[int(chance.integers(len(have.grounds)))]
    rgb = whole.rgb
    if chance.random() < 0.5:
        rgb = rgb[:, ::-1]
    if chance.random() < 0.3:
        rgb = np.rot90(rgb)
    h, w = rgb.shape[:2]
    share = min(h / height, w / width) * (0.5 + 0.5 * chance.random())
    cut_h, cut_w = max(8, int(height * share)), max(8, int(width * share))
    top, left = int(chance.integers(h - cut_h + 1)), int(chance.integers(w - cut_w + 1))
    rgb = cv2.resize(
        np.ascontiguousarray(rgb[top : top + cut_h, left : left + cut_w]), (width, height), interpolation=cv2.INTER_LINEAR
    )
    if chance.random() < 0.3:
        rgb = cv2.GaussianBlur(rgb, (0, 0), 0.5 + 2.5 * chance.random())
    return Ground(np.asarray(rgb, dtype=np.uint8), whole.bare)


def _places(count: int, height: int, width: int, chance: np.random.Generator) -> tuple[list[tuple[float, float]], float]:
    """The pieces' middles and their radius: a heap, loose pieces, or rows."""
    import numpy as np

    if count == 0:
        return [], 0.0
    fill = 0.15 + 0.6 * chance.random()
    reach = float(np.sqrt(fill * height * width / count / np.pi))
    reach = min(reach, 0.48 * min(height, width))
    if count >= 4 and chance.random() < 0.3:
        columns = max(1, round(np.sqrt(count * width / height)))
        rows = -(-count // columns)
        grid = [((c + 0.5) * width / columns, (r + 0.5) * height / rows) for r in range(rows) for c in range(columns)][:count]
        reach = min(reach, 0.55 * min(width / columns, height / rows))
        wobble = 0.12 * reach
        return [(x + chance.normal(0, wobble), y + chance.normal(0, wobble)) for x, y in grid], reach
    apart = reach * (1.15 + 0.75 * chance.random())
    places: list[tuple[float, float]] = []
    for _ in range(count * 30):
        if len(places) == count:
            break
        x = chance.uniform(0.7 * reach, max(0.71 * reach, width - 0.7 * reach))
        y = chance.uniform(0.7 * reach, max(0.71 * reach, height - 0.7 * reach))
        if all((x - a) ** 2 + (y - b) ** 2 > apart * apart for a, b in places):
            places.append((float(x), float(y)))
    return places, reach


def _piece(
    have: Stock, fruit: str, reach: float, place: tuple[float, float], chance: np.random.Generator, *, bad: bool
) -> Laid | None:
    """A piece of this fruit turned and scaled to the radius; rot may be laid on a sound one to make it bad."""
    import numpy as np

    kinds = have.pieces[fruit]
    blemished = not bad and chance.random() < 0.08
    wanted = Grade.SPOILED if bad else Grade.BLEMISHED if blemished else Grade.SOUND
    painted = bad and bool(have.rot) and Grade.SOUND in kinds and (Grade.SPOILED not in kinds or chance.random() < 0.3)
    if painted:
        wanted = Grade.SOUND
    if wanted not in kinds:
        if wanted is Grade.BLEMISHED or not any(wanted in other for other in have.pieces.values()):
            return None
        kinds = have.pieces[str(chance.choice(sorted(name for name in have.pieces if wanted in have.pieces[name])))]
    some = kinds[wanted]
    source = some[int(chance.integers(len(some)))]
    rgb, rot, grade = source.rgb, source.rot, source.grade
    if painted:
        rgb, rot = spotted(source, have.rot, chance)
        share = float((rot > 127).sum() / max(1, (source.shape > 0).sum()))
        grade = Grade.SPOILED if share >= SPECK else Grade.BLEMISHED
    elif grade is Grade.SOUND and chance.random() < 0.25:
        rgb = harmed(rgb, source.shape, chance)
    size = reach * float(np.exp(chance.normal(0, 0.12)))
    return _turned(rgb, source.shape, rot, grade, size, place, chance)


def _turned(
    rgb: Bytes, shape: Bytes, rot: Bytes | None, grade: Grade, reach: float, place: tuple[float, float], chance: np.random.Generator
) -> Laid:
    """The piece turned by any angle, perhaps mirrored, lit from somewhere, its middle at ``place``."""
    import cv2
    import numpy as np

    h, w = shape.shape
    scale = min(2.5, reach / max(1.0, float(np.sqrt((shape > 0).sum() / np.pi))))
    if scale < 0.6:
        size = (max(4, round(w * scale)), max(4, round(h * scale)))
        rgb, shape = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (rgb, shape))
        rot = None if rot is None else np.asarray(cv2.resize(rot, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        (h, w), scale = shape.shape, 1.0
    turn = chance.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    mirror = -1 if chance.random() < 0.5 else 1
    side = int(np.ceil(np.hypot(h, w) * scale)) + 4
    matrix = np.array([[cos * mirror, -sin, 0.0], [sin * mirror, cos, 0.0]])
    matrix[:, 2] = side / 2 - matrix[:, :2] @ np.array([w / 2, h / 2])
    moved = cv2.warpAffine(rgb, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    outline = cv2.warpAffine(cv2.erode(shape, np.ones((3, 3), np.uint8)), matrix, (side, side), flags=cv2.INTER_LINEAR)
    spots = None if rot is None else np.asarray(cv2.warpAffine(rot, matrix, (side, side), flags=cv2.INTER_LINEAR), dtype=np.uint8)
    moved = lit(np.asarray(moved, dtype=np.uint8), chance)
    return Laid(int(place[0] - side / 2), int(place[1] - side / 2), moved, np.asarray(outline, dtype=np.uint8), spots, grade)


def _paste(made: Scene, owner: NDArray[np.int16], one: Laid, number: int, chance: np.random.Generator) -> None:
    """Lay the piece on the canvas, its shadow first; pixels remember whose they are."""
    import cv2
    import numpy as np

    height, width = owner.shape
    side = one.shape.shape[0]
    top, left = max(0, one.top), max(0, one.left)
    bottom, right = min(height, one.top + side), min(width, one.left + side)
    if top >= bottom or left >= right:
        return
    window = np.s_[top:bottom, left:right]
    inner = np.s_[top - one.top : bottom - one.top, left - one.left : right - one.left]
    below = made.rgb[window].astype(np.float32)
    if chance.random() < 0.7:
        off = np.float32([[1, 0, chance.normal(0, 0.05 * side)], [0, 1, chance.normal(0, 0.05 * side)]])
        shade = cv2.GaussianBlur(cv2.warpAffine(one.shape, off, (side, side)), (0, 0), 1 + 0.05 * side)[inner]
        below *= 1 - (0.15 + 0.4 * chance.random()) * (shade[..., None].astype(np.float32) / 255)
    alpha = cv2.GaussianBlur(one.shape, (0, 0), 0.7)[inner][..., None].astype(np.float32) / 255
    made.rgb[window] = np.clip(below * (1 - alpha) + one.rgb[inner] * alpha, 0, 255).astype(np.uint8)
    owner[window][one.shape[inner] > 127] = number


def _settle(made: Scene, owner: NDArray[np.int16], laid: Sequence[Laid]) -> None:
    """Write the planes from who owns which pixel; pieces that are mostly covered or outside do not count as seen."""
    import numpy as np

    worst = Grade.SOUND if laid else None
    made.fruit[owner >= 0] = 255
    made.known[owner >= 0] |= KNOWS_FRUIT
    made.known |= KNOWS_HEAT if not laid or (made.known & KNOWS_FRUIT).all() else 0
    for number, one in enumerate(laid):
        rows, columns = np.nonzero(owner == number)
        whole = int((one.shape > 127).sum())
        if len(rows) < 12 or len(rows) < 0.25 * whole:
            made.known[rows, columns] &= ~(KNOWS_HEAT | KNOWS_BAD) & 0xFF
            made.known[rows, columns] &= ~KNOWS_ROT & 0xFF
            continue
        grade = _write(made, one, rows, columns)
        bad = None if grade is Grade.BLEMISHED else grade is Grade.SPOILED
        made.pieces.append(Piece(float(columns.mean()), float(rows.mean()), float(np.sqrt(whole / np.pi)), bad))
        worst = max(worst or Grade.SOUND, grade)
    made.grades = GRADES[worst if worst is not None else Grade.SOUND]


def _write(made: Scene, one: Laid, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Grade:
    """Write a piece's own pixels, and say what of its grade is visible."""
    grade = one.grade
    if one.rot is not None:
        spots = one.rot[rows - one.top, columns - one.left]
        made.rot[rows, columns] = spots
        if grade is Grade.SPOILED and (spots > 127).mean() < SPECK:
            grade = Grade.BLEMISHED
    elif grade is Grade.SPOILED:
        made.known[rows, columns] = made.known[rows, columns] & (~KNOWS_ROT & 0xFF) | SOME
    else:
        made.known[rows, columns] &= ~KNOWS_ROT & 0xFF
    if grade is Grade.SPOILED:
        made.bad[rows, columns] = 255
    elif grade is Grade.BLEMISHED:
        made.known[rows, columns] &= ~KNOWS_BAD & 0xFF
    return grade
