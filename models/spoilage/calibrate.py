"""Fit what the network's answers are worth, on fold 1 alone, and write it into the card: ``python -m models.spoilage.calibrate``.

The part of card.toml below MARK is rewritten, and its ``sha256``; what stands above is written by hand.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data import CALIBRATE, TEST, of, options, photos
from models.spoilage.bank import make
from models.spoilage.label import SETS, Grade
from models.spoilage.reading import Reading, made, readings
from plugins.vision import session
from plugins.vision.pieces import expected, expected_bad, unclear
from plugins.vision.spoilage import chance

MARK = "# --- below this line: written by models.spoilage.calibrate ---"
#: What the thresholds start from, so that pictures can be looked at before there are any.
FIRST = "[pieces]\npeak = 0.06\ncounts = 0.3\nwidest = 1.0\n"
#: This part of the sound photos may lie above the threshold, for labels err, too; and how far above the rest it lies, in log odds.
ERR, ROOM = 0.002, 1.2
#: Half of what may lie outside of a stated range; less for bad pieces, which are graded worse on fruit from other sources.
TAIL, BAD_TAIL = 0.04, 0.02


def main() -> int:
    """Fit, write the card, print what was chosen, and give the exit status."""
    parser = options(main.__doc__ or "")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder with spoilage/spoilage.onnx and its card.toml")
    parser.add_argument("--leave-out", nargs="*", default=[], help="sets that are not looked at, for a model that was trained so")
    parser.add_argument("--most", type=int, default=120, help="photos per class")
    parser.add_argument("--composites", type=int, default=1500)
    args = parser.parse_args()
    session.MODELS = args.models
    card = args.models / "spoilage" / "card.toml"
    write(card, args.models / "spoilage" / "spoilage.onnx", FIRST)
    everything = [row for row in photos(args.data, args.licence) if row.set not in args.leave_out]
    real = readings(args.data, of([row for row in everything if row.set in SETS], CALIBRATE), args.most)
    bank = make(args.data, of(everything, CALIBRATE), args.cache, args.composites, 11, 0.0)
    drawn = made(bank, range(len(bank.grades)))
    counted = [row for row in everything if row.set in {"apple_defect_det", "egg_tray"} and row.fold not in TEST]
    pieces = [one for one in readings(args.data, counted, counted_only=True) if one.pieces]
    decision = _decision(real, drawn)
    limits = tomllib.loads(decision)["decision"]
    text = "\n".join((decision, _share(real, drawn), *_pieces([*pieces, *drawn], limits)))
    write(card, args.models / "spoilage" / "spoilage.onnx", text)
    print(text)
    return 0


def write(card: Path, model: Path, below: str) -> None:
    """Put the model's hash and the fitted part into the card."""
    head = card.read_text(encoding="utf-8").split(MARK, maxsplit=1)[0] if card.exists() else 'sha256 = ""\n\n'
    head = re.sub(r'(?m)^sha256 = ".*"$', f'sha256 = "{hashlib.sha256(model.read_bytes()).hexdigest()}"', head)
    card.write_text(f"{head}{MARK}\n{below}", encoding="utf-8")
    session.card.cache_clear()
    session.session.cache_clear()


def _decision(real: Sequence[Reading], drawn: Sequence[Reading]) -> str:
    """Logistic regression of spoiled against sound, each set counting alike; then the thresholds."""
    judged = [one for one in (*real, *drawn) if one.grade in {Grade.SOUND, Grade.SPOILED} and one.figures.goods > 0.02]
    terms = np.array([one.figures.terms() for one in judged])
    spoiled = np.array([one.grade is Grade.SPOILED for one in judged], dtype=float)
    sizes: dict[tuple[str, object], int] = {}
    for one in judged:
        sizes[one.set, one.grade] = sizes.get((one.set, one.grade), 0) + 1
    weight = np.array([(0.5 if one.set == "composite" else 1.0) / sizes[one.set, one.grade] ** 0.5 for one in judged])
    bias, weights = logistic(terms, spoiled, weight / weight.mean())
    odds = bias + terms @ weights
    of_real = np.array([one.set != "composite" for one in judged])
    highest = np.sort(odds[of_real & (spoiled == 0)])[::-1]
    seen_from = _chance(highest[int(ERR * len(highest))] + ROOM, 0.6, 0.999)
    low = np.sort(odds[of_real & (spoiled == 1)])
    sound_to = _chance(low[int(0.05 * len(low))], 0.01, 0.4)
    print("sound goods that look worst, log odds:")
    for at in np.argsort(-np.where(of_real & (spoiled == 0), odds, -99.0))[:14]:
        print(f"   {odds[at]:6.2f} {judged[at].set} {judged[at].kind} {judged[at].file}")
    numbers = ", ".join(f"{w:.4f}" for w in weights)
    thresholds = f"seen_from = {seen_from:.4f}\nsound_to = {sound_to:.4f}\neach_from = 0.0\n"
    return f"[decision]\nweights = [{numbers}]\nbias = {bias:.4f}\n{thresholds}"


