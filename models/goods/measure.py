"""How well the goods model does on fold 0, by the product's own code. ``python -m models.goods.measure [--card]``.

Per set: the kind named first, beside the best constant answer; orders matched by right and wrong names; goods cut out of the
picture; pictures of no goods; scenes; the seller's picture. ``--card`` writes the chief figures into the card.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models import data
from models.data import Photo
from models.goods import label
from models.goods.look import Asked, asked, likeliest, looked, true_kinds
from models.goods.write import with_quality
from models.trunk.cutout import PLAIN, cut_out
from plugins.vision.product import Recogniser, Seen, answer, kinds, ordered, parcel, weigh
from plugins.vision.session import card

Figures = dict[str, Any]


def named(rows: Sequence[Photo], seen: Sequence[Seen]) -> Figures:
    """Per set: how often the likeliest kind is a right one."""
    found: Figures = {}
    print(f"{'kind named first':26} photos groups right  constant answer")
    for name in sorted({row.set for row in rows if true_kinds(row)}):
        some = [(row, view) for row, view in zip(rows, seen, strict=True) if row.set == name and true_kinds(row)]
        right = float(np.mean([likeliest(view) in true_kinds(row) for row, view in some]))
        constant = max(Counter(kind for row, _ in some for kind in true_kinds(row)).values()) / len(some)
        print(f"{name:26} {len(some):6} {data.groups([row for row, _ in some]):6} {right:.2f}   {constant:.2f}")
        found[name] = round(right, 3)
    return found


def matched(questions: Sequence[Asked]) -> Figures:
    """Per set, and produce and packages apart: what is answered to right and to wrong names."""
    limits = card("goods")["thresholds"]
    print(f"\n{'ordered names':26} {'right name: yes no':>20} {'wrong: yes no':>16} {'look-alike: yes no':>20}")
    found: Figures = {}
    sets = {name: [q for q in questions if q.photo.set == name] for name in sorted({q.photo.set for q in questions})}
    sets["produce"] = [q for q in questions if not _packed(q)]
    sets["packages"] = [q for q in questions if _packed(q)]
    for name, some in sets.items():
        said = {
            part: Counter(answer(q.weighed, limits)[0] for q in some if part == _part(q)) for part in ("right", "wrong", "alike")
        }
        shares = {part: [counts[reply] / max(1, counts.total()) for reply in ("yes", "no")] for part, counts in said.items()}
        print(f"{name:26} {len(some):6}" + "".join(f"   {yes:8.3f} {no:6.3f}" for yes, no in shares.values()))
        found |= {f"{name}_{part}_{reply}": round(shares[part][at], 3) for part in shares for at, reply in enumerate(("yes", "no"))}
    return found


def precision(questions: Sequence[Asked]) -> Figures:
    """How often "yes" and "no" are right with half of the names wrong, and how much is decided."""
    limits = card("goods")["thresholds"]
    replies = [(q, answer(q.weighed, limits)[0], q.weight) for q in questions]
    found: Figures = {}
    for reply, truth in (("yes", True), ("no", False)):
        said = [(q.right == truth, weight) for q, given, weight in replies if given == reply]
        right, every = sum(weight for fits, weight in said if fits), sum(weight for _, weight in said)
        found[f"{reply}_precision"] = round(right / every, 4) if every else 1.0
    found["right_names_decided"] = round(float(np.mean([given == "yes" for q, given, _ in replies if q.right])), 3)
    found["right_names_accused"] = round(float(np.mean([given == "no" for q, given, _ in replies if q.right])), 4)
    far = [given for q, given, _ in replies if not q.right and not q.alike]
    found["wrong_names_decided"] = round(float(np.mean([given == "no" for given in far])), 3)
    print("\n", found)
    return found


def emptied(folder: Path, rows: Sequence[Photo]) -> Figures:
    """Goods cut out of plain pictures, the ground's colour in their place: how often their kind is still named first."""
    recogniser, before, after = Recogniser(), [], []
    for row in rows:
        if row.set not in PLAIN or not true_kinds(row):
            continue
        rgb = data.fit(data.read(folder, row), 320)
        mask = cut_out(rgb)
        if mask is None:
            continue
        goods = _grown(mask)
        ground = np.median(rgb[~goods], axis=0) if (~goods).any() else np.array([255, 255, 255])
        before.append(likeliest(recogniser.see(rgb)) in true_kinds(row))
        view = recogniser.see(np.where(goods[..., None], ground.astype(np.uint8), rgb))
        after.append(view.kind in true_kinds(row))
    with_goods, without = (round(float(np.mean(right)), 3) for right in (before, after))
    found = {"photos": len(before), "named_with_goods": with_goods, "named_without": without}
    print("\ngoods cut out", found)
    return found


