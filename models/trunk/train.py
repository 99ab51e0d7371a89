"""Trains the trunk: name the thing (97 everyday classes), the product, the scene. ``python -m models.trunk.train --out FILE``.

The pictures are changed hard (``augment``) and cut-out goods are laid on other grounds: the thing is learnt and not the ground.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models import data
from models.data import Photo, Pixels
from models.goods import label
from models.trunk.augment import HARD, Augment, Manner, upright
from models.trunk.cutout import PLAIN, cut_outs
from models.trunk.feed import Batch, Draw, batches, weights
from models.trunk.net import WIDTHS, Trunk, pooled

BATCH = 64
#: Small pictures first: (side, side as stored, share of the steps). Shapes and colours are learnt at a quarter of the price.
PHASES = ((64, 112, 0.6), (96, 160, 0.25), (128, 224, 0.15))
#: How much a photo that shows no product counts in learning products.
NOTHING = 0.35
#: After how many steps it says how it goes.
SAID = 100


#: (side, side as stored, steps) of each phase.
Phases = Sequence[tuple[int, int, int]]
#: The same with shares of the steps.
Plan = Sequence[tuple[int, int, float]]
#: A batch's pictures, their photos and whose goods are gone → the parts of the loss.
Losses = Callable[[Tensor, NDArray[np.int64], Tensor], Tensor]
Net = TypeVar("Net", bound=nn.Module)


class Namer(nn.Module):
    """The trunk and three heads: thing, product, scene."""

    def __init__(self, things: int, products: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.drop = nn.Dropout(0.2)
        self.heads = nn.ModuleList(nn.Linear(2 * WIDTHS[-1], size) for size in (things, products, len(label.SCENES)))

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """Logits per head."""
        seen = self.drop(pooled(self.trunk(rgb)[-1].float()))
        return [head(seen) for head in self.heads]


def allowed(answers: Sequence[Sequence[str]], names: Sequence[str]) -> Tensor:
    """Which answers each photo allows, (N, names) bool; no answer at all where its label says nothing."""
    place = {name: at for at, name in enumerate(names)}
    found = torch.zeros(len(answers), len(names), dtype=torch.bool)
    for row, given in enumerate(answers):
        for name in given:
            found[row, place[name]] = True
    return found


def missed(logits: Tensor, right: Tensor, smooth: float = 0.02, last: float = 1.0) -> Tensor:
    """The mean loss over photos that have a label: how improbable all allowed answers together are; ``last`` weighs the last."""
    some = right.any(1)
    if not some.any():
        return logits.sum() * 0
    sure = torch.log_softmax(logits[some], 1)
    loss = -(1 - smooth) * torch.logsumexp(sure.masked_fill(~right[some], -torch.inf), 1) - smooth * sure.mean(1)
    weight = torch.where(right[some][:, -1], last, 1.0)
    return (loss * weight).sum() / weight.sum()


def drawer(rows: Sequence[Photo], pixels: Pixels, side: int, seed: int, manner: Manner, erase: float = 0.04) -> Draw:
    """Draws training batches from these photos; of the share ``erase`` the goods are taken out. See ``weights``."""
    grounds = [
        at
        for at, row in enumerate(rows)
        if label.products(row) == (label.NONE,) and row.set in {"generic", "recapture", "unrelated"}
    ]
    augment = Augment(
        pixels, cut_outs(pixels, [at for at, row in enumerate(rows) if row.set in PLAIN]), grounds, side, manner, seed
    )
    rng, chances = np.random.default_rng(seed), weights(rows, manner)
    can = np.array([at in augment.masks for at in range(len(rows))])

    def draw() -> Batch:
        at = rng.choice(len(rows), BATCH, p=chances)
        erased = can[at] & (rng.random(BATCH) < erase * len(can) / max(1, can.sum()))
        return augment(at, erase=erased), at, erased

    return draw


def rate(step: int, steps: int, top: float) -> float:
    """The learning rate: up over the first twentieth, then down along a cosine."""
    warm = max(1, steps // 20)
    return top * min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * max(0, step - warm) / max(1, steps - warm))))


def decayed(model: nn.Module) -> list[dict[str, object]]:
    """Parameters for the optimiser: weights decay, norms and biases do not."""
    flat = [p for p in model.parameters() if p.ndim < 2]
    return [{"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": 0.05}, {"params": flat, "weight_decay": 0.0}]


class Average:
    """The running mean of a model's weights, better than the last ones."""

    def __init__(self, model: nn.Module, keep: float = 0.998) -> None:
        self.keep, self.state = keep, {name: value.detach().clone() for name, value in model.state_dict().items()}

    def update(self, model: nn.Module, step: int) -> None:
        """Moves the mean towards the model as it is now."""
        keep = min(self.keep, (step + 1) / (step + 10))
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value.detach(), 1 - keep)
            else:
                self.state[name].copy_(value)


