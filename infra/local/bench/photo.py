"""One photo, measured: the whole look at it against its bare parts in the same run, memory, and the loading of models.

``python -m infra.local.bench.photo`` prints this part of the bench alone. :mod:`infra.local.bench.look` is the process that looks;
times are its CPU, in milliseconds.
"""

from __future__ import annotations

import argparse
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
#: Models that are no networks.
CLASSICAL = ("model faces", "model screen")
#: What the whole look should take at most, against its bare parts.
RATIO_GOAL = 1.5


@dataclass(frozen=True, slots=True)
class PhotoCost:
    """What a photo takes: medians over ``count`` photos, in milliseconds of CPU, and memory in MB.

    ``look_ms`` is the whole of it, ``phases`` its parts as the verifier times them (by the clock: longer on a busy machine).
    ``bare`` is what it cannot do without, each done alone: decoding, every model once, one fingerprint, and with ``words`` reading
    them once. ``each`` is a look against the bare parts of the same photo, in times: photos differ much in what they take, so that
    their medians are of different photos. ``load_ms`` is what the first photo takes more. ``settled_mb`` is held once everything is
    loaded, ``held_mb`` at the end.
    """

    words: bool
    count: int
    look_ms: float
    phases: dict[str, float]
    bare: dict[str, float]
    each: float
    load_ms: float
    settled_mb: int
    held_mb: int
    peak_mb: int

    @property
    def ratio(self) -> float:
        """The whole against the sum of its bare parts."""
        return self.look_ms / sum(self.bare.values())

    @property
    def strict(self) -> float:
        """The same with the networks as the only models."""
        return self.look_ms / sum(ms for name, ms in self.bare.items() if name not in CLASSICAL)

    @property
    def growth_mb(self) -> int:
        """What is held more at the end than once everything was loaded."""
        return self.held_mb - self.settled_mb

    def plain(self) -> dict[str, Any]:
        """The figures."""
        return {**asdict(self), "ratio": self.ratio, "strict": self.strict, "growth_mb": self.growth_mb}

    def told(self) -> str:
        """The figures for people."""
        bare, phases = self.bare.items(), sorted(self.phases.items(), key=lambda each: -each[1])
        return "\n".join(
            (
                f"One photo, {'words read' if self.words else 'without reading words'}, median of {self.count}, in ms of CPU:",
                f"  the whole look       {self.look_ms:8.1f}  {self.ratio:.2f} times its bare parts (goal: at most {RATIO_GOAL:g})",
                f"  its bare parts       {sum(self.bare.values()):8.1f}  " + " + ".join(f"{name} {ms:.1f}" for name, ms in bare),
                f"                                 {self.each:.2f} times, each photo against its own parts",
                f"                                 {self.strict:.2f} times, were the networks its only models",
                "  its phases                     " + ", ".join(f"{name} {ms:.1f}" for name, ms in phases if ms >= 0.05),
                f"  loading              {self.load_ms:8.1f}  more for the first photo: libraries and models",
                f"  memory: {self.settled_mb} MB once loaded, {self.held_mb} at the end, {self.peak_mb} at most",
            )
        )


def measure_photos(count: int, say: Say, *, words: bool, photos: Sequence[Path] | None = None) -> PhotoCost:
    """Look at ``count`` photos in a process of its own; ``words``: as where the reader of words is installed, and must read.

    ``photos`` are the files; () draws some, None takes those of the data where there are any.
    """
    say(f"looking at {count} photos {'with' if words else 'without'} the reader of words …")
    asked = {"count": count, "words": words, "photos": [str(path) for path in (some(count) if photos is None else photos)]}
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


def main() -> int:
    """Measure without and with the reader of words, and print."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.bench.photo", description="Measures what a photo takes.")
    parser.add_argument("--photos", type=int, default=50, help="how many (50)")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with images/ (drawn ones where there is none)")
    args = parser.parse_args()
    for words in (False, True):
        cost = measure_photos(args.photos, lambda _: None, words=words, photos=some(args.photos, args.data))
        print(cost.told(), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
