"""The evidence photos for training and measuring: rows, folds, licence groups, pixels, boxes and masks.

The folder (``../shared/data`` or ``--data``) holds ``manifest.csv`` with one row per photo; its README states the rules.
No picture is copied into the repository: decoded pixels are cached in a folder outside of it (``--cache``).

Folds are made of groups (shots of one fruit, one burst, copies of one picture), never of files:
fold 0 is for TESTING alone, fold 1 for calibration and thresholds, folds 2 to 4 for training.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

FOLDS = 5
TEST = (0,)
CALIBRATE = (1,)
TRAIN = (2, 3, 4)
#: What ``--licence`` may name, and the licence groups of the manifest that it stands for.
LICENCES = {"stated": "stated", "own_phone": "own_phone_unstated", "web": "web_unstated"}
ALL = ",".join(LICENCES)
#: What a mask's grey means; see the data's README.
FRUIT, ROT = 100, 200


@dataclass(frozen=True, slots=True)
class Photo:
    """One row of the manifest. ``file`` is relative to the data's folder; ``kind`` is its label, ``detail`` free text per set."""

    file: str
    set: str
    kind: str
    detail: str
    group: str
    licence: str
    licence_group: str
    source: str
    width: int
    height: int

    @property
    def fold(self) -> int:
        """The fold of its group, in [0, FOLDS)."""
        return fold(self.group)


@dataclass(frozen=True, slots=True)
class Box:
    """One marked object: its label and where it is, (left, top, width, height) in [0, 1] of the picture."""

    kind: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Pixels:
    """Decoded photos. ``rgb`` is (N, side, side, 3) uint8, each photo in the upper left; ``shape`` is (N, 2): height, width."""

    rgb: Bytes
    shape: NDArray[np.int32]

    def __getitem__(self, at: int) -> Bytes:
        height, width = self.shape[at]
        return self.rgb[at, :height, :width]


def fold(group: str) -> int:
    """The fold of a split group, the same on every machine."""
    return int(hashlib.sha1(group.encode(), usedforsecurity=False).hexdigest(), 16) % FOLDS


def options(description: str) -> argparse.ArgumentParser:
    """A parser with what every training and measuring script takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the evidence photos")
    parser.add_argument("--licence", default=ALL, help=f"licence groups to use, of {ALL}")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "evidence-pixels", help="folder for decoded pixels"
    )
    parser.add_argument("--threads", type=int, default=2, help="processor threads")
    return parser


def photos(data: Path, licence: str = ALL, sets: Iterable[str] = ()) -> tuple[Photo, ...]:
    """The photos of these licence groups and sets (none: all sets), as the manifest orders them. ValueError: an unknown licence."""
    unknown = set(licence.split(",")) - set(LICENCES)
    if unknown:
        raise ValueError(f"--licence takes {ALL}, not {', '.join(sorted(unknown))}")
    allowed = {LICENCES[name] for name in licence.split(",")}
    wanted = frozenset(sets)
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [_photo(row) for row in csv.DictReader(file)]
    return tuple(photo for photo in rows if photo.licence_group in allowed and (not wanted or photo.set in wanted))


def of(rows: Sequence[Photo], folds: Sequence[int]) -> tuple[Photo, ...]:
    """The rows of these folds, for example ``of(rows, TRAIN)``."""
    return tuple(photo for photo in rows if photo.fold in folds)


def groups(rows: Iterable[Photo]) -> int:
    """How many different things were photographed: count these, not photos."""
    return len({photo.group for photo in rows})


def read(data: Path, photo: Photo) -> Bytes:
    """The photo as stored, (H, W, 3) uint8 RGB. Raises FileNotFoundError."""
    return _decode(data / photo.file)


def fit(rgb: Bytes, side: int) -> Bytes:
    """The picture scaled so that its long side is ``side`` px; smaller ones are left alone."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def pixels(data: Path, rows: Sequence[Photo], side: int, cache: Path) -> Pixels:
    """All photos decoded and fitted into ``side`` px, from the cache where they are in it.

    The cache is one file per list of photos and side; it is memory-mapped, so several processes share it.
    """
    import numpy as np

    name = hashlib.sha256("\n".join([str(side), *(row.file for row in rows)]).encode()).hexdigest()[:16]
    at, shapes = cache / f"{name}.npy", cache / f"{name}-shape.npy"
    if not shapes.exists():
        cache.mkdir(parents=True, exist_ok=True)
        shape = np.zeros((len(rows), 2), dtype=np.int32)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            rough = Path(folder) / "pixels.npy"
            rgb = np.lib.format.open_memmap(rough, mode="w+", dtype=np.uint8, shape=(len(rows), side, side, 3))
            for index, row in enumerate(rows):
                small = fit(read(data, row), side)
                shape[index] = small.shape[:2]
                rgb[index, : small.shape[0], : small.shape[1]] = small
            rgb.flush()
            rough.replace(at)
            np.save(Path(folder) / "shape.npy", shape)
            (Path(folder) / "shape.npy").replace(shapes)
    return Pixels(np.load(at, mmap_mode="r"), np.load(shapes))


def boxes(data: Path) -> dict[str, tuple[Box, ...]]:
    """Per file the marked objects, of every set that has any. Files of those sets without a mark are present with none."""
    book: dict[str, Any] = json.loads((data / "annotations_coco.json").read_text(encoding="utf-8"))
    kinds = {row["id"]: row["name"] for row in book["categories"]}
    sizes = {row["id"]: (row["file_name"], row["width"], row["height"]) for row in book["images"]}
    found: dict[str, list[Box]] = {name: [] for name, _, _ in sizes.values()}
    for mark in book["annotations"]:
        name, width, height = sizes[mark["image_id"]]
        left, top, wide, high = mark["bbox"]
        found[name].append(Box(kinds[mark["category_id"]], left / width, top / height, wide / width, high / height))
    return {name: tuple(marks) for name, marks in found.items()}


def mask(data: Path, photo: Photo) -> Bytes | None:
    """The photo's mask, (H, W) uint8 of 0, FRUIT and ROT, of the stored photo's size; None where it has none."""
    import cv2
    import numpy as np

    path = data / "masks" / photo.set / Path(photo.file).with_suffix(".png").name
    if not path.exists():
        return None
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def _photo(row: dict[str, str]) -> Photo:
    return Photo(
        file=row["file"],
        set=row["set"],
        kind=row["class"],
        detail=row["label_detail"],
        group=row["split_group"],
        licence=row["licence"],
        licence_group=row["licence_group"],
        source=row["source_repo"],
        width=int(row["width"]),
        height=int(row["height"]),
    )


def _decode(path: Path) -> Bytes:
    import cv2
    import numpy as np

    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(path)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
