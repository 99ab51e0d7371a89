"""The process that looks at photos for the bench: reads what to do as JSON from standard input, prints what it measured as JSON.

It is bounded as the function is and loads nothing before the first photo, so that the loading can be told from the looking.
"""

from __future__ import annotations

import json
import random
import string
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any, ParamSpec, TypeVar

from aftersales.photo import PhotoQuestion
from infra.local.drawn import strawberries
from infra.local.worker import held_mb

P = ParamSpec("P")
T = TypeVar("T")

#: What a buyer's photos are asked for; the second question is answered by reading words only.
PLAIN = PhotoQuestion("丹东草莓 Strawberries", "strawberry", "fresh", "spoiled", 20)
WRITTEN = PhotoQuestion(*(PLAIN.title, PLAIN.category, PLAIN.vertical, PLAIN.reason, PLAIN.pieces), label_with_flaw=True)
#: After so many photos everything is loaded, and what is held beyond that is growth.
SETTLED = 10
#: How often a bare part is done before it is timed.
WARM = 3


def main() -> int:
    """Look at the photos and print one line."""
    asked = json.loads(sys.stdin.read())
    if not asked["words"]:
        sys.modules["rapidocr"] = None  # type: ignore[assignment]  # as where it is not installed
    photos = [Path(name).read_bytes() for name in asked["photos"]] or [*drawn(words=asked["words"])]
    print(json.dumps(measured(photos, asked["count"], words=asked["words"])))
    return 0


def drawn(*, words: bool) -> Iterator[bytes]:
    """Strawberries, and with ``words`` every third time a page that is full of them: nothing takes more memory to read."""
    for number in range(20):
        yield page(number) if words and number % 3 == 2 else strawberries(number % 4, 4 + number % 8, seed=number)


def page(seed: int) -> bytes:
    """A JPEG of 60 lines of letters and digits, in one of several sizes."""
    from PIL import Image, ImageDraw, ImageFont

    chance = random.Random(seed)  # noqa: S311  # a drawing, no secret
    width, height = chance.choice([(768, 1024), (1024, 768), (1600, 1200), (3000, 2000)])
    paper = Image.new("RGB", (width, height), "white")
    font = ImageFont.load_default(max(8, height // 80))
    for top in range(10, height - 20, height // 60):
        line = "".join(chance.choices(string.ascii_uppercase + string.digits + " ", k=chance.randrange(10, 110)))
        ImageDraw.Draw(paper).text((10, top), line, font=font, fill="black")
    out = BytesIO()
    paper.save(out, "JPEG", quality=90)
    return out.getvalue()


def measured(photos: list[bytes], count: int, *, words: bool) -> dict[str, Any]:
    """The figures of :class:`infra.local.bench.photo.PhotoCost`."""
    from plugins.vision.verifier import build_verifier

    question = WRITTEN if words else PLAIN
    verifier = build_verifier({})
    first_ms, _ = timed(verifier.look, photos[0], question)
    parts = bare(words=words)
    looks: list[float] = []
    phases: dict[str, list[float]] = {}
    alone: dict[str, list[float]] = {name: [] for name in parts}
    against: list[float] = []
    settled = 0
    for number in range(count):
        content = photos[number % len(photos)]
        for name, part in parts.items():  # beside each look, so that both meet the same machine
            alone[name].append(timed(part, content)[0])
        ms, seen = timed(verifier.look, content, question)
        looks.append(ms)
        against.append(ms / sum(times[-1] for times in alone.values()))
        for phase, took in seen.ms.items():
            phases.setdefault(phase, []).append(took)
        settled = held_mb() if number + 1 == SETTLED else settled
    return {
        "words": words,
        "count": count,
        "look_ms": median(looks),
        "phases": {phase: median([*times, *[0.0] * (count - len(times))]) for phase, times in phases.items()},
        "bare": {name: median(times) for name, times in alone.items()},
        "each": median(against),
        "load_ms": first_ms - median(looks),
        "settled_mb": settled or held_mb(),
        "held_mb": held_mb(),
        "peak_mb": peak_mb(),
    }


def bare(*, words: bool) -> dict[str, Callable[[bytes], object]]:
    """The least that a look must do: decode once, run each model once, make one fingerprint; and with words, read them once.

    Besides the networks, what was learnt from pictures is a model: the finder of faces, and what tells photos of screens.
    """
    from plugins.vision import faces, intake, ocr, screen
    from plugins.vision.features import features
    from plugins.vision.fingerprint import fingerprint
    from plugins.vision.session import MODELS
    from plugins.vision.words import words as keys

    names = sorted(file.stem for file in MODELS.glob("*/*.onnx") if file.stem == file.parent.name)
    last: dict[str, Any] = {}

    def decode(content: bytes) -> None:
        last["picture"] = intake.read(content)

    def print_of(_: bytes) -> None:
        rgb = last["picture"].rgb
        keys(features(rgb), fingerprint(rgb))

    parts: dict[str, Callable[[bytes], object]] = {"decode": decode}
    parts |= {f"model {name}": model(name) for name in names}
    parts["model faces"] = lambda _: faces.find(last["picture"].rgb)
    parts["model screen"] = lambda _: screen.look(last["picture"])
    parts["fingerprint"] = print_of
    if words:
        parts["words"] = lambda _: ocr.lines(last["picture"].rgb)
    return parts


def model(name: str) -> Callable[[bytes], object]:
    """One run of a model on one picture of the size that it is made for."""
    import numpy as np

    from plugins.vision.session import session

    running = session(name)
    shapes = {one.name: [side if isinstance(side, int) else 1 for side in one.shape] for one in running.get_inputs()}
    kinds = {one.name: np.uint8 if "uint8" in one.type else np.float32 for one in running.get_inputs()}
    feed = {key: np.zeros(shape, kinds[key]) for key, shape in shapes.items()}
    for _ in range(WARM):
        running.run(None, feed)
    return lambda _: running.run(None, feed)


def timed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[float, T]:
    """CPU of this process in milliseconds, and the result: what others do meanwhile does not count, what its threads do does."""
    begun = time.process_time()
    result = work(*args, **kwargs)
    return 1000 * (time.process_time() - begun), result


def peak_mb() -> int:
    """The most memory this process has held, in MB; Linux only, 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    sys.exit(main())
