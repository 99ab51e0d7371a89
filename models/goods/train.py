"""Trains ``goods.onnx`` from the trunk. ``python -m models.goods.train --trunk FILE --out FOLDER``.

Learns from folds 2 to 4: the product (rotten and sound are one), the scene, whether a parcel is damaged, and a mark by which a
photo is compared with the seller's picture. ``--without SET,SET`` leaves sets out, for figures across sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models import data
from models.data import Photo, Pixels
from models.goods import label
from models.goods.net import Goods
from models.trunk.augment import MILD
from models.trunk.export import export
from models.trunk.train import NOTHING, Phases, Plan, allowed, decoded, learn, lessons, missed, planned

#: After a trunk, and from nothing.
FINE: Plan = ((96, 160, 0.65), (128, 224, 0.35))
WHOLE: Plan = ((64, 112, 0.6), (96, 160, 0.4))
#: The stored model's side over that of the last phase: training cuts closer, so a whole photo wants a few more pixels.
WIDER = 1.25
NAMES = ("mark", "products", "scenes", "damaged")


class Lessons:
    """What each photo teaches, and the loss of a batch of answers."""

    def __init__(self, rows: Sequence[Photo], products: Sequence[str]) -> None:
        things = sorted({row.kind for row in rows if row.set == "generic"})
        self.names = [*products[:-1], *things]
        self.products = allowed([label.products(row) for row in rows], products)
        self.scenes = allowed([label.scenes(row) for row in rows], label.SCENES)
        named = [(row.kind,) if row.set == "generic" else label.products(row) for row in rows]
        self.marks = allowed([() if label.NONE in name else name for name in named], self.names)
        self.parcel = torch.tensor([row.set == "package" for row in rows])
        self.damaged = torch.tensor([row.kind == "package_damaged" for row in rows]).float()

    def losses(self, model: Goods, rgb: Tensor, at: NDArray[np.int64], gone: Tensor) -> Tensor:
        """(4,): product, scene, mark, damage."""
        product = self.products[at].masked_fill(gone[:, None], value=False)
        product[gone, -1] = True
        with torch.autocast("cpu", torch.bfloat16):
            mark, products, scenes, damaged = model(rgb)
        parcel = self.parcel[at] & ~gone
        harm = functional.binary_cross_entropy_with_logits(damaged.float()[parcel, 0], self.damaged[at][parcel], reduction="sum")
        return torch.stack(
            [
                missed(products.float(), product, last=NOTHING),
                missed(scenes.float(), self.scenes[at] & ~gone[:, None]) / 2,
                missed(model.near(mark.float()), self.marks[at] & ~gone[:, None]) / 2,
                harm / 4 / max(1, int(parcel.sum())),
            ]
        )


def train(
    rows: Sequence[Photo], shown: Mapping[int, Pixels], products: Sequence[str], trunk: Path | None, phases: Phases, seed: int
) -> Goods:
    """The trained model, its weights averaged over the last steps; without a trunk it begins from nothing."""
    feed = lessons(rows, shown, phases, seed, MILD)  # forked before this process computes anything
    book = Lessons(rows, products)
    torch.manual_seed(seed)
    model = begin(trunk, products, len(book.names)).to(memory_format=torch.channels_last)
    steps = sum(steps for _, _, steps in phases)
    return learn(model, lambda rgb, at, gone: book.losses(model, rgb, at, gone), feed, steps, 1.5e-3 if trunk else 2e-3)


def begin(trunk: Path | None, products: Sequence[str], names: int) -> Goods:
    """The model before training: the trunk's weights, and its heads where they answer the same question."""
    model = Goods(len(products), names)
    if trunk is None:
        return model
    known = torch.load(trunk, map_location="cpu", weights_only=True)
    model.trunk.load_state_dict(known["trunk"])
    if tuple(known["products"]) == tuple(products):
        for head, name in ((model.products, "1"), (model.scenes, "2")):
            head.load_state_dict({part: known["heads"][f"{name}.{part}"] for part in ("weight", "bias")})
    return model


def chosen_rows(every: Sequence[Photo], without: str) -> tuple[Photo, ...]:
    """The training folds, less the sets (or products of the shop) that are left out."""
    left = set(without.split(",")) if without else set()
    return tuple(row for row in data.of(every, data.TRAIN) if row.set not in left and row.kind not in left)


def main() -> None:
    """Trains and stores ``goods.onnx`` and the checkpoint ``goods.pt`` in a folder."""
    parser = data.options(__doc__ or "")
    parser.add_argument("--trunk", type=Path, default=None, help="checkpoint of models.trunk.train; none: from nothing, at 96 px")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--without", default="", help="sets, or shop products, to leave out")
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--seed", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    every = data.photos(chosen.data, chosen.licence)
    products = label.vocabulary(every)
    rows = chosen_rows(every, chosen.without)
    phases = planned(FINE if chosen.trunk else WHOLE, chosen.steps)
    model = train(rows, decoded(chosen, rows, phases), products, chosen.trunk, phases, chosen.seed)
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.save({"goods": model.state_dict(), "products": products}, chosen.out / "goods.pt")
    export(model, int(phases[-1][0] * WIDER), NAMES, chosen.out / "goods.onnx")


if __name__ == "__main__":
    main()
