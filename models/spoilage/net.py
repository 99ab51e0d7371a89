"""The network: the shared trunk, a light decoder to a quarter of the picture's size, and one answer for the whole picture.

The answer is read off what lies on the goods alone: features are averaged by the predicted outline of the goods.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # its usual name

from models.trunk.net import WIDTHS, Trunk

INNER = (48, 64, 96, 96)
#: The dense answers, in their order; logits.
DENSE = ("goods", "rot", "bad", "middle")
GRADES = 3
#: Between the features and the grades: what counts as rot depends on the fruit.
HIDDEN = 64


class Spoiler(nn.Module):
    """RGB in [0, 1], (N, 3, 256, 256) → dense logits (N, 4, 64, 64) and the logits of three grades (N, 3)."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.across = nn.ModuleList(nn.Conv2d(outer, inner, 1, bias=False) for outer, inner in zip(WIDTHS, INNER, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(INNER[at + 1], INNER[at], 1, bias=False) for at in range(3))
        self.smooth = nn.ModuleList(_smooth(INNER[at]) for at in range(3))
        self.dense = nn.Conv2d(INNER[0], len(DENSE), 1)
        self.local = _smooth(INNER[2])
        self.grade = nn.Sequential(nn.Linear(2 * INNER[2] + 4, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, GRADES))
        assert self.dense.bias is not None
        nn.init.constant_(self.dense.bias, -2.0)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """The dense logits and the grades' logits."""
        found = self.trunk(rgb)
        x = self.across[3](found[3])
        middle = x
        for at in (2, 1, 0):
            x = F.interpolate(self.down[at](x), scale_factor=2.0, mode="nearest") + self.across[at](found[at])
            x = self.smooth[at](x)
            if at == 2:
                middle = x
        dense = self.dense(x)
        return dense, self.grade(self._summary(dense, self.local(middle)))

    def settle(self) -> None:
        """Keep the trunk's first layers, which see edges and colours, as they are: half of the time of a training step."""
        for part in (self.trunk.stem, self.trunk.stem_norm, self.trunk.stages[0]):
            part.requires_grad_(requires_grad=False).eval()

    def _summary(self, dense: Tensor, local: Tensor) -> Tensor:
        """What the goods look like: mean and largest of the features on them, and how much of them is rotten and bad."""
        chance = torch.sigmoid(dense.float())
        goods = chance[:, :1].detach()
        weight = F.avg_pool2d(goods, 4)
        total = weight.sum((2, 3)) + 1.0
        mean = (local.float() * weight).sum((2, 3)) / total
        largest = (local.float() * weight).amax((2, 3))
        area = goods.sum((2, 3)) + 8.0
        shares = [(chance[:, at : at + 1] * goods).sum((2, 3)) / area for at in (1, 2)]
        peaks = [F.avg_pool2d(chance[:, at : at + 1] * goods, 4).amax((2, 3)) for at in (1, 2)]
        return torch.cat([mean, largest, *shares, *peaks], 1)


def _smooth(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
