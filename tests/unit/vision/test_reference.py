from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from aftersales.photo import PhotoQuestion, Reference
from infra.local.drawn import strawberries
from plugins.vision.dispatch import Side
from plugins.vision.product import Recogniser
from plugins.vision.reference import Looks
from plugins.vision.verifier import Verifier

SHOWN, SENT = strawberries(0, 8, seed=1), strawberries(0, 6, seed=2)
QUESTION = PhotoQuestion("榴莲", "fruit", "fresh", "spoiled", catalogue=Reference.of(SHOWN), dispatched=(Reference.of(SENT),))


@dataclass
class Counted:
    """A look that counts; it sees how light the picture is."""

    looks: int = 0

    def __call__(self, rgb: NDArray[np.uint8]) -> float:
        """How light the picture is, counted."""
        self.looks += 1
        return float(rgb.mean())


@dataclass
class Shelf:
    """Pictures by name that count how often they are read."""

    pictures: dict[str, bytes | None]
    reads: list[str] = field(default_factory=list)

    def reference(self, name: str) -> Reference:
        """The reference to the picture of that name."""
        return Reference(name, self._reader(name))

    def _reader(self, name: str) -> Callable[[], bytes | None]:
        def read() -> bytes | None:
            self.reads.append(name)
            return self.pictures[name]

        return read


def test_a_picture_is_read_and_looked_at_once() -> None:
    """However often a reference is asked for, its picture is read once and looked at once."""
    shelf, look = Shelf({"a": SHOWN}), Counted()
    looks = Looks(look)
    seen = {looks.at(shelf.reference("a")) for _ in range(5)}
    assert (len(seen), shelf.reads, look.looks) == (1, ["a"], 1)


def test_what_is_gone_is_asked_for_again_and_what_is_no_picture_is_not() -> None:
    """Bytes that are not there may come back; bytes that cannot be opened never become a picture."""
    shelf, look = Shelf({"gone": None, "text": b"no picture"}), Counted()
    looks = Looks(look)
    assert [looks.at(shelf.reference(name)) for name in ("gone", "gone", "text", "text")] == [None] * 4
    assert (shelf.reads, look.looks) == (["gone", "gone", "text"], 0)


def test_the_pictures_used_last_are_remembered() -> None:
    """No more is remembered than there is room for: the picture that was not used for longest is looked at anew."""
    shelf, look = Shelf(dict.fromkeys("abc", SHOWN)), Counted()
    looks = Looks(look, most=2)
    for name in "abacab":
        looks.at(shelf.reference(name))
    assert shelf.reads == ["a", "b", "c", "b"]


def test_photos_of_one_case_share_the_looks_at_the_merchants_pictures() -> None:
    """Three photos beside two pictures of the merchant's: two looks, and the same findings as from a verifier for each photo."""
    looks: list[str] = []

    def shown(rgb: NDArray[np.uint8]):  # type: ignore[no-untyped-def]  # as the default's
        looks.append("shown")
        return Recogniser().see(rgb)

    def sent(rgb: NDArray[np.uint8]) -> Side:
        looks.append("sent")
        seen = Recogniser().see(rgb)
        return Side(seen.kind, seen.mark)

    one = replace(Verifier(), shown=Looks(shown), sent=Looks(sent))
    photos = [strawberries(2, 6, seed=seed) for seed in range(3)]
    together = [one.inspect(photo, QUESTION).findings for photo in photos]
    assert sorted(looks) == ["sent", "shown"]
    assert all("vision.dispatch" in {f.check for f in findings} for findings in together)
    apart = [replace(Verifier(), sent=Looks(sent)).inspect(photo, QUESTION).findings for photo in photos]
    assert together == apart
