"""The kind named first on fold 0, for several trainings: ``python -m models.goods.across NAME=FOLDER …``.

A column per training (folders written by ``models.goods.train``): with everything, without some sets, with fewer licences. A set
that a training never saw shows whether the fruit was learnt or the set. Beside the share named right stands, in brackets, the share
of right orders that would be called wrong with the card's thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from models import data
from models.data import Photo
from models.goods import label
from models.goods.look import likeliest, title, true_kinds
from plugins.vision.product import Seen, answer, ordered, shares, weigh
from plugins.vision.session import card


def seen(model: Path, folder: Path, rows: Sequence[Photo], products: Sequence[str]) -> list[Seen]:
    """What a model sees on each photo, with the card's temperatures."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    side, warm, found = session.get_inputs()[0].shape[2], card("goods")["temperature"], []
    for row in rows:
        small = cv2.resize(data.read(folder, row), (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        named, placed = session.run(["products", "scenes"], {"rgb": np.ascontiguousarray(small.transpose(2, 0, 1)[None])})
        scenes = shares(label.SCENES, placed[0] / warm["scenes"])
        found.append(Seen(shares(products, named[0] / warm["products"]), scenes, 0.5, ()))
    return found


def accused(row: Photo, view: Seen) -> bool:
    """Whether the photo's own goods, ordered by name, would be called something else."""
    name = title(row)
    return name is not None and answer(weigh(view, ordered(name)), card("goods")["thresholds"])[0] == "no"


def main() -> None:
    """Prints a row per set and a column per training."""
    parser = data.options(__doc__ or "")
    parser.add_argument("trained", nargs="+", help="NAME=FOLDER of a goods.onnx")
    parser.add_argument("--fold", type=int, default=data.TEST[0], help="the fold to measure on")
    chosen = parser.parse_args()
    every = data.photos(chosen.data)
    rows = [row for row in data.of(every, (chosen.fold,)) if true_kinds(row)]
    products = label.vocabulary(every)
    columns = dict(text.split("=", 1) for text in chosen.trained)
    views = {name: seen(Path(folder) / "goods.onnx", chosen.data, rows, products) for name, folder in columns.items()}
    print(f"{'set':26} photos " + " ".join(f"{name:>13}" for name in columns))
    for wanted in sorted({row.set for row in rows}):
        at = [i for i, row in enumerate(rows) if row.set == wanted]
        cells = [
            (np.mean([likeliest(some[i]) in true_kinds(rows[i]) for i in at]), np.mean([accused(rows[i], some[i]) for i in at]))
            for some in views.values()
        ]
        print(f"{wanted:26} {len(at):6} " + " ".join(f"  {right:.2f} ({wrong:.2f})" for right, wrong in cells))


if __name__ == "__main__":
    main()
