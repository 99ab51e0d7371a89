"""Goods on plain ground cut out by classical means, to be laid on other grounds in training: the ground must not tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.data import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Sets of pictures with plain ground, whose goods can be cut out.
PLAIN = (
    "apple_rot_seg",
    "banana_ripeness",
    "fresh_rotten_single",
    "fruit_fresh_rotten_det",
    "fruit_rot_seg",
    "fruit_sound_det",
    "mango_grade_det",
    "orange_peel_defect",
    "package",
    "product_iconic",
)
#: How far from the ground's colour (CIE Lab, light at half weight for shadows) goods begin.
APART = 14.0
#: The least share of the rim that has the ground's colour, for the ground to count as plain.
PLAIN_FROM = 0.6
SHARE = (0.04, 0.92)


def cut_out(rgb: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Where the goods are, (H, W) uint8 of 0 and 255; None when the ground is not plain."""
    lab = cv2.cvtColor(np.asarray(rgb, dtype=np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = lab * np.array([0.5, 1.0, 1.0], dtype=np.float32)
    void = _at_rim(rgb.max(axis=2) < 14)
    rim = _rim(~void)
    if rim.sum() < 50:
        return None
    ground = np.median(lab[rim], axis=0)
    far = np.linalg.norm(lab - ground, axis=2)
    if (far[rim] < APART).mean() < PLAIN_FROM:
        return None
    outside = _at_rim((far < APART) | void)
    goods = cv2.morphologyEx((~outside).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(goods)
    kept = [at for at in range(1, count) if stats[at, cv2.CC_STAT_AREA] > 0.01 * goods.size]
    mask = np.isin(parts, kept)
    return mask.astype(np.uint8) * 255 if SHARE[0] < mask.mean() < SHARE[1] else None


def cut_outs(pixels: Pixels, wanted: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """The masks of the wanted photos that can be cut out, (side, side) uint8 as the pixels are stored."""
    found = {}
    for at in wanted:
        mask = cut_out(pixels[at])
        if mask is not None:
            found[at] = np.zeros(pixels.rgb.shape[1:3], dtype=np.uint8)
            found[at][: mask.shape[0], : mask.shape[1]] = mask
    return found


def _rim(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outermost part of what is no black corner."""
    padded = cv2.copyMakeBorder(valid.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = cv2.erode(padded, np.ones((13, 13), np.uint8))[1:-1, 1:-1].astype(bool)
    return valid & ~inner


def _at_rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected parts of ``mask`` that touch the picture's edge."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    touching = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.asarray(mask & np.isin(parts, touching[touching > 0]))
