"""Words: a few short keys under which a picture, and whatever is made of it, is found again among millions.

What lies around a point is of one of 32,768 kinds (``models/words``), the same kind in a mirror. Of the kinds on a picture those
that come first in a shuffle that is the same for all pictures are its words: copies, which show mostly the same kinds, choose
mostly the same ones, whatever part of the picture they are. Four more words are quarters of the fingerprint, for pictures with few
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

#: Words of a picture: the first STORED are kept with it, all are looked up. More would cost more; fewer find less.
STORED = 16
_LOCAL = 12
_MORE = 12
_KINDS, _PARTS = 128, 256
_LARGE = 4.0  # px: smaller points seldom outlive saving, scaling and screens


def words(packed: bytes, mark: str) -> tuple[str, ...]:
    """The words of a picture, by its features and its fingerprint; at most 28, fewer where it shows little. Raises BadFeatures."""
    local = [f"{kind:04x}" for kind in _first(kinds(packed, _LARGE))]
    quarters = [f"{n}-{mark[4 * n : 4 * n + 4]}" for n in range(4)] if mark else []
    return (*local[:_LOCAL], *quarters, *local[_LOCAL : _LOCAL + _MORE])


def kinds(packed: bytes, least: float = 0.0) -> NDArray[np.int64]:
    """The kinds of the surroundings of a picture's points of at least this size in px, each once. Raises BadFeatures."""
    import numpy as np

    features = opened(packed)
    about = features.about[features.size >= least]
    return np.unique(np.minimum(_kind(about), _kind(about[:, MIRRORED])))


def _first(found: NDArray[np.int64]) -> list[int]:
    """The kinds in the order of the shuffle."""
    import numpy as np

    shuffled = found.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    shuffled = (shuffled ^ (shuffled >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return [int(kind) for kind in found[np.argsort(shuffled ^ (shuffled >> np.uint64(29)))]]


def _kind(about: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Which of the kinds each description (n, 128) is most like."""
    import numpy as np

    rough, fine = _centres()
    given = about.astype(np.float32)
    nearest = (given @ rough.T).argmax(axis=1)
    found = np.zeros(len(given), np.int64)
    for kind in np.unique(nearest):
        rows = nearest == kind
        found[rows] = kind * _PARTS + (given[rows] @ fine[kind].T).argmax(axis=1)
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
