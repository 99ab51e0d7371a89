"""One training picture with all that is known of it, and how real photos become such pictures.

Planes are at stride 4 of the picture: (5, 64, 64) uint8 of FRUIT, ROT, BAD (what belongs to a spoiled piece), HEAT (peaks at the
pieces' middles; how wide they are tells the pieces' size) in 0..255, and KNOWN, bits that say which of them may be believed where.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

SIDE = 256
STRIDE = 4
CELLS = SIDE // STRIDE
FRUIT, ROT, BAD, HEAT, KNOWN = range(5)
#: Bits of KNOWN. SOME: rot is somewhere in this area, nobody has marked where.
KNOWS_FRUIT, KNOWS_ROT, KNOWS_BAD, KNOWS_HEAT, SOME = 1, 2, 4, 8, 16
#: What the rim of a picture that is no square is filled with.
PAD = 114
#: Width of a peak relative to the piece's radius.
PEAK = 0.28


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece's middle and radius in pixels of its picture, and whether it is spoiled (None: not known)."""

    x: float
    y: float
    radius: float
    bad: bool | None


@dataclass(slots=True)
class Scene:
    """A picture of any size with planes of the same size, ``known`` bits per pixel, and its pieces. Grades are three weights."""

    rgb: Bytes
    fruit: Bytes
    rot: Bytes
    bad: Bytes
    known: Bytes
    pieces: list[Piece] = field(default_factory=list)
    grades: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """(SIDE, SIDE, 3) uint8 RGB, planes as above, weights of the grades (0: not known), pieces and bad ones (-1: not known)."""

    rgb: Bytes
    planes: Bytes
    grades: tuple[float, float, float]
    counts: tuple[int, int] = (-1, -1)


def blank(rgb: Bytes, known: int = 0) -> Scene:
    """A scene of which nothing more is known than ``known``: no goods, no rot."""
    import numpy as np

    empty = np.zeros((3, *rgb.shape[:2]), np.uint8)
    return Scene(rgb, empty[0], empty[1], empty[2], np.full(rgb.shape[:2], known, np.uint8))


def shot(scene: Scene, chance: np.random.Generator, *, calm: bool = False) -> Sample:
    """The scene as a photo: cut, turned a little, scaled, with a history of light, blur and JPEG. ``calm``: only scaled."""
    import cv2
    import numpy as np

    height, width = scene.rgb.shape[:2]
    frame, (inner_h, inner_w) = _frame(height, width, chance, calm=calm)
    sharp = cv2.INTER_AREA if frame[0, 0] ** 2 + frame[0, 1] ** 2 < 0.8 else cv2.INTER_LINEAR
    rgb = cv2.warpAffine(scene.rgb, frame, (inner_w, inner_h), flags=sharp if sharp != cv2.INTER_AREA else cv2.INTER_LINEAR,
                         borderMode=cv2.BORDER_REFLECT_101)  # fmt: skip
    if not calm:
        rgb = developed(np.asarray(rgb, dtype=np.uint8), chance)
    canvas = np.full((SIDE, SIDE, 3), PAD, np.uint8)
    top, left = (SIDE - inner_h) // 2, (SIDE - inner_w) // 2
    canvas[top : top + inner_h, left : left + inner_w] = rgb
    frame[:, 2] += (left, top)
    inside = (top, left, inner_h, inner_w)
    pieces = _moved(scene.pieces, frame)
    return Sample(canvas, _planes(scene, pieces, frame, inside), scene.grades, _counts(scene, pieces, inside))


def _moved(pieces: list[Piece], frame: NDArray[np.float64]) -> list[Piece]:
    """The pieces as they lie in the picture."""
    import numpy as np

    scale = float(np.sqrt(abs(np.linalg.det(frame[:, :2]))))
    found = []
    for piece in pieces:
        x, y = frame[:, :2] @ np.array([piece.x, piece.y]) + frame[:, 2]
        found.append(Piece(float(x), float(y), piece.radius * scale, piece.bad))
    return found


def _counts(scene: Scene, pieces: list[Piece], inside: tuple[int, int, int, int]) -> tuple[int, int]:
    """How many pieces have their middle in the picture, and how many bad ones; -1 where one is not known."""
    top, left, high, wide = inside
    if not (scene.known & KNOWS_HEAT).all():
        return -1, -1
    seen = [piece for piece in pieces if left <= piece.x < left + wide and top <= piece.y < top + high]
    return len(seen), -1 if any(piece.bad is None for piece in seen) else sum(piece.bad is True for piece in seen)


