"""What is found again of pictures that were edited, which different photos are taken for one, and what that costs."""

from __future__ import annotations

import csv
import hashlib
import time
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from statistics import median

from plugins.vision.features import features
from plugins.vision.fingerprint import SAME_UP_TO, distance, fingerprint
from plugins.vision.measure.edits import EDITS
from plugins.vision.measure.photos import Photo, listed, pixels, shown, some
from plugins.vision.reuse import same
from plugins.vision.words import STORED, words

#: Of the photos that share words so many are compared, as where cases are looked at.
MOST_COMPARED = 8


class Looked:
    """One picture as it is kept: its fingerprint, features and words; ``took_ms`` for the last two."""

    def __init__(self, rgb: object) -> None:
        self.mark = fingerprint(rgb)  # type: ignore[arg-type]  # as intake gives it
        start = time.process_time()
        self.features = features(rgb)  # type: ignore[arg-type]  # see above
        self.words = words(self.features, self.mark)
        self.took_ms = 1000 * (time.process_time() - start)

    def finds(self, other: Looked) -> bool:
        """Whether ``other``, handed in earlier, would be among the candidates."""
        return bool(set(other.words[:STORED]) & set(self.words))


def report(data: Path, most: int) -> None:
    """Print hits per way of copying and false alarms: on the pairs of the data, on edits of our own, among many photos."""
    looked = _pairs(data)
    print(f"features and words: {median(x.took_ms for x in looked):.0f} ms of CPU, ", end="")
    print(f"{median(len(x.features) for x in looked) / 1024:.0f} KB, at most {max(len(x.features) for x in looked) / 1024:.0f} KB")
    _own(data, most)
    _among(data, 33 * most)


def _pairs(data: Path) -> list[Looked]:
    """The 249 pairs of the data, by the plain fingerprint and by what is in use."""
    with (data / "near_dup_pairs.csv").open(encoding="utf-8", newline="") as rows:
        pairs = list(csv.DictReader(rows))

    @cache
    def look(name: str) -> Looked:
        return Looked(pixels(data / name))

    far = [(r, look(r["file_a"]), look(r["file_b"])) for r in shown(pairs, "pairs")]
    copies = sum(r["same_photo"] == "1" for r in pairs)
    start = time.process_time()
    sure = [(r, same(a.features, b.features).same, b.finds(a)) for r, a, b in far]
    each_ms = 1000 * (time.process_time() - start) / len(pairs)
    near = Counter(r["same_photo"] for r, a, b in far if distance(a.mark, b.mark) <= SAME_UP_TO)
    found = Counter(r["same_photo"] for r, is_same, _ in sure if is_same)
    kept = Counter(r["same_photo"] for r, is_same, candidate in sure if is_same and candidate)
    others = len(pairs) - copies
    print(f"one 64-bit fingerprint, distance {SAME_UP_TO}: {near['1']} of {copies} copies, {near['0']} of {others} false alarms")
    print(
        f"features compared, {each_ms:.0f} ms of CPU a pair: {found['1']} of {copies} copies, {found['0']} of {others} false alarms"
    )
    print(f"and found by words of the store: {kept['1']} of {copies} copies, {kept['0']} of {others} false alarms")
    total = Counter(r["how"] for r in pairs if r["same_photo"] == "1")
    by = Counter(r["how"] for r, is_same, _ in sure if is_same)
    print("by way of copying, compared: " + ", ".join(f"{how} {by[how]}/{n}" for how, n in sorted(total.items())))
    return list({id(x): x for _, a, b in far for x in (a, b)}.values())


def _own(data: Path, most: int) -> None:
    """Edits of our own, heavier ones, of photos whose groups were never tuned on."""
    import numpy as np

    photos = some([p for p in listed(data) if _held_out(p)], most)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for number, photo in enumerate(shown(photos, "edited photos")):
        rgb = pixels(photo.path)
        first = Looked(rgb)
        for name, edit in EDITS.items():
            copy = Looked(edit(rgb, np.random.default_rng(number)))
            is_same, candidate = bool(same(first.features, copy.features).same), copy.finds(first)
            found[name].update(compared=is_same, store=is_same and candidate, plain=distance(first.mark, copy.mark) <= SAME_UP_TO)
    print(f"\nedits of our own, {len(photos)} photos of groups that nothing was tuned on\n{'':30} plain  compared  by the store")
    for name, n in found.items():
        print(f"{name:30} {n['plain']:5}  {n['compared']:8}  {n['store']:12}")


def _among(data: Path, most: int) -> None:
    """Photos of the data handed in one after another: those that are taken for an earlier one."""
    photos = some([p for p in listed(data) if p.set != "generic"], most)
    having: dict[str, list[int]] = defaultdict(list)
    looked: list[Looked] = []
    compared, alarms = 0, []
    for number, photo in enumerate(shown(photos, "photos")):
        look = Looked(pixels(photo.path))
        votes = Counter(n for word in look.words for n in having[word])
        for earlier, _ in votes.most_common(MOST_COMPARED):
            compared += 1
            if same(looked[earlier].features, look.features).same:
                alarms.append((photos[earlier], photo))
        for word in look.words[:STORED]:
            having[word].append(number)
        looked.append(look)
    within = Counter(b.set for a, b in alarms if a.group == b.group)
    print(f"\n{len(photos)} photos one after another, {compared} pairs compared: {len(alarms)} taken for the same")
    print("of one group (bursts, and copies that the data holds): " + (", ".join(f"{k} {n}" for k, n in within.items()) or "none"))
    for a, b in alarms:
        if a.group != b.group:
            print(f"of two groups: {a.path.name} {b.path.name}")


def _held_out(photo: Photo) -> bool:
    """Whether the photo's group is of the test fold."""
    fold = int(hashlib.sha1(photo.group.encode(), usedforsecurity=False).hexdigest(), 16) % 5
    return fold == 0 and photo.set != "generic"
