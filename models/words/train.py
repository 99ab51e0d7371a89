"""Find the kinds of surroundings that photos are made of: ``python -m models.words.train --data ../shared/data``.

Two steps of k-means over the descriptions of points (``plugins.vision.features``): 128 kinds, each divided into 256. Written are
the centres, 4 bits to a number, as ``words.bin``; its hash goes into the card. A centre is a mean over many photos; none can be
read back. Photos of the pairs that copies are measured on, and their groups, are left out, and so are the other folds.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.data import TRAIN, Photo, of, options, photos, read
from plugins.vision.features import features, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS, PARTS = 128, 256
ROUNDS = 8
SEED = 20261122


def main() -> None:
    """Train and write ``words.bin`` beside this file."""
    args = options(str(__doc__)).parse_args()
    rows = _apart(args.data, of(photos(args.data, args.licence), TRAIN))
    descriptions = np.concatenate([opened(features(read(args.data, row))).about for row in rows])
    print(f"{len(rows)} photos, {len(descriptions)} descriptions")
    content = packed(*trained(descriptions))
    Path(__file__).with_name("words.bin").write_bytes(content)
    print(f"words.bin {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


def _apart(data: Path, rows: tuple[Photo, ...]) -> list[Photo]:
    """Without the groups that copies are measured on and the old pictures of ``generic``, and a third of the many of the shop."""
    shop = {row.file for row in [row for row in photos(data) if row.set == "product_shop"][2::3]}
    rows = tuple(r for r in rows if r.set != "generic" and (r.set != "product_shop" or r.file in shop))
    with (data / "near_dup_pairs.csv").open(encoding="utf-8", newline="") as lines:
        measured = {name for pair in csv.DictReader(lines) for name in (pair["file_a"], pair["file_b"])}
    groups = {row.group for row in rows if row.file in measured}
    return [row for row in rows if row.group not in groups]


def trained(descriptions: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The centres (KINDS, 128) and, of each, those of its parts (KINDS, PARTS, 128), all of length one."""
    chance = np.random.default_rng(SEED)
    points = _unit(descriptions.astype(np.float32))
    kinds = _centres(points, KINDS, chance)
    nearest = _nearest(points, kinds)
    parts = np.stack([_centres(points[nearest == k], PARTS, chance) for k in range(KINDS)])
    return kinds, parts


def _centres(points: NDArray[np.float32], n: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Spherical k-means; a centre that nothing is near to starts again at some point."""
    centres = points[chance.choice(len(points), n, replace=len(points) < n)]
    for _ in range(ROUNDS):
        nearest = _nearest(points, centres)
        order = np.argsort(nearest, kind="stable")
        counts = np.bincount(nearest, minlength=n)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        sums = np.add.reduceat(points[order], np.minimum(starts, len(points) - 1), axis=0)
        again = points[chance.choice(len(points), n)]
        centres = _unit(np.where(counts[:, None] > 0, sums, again))
    return centres


def _nearest(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.concatenate([(points[i : i + 20_000] @ centres.T).argmax(axis=1) for i in range(0, len(points), 20_000)])


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


def packed(kinds: NDArray[np.float32], parts: NDArray[np.float32]) -> bytes:
    """The kinds, then their parts, one after another; 4 bits to a number, as in features."""
    rows = np.concatenate([kinds, parts.reshape(-1, 128)])
    steps = np.clip(np.round(rows * 30), 0, 15).astype(np.uint8)
    return (steps[:, ::2] << 4 | steps[:, 1::2]).tobytes()


if __name__ == "__main__":
    main()
