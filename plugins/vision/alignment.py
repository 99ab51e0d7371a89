"""Alignment: how one picture would have to be turned, scaled and tilted so that its points lie on those of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from plugins.vision.features import Features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

#: Fewer points in agreement say nothing: chance brings five.
FEWEST = 8

#: Where the numbers of a description lie in that of the mirrored surroundings: 4 × 4 fields upside down, eight ways reversed.
MIRRORED = [32 * (3 - row) + 8 * field + (8 - way) % 8 for row in range(4) for field in range(4) for way in range(8)]

_ALIKE = 0.8  # cosine of two descriptions of one point, at least
_DISTINCT = 0.9  # the next best description, elsewhere, is that much farther away
_LOOSE = 24.0  # px: how far a point may lie from where one pair of points, taken alone, would put it
_TIGHT = 3.0  # px: how far from where all of them together put it


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the first picture, mirrored if ``mirrored``, lies on the second.

    ``matrix`` (3, 3) takes (x, y, 1) of the first to the second; ``here`` and ``there`` (n, 2) are the points in agreement, in
    px of either; ``off`` is by how much they miss, rms in px.
    """

    matrix: NDArray[np.float64]
    here: Floats
    there: Floats
    mirrored: bool
    off: float


def aligned(a: Features, b: Features) -> Alignment | None:
    """The way from ``a``, or its mirror picture, to ``b`` on which most points agree; None where fewer than FEWEST do."""
    ways = (_fitted(a, b, mirrored=False), _fitted(mirror(a), b, mirrored=True))
    return max((w for w in ways if w), key=lambda w: len(w.here), default=None)


def mirror(f: Features) -> Features:
    """The features of the mirrored picture: descriptions of mirrored surroundings hold the same numbers elsewhere."""
    import numpy as np

    at = np.stack([f.width - 1 - f.at[:, 0], f.at[:, 1]], axis=1)
    return replace(f, at=at, angle=(180 - f.angle) % 360, about=f.about[:, MIRRORED], grey=f.grey[:, ::-1])


def _fitted(a: Features, b: Features, *, mirrored: bool) -> Alignment | None:
    """A homography over the pairs that one of them speaks for; found in steps, each tighter than the one before."""
    import cv2
    import numpy as np

    pairs = _pairs(a, b)
    if len(pairs) < FEWEST:
        return None
    here, there = a.at[pairs[:, 0]], b.at[pairs[:, 1]]
    agree = _spoken_for(here, there, b.size[pairs[:, 1]] / a.size[pairs[:, 0]], b.angle[pairs[:, 1]] - a.angle[pairs[:, 0]])
    matrix, miss = np.eye(3), np.zeros(len(here), np.float32)
    for tolerance in (1.7 * _TIGHT, 1.3 * _TIGHT, _TIGHT):
        if agree.sum() < FEWEST:
            return None
        method = cv2.RANSAC if tolerance > 1.5 * _TIGHT else 0
        found: Any = cv2.findHomography(here[agree], there[agree], method, tolerance, maxIters=1000)[0]
        if found is None:
            return None
        matrix = np.asarray(found, np.float64)
        miss = np.asarray(np.hypot(*(moved(here, matrix) - there).T), np.float32)
        agree = miss < tolerance
    if agree.sum() < FEWEST:
        return None
    return Alignment(matrix, here[agree], there[agree], mirrored, float(np.sqrt((miss[agree] ** 2).mean())))


def moved(points: Floats, matrix: NDArray[np.float64]) -> Floats:
    """Where ``matrix`` takes the points (n, 2)."""
    import cv2
    import numpy as np

    return np.asarray(cv2.perspectiveTransform(points.reshape(-1, 1, 2).astype(np.float32), matrix), np.float32).reshape(-1, 2)


def beyond(a: Features, b: Features, how: Alignment) -> float:
    """The share of points that lie outside the other picture, in [0, 1], of the picture of which fewer do.

    A part shows nothing that the whole does not, and a frame has few points: of a copy's two pictures one lies inside the other.
    """
    import numpy as np

    first = mirror(a) if how.mirrored else a
    back = np.asarray(np.linalg.pinv(how.matrix), np.float64)
    shares = []
    for here, matrix, there in ((first, how.matrix, b), (b, back, first)):
        at = moved(here.at, matrix)
        inside = (at > -_TIGHT).all(axis=1) & (at < np.array([there.width, there.height]) + _TIGHT).all(axis=1)
        shares.append(1 - float(inside.mean()))
    return min(shares)


def _pairs(a: Features, b: Features) -> NDArray[np.int64]:
    """Pairs (n, 2) of points that find each other most alike, and nothing elsewhere nearly as much."""
    import numpy as np

    if not len(a.at) or not len(b.at):
        return np.zeros((0, 2), np.int64)
    alike = _unit(a.about) @ _unit(b.about).T
    rows, best = np.arange(len(a.at)), alike.argmax(axis=1)
    top = alike[rows, best]
    elsewhere = np.where(np.abs(b.at[None] - b.at[best][:, None]).max(axis=2) < 4, -1, alike).max(axis=1)
    mutual = alike.argmax(axis=0)[best] == rows
    good = mutual & (top > _ALIKE) & (1 - top < _DISTINCT**2 * (1 - elsewhere))
    return np.stack([rows[good], best[good]], axis=1)


def _unit(about: NDArray[np.uint8]) -> Floats:
    import numpy as np

    numbers = about.astype(np.float32)
    return np.asarray(numbers / np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1e-6), np.float32)


def _spoken_for(here: Floats, there: Floats, scale: Floats, turn: Floats) -> NDArray[np.bool_]:
    """The pairs that agree with the pair with which most do: each alone tells where, how large and how turned the picture lies."""
    import numpy as np

    cos, sin = scale * np.cos(np.deg2rad(turn)), scale * np.sin(np.deg2rad(turn))
    x, y = here[:, 0], here[:, 1]
    over_x = there[:, :1].T - (np.outer(cos, x) - np.outer(sin, y))  # (speaker, pair): where each pair would put the origin
    over_y = there[:, 1:].T - (np.outer(sin, x) + np.outer(cos, y))
    own_x, own_y = np.diag(over_x)[:, None], np.diag(over_y)[:, None]
    agree = np.hypot(over_x - own_x, over_y - own_y) < _LOOSE
    return np.asarray(agree[agree.sum(axis=1).argmax()])
