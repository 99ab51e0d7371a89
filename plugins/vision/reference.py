"""References: the merchant's pictures that photos are held beside. Each is read and looked at once, however many photos there are.

What was seen is remembered by the hash of the picture's bytes, for as long as the process lives: figures, and no picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from aftersales.photo import Reference
from plugins.vision import intake
from plugins.vision.header import NoPhoto

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

#: So many pictures are remembered, those used last; a look comes to some 2 KB.
MOST = 500


class Looks(Generic[T]):
    """What ``look`` saw on pictures, (H, W, 3) uint8 RGB; may be used by several threads."""

    def __init__(self, look: Callable[[NDArray[np.uint8]], T], most: int = MOST) -> None:
        self._look, self._most = look, most
        self._known: OrderedDict[str, T | None] = OrderedDict()
        self._lock = Lock()

    def at(self, reference: Reference, max_bytes: int = intake.MAX_BYTES) -> T | None:
        """What is seen on the picture; None for one that cannot be opened, and for one whose bytes are gone."""
        with self._lock:
            if reference.sha256 in self._known:
                self._known.move_to_end(reference.sha256)
                return self._known[reference.sha256]
        content = reference.read()
        if content is None:
            return None
        seen = self._seen(content, max_bytes)
        with self._lock:
            self._known[reference.sha256] = seen
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return seen

    def _seen(self, content: bytes, max_bytes: int) -> T | None:
        try:
            return self._look(intake.read(content, max_bytes).rgb)
        except NoPhoto:
            return None
