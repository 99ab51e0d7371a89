"""What the runtime sees on photos and on made pictures: the rows that calibration and measurement work on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.data import FRUIT, ROT, Photo, mask, read
from models.spoilage.bank import Bank
from models.spoilage.label import Grade, grade
from models.spoilage.sample import FRUIT as FRUIT_PLANE
from models.spoilage.sample import KNOWN, KNOWS_FRUIT, KNOWS_ROT, PAD
from models.spoilage.sample import ROT as ROT_PLANE
from plugins.vision.pieces import Spot, spots
from plugins.vision.sight import look
from plugins.vision.spoilage import Figures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Reading:
    """One picture: where it is from, how its goods are, what was seen; the true share of rot and the true counts where known."""

    set: str
    kind: str
    group: str
    file: str
    grade: Grade | None
    figures: Figures
    spots: tuple[Spot, ...]
    share: float | None = None
    pieces: tuple[int, int] | None = None
    bad: tuple[int, int] | None = None


def readings(data: Path, rows: Iterable[Photo], most_per_class: int = 10**6, *, counted_only: bool = False) -> list[Reading]:
    """What is seen on these photos, at most so many per set and class; ``counted_only``: only where pieces were counted by eye."""
    found: list[Reading] = []
    taken: dict[tuple[str, str], int] = {}
    truth = counts(data)
    for row in rows:
        if counted_only and row.file not in truth:
            continue
        key = (row.set, "" if row.set == "product_shop" else row.kind)
        taken[key] = taken.get(key, 0) + 1
        if taken[key] > most_per_class * (4 if row.set == "product_shop" else 1):
            continue
        rgb = read(data, row)
        share, how = true_share(data, row), grade(row)
        if row.set == "apple_rot_seg" and how is Grade.SPOILED and _little(data, row):
            how = Grade.BLEMISHED
        pieces, bad = truth.get(row.file, (None, None))
        seen = look(rgb)
        found.append(Reading(row.set, row.kind, row.group, row.file, how, Figures.of(seen), spots(seen), share, pieces, bad))
    return found


def made(bank: Bank, at: Sequence[int]) -> list[Reading]:
    """What is seen on made pictures of a bank."""
    import numpy as np

    found = []
    for index in at:
        planes, weights = bank.planes[index], bank.grades[index]
        how = Grade(int(weights.argmax())) if weights.max() == 1 else None
        known = (planes[KNOWN] & (KNOWS_FRUIT | KNOWS_ROT)) == KNOWS_FRUIT | KNOWS_ROT
        fruit, rot = (planes[plane].astype(np.float64) for plane in (FRUIT_PLANE, ROT_PLANE))
        share = float(rot.sum() / fruit.sum()) if known.mean() > 0.97 and fruit.sum() > 255 * 20 else None
        pieces, bad = (None if n < 0 else (int(n), int(n)) for n in bank.pieces[index])
        seen = look(unpadded(bank.rgb[index]))
        found.append(Reading("composite", "", str(index), "", how, Figures.of(seen), spots(seen), share, pieces, bad))
    return found


def unpadded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without the grey bars that fill the square."""
    import numpy as np

    across = (rgb == PAD).all(axis=(1, 2))
    down = (rgb == PAD).all(axis=(0, 2))
    rows, columns = np.nonzero(~across)[0], np.nonzero(~down)[0]
    if len(rows) == 0 or len(columns) == 0:
        return rgb
    return np.ascontiguousarray(rgb[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def true_share(data: Path, row: Photo) -> float | None:
    """The rotten share of the goods by the exact masks, None where there are none."""
    given = mask(data, row) if row.set == "fruit_rot_seg" else None
    return None if given is None else float((given == ROT).sum() / max(1, (given >= FRUIT).sum()))


def counts(data: Path) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    """File → pieces and bad pieces as counted by eye, each as (fewest, most)."""
    import csv

    with (data / "piece_counts.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["file"]: ((int(row["visible_min"]), int(row["visible_max"])), (int(row["bad_min"]), int(row["bad_max"])))
            for row in csv.DictReader(file)
        }


def _little(data: Path, row: Photo) -> bool:
    from models.spoilage.scene import LITTLE

    given = mask(data, row)
    return given is not None and float((given == ROT).mean()) < LITTLE
