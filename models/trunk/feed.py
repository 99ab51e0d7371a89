"""Batches for training, made by a process of their own: changing pictures and learning from them each take one processor."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.data import Photo
from models.trunk.augment import Manner

#: A batch: (N, 3, side, side) float in [0, 1], the photos' places in the list, and of which photos the goods were erased.
Batch = tuple[Tensor, NDArray[np.int64], NDArray[np.bool_]]
Draw = Callable[[], Batch]
WAIT_S = 300


def batches(start: Callable[[], Draw], steps: int) -> Iterator[Batch]:
    """``steps`` batches of what ``start()``, called in the other process, makes. Raises queue.Empty when that process died."""
    context = multiprocessing.get_context("fork")
    line = context.Queue(6)
    process = context.Process(target=_produce, args=(start, steps, line), daemon=True)
    process.start()
    return _received(line, process, steps)


def _received(line: multiprocessing.Queue[Any], process: BaseProcess, steps: int) -> Iterator[Batch]:
    try:
        for _ in range(steps):
            rgb, at, erased = line.get(timeout=WAIT_S)
            yield torch.from_numpy(rgb).float().div_(255), at, erased
    finally:
        process.terminate()
        process.join()


def weights(rows: Sequence[Photo], manner: Manner) -> NDArray[np.float64]:
    """How often each photo is drawn: neither a large class nor a group of many shots rules."""
    classes = Counter((row.set, row.kind) for row in rows)
    groups = Counter(row.group for row in rows)
    worth = {"generic": manner.everyday, "product_shop": 1.0, "product_iconic": 1.0}
    drawn = np.array(
        [(classes[row.set, row.kind] * groups[row.group]) ** -0.5 * worth.get(row.set, manner.claimed) for row in rows]
    )
    return np.asarray(drawn / drawn.sum())


def _produce(start: Callable[[], Draw], steps: int, line: multiprocessing.Queue[Any]) -> None:
    torch.set_num_threads(1)
    draw, parent = start(), os.getppid()
    for _ in range(steps):
        rgb, at, erased = draw()
        while line.full():
            if os.getppid() != parent:
                return  # whoever wanted the batches is gone
            time.sleep(0.01)
        line.put(((rgb * 255).round().byte().numpy(), at, erased))
