"""Per set and class, on photos that no model was trained on: how often the estimate says anything, how often it sees spoilage.

``python -m models.spoilage.measure`` prints more: masks, shares, counts, and what is seen where the goods are painted over.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from plugins.vision import spoilage
from plugins.vision.measure.photos import Photo, grouped, listed, pixels, shown, some

SETS = (
    "fruit_fresh_rotten_det",
    "fresh_rotten_single",
    "fruit_rot_seg",
    "apple_rot_seg",
    "mango_grade_det",
    "orange_peel_defect",
    "fruit_sound_det",
    "banana_ripeness",
    "product_shop",
)


def report(data: Path, most: int) -> None:
    """Print the table per class and the totals."""
    photos = [photo for photo in listed(data) if photo.set in SETS and held_out(photo)]
    print(f"spoilage, at most {most} photos per class of fold 0; seen = verdict PASS")
    print(f"{'set':23} {'class':24} photos groups   sure   seen")
    totals: dict[bool, list[tuple[bool, bool]]] = {True: [], False: []}
    for (name, label), members in grouped(photos).items():
        chosen = some(members, most)
        found = [(e.sure, e.seen) for e in (spoilage.estimate(pixels(p.path)) for p in shown(chosen, f"{name} {label}"))]
        mark = {True: " (spoiled)", False: "", None: " (not counted)"}[members[0].spoiled]
        sure, seen = (sum(f[i] for f in found) for i in (0, 1))
        print(f"{name:23} {label:24} {len(chosen):6} {len({p.group for p in chosen}):6} {sure:6} {seen:6}{mark}")
        if members[0].spoiled is not None:
            totals[members[0].spoiled] += found
    for spoiled, found in totals.items():
        sure, seen = (sum(f[i] for f in found) for i in (0, 1))
        what = "spoiled goods: seen on" if spoiled else "sound goods: falsely seen on"
        rates = f"{seen / len(found):.1%}), which is {seen / max(1, sure):.1%} of the {sure} where it is sure"
        print(f"{what} {seen} of {len(found)} ({rates}")


def held_out(photo: Photo) -> bool:
    """Whether no model was trained or calibrated on the photo's group: fold 0 of 5."""
    return int(hashlib.sha1(photo.group.encode(), usedforsecurity=False).hexdigest(), 16) % 5 == 0
