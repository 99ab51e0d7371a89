"""Photos changed at random while training, a batch at a time: neither ground nor sharpness, size or JPEG history may tell.

Crops and turns, other grounds behind cut-out goods, light and colour, blur, lost resolution, JPEG, noise, covered parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.data import Pixels


@dataclass(frozen=True, slots=True)
class Manner:
    """How photos are drawn and how far they are changed: chances, and the ends of ranges."""

    everyday: float  # how much a photo of the generic set counts beside one of a shop shelf
    claimed: float  # and one like a claim's

    zoom_out: float  # chance of showing more than the picture
    crop: float  # the least part of the picture that is shown
    turn: tuple[float, float]  # chance, and radians
    light: tuple[float, float]  # exponents
    colourful: tuple[float, float]
    tint: float
    contrast: float


#: Hard for the trunk, which is to know many things from all sides; mild for what claims are made of.
HARD = Manner(0.6, 1.0, 0.2, 0.4, (0.4, 0.4), (-0.35, 0.3), (0.6, 1.35), 0.1, 0.25)
MILD = Manner(0.4, 2.5, 0.1, 0.5, (0.3, 0.35), (-0.25, 0.2), (0.75, 1.25), 0.07, 0.15)


class Augment:
    """Draws changed pictures of ``side`` px. ``masks`` are cut-outs per photo, ``grounds`` the photos to lay them on."""

    def __init__(
        self, pixels: Pixels, masks: Mapping[int, NDArray[np.uint8]], grounds: Sequence[int], side: int, manner: Manner, seed: int
    ) -> None:
        self.pixels, self.masks, self.side, self.manner = pixels, masks, side, manner
        self.grounds = np.asarray(grounds)
        self.rng = np.random.default_rng(seed)
        torch.manual_seed(seed)

    def __call__(self, at: NDArray[np.int64], compose: float = 0.4, erase: NDArray[np.bool_] | None = None) -> Tensor:
        """The photos ``at``, changed: (N, 3, side, side) float in [0, 1]. Cut-outs get another ground with chance ``compose``.

        ``erase`` says of which photos the goods are taken out, ground put in their place (only where they can be cut out).
        """
        count = len(at)
        grid, outside = self._grid(at)
        rgb = self._warp(at, grid)
        fill, keep = self._fills(count)
        rgb = torch.where((outside & ~keep)[:, None], fill[:, :, None, None], rgb)
        erase = np.zeros(count, dtype=bool) if erase is None else erase
        laid = [i for i in range(count) if at[i] in self.masks and (erase[i] or self.rng.random() < compose)]
        if laid:
            rgb = self._compose(rgb, at, laid, erase, grid, outside)
        return self._spoil(self._colour(rgb)).clamp_(0, 1)

    def _uniform(self, low: float, high: float, count: int) -> Tensor:
        return torch.from_numpy(self.rng.uniform(low, high, count).astype(np.float32))

    def _chance(self, chance: float, count: int) -> Tensor:
        return torch.from_numpy(self.rng.random(count) < chance)

    def _grid(self, at: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Where each pixel comes from, (N, side, side, 2) in pixels of the stored photo, and which lie outside of it."""
        count, how = len(at), self.manner
        high, wide = (torch.from_numpy(self.pixels.shape[at, axis].astype(np.float32)) for axis in (0, 1))
        scale = torch.where(
            self._chance(how.zoom_out, count), self._uniform(1.0, 1.4, count), self._uniform(how.crop, 1.0, count).sqrt()
        )
        aspect = torch.exp(self._uniform(-0.15, 0.15, count))
        # A square of the picture: between its short and its long side, so that nothing is squeezed much.
        base = torch.minimum(wide, high) ** 0.6 * torch.maximum(wide, high) ** 0.4
        half_x, half_y = base * scale * aspect / 2, base * scale / aspect / 2
        x = wide / 2 + self._uniform(-1, 1, count) * (wide / 2 - half_x).abs()
        y = high / 2 + self._uniform(-1, 1, count) * (high / 2 - half_y).abs()
        angle = torch.where(self._chance(how.turn[0], count), self._uniform(-how.turn[1], how.turn[1], count), torch.zeros(count))
        turns = self.rng.choice(4, count, p=[0.91, 0.03, 0.03, 0.03]).astype(np.float32)
        angle = angle + torch.from_numpy(turns) * (np.pi / 2)
        mirror = torch.where(self._chance(0.5, count), -1.0, 1.0)
        line = (torch.arange(self.side) + 0.5) / self.side * 2 - 1
        u, v = line[None, None, :] * mirror[:, None, None], line[None, :, None].expand(count, -1, -1)
        cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
        grid_x = x[:, None, None] + half_x[:, None, None] * (u * cos - v * sin)
        grid_y = y[:, None, None] + half_y[:, None, None] * (u * sin + v * cos)
        right, bottom = (wide - 1)[:, None, None], (high - 1)[:, None, None]
        outside = (grid_x < -0.5) | (grid_y < -0.5) | (grid_x > right + 0.5) | (grid_y > bottom + 0.5)
        return torch.stack([grid_x.clamp(min=0).minimum(right), grid_y.clamp(min=0).minimum(bottom)], 3), outside

    def _warp(self, at: NDArray[np.int64], grid: Tensor) -> Tensor:
        full = self.pixels.rgb.shape[1]
        rgb = torch.from_numpy(self.pixels.rgb[at]).permute(0, 3, 1, 2).float().div_(255)
        return functional.grid_sample(rgb, (grid * 2 + 1) / full - 1, mode="bilinear", padding_mode="border", align_corners=False)

    def _fills(self, count: int) -> tuple[Tensor, Tensor]:
        """What lies outside of the photo: its edge drawn out (``keep``), black, paper or any colour."""
        paper = self._uniform(0.75, 1.0, count)[:, None] + self._uniform(-0.03, 0.03, count * 3).view(count, 3)
        anything = self._uniform(0, 1, count * 3).view(count, 3)
        choice = torch.from_numpy(self.rng.integers(0, 4, count))[:, None]
        fill = torch.where(choice == 1, torch.zeros(count, 3), torch.where(choice == 2, paper, anything))
        return fill, (choice == 0)[:, :, None]

    def _compose(
        self, rgb: Tensor, at: NDArray[np.int64], laid: list[int], erase: NDArray[np.bool_], grid: Tensor, outside: Tensor
    ) -> Tensor:
        """The goods of the photos ``laid`` on another ground; or the ground alone, the goods' place filled with its like."""
        full = self.pixels.rgb.shape[1]
        masks = torch.from_numpy(np.stack([self.masks[at[i]] for i in laid]))[:, None].float().div_(255)
        alpha = functional.grid_sample(masks, (grid[laid] * 2 + 1) / full - 1, padding_mode="zeros", align_corners=False)
        alpha = functional.avg_pool2d(alpha, 3, 1, 1) * (~outside[laid])[:, None]
        ground = self._ground(len(laid))
        gone = torch.from_numpy(erase[laid])[:, None, None, None]
        # Erased: half of the time on its own ground, so that the ground alone is seen to say nothing.
        wide = functional.max_pool2d(alpha, 9, 1, 4)
        own = (rgb[laid] * (1 - wide)).sum((2, 3), keepdim=True) / (1 - wide).sum((2, 3), keepdim=True).clamp(min=1)
        filled = rgb[laid] * (1 - wide) + own * wide
        half = self._chance(0.5, len(laid))[:, None, None, None]
        rgb = rgb.clone()
        rgb[laid] = torch.where(gone, torch.where(half, filled, ground), rgb[laid] * alpha + ground * (1 - alpha))
        return rgb

    def _ground(self, count: int) -> Tensor:
        """Other photos without goods, flat colours and soft shades."""
        chosen = self.rng.choice(self.grounds, count)
        grid, _ = self._grid(chosen)
        photo = self._warp(chosen, grid)
        rough = (
            torch.from_numpy(self.rng.random((count, 3, 4, 4)).astype(np.float32))
            * self._uniform(0, 0.5, count)[:, None, None, None]
        )
        flat = self._uniform(0, 1, count * 3).view(count, 3, 1, 1) * 0.8 + rough.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        shade = functional.interpolate(flat.expand(-1, 3, 4, 4), (self.side, self.side), mode="bicubic", align_corners=False)
        return torch.where(self._chance(0.7, count)[:, None, None, None], photo, shade)

    def _colour(self, rgb: Tensor) -> Tensor:
        """Light, contrast, colourfulness, tint: one 3x3 matrix and a shift per picture, and a bent curve for some."""
        count = len(rgb)
        light = torch.exp(self._uniform(*self.manner.light, count))
        colourful = self._uniform(*self.manner.colourful, count)[:, None, None]
        grey = torch.tensor([0.299, 0.587, 0.114]).expand(3, 3)
        matrix = torch.eye(3) * colourful + grey * (1 - colourful)
        matrix = matrix * (1 + self.manner.tint * self._uniform(-1, 1, count * 3).view(count, 3, 1)) * light[:, None, None]
        contrast = 1 + self.manner.contrast * self._uniform(-1, 1, count)
        shift = (1 - contrast) * 0.45 + self._uniform(-0.05, 0.05, count)
        matrix = matrix * contrast[:, None, None]
        flat = torch.baddbmm(shift[:, None, None].expand(-1, 3, 1), matrix, rgb.flatten(2))
        return flat.view_as(rgb).clamp_(0, 1)

    def _spoil(self, rgb: Tensor) -> Tensor:
        """Lost resolution, blur, noise, JPEG and covered parts, each on some of the pictures."""
        count, side = len(rgb), self.side
        groups = np.array_split(self.rng.permutation(count), 10)
        small = int(side * self.rng.uniform(0.3, 0.8))
        less = functional.interpolate(rgb[groups[0]], (small, small), mode="area")
        rgb[groups[0]] = functional.interpolate(less, (side, side), mode="bilinear", align_corners=False)
        kernel = cv2.getGaussianKernel(7, self.rng.uniform(0.6, 2.0)).astype(np.float32)
        weights = torch.from_numpy(kernel @ kernel.T).expand(3, 1, 7, 7)
        rgb[groups[1]] = functional.conv2d(functional.pad(rgb[groups[1]], (3, 3, 3, 3), mode="reflect"), weights, groups=3)
        noisy = np.concatenate([groups[1], groups[2]])
        rgb[noisy] += torch.randn(len(noisy), 3, side, side) * self.rng.uniform(0.005, 0.06)
        for i in np.concatenate([groups[0], groups[3]]):
            rgb[i] = self._jpeg(rgb[i])
        for i in groups[4]:
            high, wide = self.rng.integers(side // 8, side // 3, 2)
            top, left = self.rng.integers(0, side - high), self.rng.integers(0, side - wide)
            rgb[i, :, top : top + high, left : left + wide] = self._uniform(0, 1, 3)[:, None, None]
        return rgb

    def _jpeg(self, rgb: Tensor) -> Tensor:
        stored = (rgb.clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
        _, file = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, int(self.rng.integers(25, 92))])
        return torch.from_numpy(cv2.imdecode(file, cv2.IMREAD_UNCHANGED)).permute(2, 0, 1).float().div_(255)


def upright(pixels: Pixels, at: Sequence[int], side: int) -> Tensor:
    """The photos as a product sees them: squeezed into a square of ``side`` px, (N, 3, side, side) float in [0, 1]."""
    shown = [cv2.resize(pixels[i], (side, side), interpolation=cv2.INTER_AREA) for i in at]
    return torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2).float().div_(255)