def train(
    rows: Sequence[Photo], shown: Mapping[int, Pixels], things: Sequence[str], products: Sequence[str], phases: Phases, seed: int
) -> Namer:
    """The trained network, its weights averaged over the last steps. ``shown``: the photos' pixels by stored side."""
    thing = allowed([(row.kind,) if row.set == "generic" else () for row in rows], things)
    product = allowed([label.products(row) for row in rows], products)
    scene = allowed([label.scenes(row) for row in rows], label.SCENES)
    feed = lessons(rows, shown, phases, seed, HARD)  # forked before this process computes anything
    torch.manual_seed(seed)
    model = Namer(len(things), len(products)).to(memory_format=torch.channels_last)

    def losses(rgb: Tensor, at: NDArray[np.int64], gone: Tensor) -> Tensor:
        wanted = product[at].masked_fill(gone[:, None], value=False)
        wanted[gone, len(products) - 1] = True
        with torch.autocast("cpu", torch.bfloat16):
            answers = model(rgb)
        return torch.stack(
            [
                missed(answers[0].float(), thing[at] & ~gone[:, None]),
                missed(answers[1].float(), wanted, last=NOTHING),
                missed(answers[2].float(), scene[at] & ~gone[:, None]) / 2,
            ]
        )

    return learn(model, losses, feed, sum(steps for _, _, steps in phases), 2e-3)


def lessons(rows: Sequence[Photo], shown: Mapping[int, Pixels], phases: Phases, seed: int, manner: Manner) -> Iterator[Batch]:
    """The batches of all phases, one after another; their processes are started at once."""
    feeds = [
        batches(partial(drawer, rows, shown[stored], side, seed + at, manner), steps)
        for at, (side, stored, steps) in enumerate(phases)
    ]
    return chain.from_iterable(feeds)


def learn(model: Net, losses: Losses, feed: Iterator[Batch], steps: int, top: float) -> Net:
    """The model after one pass over the batches, its weights averaged."""
    optimiser = torch.optim.AdamW(decayed(model), lr=top, fused=True)
    mean, started, told = Average(model), time.monotonic(), []
    for step, (rgb, at, erased) in enumerate(feed):
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps, top)
        parts = losses(rgb.contiguous(memory_format=torch.channels_last), at, torch.from_numpy(erased))
        optimiser.zero_grad()
        parts.sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        mean.update(model, step)
        told.append(parts.detach().numpy())
        if (step + 1) % SAID == 0:
            pace = BATCH * (step + 1) / (time.monotonic() - started)
            print(f"{step + 1}/{steps} side {rgb.shape[2]} losses {np.mean(told, 0).round(2)} {pace:.0f}/s", flush=True)
            told = []
    model.load_state_dict(mean.state)
    return model.eval()


@torch.no_grad()
def answers(model: nn.Module, pixels: Pixels, at: Sequence[int], side: int) -> list[NDArray[np.float32]]:
    """The model's outputs for these photos, each (N, …)."""
    found = [model(upright(pixels, at[start : start + BATCH], side)) for start in range(0, len(at), BATCH)]
    return [np.concatenate([np.asarray(row[head].float()) for row in found]) for head in range(len(found[0]))]


def planned(phases: Plan, steps: int) -> Phases:
    """The phases with their number of steps."""
    return [(side, stored, round(share * steps)) for side, stored, share in phases]


def decoded(chosen: argparse.Namespace, rows: Sequence[Photo], phases: Phases) -> dict[int, Pixels]:
    """The photos' pixels by the stored sides that the phases want."""
    return {stored: data.pixels(chosen.data, rows, stored, chosen.cache) for _, stored, _ in phases}


def main() -> None:
    """Trains and stores the trunk; says how often it names the photos of fold 1 right, per set."""
    parser = data.options(__doc__ or "")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    every = data.photos(chosen.data, chosen.licence)
    rows = data.of(every, data.TRAIN)
    things, products = sorted({row.kind for row in every if row.set == "generic"}), label.vocabulary(every)
    phases = planned(PHASES, chosen.steps)
    model = train(rows, decoded(chosen, rows, phases), things, products, phases, chosen.seed)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"trunk": model.trunk.state_dict(), "heads": model.heads.state_dict(), "products": products, "things": things}, chosen.out
    )
    held = data.of(every, data.CALIBRATE)
    shown = data.pixels(chosen.data, held, phases[-1][1], chosen.cache)
    thing, product, scene = (found.argmax(1) for found in answers(model, shown, range(len(held)), phases[-1][0] + 32))
    for name in sorted({row.set for row in held}):
        of = [at for at, row in enumerate(held) if row.set == name]
        named = np.mean([things[thing[at]] == held[at].kind for at in of]) if name == "generic" else math.nan
        right = [products[product[at]] in label.products(held[at]) for at in of if label.products(held[at])]
        placed = [label.SCENES[scene[at]] in label.scenes(held[at]) for at in of if label.scenes(held[at])]
        print(f"{name:24} {len(of):4} thing {named:.2f} product {np.mean(right):.2f} scene {np.mean(placed):.2f}")


if __name__ == "__main__":
    main()
