"""The bank: training pictures made ahead, real ones and composites, as flat files that are mapped into memory.

There is one for training (folds 2 to 4), one for calibration (fold 1) and one for measuring (fold 0).
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING

from models.data import Photo, boxes, fit, photos, read
from models.spoilage.compose import Ground, Stock, composite, stock
from models.spoilage.cutout import Cut, cut
from models.spoilage.drawing import drawing
from models.spoilage.label import SETS, produce
from models.spoilage.sample import CELLS, SIDE, Sample, shot
from models.spoilage.scene import scene

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CUT_SETS = (*SETS[:4], *SETS[5:8], "egg_tray")
#: How many variants of a photo the bank holds per 100 photos of its set.
SHARES = {
    "fruit_fresh_rotten_det": 2000,
    "fresh_rotten_single": 1800,
    "fruit_rot_seg": 2000,
    "apple_rot_seg": 2600,
    "apple_defect_det": 500,
    "mango_grade_det": 750,
    "orange_peel_defect": 400,
    "fruit_sound_det": 800,
    "banana_ripeness": 500,
    "egg_tray": 2500,
    "product_shop": 130,
    "generic": 12,
    "unrelated": 250,
    "recapture": 120,
    "label_barcode": 60,
    "package": 150,
    "waybill": 200,
}
DRAWN = 300


@dataclass(frozen=True, slots=True)
class Bank:
    """N pictures: ``rgb`` (N, SIDE, SIDE, 3) and ``planes`` (N, 5, CELLS, CELLS) uint8, ``grades`` (N, 3) float32.

    ``pieces`` (N, 2) int16 are how many pieces and how many bad ones are seen, -1 where it is not known. ``real`` (N,) tells photos
    from composites.
    """

    rgb: NDArray[np.uint8]
    planes: NDArray[np.uint8]
    grades: NDArray[np.float32]
    pieces: NDArray[np.int16]
    real: NDArray[np.bool_]


def cuts(data: Path, rows: Sequence[Photo], cache: Path) -> dict[str, Cut]:
    """The cut of each photo of CUT_SETS, made once (some minutes) and then kept in ``cache``."""
    import cv2

    wanted = photos(data, sets=CUT_SETS)
    store = cache / "cuts.pkl"
    if not store.exists():
        cache.mkdir(parents=True, exist_ok=True)
        marks = boxes(data)
        cv2.setNumThreads(1)
        with Pool(2) as workers:
            made = workers.starmap(cut, [(data, row, marks.get(row.file, ())) for row in wanted], 8)
        store.write_bytes(pickle.dumps({row.file: one for row, one in zip(wanted, made, strict=True)}))
    found: dict[str, Cut] = pickle.loads(store.read_bytes())  # noqa: S301  # written by this very function
    return {row.file: found[row.file] for row in rows if row.file in found}


def make(data: Path, rows: Sequence[Photo], cache: Path, composites: int, seed: int, share: float = 1.0) -> Bank:
    """A bank of these photos and of composites of their pieces. The same seed makes the same bank. Kept in ``cache``."""
    import cv2
    import numpy as np

    cv2.setNumThreads(1)  # threads of the parent do not survive in forked workers
    key = hashlib.sha256(repr((composites, seed, share, SHARES, [row.file for row in rows])).encode()).hexdigest()[:12]
    at = cache / f"bank-{key}"
    if not (at / "real.npy").exists():
        at.mkdir(parents=True, exist_ok=True)
        _fill(at, _jobs(data, rows, cache, composites, seed, share))
    names = ("rgb", "planes", "grades", "pieces", "real")
    return Bank(*(np.load(at / f"{name}.npy", mmap_mode="r" if name in {"rgb", "planes"} else None) for name in names))


#: Is it a photo; how it is made from a seed; the seed.
Job = tuple[bool, Callable[[int], Sample], int]


def _fill(at: Path, jobs: Sequence[Job]) -> None:
    import numpy as np

    count = len(jobs)
    rgb = np.lib.format.open_memmap(at / "rgb.npy", "w+", np.uint8, (count, SIDE, SIDE, 3))
    planes = np.lib.format.open_memmap(at / "planes.npy", "w+", np.uint8, (count, 5, CELLS, CELLS))
    grades, pieces = np.zeros((count, 3), np.float32), np.zeros((count, 2), np.int16)
    global _JOBS  # noqa: PLW0603  # inherited by the workers, for pictures are too large to be sent to them
    _JOBS = jobs
    with Pool(2) as workers:
        for index, sample in enumerate(workers.imap(_one, range(count), 16)):
            rgb[index], planes[index], grades[index], pieces[index] = sample.rgb, sample.planes, sample.grades, sample.counts
    np.save(at / "grades.npy", grades)
    np.save(at / "pieces.npy", pieces)
    np.save(at / "real.npy", np.array([job[0] for job in jobs]))


_JOBS: Sequence[Job] = ()


def _one(index: int) -> Sample:
    import cv2

    cv2.setNumThreads(1)
    _, make_it, seed = _JOBS[index]
    return make_it(seed)


def _jobs(data: Path, rows: Sequence[Photo], cache: Path, composites: int, seed: int, share: float) -> list[Job]:
    """What is to be made: (is it a photo, how, seed)."""
    import numpy as np

    found, marks = cuts(data, rows, cache), boxes(data)
    chance = np.random.default_rng(seed)
    jobs: list[Job] = []
    for row in rows:
        many = SHARES.get(row.set, 0) * share / 100
        times = int(many) + int(chance.random() < many - int(many))
        if row.set == "generic" and "strawberry" in row.kind:
            times = 0
        for _ in range(times):
            one = found.get(row.file)
            jobs.append((True, _real(data, row, one, marks.get(row.file, ())), int(chance.integers(2**31))))
    have = stock([piece for row in rows if row.file in found and row.set != "product_shop" for piece in found[row.file].pieces],
                 grounds(data, rows, found, chance))  # fmt: skip
    jobs += [(False, _made(have), int(chance.integers(2**31))) for _ in range(composites)]
    jobs += [(False, _drawn, int(chance.integers(10**6, 2**30))) for _ in range(DRAWN * composites // 12000)]
    return jobs


def _real(data: Path, row: Photo, one: Cut | None, marks: Sequence[object]) -> Callable[[int], Sample]:
    import numpy as np

    def made(seed: int) -> Sample:
        whole = one if one is not None else Cut(fit(read(data, row), 288), (), None, None)
        made_of = scene(row, whole, marks)  # type: ignore[arg-type]  # a sequence of Box
        return shot(made_of, np.random.default_rng(seed))

    return made


def _made(have: Stock) -> Callable[[int], Sample]:
    import numpy as np

    def made(seed: int) -> Sample:
        chance = np.random.default_rng(seed)
        return shot(composite(have, chance), chance)

    return made


def _drawn(seed: int) -> Sample:
    import numpy as np

    chance = np.random.default_rng(seed)
    return shot(drawing(chance), chance)


def grounds(data: Path, rows: Iterable[Photo], found: dict[str, Cut], chance: np.random.Generator) -> list[Ground]:
    """Photos to lay pieces on: shops, things, and the plates that pieces were taken from, the pieces painted over."""
    made = []
    for row in rows:
        often = GROUNDS.get(row.set, 0.0)
        if chance.random() >= often or (row.set == "generic" and "strawberry" in row.kind) or row.kind == "food_misc":
            continue
        if row.set in CUT_SETS:
            one = found.get(row.file)
            if one is not None and one.goods is not None:
                made.append(Ground(erased(one), bare=True))
        else:
            made.append(Ground(fit(read(data, row), SIDE), bare=row.set != "product_shop" or not produce(row)))
    return made


#: How often a photo of a set becomes a ground.
GROUNDS = {
    "product_shop": 0.3, "generic": 0.2, "unrelated": 1.0, "recapture": 0.7, "label_barcode": 0.5, "package": 0.7, "waybill": 1.0,
    "mango_grade_det": 0.5, "apple_rot_seg": 1.0, "fruit_fresh_rotten_det": 0.7, "fresh_rotten_single": 0.3,
    "orange_peel_defect": 0.35, "fruit_sound_det": 0.4, "fruit_rot_seg": 0.7,
}  # fmt: skip


def erased(one: Cut) -> NDArray[np.uint8]:
    """The photo with its goods painted over by what surrounds them."""
    import cv2
    import numpy as np

    assert one.goods is not None
    height, width = one.rgb.shape[:2]
    small = (max(8, width // 4), max(8, height // 4))
    hole = cv2.dilate(one.goods, np.ones((15, 15), np.uint8))
    little = cv2.inpaint(
        cv2.resize(one.rgb, small, interpolation=cv2.INTER_AREA),
        cv2.resize(hole, small, interpolation=cv2.INTER_NEAREST),
        3,
        cv2.INPAINT_TELEA,
    )
    filled = cv2.resize(little, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    grain = one.rgb.astype(np.float32) - cv2.GaussianBlur(one.rgb, (0, 0), 2).astype(np.float32)
    outside = hole == 0
    strength = float(grain[outside].std()) if outside.any() else 2.0
    filled += np.random.default_rng(0).normal(0, strength, filled.shape).astype(np.float32)
    alpha = cv2.GaussianBlur(hole, (0, 0), 2)[..., None].astype(np.float32) / 255
    return np.clip(one.rgb * (1 - alpha) + filled * alpha, 0, 255).astype(np.uint8)
