"""What the honesty checks find, and what they say of honest photos. Every figure is of fold 0, which nothing was tuned on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from plugins.vision import edited, screen
from plugins.vision.intake import Picture, read
from plugins.vision.measure.forgery import KINDS, forged, saved
from plugins.vision.measure.photos import Photo, listed, shown, some

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

#: Sets of web pictures: some carry watermarks of their own, drawings and cut-outs.
WEB = (
    "apple_defect_det",
    "fruit_sound_det",
    "fruit_rot_seg",
    "package",
    "banana_ripeness",
    "fresh_rotten_single",
    "orange_peel_defect",
)
#: Old pictures and catalogue cut-outs that no buyer sends.
LEFT_OUT = ("generic", "product_iconic")


def report(data: Path, most: int) -> None:
    """Print screens and edits: found, and false alarms per set; at most ``most`` photos per set."""
    photos = [p for p in listed(data) if p.fold == 0 and p.set not in LEFT_OUT]
    _screens([p for p in photos if p.set == "recapture"], [p for p in photos if p.set != "recapture"], most)
    whole = [p for p in photos if not p.path.stem.endswith("_n")]
    _edits(whole, most)


def _picture(rgb: Bytes) -> Picture:
    return Picture(rgb, rgb.shape[1], rgb.shape[0], "JPEG", rgb[:512, :512])


def _screens(recaptured: list[Photo], others: list[Photo], most: int) -> None:
    natives = [p for p in recaptured if p.path.stem.endswith("_n")]
    print("screen: native cuts of the test fold (a group each)")
    for kind in ("screen", "real"):
        hits: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for photo in natives:
            if photo.kind == kind:
                maker = "A" if photo.detail.startswith("agrawal") else "B"
                total[maker] += 1
                hits[maker] += screen.look(read(photo.path.read_bytes())).reason == "vision.screen"
        for maker, count in sorted(total.items()):
            print(f"  {kind:6} of maker {maker}: called a screen {hits[maker]} of {count}")
    print("screen: false alarms on other photos, which are not at their cameras' resolution")
    _alarms(others, most, lambda picture: screen.look(picture).reason == "vision.screen")


def _edits(photos: list[Photo], most: int) -> None:
    import numpy as np

    chance = np.random.default_rng(0)
    real = [p for group in _sets(photos).values() for p in some(group, max(1, most // 3))]
    print(f"edited: found among forgeries of {len(real)} photos (recompressed at quality 75 to 95)")
    for kind in KINDS:
        found: Counter[str] = Counter()
        for n, photo in enumerate(shown(real, kind)):
            made = forged(read(photo.path.read_bytes()).rgb, read(real[n - 1].path.read_bytes()).rgb, kind, chance)
            found[str(dict(edited.look(_picture(made)).data).get("sign", ""))] += 1
        total = sum(count for sign, count in found.items() if sign)
        print(f"  {kind:8} {total} of {len(real)} ({', '.join(f'{s} {n}' for s, n in found.items() if s) or '-'})")
    print("edited: false alarms on untouched photos, as stored and sent on (640 px, quality 60 to 80)")
    _alarms(photos, most, lambda picture: edited.look(picture).reason == "vision.edited")

    def sent(picture: Picture) -> bool:
        return edited.look(_picture(saved(picture.rgb, int(chance.integers(60, 81)), 480))).reason == "vision.edited"

    _alarms(photos, max(1, most // 3), sent)


def _alarms(photos: list[Photo], most: int, alarmed: Callable[[Picture], bool]) -> None:
    """Print alarms per set and in all, the web's sets apart."""
    totals = {True: [0, 0], False: [0, 0]}
    parts = []
    for name, group in _sets(photos).items():
        chosen = some(group, most)
        alarms = sum(alarmed(read(p.path.read_bytes())) for p in shown(chosen, name))
        totals[name in WEB][0] += alarms
        totals[name in WEB][1] += len(chosen)
        parts.append(f"({name}) {alarms}/{len(chosen)}" if name in WEB else f"{name} {alarms}/{len(chosen)}")
    print("  " + ", ".join(parts))
    for web, (alarms, count) in totals.items():
        print(f"  {'from the web' if web else 'all others'}: {alarms} of {count} ({alarms / max(1, count):.1%})")


def _sets(photos: list[Photo]) -> dict[str, list[Photo]]:
    sets: dict[str, list[Photo]] = {}
    for photo in photos:
        sets.setdefault(photo.set, []).append(photo)
    return sets
