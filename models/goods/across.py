"""The kind named first on fold 0, for several trainings: ``python -m models.goods.across NAME=FOLDER …``.

A column per training (folders written by ``models.goods.train``): with everything, without some sets, with fewer licences. A set
that a training never saw shows whether the fruit was learnt or the set.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models import data
from models.data import Photo
from models.goods import label
from models.goods.look import true_kinds
from plugins.vision.product import kinds


def logits(model: Path, folder: Path, rows: Sequence[Photo]) -> NDArray[np.float32]:
    """The products' logits of each photo, (N, products)."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    side = session.get_inputs()[0].shape[2]
    found = []
    for row in rows:
        small = cv2.resize(data.read(folder, row), (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        found.append(session.run(["products"], {"rgb": np.ascontiguousarray(small.transpose(2, 0, 1)[None])})[0][0])
    return np.stack(found)


def first(answers: NDArray[np.float32], products: Sequence[str]) -> list[str]:
    """The likeliest kind of each photo."""
    names = list(kinds())
    members = [[products.index(name) for name in kinds()[kind].classes] for kind in names]
    sums = np.stack([np.logaddexp.reduce(answers[:, some], axis=1) for some in members], 1)
    return [names[at] for at in sums.argmax(1)]


def main() -> None:
    """Prints a row per set and a column per training."""
    parser = data.options(__doc__ or "")
    parser.add_argument("trained", nargs="+", help="NAME=FOLDER of a goods.onnx")
    chosen = parser.parse_args()
    every = data.photos(chosen.data)
    rows = [row for row in data.of(every, data.TEST) if true_kinds(row)]
    products = label.vocabulary(every)
    columns = dict(text.split("=", 1) for text in chosen.trained)
    said = {name: first(logits(Path(folder) / "goods.onnx", chosen.data, rows), products) for name, folder in columns.items()}
    print(f"{'set':26} photos " + " ".join(f"{name:>12}" for name in columns))
    for wanted in sorted({row.set for row in rows}):
        at = [i for i, row in enumerate(rows) if row.set == wanted]
        shares = [np.mean([kinds_said[i] in true_kinds(rows[i]) for i in at]) for kinds_said in said.values()]
        print(f"{wanted:26} {len(at):6} " + " ".join(f"{share:12.2f}" for share in shares))


if __name__ == "__main__":
    main()
