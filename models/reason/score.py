"""How well reasons are read: figures for answers against labels, and the plain answers they are set beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from models.reason.row import OTHER, REASONS, Row
from plugins.text_reason.feature import hits, patterns
from plugins.text_reason.reader import Reader

#: Where a text meets as many patterns of two reasons, the more particular one is taken.
PARTICULAR = [REASONS.index(reason) for reason in (
    "counterfeit_or_expired", "wrong_or_missing_item", "short_weight_or_quantity", "not_as_described", "late_or_lost_delivery",
    "spoiled_or_damaged_on_arrival", "quality_defect", "service_attitude", "taste_or_subjective", OTHER,
)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """Shares in [0, 1]: right, right or the second reason, and the mean over reasons of F1."""

    accuracy: float
    either: float
    macro_f1: float

    def __str__(self) -> str:
        return f"macro F1 {self.macro_f1:.3f}   label {self.accuracy:.3f}   label or secondary {self.either:.3f}"


def scored(rows: Sequence[Row], answers: Sequence[int]) -> Score:
    """The figures of ``answers`` to ``rows``; reasons that occur in neither do not count."""
    labels = np.array([r.label for r in rows])
    right = labels == np.array(answers)
    either = [ok or row.secondary == answer for ok, row, answer in zip(right, rows, answers, strict=True)]
    return Score(float(right.mean()), float(np.mean(either)), float(f1_score(labels, answers, average="macro")))


def by_keywords(rows: Sequence[Row]) -> list[int]:
    """The reason with most patterns met; "other" for a text that meets none. The same patterns as the model has."""
    owner = [REASONS.index(reason) for reason, _ in patterns()]
    found = []
    for row in rows:
        met = [0] * len(REASONS)
        for hit in hits(row.text):
            met[owner[hit]] += 1
        found.append(max(PARTICULAR, key=lambda r: (met[r], -PARTICULAR.index(r))) if any(met) else REASONS.index(OTHER))
    return found


def answers(folder: Path, rows: Sequence[Row]) -> list[int]:
    """What the reader says that runs, with the weights in ``folder``."""
    reader = Reader(folder)
    return [REASONS.index(reader.read(row.text, "zh-CN").reason) for row in rows]


def by_majority(rows: Sequence[Row]) -> list[int]:
    """The commonest reason for everything."""
    return [int(np.bincount([r.label for r in rows]).argmax())] * len(rows)


def temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """What to divide scores by so that their softmax is as often right as it says (least log loss, by search)."""
    tried = np.geomspace(0.25, 6, 80)
    return float(min(tried, key=lambda t: _loss(scores / t, labels)))


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 8) -> float:
    """The mean gap between confidence and the share that is right, over bins of equal size."""
    order = np.argsort(confidence)
    parts = np.array_split(order, bins)
    return float(sum(len(p) * abs(confidence[p].mean() - right[p].mean()) for p in parts) / len(order))


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows that sum to one."""
    raised = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))


def _loss(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    return float(-np.log(softmax(scores)[np.arange(len(labels)), labels] + 1e-12).mean())
