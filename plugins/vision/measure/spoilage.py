"""Per set and class: how often the estimate is sure, how often it sees spoilage; against the masks: how far the share is off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plugins.vision import goods, spoilage
from plugins.vision.measure.photos import Photo, grouped, listed, pixels, shown, some
from plugins.vision.quality import fitted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    """Print the table per class, the totals and the comparison with masks."""
    photos = [p for p in listed(data) if p.set in SETS]
    print(f"spoilage, at most {most} photos per class; seen = verdict PASS\n{'set':23} {'class':24} photos groups   sure   seen")
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
    for name in ("fruit_rot_seg", "apple_rot_seg"):
        _against_masks(name, [p for p in photos if p.set == name], data / "masks")


def _against_masks(name: str, photos: list[Photo], masks: Path) -> None:
    """Print overlap and error of the share. apple_rot_seg has no outline of the fruit: only the overlap can be told."""
    import numpy as np

    overlaps, shares, found = [], [], []
    for photo in shown(photos, name):
        rgb = pixels(photo.path)
        truth = _mask(masks / name / f"{photo.path.stem}.png", fitted(rgb, goods.SIDE).shape[:2])
        rot = truth == 200
        seen = spoilage.masks(rgb)
        marked = seen[3] if seen else np.zeros_like(rot)
        overlaps.append(float((marked & rot).sum() / max(1, (marked | rot).sum())))
        shares.append(float(rot.sum() / max(1, (truth > 0).sum())))
        found.append(spoilage.estimate(rgb))
    print(f"{name}: overlap (IoU) of rot, mean of {len(photos)}: {np.mean(overlaps):.2f}")
    if name != "fruit_rot_seg":
        return
    for what, of in (("sure", [e.sure for e in found]), ("seen", [e.seen for e in found])):
        off = [abs(e.share - share) for e, share, counts in zip(found, shares, of, strict=True) if counts]
        low = [share - e.share for e, share, counts in zip(found, shares, of, strict=True) if counts]
        print(f"  share off by {np.mean(off):.2f} on the {len(off)} {what} ones, too low by {np.mean(low):.2f} on average")
    print(f"  always saying the median would be off by {np.mean(np.abs(np.array(shares) - np.median(shares))):.2f}")


def _mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    import cv2
    import numpy as np
    from PIL import Image

    return np.asarray(
        cv2.resize(np.asarray(Image.open(path)), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST), dtype=np.uint8
    )