def nothing(rows: Sequence[Photo], seen: Sequence[Seen]) -> Figures:
    """Pictures of no goods, asked about as five kinds of produce: how often a product is seen or another photo asked for."""
    limits, found = card("goods")["thresholds"], Figures()
    for name in ("unrelated", "generic", "label_barcode", "waybill", "package", "recapture"):
        views = [view for row, view in zip(rows, seen, strict=True) if row.set == name and label.products(row) == (label.NONE,)]
        replies = Counter(
            _reply(view, kind, limits) for view in views for kind in ("apple", "banana", "mango", "strawberry", "orange")
        )
        shares = {key: round(replies[key] / replies.total(), 3) for key in ("product_seen", "not_a_product", "product_other")}
        print(f"{name:26} {len(views):6} {shares}")
        found |= {f"{name}_{key}": value for key, value in shares.items()}
    return found


def scenes(rows: Sequence[Photo], seen: Sequence[Seen]) -> Figures:
    """How well labels, waybills and parcels are told from everything else: the area under the curve."""
    found: Figures = {}
    for name in ("label", "waybill", "parcel"):
        truth = [name in label.scenes(row) for row in rows]
        found[f"{name}_auc"] = area([view.scenes[name] for view in seen], truth)
        found[f"{name}_photos"] = sum(truth)
    print("\nscenes", found)
    return found


def damage(folder: Path, every: Sequence[Photo]) -> Figures:
    """Damaged parcels against sound ones; folds 0 and 1 together, for there are so few, and nothing was fitted on fold 1 here."""
    rows = [row for row in data.of(every, (*data.TEST, *data.CALIBRATE)) if row.set == "package"]
    truth, seen = [row.kind == "package_damaged" for row in rows], looked(folder, rows)
    found = {"damaged_auc": area([view.damaged for view in seen], truth), "photos": len(rows), "damaged": sum(truth)}
    told = [(true, [f.reason for f in parcel(view)]) for true, view in zip(truth, seen, strict=True)]
    found["told"] = sum(bool(reasons) for _, reasons in told)
    found["told_wrong"] = sum(bool(reasons) and (reasons == ["vision.parcel_damaged"]) != true for true, reasons in told)
    print("parcels", found)
    return found


def catalogue(rows: Sequence[Photo], seen: Sequence[Seen]) -> Figures:
    """Shop photos beside the seller's pictures, neither seen in training: how well the same product is told from others."""
    pictures = [(row.kind, view) for row, view in zip(rows, seen, strict=True) if row.set == "product_iconic"]
    shop = [(row.kind, view) for row, view in zip(rows, seen, strict=True) if row.set == "product_shop"]
    pairs = [(view.alike(other), kind == name) for kind, view in shop for name, other in pictures]
    limit = card("goods")["thresholds"]["alike"]
    found = {
        "pairs": len(pairs),
        "auc": area([alike for alike, _ in pairs], [same for _, same in pairs]),
        "same_said": round(float(np.mean([alike >= limit for alike, same in pairs if same])), 3),
        "other_said": round(float(np.mean([alike >= limit for alike, same in pairs if not same])), 4),
    }
    print("seller's picture", found)
    return found


def area(scores: Sequence[float], truth: Sequence[bool]) -> float:
    """How often a true one scores above a false one."""
    right = np.array([score for score, true in zip(scores, truth, strict=True) if true])
    wrong = np.array([score for score, true in zip(scores, truth, strict=True) if not true])
    if not len(right) or not len(wrong):
        return float("nan")
    above = (right[:, None] > wrong).mean() + (right[:, None] == wrong).mean() / 2
    return round(float(above), 3)


def _reply(view: Seen, name: str, limits: Mapping[str, float]) -> str:
    return answer(weigh(view, ordered(name)), limits)[1]


def _packed(question: Asked) -> bool:
    return any(kinds()[kind].package for kind in true_kinds(question.photo))


def _part(question: Asked) -> str:
    return "right" if question.right else "alike" if question.alike else "wrong"


def _grown(mask: Any) -> Any:
    import cv2

    return cv2.dilate(mask, np.ones((15, 15), np.uint8)) > 0


def main() -> None:
    """Prints everything; writes the chief figures into the card if asked to."""
    parser = data.options(__doc__ or "")
    parser.add_argument("--card", action="store_true", help="write the figures into card.toml")
    chosen = parser.parse_args()
    every = data.photos(chosen.data)
    rows = data.of(every, data.TEST)
    started = time.monotonic()
    seen = looked(chosen.data, rows)
    per_photo = (time.monotonic() - started) / len(rows) * 1000
    questions = list(asked(rows, seen))
    quality: dict[str, Figures] = {"kind_named_first": named(rows, seen)}
    matches = matched(questions)
    chief = {name: value for name, value in matches.items() if name.startswith(("produce", "packages"))}
    quality["match"] = {**precision(questions), **chief}
    quality["goods_cut_out"] = emptied(chosen.data, rows)
    print()
    quality["no_goods"] = nothing(rows, seen)
    quality["scenes"] = scenes(rows, seen)
    quality["parcels"] = damage(chosen.data, every)
    quality["sellers_picture"] = catalogue(rows, seen)
    print(f"a photo: {per_photo:.0f} ms with decoding")
    if chosen.card:
        file = Path(__file__).with_name("card.toml")
        file.write_text(with_quality(file.read_text(encoding="utf-8"), quality), encoding="utf-8")


if __name__ == "__main__":
    main()
