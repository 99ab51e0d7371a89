"""The card of the goods model as text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ABOUT = """\
# The card of goods.onnx, written by `python -m models.goods.calibrate`; [quality] by `python -m models.goods.measure --card`.

name = "goods"
task = "what is on a photo: product, kind of scene, whether a parcel is damaged, a mark to compare with the seller's picture"
input = "rgb (1, 3, side, side) float32 in [0, 1]: the whole upright picture, squeezed into a square"
outputs = "mark (1, 128) of length 1 · products, scenes: logits, to be divided by the temperature · damaged (1, 1): a logit"
method = "residual network, 1.9 million weights, trained from nothing on folds 2 to 4; thresholds: fold 1; figures: fold 0"
licence_cost = '''
Trained short and from nothing, the kind named first with all photos and with --licence stated,own_phone: apple_rot_seg 0.82, 0.48 ·
banana_ripeness 0.93, 0.24 · orange_peel_defect 0.98, 0.18 · fruit_sound_det 0.94, 0.27 · fruit_fresh_rotten_det 0.60, 0.70 ·
mango_grade_det 0.84, 0.95 · product_shop 0.29, 0.44. Without web pictures, apples, bananas and oranges are barely known.
'''
across_sets = '''
Trained short and from nothing, with and without the set: apple_rot_seg 0.82, 0.78 · fruit_sound_det 0.94, 0.82 ·
fresh_rotten_single 0.69, 0.59 · fruit_fresh_rotten_det 0.60, 0.35 · apple_defect_det 0.60, 0.33 · orange_peel_defect 0.98, 0.40 ·
banana_ripeness 0.93, 0.34 · mango_grade_det 0.84, 0.00.
'''
known_failures = [
  "a fruit is known as far as its pictures go: trained without mango_grade_det it names none of that set's mangoes",
  "packages are known from one chain's shelves, and by colour and layout more than by print",
  "goods that are not in the list have no name and are left open; some look like goods that are",
  "eggs are known from one tray in one room, guava, jujube and grape from one source: elsewhere expect little",
  "parcels and waybills are known from a few dozen pictures, parcels mostly from stock pictures: figures there say little",
  "the seller's picture is never near enough to be told as the same product: it helps to no answer yet",
  "heaps with one bad apple among leaves, and rot throughout, leave little to know a fruit by",
]
"""
CREDITS = {
    "stated": [
        "product_shop, product_iconic: Grocery Store Dataset, M. Klasson, C. Zhang, H. Kjellstrom (MIT)",
        "fruit_fresh_rotten_det: swtzsb on Roboflow, by github baili-b7ack/rotten-fruit-detection (CC BY 4.0)",
        "generic: Caltech 101 (gathered by web search), Li, Andreeto, Ranzato, Perona, CaltechDATA 10.22002/D1.20086 (CC BY 4.0)",
        "label_barcode: Open Food Facts contributors (CC BY-SA 3.0); ZXing (Apache-2.0)",
        "waybill: github kdj3805/OCR-shipping-label-extractor (MIT)",
        "package, two photos: TAMPAR, A. Naumann and others (MIT)",
    ],
    "own_phone": [
        "mango_grade_det: github 1729257216/fruit-defect-maturity-detection-system (none stated)",
        "apple_rot_seg: github aabdurrauf/UNet-for-Rotten-Apple-Image-Segmentation (none stated)",
        "egg_tray: github tomorn112/ZC-DINO-ER (none stated)",
        "recapture: github aakash-kr-7/screen-recapture-detector, agrawalanshika/Screen-Recapture-Detection (none stated)",
    ],
    "web": [
        "apple_defect_det, banana_ripeness, fresh_rotten_single, fruit_rot_seg, fruit_sound_det: web pictures, none stated",
        "orange_peel_defect, package, unrelated, parts of apple_rot_seg and mango_grade_det: web pictures, none stated",
    ],
}


def card_text(folder: Path, licence: str, about: Mapping[str, Any], warm: Mapping[str, float], found: Mapping[str, float]) -> str:
    """The whole card; figures that were measured on the very same file are kept."""
    old = tomllib.loads((folder / "card.toml").read_text(encoding="utf-8")) if (folder / "card.toml").exists() else {}
    groups = licence.split(",")
    parts = [
        ABOUT,
        _rows("", about),
        _rows("data", {"licence_groups": groups, "credits": [line for group in groups for line in CREDITS[group]]}),
        _rows("temperature", warm),
        _rows("thresholds", found),
    ]
    if old.get("sha256") == about["sha256"]:
        parts += [quality_text(old.get("quality", {}))]
    return "\n".join(parts)


def quality_text(quality: Mapping[str, Mapping[str, Any]]) -> str:
    """The measured figures as tables."""
    return "\n".join(_rows(f"quality.{name}", rows) for name, rows in quality.items())


def with_quality(text: str, quality: Mapping[str, Mapping[str, Any]]) -> str:
    """A card's text with these figures in place of any others."""
    return text.partition("\n[quality")[0].rstrip("\n") + "\n\n" + quality_text(quality)


def _rows(table: str, rows: Mapping[str, Any]) -> str:
    """One TOML table. JSON's strings, numbers and lists are TOML's as well."""
    head = f"[{table}]\n" if table else ""
    return head + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in rows.items())
