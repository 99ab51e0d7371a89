"""How often the merchant's pictures are read for the photos that are held beside them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from io import BytesIO

from PIL import Image

from aftersales.testing.files import FakeFiles
from infra.local.drawn import strawberries
from plugins import vision
from tests.mall import Mall

LARGE = 1_000_000


class CountedFiles(FakeFiles):
    """Files that count how often each was read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()

    def read(self, key: str, max_bytes: int) -> bytes | None:
        """The bytes, counted."""
        self.reads[key] += 1
        return super().read(key, max_bytes)

    def of_proofs(self) -> list[int]:
        """How often each proof of the order was read."""
        return sorted(times for key, times in self.reads.items() if key.startswith("evidence/m1/proofs/"))


def read_for(mall: Mall, *photos: bytes) -> list[int]:
    """How often each of four proofs is read while a claim with these photos is verified, by the verifier that is deployed."""
    files = CountedFiles()
    mall.files = files
    mall.registry.put("files", files)
    mall.registry.put("photos", vision.build({}))
    mall.proof(photo=strawberries(0, 8, seed=1), role="catalogue", bytes=LARGE)
    for seed in range(3):
        mall.proof(photo=strawberries(0, 6, seed=10 + seed), bytes=LARGE)
    mall.clock.move(timedelta(minutes=1))
    case = mall.claim(photo=None, submit=False)["case_id"]
    for photo in photos:
        mall.piece(case, photo, {"bytes": LARGE})
    mall.must("POST", f"/v1/cases/{case}/submit")
    files.reads.clear()
    mall.pump()
    assert all(e["state"] == "verified" for e in mall.case(case)["evidence"])
    return files.of_proofs()


def test_a_proof_is_read_once_for_all_photos_of_a_claim(mall: Mall) -> None:
    """Four photos beside one catalogue picture and three of dispatch: each is read to be looked at itself, and once to compare."""
    assert read_for(mall, *(strawberries(2, 6, seed=seed) for seed in range(4))) == [2, 2, 2, 2]


def test_no_proof_is_read_for_a_photo_that_cannot_be_used(mall: Mall) -> None:
    """A dark photo is held beside nothing: the merchant's pictures are read to be looked at themselves, and not again."""
    assert read_for(mall, dark()) == [1, 1, 1, 1]


def dark() -> bytes:
    """A photo on which nothing is to be seen."""
    out = BytesIO()
    Image.new("RGB", (800, 600), (3, 3, 3)).save(out, "JPEG")
    return out.getvalue()
