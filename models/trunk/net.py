"""The trunk: a small residual network of plain 3x3 convolutions that the photo models start from."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

STEM = 24
WIDTHS = (32, 64, 128, 192)
DEPTHS = (1, 2, 2, 2)
#: What pictures are scaled by, from RGB in [0, 1]; inside the network, so that nobody has to know it.
MEAN, SPREAD = 0.45, 0.27


class Block(nn.Module):
    """Two 3x3 convolutions and a way around them; ``stride`` 2 halves the picture."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outer)
        self.second = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outer)
        nn.init.zeros_(self.second_norm.weight)
        self.around = nn.Sequential() if inner == outer else nn.Conv2d(inner, outer, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inner, H, W) → (N, outer, H / stride, W / stride)."""
        way = functional.avg_pool2d(x, 2, ceil_mode=True) if self.first.stride[0] == 2 else x
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(y)) + self.around(way))


class Trunk(nn.Module):
    """RGB in [0, 1], (N, 3, H, W) → features at strides 4, 8, 16 and 32, of WIDTHS channels. H and W are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STEM, 3, 2, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(STEM)
        stages, inner = [], STEM
        for width, depth in zip(WIDTHS, DEPTHS, strict=True):
            blocks = [Block(inner if at == 0 else width, width, 2 if at == 0 else 1) for at in range(depth)]
            stages.append(nn.Sequential(*blocks))
            inner = width
        self.stages = nn.ModuleList(stages)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The features, finest first."""
        x = functional.relu(self.stem_norm(self.stem((rgb - MEAN) / SPREAD)))
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found[0], found[1], found[2], found[3]


def pooled(features: Tensor) -> Tensor:
    """(N, C, H, W) → (N, 2C): the mean and the largest of each channel, for a small thing in a large picture is lost in a mean."""
    return torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)


def load(path: Path) -> Trunk:
    """The trained trunk from its own checkpoint, or from that of the goods model, which went on from it."""
    trunk, known = Trunk(), torch.load(path, map_location="cpu", weights_only=True)
    inside = {name.removeprefix("trunk."): part for name, part in known.get("goods", {}).items() if name.startswith("trunk.")}
    trunk.load_state_dict(known.get("trunk", inside))
    return trunk
