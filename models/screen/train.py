"""Fit the weighing of ``plugins/vision/screen.py``: ``python -m models.screen.train``, a minute. Prints what goes into card.toml.

Folds 2 to 4 fit it, fold 1 sets the threshold: at most 1 % of honest photos above it. Photos of the other sets count a quarter:
they are not at their camera's resolution. ``python -m plugins.vision.measure honesty`` then prints the figures of fold 0.
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.data import CALIBRATE, TRAIN, Photo, options, photos, read
from plugins.vision.screen import WINDOW, figures

#: Photos of each other set, and the strength of the pull towards no weights at all.
MOST, STRENGTH = 30, 0.05
LEFT_OUT = ("generic", "product_iconic")


def main() -> int:
    """Fit and print."""
    args = options(__doc__ or "").parse_args()
    chosen = _chosen(photos(args.data, args.licence))
    figure = np.array([_figures(read(args.data, p)) for p in chosen])
    screen = np.array([p.kind == "screen" and p.set == "recapture" for p in chosen])
    native = np.array([p.set == "recapture" for p in chosen])
    train, calibrate = (np.array([p.fold in folds for p in chosen]) for folds in (TRAIN, CALIBRATE))
    scale = StandardScaler().fit(figure[train & native])
    even = np.nan_to_num(scale.transform(figure)).clip(-6, 6)
    model = LogisticRegression(C=STRENGTH, max_iter=3000)
    model.fit(even[train], screen[train], sample_weight=np.where(native, 1.0, 0.25)[train])
    score = model.predict_proba(even)[:, 1]
    limits = ((calibrate, 0.99), (calibrate | train, 0.995))
    limit = max(float(np.quantile(score[which & ~screen], share)) for which, share in limits)
    print(f"[thresholds]\nscore = {limit:.3f}\nnative_side = 1600\n\n[weights]\nbias = {model.intercept_[0]:.4f}")
    for name, values in (("mean", scale.mean_), ("spread", scale.scale_), ("weight", model.coef_[0])):
        print(f"{name} = [{', '.join(f'{v:.4f}' for v in values)}]")
    for name, which in (("train", train), ("calibrate", calibrate)):
        hits, alarms = score[which & screen] > limit, score[which & ~screen] > limit
        print(f"# {name}: {hits.sum()} of {len(hits)} screens, {alarms.sum()} of {len(alarms)} others", file=sys.stderr)
    return 0


def _chosen(rows: tuple[Photo, ...]) -> list[Photo]:
    """All native cuts, and some photos of every other set."""
    out = [p for p in rows if p.set == "recapture" and p.file.endswith("_n.jpg")]
    for name in sorted({p.set for p in rows} - {"recapture", *LEFT_OUT}):
        group = [p for p in rows if p.set == name and min(p.width, p.height) >= WINDOW]
        out += group[:: max(1, len(group) // MOST)][:MOST]
    return out


def _figures(rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Of the middle 512 x 512, cut as intake cuts it."""
    top, left = (max(0, (side - 512) // 2 // 16 * 16) for side in rgb.shape[:2])
    return figures(rgb[top : top + 512, left : left + 512])


if __name__ == "__main__":
    sys.exit(main())
