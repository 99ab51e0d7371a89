"""Whole claims, made of photos that nothing was trained or tuned on: what the system decides, and whether a person would agree.

``python -m models.claims`` makes claims of the test photos (fold 0), each judged as ``aftersales verify-photo`` judges it, with one
memory for copies, and prints per kind of claim what was decided:

* **clear**: spoiled produce, the right goods ordered, the photo's own label says so. A person approves.
* **sound**: sound produce, called spoiled by the buyer. A person does not approve.
* **other**: spoiled produce of another kind than what was ordered. A person does not approve.
* **no goods**: pictures of anything else, handed in for fruit. A person asks for a photo or does not approve.
* **again**: an edited copy of a photo of an earlier approved claim. A person does not approve.
* **screen**: photos of screens.

Automatic are approvals and requests for another photo; the rest waits for a person, which is never wrong, only slow.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.photo_claim import PhotoClaim
from infra.local.verify_photo import answer, verify
from models import data
from models.data import Photo
from models.spoilage.label import Grade, fruit, grade, produce

NAMES = {
    "apple": ("红富士苹果", "apples"),
    "banana": ("香蕉", "bananas"),
    "grape": ("葡萄", "grapes"),
    "guava": ("番石榴", "guavas"),
    "jujube": ("冬枣", "jujubes"),
    "mango": ("芒果", "mangoes"),
    "orange": ("橙子", "oranges"),
    "pomegranate": ("石榴", "pomegranates"),
    "strawberry": ("草莓", "strawberries"),
}
#: What is ordered instead, where the wrong goods are to be noticed: never a look-alike.
INSTEAD = {"apple": "banana", "banana": "strawberry", "mango": "strawberry", "orange": "banana", "strawberry": "banana"}
APPROVED = frozenset({"approve", "approve_partial"})
AUTOMATIC = APPROVED | {"ask_more"}
#: Per kind of claim, what a person may also do.
AGREES = {
    "clear": APPROVED,
    "sound": frozenset({"ask_more"}),
    "other": frozenset({"ask_more"}),
    "no goods": frozenset({"ask_more"}),
    "again": frozenset({"ask_more"}),
    "screen": frozenset({"ask_more"}),
}


@dataclass(frozen=True, slots=True)
class Made:
    """One claim made of a photo, what kind it is and which set the photo is from."""

    kind: str
    set: str
    claim: PhotoClaim


def main() -> int:
    """Judge the claims and print what came of them; 1 when sound fruit was paid for."""
    parser = data.options(__doc__ or "")
    parser.add_argument("--most", type=int, default=40, help="photos per kind, set and class")
    parser.add_argument("--fold", type=int, default=data.TEST[0], help="whose photos; 1 to choose by, 0 to report")
    args = parser.parse_args()
    made = list(claims(args.data, args.most, args.fold))
    decided: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as memory:
        for number, one in enumerate(made):
            seen, judged = verify(one.claim, Path(memory) if one.kind in ("clear", "again") else None)
            found = answer(one.claim, seen, judged, Path(memory) / "overlays", "en")
            decided[one.kind, one.set][found["decision"]] += 1
            if sys.stderr.isatty():
                print(f"\r{number + 1}/{len(made)}", end="", file=sys.stderr, flush=True)
    report(decided)
    paid = sum(n for (kind, _), counts in decided.items() if kind == "sound" for word, n in counts.items() if word in APPROVED)
    return 1 if paid else 0


def claims(folder: Path, most: int, fold: int) -> Iterator[Made]:
    """The claims, the copies after the photos that they are made from."""
    rows = data.of(data.photos(folder), (fold,))
    taken: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        for kind, name in _uses(row):
            label = (kind, row.set, "" if row.set == "generic" else row.kind)
            taken[label] += 1
            if taken[label] <= most:
                yield Made(kind, row.set, _claim(f"{kind}-{row.file}", name, folder / row.file))
    yield from _copies(folder)


def _uses(row: Photo) -> Iterator[tuple[str, str]]:
    """The kinds of claim that a photo serves, and what is ordered in each."""
    if row.set in ("unrelated", "generic") and row.kind not in ("food_misc", "strawberry"):
        yield "no goods", "strawberry"
    if row.set == "recapture" and row.kind == "screen":
        yield "screen", "apple"
    name, found = fruit(row), grade(row)
    if name not in NAMES or found is None or not produce(row):
        return
    if found is Grade.SPOILED:
        yield "clear", name
        if name in INSTEAD:
            yield "other", INSTEAD[name]
    elif found is Grade.SOUND:
        yield "sound", name


def _copies(folder: Path) -> Iterator[Made]:
    """For every pair of a photo and its edited copy: the photo in one claim, the copy in a later one."""
    with (folder / "near_dup_pairs.csv").open(encoding="utf-8", newline="") as file:
        pairs = [row for row in csv.DictReader(file) if row["same_photo"] == "1"]
    for original in dict.fromkeys(row["file_a"] for row in pairs):
        yield Made("clear", "(originals of copies)", _claim(f"first-{original}", "apple", folder / original))
    for row in pairs:
        yield Made("again", "(edited copies)", _claim(f"again-{row['file_b']}", "apple", folder / row["file_b"]))


def _claim(claim_id: str, name: str, photo: Path) -> PhotoClaim:
    chinese, english = NAMES[name]
    return PhotoClaim(claim_id, chinese, english, 1, "", "spoiled", (photo,))


def report(decided: dict[tuple[str, str], Counter[str]]) -> None:
    """One line per kind and set, then the two figures that matter."""
    words = ("approve", "approve_partial", "ask_more", "manual_review", "reject")
    print(f"{'claim':10}{'set':26}{'claims':>7}" + "".join(f"{w:>17}" for w in words))
    for (kind, name), counts in sorted(decided.items()):
        print(f"{kind:10}{name:26}{counts.total():7}" + "".join(f"{counts[w]:17}" for w in words))
    whole = {k: v for k, v in decided.items() if k[1] != "(originals of copies)"}
    automatic = sum(n for counts in whole.values() for word, n in counts.items() if word in AUTOMATIC)
    right = sum(n for (kind, _), counts in whole.items() for word, n in counts.items() if word in AUTOMATIC & AGREES[kind])
    clear = [counts for (kind, _), counts in whole.items() if kind == "clear"]
    done = sum(n for counts in clear for word, n in counts.items() if word in AUTOMATIC)
    paid = sum(n for (kind, _), counts in whole.items() if kind == "sound" for word, n in counts.items() if word in APPROVED)
    print(f"decided automatically: {automatic}; a person agrees with {right} ({right / max(1, automatic):.1%})")
    print(f"clear claims decided automatically: {done} of {sum(c.total() for c in clear)}")
    print(f"claims on sound fruit paid for: {paid}")


if __name__ == "__main__":
    sys.exit(main())
