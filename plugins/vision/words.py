"""Words: a few short keys under which a picture, and whatever is made of it, is found again among millions.

What lies around a point is of one of 32,768 kinds (``models/words``), the same kind in a mirror. Of the kinds on a picture those
that come first in a shuffle that is the same for all pictures are its words: copies, which show mostly the same kinds, choose
mostly the same ones, whatever part of the picture they are. Two more words are quarters of the fingerprint, for pictures with few
points.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from aftersales.errors import BadSettings
from plugins.vision.alignment import MIRRORED
from plugins.vision.features import opened
from plugins.vision.session import MODELS, card

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Kinds = NDArray[np.int64]

#: The first STORED words of a picture are kept with it, all are looked up. More would cost more; fewer find less.
STORED, LOOKED_UP = 16, 32
_QUARTERS = 2
_KINDS, _PARTS = 128, 256
_LARGE = 3.0  # px: smaller points seldom outlive saving, scaling and screens


def words(packed: bytes, mark: str) -> tuple[str, ...]:
    """The words of a picture, by its features and its fingerprint; fewer where it shows little. Raises BadFeatures.

    Those beyond the stored ones are of second-nearest kinds too, for edits that move a description over a border.
    """
    features = opened(packed)
    near = _nearest_two(features.about[features.size >= _LARGE])
    quarters = [f"{n}-{mark[4 * n : 4 * n + 4]}" for n in range(_QUARTERS)] if mark else []
    kept = _first(_either_way(near, 1))[: STORED - len(quarters)]
    more = [kind for kind in _first(_either_way(near, 2)) if kind not in kept][: LOOKED_UP - len(quarters) - len(kept)]
    return (*_named(kept), *quarters, *(_named(more) if len(kept) + len(quarters) == STORED else ()))


def kinds(packed: bytes) -> NDArray[np.int64]:
    """The kinds of the surroundings of all points of a picture, each once. Raises BadFeatures."""
    return _either_way(_nearest_two(opened(packed).about), 1)


def _named(found: list[int]) -> list[str]:
    return [f"{kind:04x}" for kind in found]


def _first(found: NDArray[np.int64]) -> list[int]:
    """The kinds in the order of the shuffle."""
    import numpy as np

    shuffled = found.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    shuffled = (shuffled ^ (shuffled >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return [int(kind) for kind in found[np.argsort(shuffled ^ (shuffled >> np.uint64(29)))]]


def _either_way(near: tuple[Kinds, Kinds], nearest: int) -> Kinds:
    """The kinds of descriptions, each once; of those of a thing and its mirror image the lower one."""
    import numpy as np

    plain, mirrored = (kinds[:, :nearest] for kinds in near)
    return np.unique(np.minimum(plain[:, :, None], mirrored[:, None, :]))


def _nearest_two(about: NDArray[np.uint8]) -> tuple[Kinds, Kinds]:
    """The two kinds (n, 2), the nearer first, that descriptions (n, 128) are most like, and those of their mirror images."""
    return _nearest(about, 2), _nearest(about[:, MIRRORED], 2)


def _nearest(about: NDArray[np.uint8], n: int) -> Kinds:
    """The n kinds (rows, n) that each description is most like, all of one rough kind."""
    import numpy as np

    rough, fine = _centres()
    given = about.astype(np.float32)
    roughly = (given @ rough.T).argmax(axis=1)
    found = np.zeros((len(given), n), np.int64)
    for kind in np.unique(roughly):
        rows = roughly == kind
        found[rows] = kind * _PARTS + np.argsort(-(given[rows] @ fine[kind].T), axis=1)[:, :n]
    return found


@cache
def _centres() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The centres (128, 128) and those of their parts (128, 256, 128), of length one. Raises BadSettings for another file."""
    import numpy as np

    try:
        content = (MODELS / "words" / "words.bin").read_bytes()
    except OSError as error:
        raise BadSettings(f"The kinds of surroundings cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != card("words")["sha256"]:
        raise BadSettings("models/words/words.bin is not the file that its card describes.", todo="Restore it, or train it again.")
    halves = np.frombuffer(content, np.uint8).reshape(-1, 64)
    rows = np.stack([halves >> 4, halves & 15], axis=2).reshape(-1, 128).astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows[:_KINDS], rows[_KINDS:].reshape(_KINDS, _PARTS, 128)
