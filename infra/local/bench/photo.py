"""One photo, measured: the whole look at it against its bare parts in the same run, memory, and the loading of models.

:mod:`infra.local.bench.look` is the process that looks. Times are its CPU, in milliseconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.bundle import BOUNDS
from infra.local.home import ROOT

Say = Callable[[str], None]

#: The photos of the bench where there are any; else they are drawn.
DATA = ROOT.parent / "shared" / "data"
LIMIT_S = 1_800


@dataclass(frozen=True, slots=True)
class PhotoCost:
    """What a photo takes: medians over ``count`` photos, in milliseconds of CPU, and memory in MB.

    ``look_ms`` is the whole of it, ``phases`` its parts as the verifier counts them, ``bare`` what it cannot do without, each done
    alone: decoding, every model once, one fingerprint, and with ``words`` reading them once. ``load_ms`` is what the first photo
    takes more. ``settled_mb`` is held once everything is loaded, ``held_mb`` at the end.
    """

    words: bool
    count: int
    look_ms: float
    phases: dict[str, float]
    bare: dict[str, float]
    load_ms: float
    settled_mb: int
    held_mb: int
    peak_mb: int

    @property
    def ratio(self) -> float:
        """The whole against the sum of its bare parts."""
        return self.look_ms / sum(self.bare.values())

    @property
    def growth_mb(self) -> int:
        """What is held more at the end than once everything was loaded."""
        return self.held_mb - self.settled_mb

    def plain(self) -> dict[str, Any]:
        """The figures."""
        return {**asdict(self), "ratio": self.ratio, "growth_mb": self.growth_mb}


def measure_photos(count: int, say: Say, *, words: bool, photos: Sequence[Path] = ()) -> PhotoCost:
    """Look at ``count`` photos in a process of its own; ``words``: as where the reader of words is installed, and must read."""
    say(f"looking at {count} photos {'with' if words else 'without'} the reader of words …")
    asked = {"count": count, "words": words, "photos": [str(path) for path in photos or some(count)]}
    done = subprocess.run(
        [sys.executable, "-m", "infra.local.bench.look"],
        input=json.dumps(asked),
        env={**os.environ, **BOUNDS},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the photos could not be looked at:\n{done.stderr[-2000:]}")
    return PhotoCost(**json.loads(done.stdout.splitlines()[-1]))


def some(count: int, data: Path = DATA) -> list[Path]:
    """At most ``count`` photos, spread evenly over all sets; none where there is no data."""
    found = sorted(path for path in (data / "images").glob("*/*") if path.suffix in {".jpg", ".png", ".webp"})
    step = max(1.0, len(found) / count)
    return [found[int(i * step)] for i in range(min(count, len(found)))]
