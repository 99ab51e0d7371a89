"""Photos of spoiled strawberries for seed, demo and walk-through: real ones where a folder has some, else drawn and called drawn.

``python -m infra.local.photos FILE`` writes one that this home has not used yet. Which, in this order:

1. The folder that ``PHOTOS`` names, else the data set beside this repository, if it is there. With a ``manifest.csv`` in the folder
   or above it: rows of the class ``strawberry_rotten`` whose own label says strawberry too; without one: every picture, by name.
2. Pictures drawn by script, a new one each time.

Of these the first on which the verifier is sure, and which is not like one used before, is taken; after :data:`TRIES` looks at real
ones it is a drawn one. A photo it doubts goes to a person, which is right and shown elsewhere, but tells no story of an automatic
lane.
"""

from __future__ import annotations

import argparse
import csv
import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aftersales.decision import Verdict
from aftersales.photo import PhotoQuestion, PhotoReport, Reference
from infra.local.drawn import strawberries
from infra.local.home import DEFAULT, ROOT, Home, NoHome, read, write
from infra.local.mall import SHOWN, STRAWBERRIES
from plugins.vision.memory import Memory
from plugins.vision.verifier import build_verifier

CLASS, LABEL = "strawberry_rotten", "strawberry"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
TRIES = 12
#: The least share that must show for a claim of one box in five: fresh.share_agrees wants half of what is claimed.
LEAST_SHARE = 0.1
QUESTION = PhotoQuestion(STRAWBERRIES.title, "strawberry", "fresh", "spoiled", catalogue=Reference.of(SHOWN()))


class NoPhotos(Exception):
    """The folder that was named for photos is not there."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo and where it is from; ``looks`` is how many were looked at to find it."""

    name: str
    content: bytes
    drawn: bool
    looks: int = 1

    @property
    def described(self) -> str:
        """The photo in words that hide nothing."""
        what = "a picture DRAWN by script" if self.drawn else f"a real photo, {self.name}"
        return what + (f" (number {self.looks} that the verifier was asked about)" if self.looks > 1 else "")


def checked_folder(folder: Path) -> Path:
    """The folder as it is. Raises NoPhotos when there is no such folder."""
    if not folder.is_dir():
        raise NoPhotos(f"{folder} is no folder of photos")
    return folder


def default_folder() -> Path | None:
    """Where real photos may be: ``PHOTOS``, else the data set beside the repository; None when there is neither.

    Raises NoPhotos when a folder is named that is none.
    """
    named = os.environ.get("PHOTOS")
    if named:
        return checked_folder(Path(named))
    beside = ROOT.parent / "shared" / "data" / "images" / "fruit_fresh_rotten_det"
    return beside if beside.is_dir() else None


def fresh_photo(home: Home, folder: Path | None) -> Photo:
    """A photo that this home has not used yet and on which the verifier is sure, or the last of the tries when it never was."""
    verifier = home.registry().photos
    used = home.folder / "photos.json"
    known: dict[str, str] = read(used)  # name → fingerprint
    memory = Memory(home.folder / "photos")  # real data sets hold the same scene twice
    photo, looks = None, 0
    for candidate in _candidates(folder, frozenset(known)):
        report, looks = verifier.inspect(candidate.content, QUESTION), looks + 1
        photo = Photo(candidate.name, candidate.content, candidate.drawn, looks)
        is_new = memory.find(report) is None
        memory.add(candidate.name, looks, report)
        known[candidate.name] = report.print
        if (is_new and _is_sure(report)) or looks == 2 * TRIES:
            break
    assert photo is not None  # drawn ones never end
    write(used, known)
    return photo


@cache
def drawn(seed: int) -> bytes:
    """A drawing that the verifier is sure of, the same for the same ``seed``: about every second one is."""
    verifier = build_verifier({})
    tries = (strawberries(3, 8, 1000 * seed + n) for n in range(1000))
    return next(picture for picture in tries if _is_sure(verifier.inspect(picture, QUESTION)))


def _is_sure(report: PhotoReport) -> bool:
    """Whether the verifier sees enough spoilage and doubts nothing."""
    seen = any(f.check == "vision.spoilage" and f.verdict is Verdict.PASS for f in report.findings)
    return seen and all(f.verdict is Verdict.PASS for f in report.findings) and (report.spoiled_share or 0) >= LEAST_SHARE


def _candidates(folder: Path | None, used: frozenset[str]) -> Iterator[Photo]:
    fresh = [file for file in _pictures(folder) if file.name not in used] if folder else []
    for file in fresh[:TRIES]:
        yield Photo(file.name, file.read_bytes(), drawn=False)
    while True:
        seed = secrets.randbelow(2**31)
        yield Photo(f"drawn-{seed}.jpg", strawberries(3, 8, seed), drawn=True)


def _pictures(folder: Path) -> list[Path]:
    folder = folder.resolve()
    manifest = next((p / "manifest.csv" for p in (folder, *folder.parents[:2]) if (p / "manifest.csv").is_file()), None)
    if manifest is None:
        return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    with manifest.open(encoding="utf-8", newline="") as rows:
        chosen = [r["file"] for r in csv.DictReader(rows) if r["class"] == CLASS and LABEL in r["label_detail"].lower()]
    files = [manifest.parent / name for name in chosen]
    return [file for file in files if file.is_relative_to(folder) and file.is_file()]


def main(argv: list[str] | None = None) -> int:
    """Write one photo and say where it is from."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.photos", description="A photo of spoiled strawberries.")
    parser.add_argument("file", type=Path, help="where to write it")
    parser.add_argument("--shown", action="store_true", help="what the shop shows of them instead, always drawn")
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the local system (default: .local)")
    args = parser.parse_args(argv)
    if args.shown:
        args.file.write_bytes(SHOWN())
        return 0
    try:
        photo = fresh_photo(Home.there(args.home), default_folder())
    except (NoHome, NoPhotos) as error:
        print(f"photos: {error}", file=sys.stderr)
        return 1
    args.file.write_bytes(photo.content)
    print(f"{args.file} is {photo.described}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
