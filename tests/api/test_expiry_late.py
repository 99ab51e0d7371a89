"""Expiry while a photo is looked at: nothing that the look makes outlives the original."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from aftersales.photo import PhotoQuestion, PhotoReport
from functions import evidence, expire
from tests.mall import Mall, Photos


@dataclass
class Slow(Photos):
    """A verifier that takes so long that other things happen meanwhile."""

    meanwhile: Callable[[], object] = int

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """The look, and what happens in its time; a job that comes again finds that it has happened."""
        happens, self.meanwhile = self.meanwhile, int
        happens()
        return super().inspect(photo, question)


def erased(mall: Mall, case_id: str) -> None:
    """The claim is taken back, and its time of keeping ends."""
    mall.must("POST", f"/v1/cases/{case_id}/withdraw")
    mall.clock.move(timedelta(days=90))
    expire.run(mall.registry)


def test_nothing_stays_of_a_photo_that_is_erased_while_it_is_looked_at(mall: Mall) -> None:
    """The copies that the look makes come too late: they are gone with the original, and the piece stays erased."""
    case_id = mall.claim()["case_id"]
    mall.registry.put("photos", Slow(meanwhile=lambda: erased(mall, case_id)))
    mall.pump()
    (piece,) = mall.store.case(case_id).evidence
    assert (piece.state, piece.erased_at is not None) == ("uploaded", True)
    assert mall.files.kept == {}


def test_nothing_stays_of_a_look_that_died_before_its_photo_was_erased(mall: Mall) -> None:
    """Copies of a look that was never written down go when its job comes again and finds the piece erased."""
    case_id = mall.claim()["case_id"]
    (piece,) = mall.store.case(case_id).evidence
    erased(mall, case_id)
    mall.files.write(f"masked/m1/{case_id}/{piece.evidence_id}", b"masked", "image/jpeg")
    assert evidence.verify(mall.registry, case_id, piece.evidence_id) is False
    assert mall.files.kept == {}
