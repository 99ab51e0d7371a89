"""The goods model: the trunk, and four heads that answer in one pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.goods.label import SCENES
from models.trunk.net import WIDTHS, Trunk, pooled

#: Numbers of the mark that a photo is compared by.
MARK = 128
#: How sharply marks are told apart while training.
SHARP = 14.0


class Goods(nn.Module):
    """RGB in [0, 1], (N, 3, H, W) → mark (N, MARK) of length 1, logits of products, scenes, and "the parcel is damaged" (N, 1)."""

    def __init__(self, products: int, names: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        wide = 2 * WIDTHS[-1]
        self.drop = nn.Dropout(0.2)
        self.products, self.scenes, self.damaged = nn.Linear(wide, products), nn.Linear(wide, len(SCENES)), nn.Linear(wide, 1)
        self.mark = nn.Linear(wide, MARK)
        # One direction per product and per everyday class, towards which marks are drawn; used in training alone.
        self.names = nn.Parameter(torch.randn(names, MARK))

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The four answers."""
        seen = self.drop(pooled(self.trunk(rgb)[-1].float()))
        return functional.normalize(self.mark(seen)), self.products(seen), self.scenes(seen), self.damaged(seen)

    def near(self, mark: Tensor) -> Tensor:
        """How near a mark is to each name's direction, as logits."""
        return SHARP * mark @ functional.normalize(self.names).T
