"""Train ``spoilage.onnx``: ``python -m models.spoilage.train --trunk trunk.pt --out models/spoilage``.

``--leave-out`` names sets that are not trained on, ``--licence`` licence groups; both are how the card's figures were made.
"""

from __future__ import annotations

import copy
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.data import TRAIN, of, options, photos
from models.spoilage.bank import Bank, make
from models.spoilage.export import export
from models.spoilage.label import Grade
from models.spoilage.loss import loss
from models.spoilage.net import Spoiler
from models.spoilage.sample import BAD, CELLS, KNOWN, ROT, SIDE, SOME, STRIDE
from models.trunk.net import Trunk, load

BATCH = 32
RATE = 1.6e-3
#: For this part of the time training is on windows of NEAR px, which cost half as much.
NEAR, NEAR_FOR = 192, 0.55
#: Share of what the average of the weights keeps at each step.
KEEPS = 0.997


def main() -> int:
    """Train, save the weights as ``spoilage.pt`` beside the ONNX file, and give the exit status."""
    parser = options(main.__doc__ or "")
    parser.add_argument("--trunk", type=Path, help="checkpoint of the trunk; without it training starts from nothing")
    parser.add_argument("--start", type=Path, help="weights to go on from, as saved by --weights")
    parser.add_argument("--out", type=Path, default=Path("models/spoilage"), help="folder for spoilage.onnx")
    parser.add_argument("--weights", type=Path, default=Path("spoilage.pt"), help="where the checkpoint goes")
    parser.add_argument(
        "--minutes", type=float, default=40.0, help="how long to train; the rate of learning falls with the time left"
    )
    parser.add_argument("--composites", type=int, default=12000)
    parser.add_argument("--share", type=float, default=1.0, help="how many variants of each photo, relative to the usual number")
    parser.add_argument("--leave-out", nargs="*", default=[], help="sets that are not trained on")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rows = [row for row in of(photos(args.data, args.licence), TRAIN) if row.set not in args.leave_out]
    bank = make(args.data, rows, args.cache, args.composites, args.seed, args.share)
    net = Spoiler(load(args.trunk) if args.trunk else Trunk())
    if args.start:
        net.load_state_dict(torch.load(args.start, weights_only=True))
    net = fitted(net, bank, args.minutes, args.seed + 1000 * (args.start is not None))
    torch.save(net.state_dict(), args.weights)
    args.out.mkdir(parents=True, exist_ok=True)
    export(net, args.out / "spoilage.onnx")
    return 0


def fitted(net: Spoiler, bank: Bank, minutes: float, seed: int) -> Spoiler:
    """The network after so many minutes: the running average of its weights."""
    net = net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks this form
    mean = copy.deepcopy(net).requires_grad_(requires_grad=False)
    net.settle()
    fresh = [p for name, p in net.named_parameters() if not name.startswith("trunk")]
    groups = [{"params": [p for p in net.trunk.parameters() if p.requires_grad], "share": 0.6}, {"params": fresh, "share": 1.0}]
    optimiser = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.02)
    chance = np.random.default_rng(seed)
    begun, seen, step = time.monotonic(), dict[str, float](), 0
    while (spent := (time.monotonic() - begun) / 60 / minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * group["share"] * rate(spent, step)
        rgb, planes, wanted = batch(bank, chance, NEAR if spent < NEAR_FOR else SIDE)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            dense, grades = net(rgb)
        parts = loss(dense, grades, planes, wanted)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        _average(mean, net, min(KEEPS, (1 + step) / (10 + step)))
        for name, part in parts.items():
            seen[name] = 0.98 * seen.get(name, part.item()) + 0.02 * part.item()
        step += 1
        if step % 50 == 0:
            told = " ".join(f"{name} {value:.3f}" for name, value in seen.items())
            print(f"{step} {spent:.0%} {told}", flush=True)
    return mean.eval()


def rate(spent: float, step: int) -> float:
    """The rate of learning, of its highest: up over the first 60 steps, then down with a cosine to 2 % when the time is spent."""
    return min(1.0, (step + 1) / 60) * (0.02 + 0.98 * (0.5 + 0.5 * float(np.cos(np.pi * min(1.0, spent)))))


@torch.no_grad()
def _average(mean: Spoiler, net: Spoiler, keeps: float) -> None:
    for ours, theirs in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if ours.dtype.is_floating_point:
            ours.lerp_(theirs, 1 - keeps)
        else:
            ours.copy_(theirs)


def batch(bank: Bank, chance: np.random.Generator, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """BATCH pictures, each turned by quarters, mirrored, of slightly other colour, and cut to a window of ``side`` px."""
    at = np.sort(chance.choice(len(bank.grades), BATCH, replace=False))
    cells = side // STRIDE
    rgb, planes = np.empty((BATCH, side, side, 3), np.uint8), np.empty((BATCH, 5, cells, cells), np.uint8)
    wanted = bank.grades[at].copy()
    for place, index in enumerate(at):
        turn, mirror = int(chance.choice(4, p=[0.4, 0.2, 0.2, 0.2])), bool(chance.integers(2))
        top, left = (int(chance.integers(CELLS - cells + 1)) for _ in range(2))
        whole = bank.planes[index]
        window = whole[:, top : top + cells, left : left + cells]
        if cells < CELLS:
            wanted[place] *= _told(whole, window, wanted[place])
        look = bank.rgb[index, top * STRIDE : top * STRIDE + side, left * STRIDE : left * STRIDE + side]
        look, marks = np.rot90(look, turn), np.rot90(window, turn, (1, 2))
        rgb[place] = look[:, ::-1] if mirror else look
        planes[place] = marks[:, :, ::-1] if mirror else marks
    pictures = torch.from_numpy(rgb).permute(0, 3, 1, 2).float().div_(255)
    tint = torch.from_numpy(
        np.exp(chance.normal(0, 0.06, (BATCH, 3, 1, 1)) + chance.normal(0, 0.1, (BATCH, 1, 1, 1))).astype(np.float32)
    )
    pictures = (pictures * tint).clamp_(0, 1).contiguous(memory_format=torch.channels_last)
    return pictures, torch.from_numpy(planes), torch.from_numpy(wanted)


def _told(whole: NDArray[np.uint8], window: NDArray[np.uint8], grades: NDArray[np.float32]) -> float:
    """1.0 where the window shows what the picture is graded by, else 0.0."""
    if grades[Grade.SOUND] == 1:
        return 1.0
    marked, inside = ((p[ROT] > 127) | (p[BAD] > 127) | ((p[KNOWN] & SOME) > 0) for p in (whole, window))
    return float(grades[Grade.SPOILED] > 0 and marked.sum() > 8 and inside.sum() > 0.6 * marked.sum())


if __name__ == "__main__":
    sys.exit(main())
