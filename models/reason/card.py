"""The card of the weights: what they are for, what they were learnt from, how well they read, where they fail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.reason.head import PATTERNS
from models.reason.row import REASONS
from models.reason.score import Score
from plugins.text_reason.feature import WORDS

if TYPE_CHECKING:
    from models.reason.train import Crossed

#: Where nothing can be calibrated on, because the reviews were left out.
PLAIN = {"temperature": 1.0, "threshold": 0.6}

HEADING = """\
# The card of reason.bin, written by `python -m models.reason.train`.
# `python -m models.reason.measure` prints the same figures and more.

name = "reason"
task = "why a buyer complains, one of ten reasons, from a text in Chinese or English"
input = "a text; 601 characters of it are read"
method = "hashed pieces, own patterns, latent directions of unlabelled texts; logistic regressions, folded into tables"
privacy = "pieces are hashed into rows that many share; no vocabulary is kept, and no text can be read back"
known_failures = [
  "taste_or_subjective against quality_defect: 'not good' says either",
  "changed_mind_or_other catches what meets no pattern and resembles nothing",
  "two complaints in one text: the louder one is told first, the other as `second`",
  "irony, and praise with one complaint at its end",
  "English was learnt from few reviews, nearly all about food: away from our own patterns it guesses",
  "labels are one person's: 5 to 10 percent are arguable",
]
"""

SOURCES: dict[str, dict[str, str]] = {
    "web": {
        "zh_refund_reason, zh_reviews_unlabelled": "SophonPlus/ChineseNlpCorpus, online_shopping_10_cats; no licence stated",
        "en_refund_reason": "yabinmeng/vectordb-examples, fine_food_reviews_1k (Amazon sample); no licence stated",
    },
    "stated": {
        "bitext": "Bitext customer support requests, CDLA-Sharing-1.0; credit: Bitext Innovations",
    },
}


@dataclass(frozen=True, slots=True)
class Written:
    """The weights, what they were learnt from, what cross-validation says by language, and the head for short texts."""

    sha256: str
    size: int
    licences: Sequence[str]
    measured: Mapping[str, Crossed]
    short: Mapping[str, Any] | None


def card(written: Written, claims: Mapping[str, Score]) -> str:
    """The card as TOML. ``claims`` is how our own short ones are read, by language; none yet while the reader needs a card."""
    parts = [HEADING, _rows("file", {"name": "reason.bin", "sha256": written.sha256, "bytes": written.size})]
    shapes: dict[str, Any] = {
        "reasons": list(REASONS),
        "patterns": PATTERNS,
        "words_sha256": hashlib.sha256(WORDS.read_bytes()).hexdigest(),
    }
    parts.append(_rows("shape", shapes))
    sources = {name: said for group in written.licences for name, said in SOURCES.get(group, {}).items()}
    parts.append(_rows("data", {"licence_groups": [*written.licences, "own sentences"], **sources}))
    if written.short:
        parts.append(_rows("short.zh", written.short))
    for language in ("zh", "en"):
        found = written.measured.get(language)
        limits = {"temperature": round(found.temperature, 3), "threshold": round(found.threshold, 3)} if found else PLAIN
        parts.append(_rows(f"heads.{language}", limits))
        if found:
            parts.append(_rows(f"quality.{language}.reviews", _crossed(found)))
        if language in claims:
            parts.append(_rows(f"quality.{language}.own_claims", _plain(claims[language])))
    return "\n".join(parts)


def _crossed(found: Crossed) -> dict[str, Any]:
    spread = [s.macro_f1 for s in found.scores]
    mean = sum(spread) / len(spread)
    return {
        "how": f"stratified cross-validation, 5 folds, {len(spread)} times",
        "macro_f1": round(mean, 3),
        "macro_f1_sd": round((sum((s - mean) ** 2 for s in spread) / len(spread)) ** 0.5, 3),
        "label": round(sum(s.accuracy for s in found.scores) / len(spread), 3),
        "label_or_secondary": round(sum(s.either for s in found.scores) / len(spread), 3),
        "calibration_error": round(found.error, 3),
        "share_above_threshold": round(found.sure_share, 3),
        "right_above_threshold": round(found.sure_right, 3),
    }


def _plain(score: Score) -> dict[str, Any]:
    return {
        "macro_f1": round(score.macro_f1, 3),
        "label": round(score.accuracy, 3),
        "label_or_secondary": round(score.either, 3),
    }


def _rows(table: str, values: Mapping[str, Any]) -> str:
    lines = [
        f"{json.dumps(name) if ' ' in name else name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()
    ]
    return "\n".join([f"[{table}]", *lines, ""])
