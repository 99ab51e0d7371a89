"""``python -m models.reason.train``: learns the weights, writes ``reason.bin`` and ``card.toml`` beside this file.

Needs the training environment (``requirements/train.in``) and the data's folder. ``--licence stated`` leaves the reviews out: their
publishers state no licence. What is left is the requests of the bitext set and our own sentences.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.model_selection import StratifiedKFold

from models.reason.card import Written, card
from models.reason.head import PATTERNS, Model, Space, folded, learn, space_from_texts, space_of_words
from models.reason.row import HERE, REASONS, SEED, Row, claims, phrases, requests, reviews, unlabelled
from models.reason.score import Score, answers, calibration_error, scored, softmax, temperature

ROWS = {"zh": 1 << 17, "en": 1 << 13}
#: A short text is written into a form, a long one is a review: below so many characters a head that was learnt from our own
#: sentences alone has a say, growing by one in ``SHORT_STEP`` characters, at most ``SHORT_MOST``. Chinese only.
SHORT, SHORT_ROWS, SHORT_BELOW, SHORT_STEP, SHORT_MOST = "zh_short", 1 << 13, 36, 30, 0.6
#: The say of our own sentences and of the English requests beside one labelled review.
PHRASE, REQUEST = {"zh": 0.3, "en": 2.0}, 0.2
FOLDS, REPEATS = 5, 5
#: A reading below this is told as unsure.
LEAST_RIGHT = 0.8


@dataclass(frozen=True, slots=True)
class Tongue:
    """What one language is learnt from: its space, the reviews that are measured on, and what is only trained on."""

    language: str
    space: Space
    reviews: list[Row]
    beside: list[Row]
    short: tuple[Space, Any] | None = None  # the head for short texts, and its space

    def mixed(self, texts: Sequence[str], scores: Any) -> Any:
        """The scores (texts, reasons) with the say of the head for short texts."""
        if self.short is None:
            return scores
        space, learnt = self.short
        say = np.array([short_say(text) for text in texts])[:, None]
        return (1 - say) * scores + say * learnt.decision_function(space.features(texts))


@dataclass(frozen=True, slots=True)
class Crossed:
    """Cross-validation: one score per repetition, the temperature, and what a confidence is worth."""

    scores: list[Score]
    temperature: float
    error: float
    threshold: float
    sure_share: float
    sure_right: float
    answers: list[int]  # of the first repetition


def tongue(data: Path, language: str, licences: frozenset[str]) -> Tongue:
    """Read what the licences allow. Reviews are ``web``, requests ``stated``, phrases our own."""
    rows = reviews(data, language)
    beside = phrases(language, PHRASE[language]) + (requests(data, REQUEST) if language == "en" and "stated" in licences else [])
    kept = rows if "web" in licences else []
    if language == "zh" and kept:
        space = space_from_texts(unlabelled(data, rows), ROWS[language])
    else:
        space = space_of_words([r.text for r in kept + beside], ROWS[language])
    return Tongue(language, space, kept, beside, _short() if language == "zh" and kept else None)


def _short() -> tuple[Space, Any]:
    rows = phrases("zh", 1.0, each=6)
    space = space_of_words([r.text for r in rows], SHORT_ROWS)
    return space, learn(space, rows)


def short_say(prepared: str) -> float:
    """The say of the head for short texts, in [0, SHORT_MOST]."""
    return min(max((SHORT_BELOW - len(prepared)) / SHORT_STEP, 0.0), SHORT_MOST)


def crossed(of: Tongue, repeats: int = REPEATS) -> Crossed:
    """Stratified cross-validation over the reviews; what is beside them is always trained on."""
    labels = np.array([r.label for r in of.reviews])
    given, beside = of.space.features([r.text for r in of.reviews]), of.space.features([r.text for r in of.beside])
    scores, everything, first = [], [], []
    for repeat in range(repeats):
        found = np.zeros((len(labels), len(REASONS)))
        for train, test in _folds(labels, repeat):
            rows = [of.reviews[i] for i in train] + of.beside
            found[test] = learn(of.space, rows, _stack(given[train], beside)).decision_function(given[test])
        found = of.mixed([r.text for r in of.reviews], found)
        answers = [int(a) for a in found.argmax(1)]
        first = first or answers
        scores.append(scored(of.reviews, answers))
        everything.append(found)
    return _calibrated(scores, np.vstack(everything), np.tile(labels, repeats), first)


def _folds(labels: Any, repeat: int) -> Any:
    return StratifiedKFold(FOLDS, shuffle=True, random_state=SEED + repeat).split(labels, labels)


def _stack(above: Any, below: Any) -> Any:
    return sp.vstack([above, below]).tocsr() if sp.issparse(above) else np.vstack([above, below])


def _calibrated(scores: list[Score], found: Any, labels: Any, first: list[int]) -> Crossed:
    heat = temperature(found, labels)
    sure = softmax(found / heat)
    confidence, right = sure.max(1), sure.argmax(1) == labels
    order = np.argsort(-confidence)
    share_right = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(share_right >= LEAST_RIGHT)
    threshold = float(confidence[order][enough[-1]]) if len(enough) else 1.0
    taken = confidence >= threshold
    worth = float(right[taken].mean()) if taken.any() else 0.0
    return Crossed(scores, heat, calibration_error(confidence, right), threshold, float(taken.mean()), worth, first)


def packed(models: dict[str, Model]) -> bytes:
    """The weights as ``plugins/text_reason/weights.py`` reads them."""
    shapes = [{"language": n, "rows": len(m.rarity), "patterns": PATTERNS, "reasons": len(REASONS)} for n, m in models.items()]
    parts = [json.dumps({"heads": shapes}).encode() + b"\n"]
    for model in models.values():
        step = model.rarity.max() / 255
        # A row counts its rarity times its weight; the sum is divided by a norm that is counted in steps of rarity.
        table = model.table * model.rarity[:, None] / step
        widest = np.abs(table).max(0) / 127
        small = np.clip(np.rint(table / widest), -127, 127).astype(np.int8)
        parts += [x.astype("<f4").tobytes() for x in (model.bias, model.patterns, widest)]
        parts += [np.rint(model.rarity / step).astype(np.uint8).tobytes(), np.ascontiguousarray(small.T).tobytes()]
    return zlib.compress(b"".join(parts), 9)


def main(argv: list[str] | None = None) -> int:
    """Train, write the weights and their card, and say how well they read."""
    warnings.filterwarnings("ignore", message="The least populated class")
    parser = argparse.ArgumentParser(prog="python -m models.reason.train", description="Learns the weights and writes their card.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the data's folder")
    parser.add_argument("--licence", default="stated,own_phone,web", help="licence groups to train on (default: all)")
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (default: beside this file)")
    args = parser.parse_args(argv)
    licences = frozenset(args.licence.split(","))
    tongues = {language: tongue(args.data, language, licences) for language in ROWS}
    models = {n: folded(t.space, learn(t.space, t.reviews + t.beside)) for n, t in tongues.items()}
    if tongues["zh"].short:
        models[SHORT] = folded(*tongues["zh"].short)
    weights = packed(models)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "reason.bin").write_bytes(weights)
    measured = {n: crossed(t) for n, t in tongues.items() if t.reviews}
    short = {"head": SHORT, "below": SHORT_BELOW, "step": SHORT_STEP, "most": SHORT_MOST} if SHORT in models else None
    written = Written(hashlib.sha256(weights).hexdigest(), len(weights), sorted(licences), measured, short)
    (args.out / "card.toml").write_text(card(written, {}), encoding="utf-8")
    told = {n: scored(claims(n), answers(args.out, claims(n))) for n in ROWS}
    (args.out / "card.toml").write_text(card(written, told), encoding="utf-8")
    for language, found in measured.items():
        print(f"{language}: {found.scores[0]}; temperature {found.temperature:.2f}")
        print(f"{language}: own short claims: {told[language]}")
    print(f"{len(weights):,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
