"""Photos as the product itself sees them, and the names they are asked about: for thresholds and for measuring."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models import data
from models.data import Photo
from models.goods import label
from plugins.vision.product import Ordered, Recogniser, Seen, Weighed, kinds, ordered, weigh

#: Wrong names that each photo is asked about, besides its right one: so many at random, and one that looks like it.
WRONG = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One photo asked about one name: whether the name is right, whether it is a look-alike's, and what the model weighed."""

    photo: Photo
    name: str
    right: bool
    alike: bool
    weighed: Weighed

    @property
    def weight(self) -> float:
        """What it counts: as much for the wrong names as for the right one, half of that for the look-alike."""
        return 1.0 if self.right else 0.5 if self.alike else 0.5 / WRONG


def looked(folder: Path, rows: Sequence[Photo]) -> list[Seen]:
    """What the model sees on each photo."""
    recogniser = Recogniser()
    return [recogniser.see(data.read(folder, row)) for row in rows]


def likeliest(view: Seen) -> str:
    """The likeliest kind, whether or not there is one at all."""
    return max(kinds().values(), key=lambda kind: view.of(kind.classes)).name


def true_kinds(photo: Photo) -> frozenset[str]:
    """The kinds that the photo may be called; empty for photos of no known goods or of an open label."""
    allowed = set(label.products(photo)) - {label.NONE}
    return frozenset(kind.name for kind in kinds().values() if allowed & set(kind.classes))


def title(photo: Photo) -> str | None:
    """The name that the photo's goods are ordered by: the product for the shop's, else the kind; None where the label is open."""
    if photo.set in {"product_shop", "product_iconic"}:
        return photo.kind.replace("-", " ")
    names = sorted(true_kinds(photo))
    if photo.kind.startswith("orange"):  # mandarins and a few apples among them
        return "orange"
    return names[0] if len(names) == 1 else None


def asked(rows: Sequence[Photo], seen: Sequence[Seen]) -> Iterator[Asked]:
    """Each photo of known goods asked about its own name, WRONG others at random and one look-alike, the same in every run."""
    names = sorted(kinds())
    shop = sorted({name for kind in kinds().values() if kind.package for name in kind.classes})
    for row, view in zip(rows, seen, strict=True):
        own, called = true_kinds(row), title(row)
        if not own or called is None:
            continue
        yield Asked(row, called, True, False, weigh(view, _order(called)))
        like = sorted({other for kind in own for other in kinds()[kind].like} - own)
        if kinds()[ordered(called).kinds[0]].package:
            like += [name.replace("-", " ") for name in shop if name != row.kind]
        far = [name for name in names if name not in own and name not in like]
        drawn = [(_pick(row.file, far, turn), False) for turn in range(WRONG)]
        for name, alike in [*drawn, *([(_pick(row.file, like, WRONG), True)] if like else [])]:
            yield Asked(row, name, False, alike, weigh(view, _order(name)))


def _order(name: str) -> Ordered:
    known = ordered(name)
    assert known.classes, name
    return known


def _pick(file: str, names: Sequence[str], turn: int) -> str:
    """A name drawn by the photo's file and a number."""
    return names[int(hashlib.sha256(f"{file} {turn}".encode()).hexdigest(), 16) % len(names)]
