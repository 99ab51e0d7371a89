"""What the network is punished for: only what a picture's planes know."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # its usual name

from models.spoilage.sample import BAD, FRUIT, HEAT, KNOWN, KNOWS_BAD, KNOWS_FRUIT, KNOWS_HEAT, KNOWS_ROT, ROT, SOME

#: The part of an area with rot somewhere in it that should look rotten at least.
AT_LEAST = 0.12


def loss(dense: Tensor, grades: Tensor, planes: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """The parts of the loss. ``planes`` (N, 5, H, W) uint8, ``wanted`` (N, 3) weights of the grades."""
    dense = dense.float()
    known = planes[:, KNOWN]
    fruit, rot, bad, heat = (planes[:, at].float() / 255 for at in (FRUIT, ROT, BAD, HEAT))
    knows = {bit: ((known & bit) > 0).float() for bit in (KNOWS_FRUIT, KNOWS_ROT, KNOWS_BAD, KNOWS_HEAT, SOME)}
    rot_weight = knows[KNOWS_ROT] * (0.35 + 0.65 * fruit + 1.5 * rot)
    bad_weight = knows[KNOWS_BAD] * (0.25 + 0.75 * fruit)
    return {
        "goods": _cross(dense[:, 0], fruit, knows[KNOWS_FRUIT]) + 0.5 * _dice(dense[:, 0], fruit, knows[KNOWS_FRUIT]),
        "rot": 2.0 * _cross(dense[:, 1], rot, rot_weight) + 0.5 * _dice(dense[:, 1], rot, knows[KNOWS_ROT]),
        "somewhere": 0.3 * _somewhere(dense[:, 1], knows[SOME] * (1 - knows[KNOWS_ROT])),
        "bad": 1.5 * _cross(dense[:, 2], bad, bad_weight),
        "middle": 0.4 * _middles(dense[:, 3], heat, knows[KNOWS_HEAT]),
        "grade": _grades(grades.float(), wanted),
    }


def _cross(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum() / (weight.sum() + 1.0)


def _dice(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """One less the overlap, of the pictures that have something to overlap with."""
    chance = torch.sigmoid(logits) * known
    target = target * known
    has = (target.sum((1, 2)) > 4).float()
    overlap = (2 * (chance * target).sum((1, 2)) + 1) / (chance.sum((1, 2)) + target.sum((1, 2)) + 1)
    return ((1 - overlap) * has).sum() / (has.sum() + 1e-6)


def _somewhere(logits: Tensor, area: Tensor) -> Tensor:
    """In each area the most rotten AT_LEAST of the cells should look rotten."""
    size = area.sum((1, 2))
    ranked = torch.where(area > 0, logits, torch.full_like(logits, -1e4)).flatten(1).sort(1, descending=True).values
    place = torch.arange(ranked.shape[1])[None]
    chosen = (place < (AT_LEAST * size)[:, None]).float()
    has = (size > 12).float()
    mean = (F.softplus(-ranked.clamp(min=-20)) * chosen).sum(1) / (chosen.sum(1) + 1e-6)
    return (mean * has).sum() / (has.sum() + 1e-6)


def _middles(logits: Tensor, heat: Tensor, known: Tensor) -> Tensor:
    """The focal loss of peaks: exact at the middles, mild beside them (CenterNet, arXiv 1904.07850, equation 1)."""
    chance = torch.sigmoid(logits).clamp(1e-4, 1 - 1e-4)
    at = (heat == 1).float() * known
    hit = -((1 - chance) ** 2) * torch.log(chance) * at
    miss = -((1 - heat) ** 4) * chance**2 * torch.log(1 - chance) * (1 - at) * known
    return (hit.sum() + miss.sum()) / (at.sum() + 4.0)


def _grades(logits: Tensor, wanted: Tensor) -> Tensor:
    weight = (wanted.sum(1) > 0).float()
    smooth = 0.97 * wanted + 0.01 * weight[:, None]
    return -(smooth * F.log_softmax(logits, 1)).sum(1).sum() / (weight.sum() + 1e-6)