def _frame(height: int, width: int, chance: np.random.Generator, *, calm: bool) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """A 2x3 matrix from the scene to the picture inside the square, and that picture's height and width."""
    import numpy as np

    turn, cut_x, cut_y, stretch = 0.0, 1.0, 1.0, 1.0
    if not calm:
        turn = chance.normal(0, 0.12) if chance.random() < 0.5 else 0.0
        cut_x, cut_y = (1 - 0.35 * chance.random() ** 2 for _ in range(2))
        stretch = float(np.exp(chance.normal(0, 0.06)))
    seen_w, seen_h = width * cut_x * stretch, height * cut_y
    scale = SIDE / max(seen_w, seen_h)
    inner = (max(STRIDE * 8, round(seen_h * scale)), max(STRIDE * 8, round(seen_w * scale)))
    middle_x = width / 2 + (0 if calm else (chance.random() - 0.5) * width * (1 - cut_x))
    middle_y = height / 2 + (0 if calm else (chance.random() - 0.5) * height * (1 - cut_y))
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    matrix = np.array([[cos * stretch, -sin, 0.0], [sin * stretch, cos, 0.0]])
    matrix[:, 2] = np.array([inner[1] / 2, inner[0] / 2]) - matrix[:, :2] @ np.array([middle_x, middle_y])
    return matrix, inner


def _planes(scene: Scene, pieces: list[Piece], frame: NDArray[np.float64], inside: tuple[int, int, int, int]) -> Bytes:
    import cv2
    import numpy as np

    top, left, high, wide = inside
    found = np.zeros((5, CELLS, CELLS), np.uint8)
    for at, plane in ((FRUIT, scene.fruit), (ROT, scene.rot), (BAD, scene.bad)):
        moved = cv2.warpAffine(plane, frame, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        found[at] = cv2.resize(moved, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    known = cv2.warpAffine(scene.known, frame, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    rim = np.ones((SIDE, SIDE), bool)
    rim[top : top + high, left : left + wide] = False
    found[:3, rim[::STRIDE, ::STRIDE]] = 0
    known[rim] = KNOWS_FRUIT | KNOWS_ROT | KNOWS_BAD | KNOWS_HEAT
    found[KNOWN] = known[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
    for piece in pieces:
        peak(found[HEAT], piece.x / STRIDE, piece.y / STRIDE, piece.radius / STRIDE)
    return found


def peak(heat: Bytes, x: float, y: float, radius: float) -> None:
    """Draw a piece's peak into (CELLS, CELLS) heat."""
    import numpy as np

    width = float(np.clip(PEAK * radius, 0.7, 5.0))
    reach = int(3 * width) + 1
    left, right = max(0, int(x) - reach), min(CELLS, int(x) + reach + 1)
    top, bottom = max(0, int(y) - reach), min(CELLS, int(y) + reach + 1)
    if left >= right or top >= bottom:
        return
    rows, columns = np.mgrid[top:bottom, left:right]
    bell = 255 * np.exp(-((columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2) / (2 * width * width))
    window = heat[top:bottom, left:right]
    np.maximum(window, bell.astype(np.uint8), out=window)
    if 0 <= int(y) < CELLS and 0 <= int(x) < CELLS:
        heat[int(y), int(x)] = 255


def developed(rgb: Bytes, chance: np.random.Generator) -> Bytes:
    """The picture with other light and colour, less sharp, smaller for a while, and saved as JPEG once or twice."""
    import cv2
    import numpy as np

    look = rgb.astype(np.float32)
    if chance.random() < 0.7:
        look *= np.exp(chance.normal(0, 0.07, 3)).astype(np.float32)  # white balance
        look = 255 * np.clip(look / 255, 0, 1) ** float(np.exp(chance.normal(0, 0.22)))
        look = (look - 128) * float(np.exp(chance.normal(0, 0.12))) + 128 + chance.normal(0, 8)
    if chance.random() < 0.3:
        look = cv2.GaussianBlur(look, (0, 0), 0.4 + 1.4 * chance.random() ** 2)
    height, width = rgb.shape[:2]
    if chance.random() < 0.4:
        share = 0.4 + 0.55 * chance.random()
        look = cv2.resize(look, (max(24, int(width * share)), max(24, int(height * share))), interpolation=cv2.INTER_AREA)
        look = cv2.resize(look, (width, height), interpolation=cv2.INTER_LINEAR)
    if chance.random() < 0.3:
        look = look + chance.normal(0, 2 + 6 * chance.random(), look.shape).astype(np.float32)
    out = np.clip(look, 0, 255).astype(np.uint8)
    if chance.random() < 0.85:
        _, packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(35, 97))])
        out = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
    return out
