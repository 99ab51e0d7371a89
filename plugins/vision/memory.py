"""Memory: the pictures of earlier claims in a folder of plain files, for a command that has no store.

``features/{id}`` are the features of one picture, ``{id}`` the beginning of their sha256; ``pictures.jsonl`` has a line per
picture: its id, the claim, its number there and the kinds (``words``) that it shows, by which it is found.

A line counts once all of it, and the features it names, are there: whoever is killed while adding leaves nothing that is found, and
the next one cuts off what was left half written. One process writes at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aftersales.photo import PhotoReport, Sameness
from plugins.vision.reuse import same
from plugins.vision.words import kinds

#: Pictures that are compared point by point: those that share most kinds, the rare ones counting more.
MOST_COMPARED = 12
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class Memory:
    """What a folder remembers; it is made if it is not there. Read anew when it has grown."""

    folder: Path
    _pictures: list[tuple[str, str]] = field(default_factory=list)  # id, claim
    _having: dict[int, list[int]] = field(default_factory=dict)  # kind → numbers of pictures
    _read: int = 0

    def find(self, report: PhotoReport, but: str = "") -> tuple[str, Sameness] | None:
        """The earlier claim, other than ``but``, with the picture that is surest the same one; None when there is none."""
        if not report.features or not report.words:
            return None
        self._refresh()
        votes: Counter[int] = Counter()
        for kind in kinds(report.features).tolist():
            having = self._having.get(kind, ())
            for number in having:
                if self._pictures[number][1] != but:
                    votes[number] += 1_000_000 // (len(having) + 3)
        sure = [(self._pictures[n][1], same(self._features(n), report.features)) for n, _ in votes.most_common(MOST_COMPARED)]
        return max(((c, s) for c, s in sure if s.same), key=lambda found: found[1].confidence, default=None)

    def add(self, claim_id: str, photo_no: int, report: PhotoReport) -> None:
        """Remember a picture; one of nothing, or one that is remembered for this claim, changes nothing."""
        if not report.features or not report.words:
            return
        name = hashlib.sha256(report.features).hexdigest()[:32]
        with self._alone():
            self._refresh()
            if (name, claim_id) in self._pictures:
                return
            self._keep(name, report.features)
            line = {"id": name, "claim": claim_id, "photo": photo_no, "kinds": kinds(report.features).tolist()}
            with self._index.open("r+b") as file:
                file.seek(self._read)
                file.truncate()  # half a line of one who was killed
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())

    # --- files --------------------------------------------------------------------------------------------------------
    @property
    def _index(self) -> Path:
        return self.folder / "pictures.jsonl"

    def _refresh(self) -> None:
        """Read the whole lines that were added since."""
        if not self._index.exists():
            return
        with self._index.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                picture = _told(line)
                if picture:
                    name, claim, shown = picture
                    for kind in shown:
                        self._having.setdefault(kind, []).append(len(self._pictures))
                    self._pictures.append((name, claim))

    def _features(self, number: int) -> bytes:
        try:
            return (self.folder / "features" / self._pictures[number][0]).read_bytes()
        except OSError:
            return b""

    def _keep(self, name: str, features: bytes) -> None:
        place = self.folder / "features" / name
        if place.exists():
            return
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".new-", delete=False) as file:
            file.write(features)
        Path(file.name).replace(place)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else adds meanwhile."""
        (self.folder / "features").mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._index.touch()
            yield


def _told(line: bytes) -> tuple[str, str, list[int]] | None:
    """The id, the claim and the kinds of a line; None for one that is not of this form, whoever wrote it."""
    try:
        told = json.loads(line)
        name, claim, shown = told["id"], told["claim"], [int(kind) for kind in told["kinds"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (name, claim, shown) if isinstance(name, str) and _NAME.fullmatch(name) and isinstance(claim, str) else None
