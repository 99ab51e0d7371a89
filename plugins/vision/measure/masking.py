"""What stays readable on masked copies of drawn waybills, and what of real photos is hidden by mistake."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from plugins.vision import faces, letters, masking, ocr, reading
from plugins.vision.measure import waybills
from plugins.vision.measure.photos import held_out, listed, pixels, shown, some
from plugins.vision.personal import flat
from plugins.vision.reading import Text
from plugins.vision.sheet import look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from plugins.vision.measure.waybills import Drawn

#: So many characters in a row give a field away: of a phone number six digits, of an address or a name in Latin letters five.
GIVES_AWAY = {"phone": 6, "address": 4, "name": 2}


def report(data: Path, most: int) -> None:
    """Print what leaks from drawn waybills, then how much of real photos is hidden, per set."""
    if not (ocr.able() and waybills.able()):
        print("masking: words cannot be read here, or there is no font to draw with: nothing is measured")
    else:
        drawn(most)
    real(data, most)


def drawn(most: int) -> None:
    """Print how many personal fields can be read before and after masking, with words read and as if they could not be."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    blind: Counter[str] = Counter()
    total: Counter[str] = Counter()
    berries: list[float] = []
    unread: list[float] = []
    seen, times = 0, []
    for seed in shown(list(range(most)), "waybills"):
        picture = waybills.draw(seed)
        start = time.process_time()
        text = reading.read(picture.rgb)
        seen += look(text).has_waybill
        hidden = masking.hide(picture.rgb, masking.places(picture.rgb, text))
        times.append(1000 * (time.process_time() - start))
        total.update([what for what, _ in picture.fields] + ["code"] * len(picture.codes))
        before.update(leaks(picture, picture.rgb))
        after.update(leaks(picture, hidden))
        without = masking.hide(picture.rgb, masking.places(picture.rgb, unable(picture.rgb, text)))
        blind.update(leaks(picture, without))
        berries.append(covered(picture, hidden))
        unread.append(covered(picture, without))
    print(f"masking: {most} drawn waybills beside berries; {seen} are seen as waybills")
    for what, count in sorted(total.items()):
        print(
            f"{what:8} {count:4} drawn, readable before {before[what]:4}, masked {after[what]:3}, masked by the zip {blind[what]:3}"
        )
    print(f"berries hidden: {sum(berries) / most:.2%}, by the zip {sum(unread) / most:.2%}")
    print(f"read and masked in {median(times):.0f} ms of CPU (median)")


def real(data: Path, most: int) -> None:
    """Print how many photos of a set get a face, and how many anything at all hidden."""
    sets = sorted({photo.set for photo in listed(data)})
    print("real photos held out (faces are removed from these sets): called a face, anything hidden as it is, and by the zip")
    for name in sets:
        photos = some([p for p in held_out(listed(data)) if p.set == name], most)
        found, hidden, blind, times = 0, 0, 0, []
        for photo in shown(photos, name):
            rgb = pixels(photo.path)
            start = time.process_time()
            people = faces.find(rgb)
            times.append(1000 * (time.process_time() - start))
            text = reading.read(rgb)
            found += bool(people)
            hidden += bool(masking.places(rgb, text, people))
            blind += bool(masking.places(rgb, unable(rgb, text), people))
        figures = f"face {found:3}, hidden {hidden:3}, by the zip {blind:3}; {median(times):4.0f} ms of CPU for faces"
        print(f"{name:24} {len(photos):4} photos: {figures}")


def unable(rgb: NDArray[np.uint8], text: Text) -> Text:
    """What would be known could no words be read here."""
    return replace(text, lines=(), able=False, read=False, letters=letters.look(rgb, letters.TURNS))


def leaks(picture: Drawn, rgb: NDArray[np.uint8]) -> list[str]:
    """The kinds of field that can still be read on ``rgb``, one entry per field, by the same readers, also enlarged."""
    import cv2
    import numpy as np

    larger = np.asarray(cv2.resize(rgb, None, fx=1.6, fy=1.6, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    lines = [squashed(text) for view in (rgb, larger) for text, _, _ in ocr.lines(view)]
    codes = {code.text for code in reading.codes(rgb, enlarge=True)}
    found = [what for what, value in picture.fields if any(gives_away(what, value, line) for line in lines)]
    return found + ["code" for code in picture.codes if code in codes]


def gives_away(what: str, value: str, line: str) -> bool:
    """Whether a line that was read holds a telling part of the field."""
    plain = squashed(value)
    size = min(len(plain), 5 if plain.isascii() and what != "phone" else GIVES_AWAY[what])
    return any(plain[i : i + size] in line for i in range(len(plain) - size + 1))


def squashed(text: str) -> str:
    """``text`` without blanks and punctuation."""
    return re.sub(r"[^\w*]", "", flat(text)).lower()


def covered(picture: Drawn, hidden: NDArray[np.uint8]) -> float:
    """The share of the berries' boxes that masking changed."""
    changed = (picture.rgb != hidden).any(axis=2)
    height, width = changed.shape
    boxes = [changed[int(t * height) : int(b * height), int(x * width) : int(r * width)] for x, t, r, b in picture.berries]
    return float(sum(box.sum() for box in boxes) / sum(box.size for box in boxes))
