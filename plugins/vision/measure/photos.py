"""The folder of evidence photos: what it lists, read in small samples that are the same every time."""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

#: Classes of these words show spoiled goods; ``overripe`` is left out of both sides, and so are packages.
_SPOILED = ("rotten", "scab", "canker", "blackspot", "greening")
_NEITHER = ("overripe",)
_PACKED = ("milk", "oghurt", "juice", "sour", "cream", "tropicana")


@dataclass(frozen=True, slots=True)
class Photo:
    """One row of the manifest; ``group`` names the fruit or burst that it belongs to."""

    path: Path
    set: str
    kind: str
    group: str
    detail: str = ""

    @property
    def fold(self) -> int:
        """0 to 4, the same for all of a group; photos of fold 0 are held out: nothing is trained or chosen on them."""
        return int(hashlib.sha1(self.group.encode()).hexdigest(), 16) % 5  # noqa: S324  # a split, no secret

    @property
    def spoiled(self) -> bool | None:
        """Whether the goods are spoiled by their class; None where the class does not say or they are no produce."""
        kind = self.kind.lower()
        if any(word in kind for word in _NEITHER) or (self.set == "product_shop" and any(word in kind for word in _PACKED)):
            return None
        return any(word in kind for word in _SPOILED)

    @property
    def label(self) -> str:
        """The class; the 71 products of the shop set are two."""
        if self.set != "product_shop":
            return self.kind
        return "packages" if self.spoiled is None else "produce, 41 kinds"


def listed(data: Path) -> list[Photo]:
    """Every photo of the manifest, in its order."""
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as rows:
        return [Photo(data / r["file"], r["set"], r["class"], r["split_group"], r["label_detail"]) for r in csv.DictReader(rows)]


def held_out(photos: Iterable[Photo]) -> list[Photo]:
    """The photos that nothing was trained or chosen on."""
    return [photo for photo in photos if photo.fold == 0]


def some(photos: list[Photo], most: int) -> list[Photo]:
    """At most ``most`` of the photos, spread evenly."""
    step = max(1.0, len(photos) / most)
    return [photos[int(i * step)] for i in range(min(most, len(photos)))]


def grouped(photos: Iterable[Photo]) -> dict[tuple[str, str], list[Photo]]:
    """The photos by set and class."""
    groups: dict[tuple[str, str], list[Photo]] = {}
    for photo in photos:
        groups.setdefault((photo.set, photo.label), []).append(photo)
    return groups


def pixels(path: Path) -> NDArray[np.uint8]:
    """The photo as (H, W, 3) uint8, as intake gives it."""
    from plugins.vision import intake

    return intake.read(path.read_bytes()).rgb


def shown(items: list[T], what: str) -> Iterator[T]:
    """The items, with a line of progress on a terminal."""
    for i, item in enumerate(items):
        if sys.stderr.isatty() and i % 20 == 0:
            print(f"\r{what} {i}/{len(items)} …", end="", file=sys.stderr, flush=True)
        yield item
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