def _chance(odds: float, low: float, high: float) -> float:
    return float(np.clip(1 / (1 + np.exp(-odds)), low, high))


def logistic(
    terms: NDArray[np.float64], spoiled: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Bias and weights by Newton's method, weakly drawn towards nought."""
    x = np.column_stack([np.ones(len(terms)), terms])
    found = np.zeros(x.shape[1])
    keep = np.diag([1e-6, *[1.0] * terms.shape[1]])
    for _ in range(60):
        said = 1 / (1 + np.exp(-np.clip(x @ found, -30, 30)))
        slope = x.T @ (weight * (spoiled - said)) - keep @ found
        bend = (x * (weight * said * (1 - said))[:, None]).T @ x + keep + 1e-9 * np.eye(len(found))
        found = found + np.linalg.solve(bend, slope)
    return float(found[0]), found[1:]


def _share(real: Sequence[Reading], drawn: Sequence[Reading]) -> str:
    """How far the true share lies from the estimate, in widths."""
    width = 0.08
    ends = []
    for some in (real, drawn):
        known = [one for one in some if one.share is not None and one.share > 0.01]
        if not known:  # a set with masks may be left out
            continue
        said = np.array([min(1.0, one.figures.rot) for one in known])
        off = (np.array([one.share for one in known]) - said) / (width + np.sqrt(said * (1 - said)))
        ends.append((float(np.quantile(off, TAIL)), float(np.quantile(off, 1 - TAIL)), len(known)))
    print("share, ends of photos and composites:", ends)
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    return f"[share]\nwidth = {width}\nlow = {low:.3f}\nhigh = {high:.3f}\n"


def _pieces(known: Sequence[Reading], limits: Mapping[str, Any]) -> tuple[str, str]:
    """From which height on a peak is a piece, and how far counts are off where they are told."""
    some = [one for one in known if one.pieces is not None and one.figures.goods > 0.02]
    best = float(min(np.arange(0.12, 0.6, 0.04), key=lambda limit: _missed(some, float(limit))))
    told = [one for one in some if expected(one.spots, best) and not unclear(one.spots, best)]
    off = [_short(one.pieces, expected(one.spots, best)) / (0.5 + 0.15 * expected(one.spots, best)) for one in told]
    low, high = _ends(off, TAIL)
    seen = [
        one for one in told
        if one.bad is not None and chance(one.figures, limits) > limits["seen_from"] and not one.figures.torn(limits)
    ]  # fmt: skip
    sure = [(one, *expected_bad(one.spots, best)) for one in seen]
    bad_low, bad_high = _ends([_short(one.bad, middle) / width for one, middle, width in sure], BAD_TAIL)
    print(f"pieces: {len(some)} pictures, counted {len(told)}, bad ones counted {len(seen)}")
    rows = f"width = 0.5\nper_piece = 0.15\nlow = {low:.3f}\nhigh = {high:.3f}\n"
    return (
        f"[pieces]\npeak = 0.06\ncounts = {best:.2f}\nwidest = 1.0\nholds = 0.9\n{rows}",
        f"[bad_pieces]\nlow = {bad_low:.3f}\nhigh = {bad_high:.3f}\n",
    )


def _missed(some: Sequence[Reading], limit: float) -> float:
    """Mean distance of the count from what is right, relative to the count; what is not told counts as half off."""
    return float(np.mean([_off(one.pieces, expected(one.spots, limit)) / (1 + 0.2 * _mid(one.pieces))
                          if not unclear(one.spots, limit) else 0.5 for one in some]))  # fmt: skip


def _mid(count: tuple[int, int] | None) -> float:
    assert count is not None
    return (count[0] + count[1]) / 2


def _off(right: tuple[int, int] | None, said: int) -> float:
    assert right is not None
    return float(max(right[0] - said, said - right[1], 0))


def _short(right: tuple[int, int] | None, said: float) -> float:
    """How far the nearest right count lies above what was said."""
    assert right is not None
    return float(np.clip(said, *right)) - said


def _ends(off: Sequence[float], tail: float) -> tuple[float, float]:
    """Between what all but the ``tail`` at either end of the distances lie, in widths."""
    return float(np.quantile(off, tail)), float(np.quantile(off, 1 - tail))


if __name__ == "__main__":
    sys.exit(main())
