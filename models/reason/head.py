"""One language's linear model, and how it is learnt.

A text is its hashed pieces, weighed by rarity and scaled to length one, and the patterns it meets. From many unlabelled texts come
256 latent directions (a truncated singular value decomposition) and, per reason, which pieces go together with its patterns (a
ridge regression). A logistic regression on those is learnt from the labelled texts. As all steps are linear, they fold into one
table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.extmath import randomized_svd

from models.reason.row import REASONS, SEED, Row
from plugins.text_reason.feature import hashes, hits, patterns

Floats = NDArray[np.float64]

DIRECTIONS = 256
#: How much the parts of a text say beside each other, before anything is learnt: latent directions, pieces that go with a reason's
#: patterns, each pattern met, and how many of a reason's patterns are met.
LATENT, ALONG, HITS, SUMS = 4.0, 0.3, 0.5, 0.3
#: Pieces in fewer unlabelled texts than this say nothing.
RARE = 5
STRENGTH = 1.0  # inverse of the penalty
RIDGE = 3.0
PATTERNS = len(patterns())
#: (patterns, reasons): 1 where a pattern speaks for a reason.
OWNER = np.eye(len(REASONS))[[REASONS.index(reason) for reason, _ in patterns()]]
#: (patterns, patterns + reasons): what a pattern that is met adds to what is learnt from.
SPOKEN = np.hstack([np.eye(len(OWNER)) * HITS, OWNER * SUMS])


@dataclass(frozen=True, slots=True)
class Space:
    """How texts become numbers: ``rarity`` (rows,), and what a row adds to each latent number (rows, numbers), None for itself."""

    rarity: Floats
    latent: Floats | None
    offset: Floats

    def pieces(self, texts: Sequence[str]) -> Any:
        """(texts, rows) sparse, every row of length one."""
        matrix = _counted(texts, len(self.rarity)).multiply(self.rarity).tocsr()
        norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
        return sp.diags(1 / np.where(norm > 0, norm, 1)) @ matrix

    def features(self, texts: Sequence[str]) -> Any:
        """(texts, numbers + patterns + reasons)."""
        pieces, met = self.pieces(texts), _hits(texts) @ SPOKEN
        if self.latent is None:
            return sp.hstack([pieces * LATENT, sp.csr_matrix(met)]).tocsr()
        return np.hstack([pieces @ self.latent + self.offset, met])


@dataclass(frozen=True, slots=True)
class Model:
    """A ``plugins.text_reason.weights.Head`` in floats: bias (reasons,), patterns (patterns, reasons), table (rows, reasons)."""

    rarity: Floats
    bias: Floats
    patterns: Floats
    table: Floats


def space_from_texts(texts: Sequence[str], rows: int) -> Space:
    """The space that unlabelled texts span."""
    counted = _counted(texts, rows)
    seen = np.asarray(counted.sum(0)).ravel()
    rarity = np.where(seen >= RARE, np.log((1 + len(texts)) / (1 + seen)), 0.0)
    plain = Space(rarity, None, np.zeros(0))
    pieces = plain.pieces(texts)
    _, _, directions = randomized_svd(pieces, DIRECTIONS, n_iter=3, random_state=SEED)
    met = np.minimum(_hits(texts) @ OWNER, 2)
    ridge = Ridge(alpha=RIDGE, solver="sparse_cg", max_iter=60).fit(pieces, met)
    told = ridge.predict(pieces)
    spread = told.std(0) / ALONG
    latent = np.hstack([directions.T * LATENT, ridge.coef_.T / spread])
    offset = np.concatenate([np.zeros(DIRECTIONS), (ridge.intercept_ - told.mean(0)) / spread])
    return Space(rarity, latent, offset)


def space_of_words(texts: Sequence[str], rows: int) -> Space:
    """The space of the labelled texts' own pieces, where there are no others."""
    seen = np.asarray(_counted(texts, rows).sum(0)).ravel()
    return Space(np.where(seen > 0, np.log((1 + len(texts)) / (1 + seen)) + 0.1, 0.0), None, np.zeros(0))


def learn(space: Space, rows: Sequence[Row], features: Any = None) -> Any:
    """A logistic regression; every reason has the same say, however many texts have it. ``features`` saves computing them again."""
    labels, weights = np.array([r.label for r in rows]), np.array([r.weight for r in rows])
    each = np.bincount(labels, weights=weights, minlength=len(REASONS))
    given = space.features([r.text for r in rows]) if features is None else features
    model = LogisticRegression(C=STRENGTH, max_iter=500)
    return model.fit(given, labels, sample_weight=weights * (each.sum() / len(REASONS) / each)[labels])


def folded(space: Space, learnt: Any) -> Model:
    """The regression as a table over pieces and patterns."""
    last = SPOKEN.shape[1]
    numbers, met = learnt.coef_[:, :-last], SPOKEN @ learnt.coef_[:, -last:].T
    if space.latent is None:
        return Model(space.rarity, learnt.intercept_, met, numbers.T * LATENT)
    return Model(space.rarity, learnt.intercept_ + numbers @ space.offset, met, space.latent @ numbers.T)


def _counted(texts: Sequence[str], rows: int) -> Any:
    starts, columns = [0], []
    for text in texts:
        columns += sorted({h % rows for h in hashes(text)})
        starts.append(len(columns))
    return sp.csr_matrix((np.ones(len(columns)), np.array(columns), np.array(starts)), shape=(len(texts), rows))


def _hits(texts: Sequence[str]) -> Floats:
    found = np.zeros((len(texts), PATTERNS))
    for number, text in enumerate(texts):
        found[number, hits(text)] = 1
    return found
