"""A picture that served another case: what is noticed, who is told what."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier
from typing import Any

import pytest

from aftersales.decision import Finding, Source, Verdict
from aftersales.photo import PhotoQuestion, PhotoReport
from aftersales.testing.builders import a_line, an_order
from functions import evidence
from tests.mall import Mall, Photos

DOUBT = Finding("vision.spoilage", Verdict.UNSURE, "vision.unsure", Source.MODEL, 0.3)

PHOTO = b"the same photo"


def claim_of(mall: Mall, buyer: str, order_id: str, photo: bytes = PHOTO) -> str:
    """A claim of a buyer on an order of theirs, with one photo; looked at."""
    mall.push(an_order(order_id=order_id, buyer=replace(an_order().buyer, id=buyer)))
    case_id: str = mall.claim(photo=photo, order_id=order_id, who={"sub": buyer})["case_id"]
    mall.pump()
    return case_id


def reused(mall: Mall, case_id: str, **who: Any) -> dict[str, Any]:
    """What is said about reuse of the case's first photo."""
    findings = mall.case(case_id, **who)["evidence"][0]["findings"]
    return next(f for f in findings if f["check"] == "vision.reused")


def test_neither_side_reads_the_other_case(mall: Mall) -> None:
    """Buyer and shop are told that the picture was seen before, in how many cases, and whether by this buyer; never which."""
    first = claim_of(mall, "b1", "o1")
    second = claim_of(mall, "b2", "o2")
    for who in ({"sub": "b2"}, {"role": "admin", "sub": "admin"}):
        told = reused(mall, second, **who)
        assert (told["verdict"], told["reason"]) == ("unsure", "vision.seen_before")
        assert told["data"] == {"cases": 1, "how": "turned", "points": 100, "same_buyer": False}
        assert first not in repr(mall.case(second, **who))
    file = mall.registry.store.case(second)
    assert file is not None
    kept = next(dict(f.data) for f in file.evidence[0].findings if f.check == "vision.reused")
    assert (kept["_case"], kept["_merchant"]) == (first, file.case.merchant)


def test_the_same_buyer_is_said_to_be(mall: Mall) -> None:
    """One buyer with one picture on two orders is told so to whoever decides."""
    claim_of(mall, "b1", "o1")
    assert reused(mall, claim_of(mall, "b1", "o2"), sub="b1")["data"]["same_buyer"] is True


def test_an_earlier_claim_on_the_same_order_accuses_nobody(mall: Mall) -> None:
    """A buyer who comes again about one order with the photo of the first time is not suspected; the earlier case is named."""
    mall.photos.findings = (DOUBT,)
    first = claim_of(mall, "b1", "o1")
    mall.must("POST", f"/v1/cases/{first}/withdraw", sub="b1")
    second = mall.claim(photo=PHOTO, order_id="o1", who={"sub": "b1"})["case_id"]
    mall.pump()
    told = reused(mall, second, sub="b1")
    assert (told["verdict"], told["data"]) == ("pass", {"earlier_case": first})
    assert told["text"] == "This photo served another case about the same order, which does no harm."


def test_one_picture_pays_once(mall: Mall) -> None:
    """A second claim on the same goods with the picture of a claim that was paid goes to a person, who may read that it is so."""
    first = claim_of(mall, "b1", "o1")
    assert mall.case(first)["ending"] == "refunded"
    second = mall.claim(photo=PHOTO, order_id="o1")["case_id"]
    mall.pump()
    told = reused(mall, second)
    assert (told["verdict"], told["data"]["same_buyer"]) == ("unsure", True)
    assert mall.case(second)["state"] == "reviewing"


def test_one_picture_may_serve_claims_on_two_lines(mall: Mall) -> None:
    """A picture of both kinds of goods of one order may serve a claim on each."""
    mall.push(an_order(order_id="o1", lines=(a_line(), a_line(line_id="l2"))))
    mall.claim(photo=PHOTO)
    mall.pump()
    second = mall.claim(photo=PHOTO, items=[{"line_id": "l2", "pieces": 1}])["case_id"]
    mall.pump()
    assert reused(mall, second)["verdict"] == "pass"


def counted(check: str, **data: float) -> Finding:
    """What a photo shows, in figures."""
    return Finding(f"vision.{check}", Verdict.PASS, f"vision.{check}", Source.MODEL, 0.9, tuple(sorted(data.items())))


ONE_BAD = (
    counted("spoilage", spoiled_share=0.7, share_low=0.5, share_high=0.9),
    counted("pieces", pieces_min=5, pieces_max=5, bad_min=1, bad_max=1),
)


@dataclass
class Encoded(Photos):
    """A verifier that knows a picture again however its file was written: all but the last byte is the picture."""

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """The same report on every file of a picture."""
        return super().inspect(photo[:-1], question)


@pytest.mark.parametrize(("second", "state"), [(b"apple2", "reviewing"), (b"other1", "closed")])
def test_a_picture_handed_in_twice_shows_one_piece_once(mall: Mall, second: bytes, state: str) -> None:
    """One bad piece on two files of one picture is one: a claim on two goes to a person; two pictures may show two."""
    mall.registry.put("photos", Encoded(ONE_BAD))
    mall.push(an_order(lines=(a_line(title="Apples"),)))
    case = mall.claim(photo=None, submit=False, items=[{"line_id": "l1", "pieces": 2}])["case_id"]
    for content in (b"apple1", second):
        mall.photo(case, content)
    mall.must("POST", f"/v1/cases/{case}/submit")
    mall.pump()
    assert mall.case(case)["state"] == state


@dataclass
class Together(Photos):
    """A verifier that gives two photos back at the same moment."""

    both: Barrier = field(default_factory=lambda: Barrier(2, timeout=10))

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """What was seen, once both were looked at."""
        self.both.wait()
        return super().inspect(photo, question)


def test_of_two_cases_in_one_moment_one_sees_the_other(mall: Mall) -> None:
    """Two claims with one picture that are looked at by two processes at once do not both pass as new."""
    mall.registry.put("photos", Together((DOUBT,)))
    cases = []
    for buyer, order_id in (("b1", "o1"), ("b2", "o2")):
        mall.push(an_order(order_id=order_id, buyer=replace(an_order().buyer, id=buyer)))
        cases.append(mall.claim(photo=PHOTO, order_id=order_id, who={"sub": buyer})["case_id"])
    files = [mall.registry.store.case(case_id) for case_id in cases]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda f: evidence.verify(mall.registry, f.case.case_id, f.evidence[0].evidence_id), files))
    told = [reused(mall, case_id, sub=buyer)["verdict"] for case_id, buyer in zip(cases, ("b1", "b2"), strict=True)]
    assert "unsure" in told


def test_a_new_picture_is_said_to_be_new(mall: Mall) -> None:
    """Other pictures are no doubt for anybody."""
    claim_of(mall, "b1", "o1", b"one photo")
    assert reused(mall, claim_of(mall, "b2", "o2", b"another photo"), sub="b2")["verdict"] == "pass"


def test_what_was_erased_is_forgotten(mall: Mall) -> None:
    """Once the files of the earlier case are gone there is nothing to compare with, and nothing is said against the new one."""
    first = claim_of(mall, "b1", "o1")
    file = mall.registry.store.case(first)
    assert file is not None
    mall.registry.files.delete(f"features/m1/{first}/{file.evidence[0].evidence_id}")
    assert reused(mall, claim_of(mall, "b2", "o2"), sub="b2")["verdict"] == "pass"


def crowded(mall: Mall, order_id: str, photos: int) -> str:
    """A claim of ``b2`` with so many files of the one picture; looked at."""
    mall.push(an_order(order_id=order_id, buyer=replace(an_order().buyer, id="b2")))
    case_id: str = mall.claim(photo=None, submit=False, order_id=order_id, who={"sub": "b2"})["case_id"]
    for _ in range(photos):
        mall.photo(case_id, PHOTO, sub="b2")
    mall.must("POST", f"/v1/cases/{case_id}/submit", sub="b2")
    mall.pump()
    return case_id


def test_a_case_full_of_copies_hides_no_earlier_case(mall: Mall) -> None:
    """Of twenty copies of another case's photo in one claim the last is as suspicious as the first."""
    claim_of(mall, "b1", "o1")
    case_id = crowded(mall, "o2", evidence.MOST)
    pieces = mall.case(case_id, sub="b2")["evidence"]
    told = [next(f for f in piece["findings"] if f["check"] == "vision.reused") for piece in pieces]
    assert [(f["verdict"], f["data"]["cases"]) for f in told] == [("unsure", 1)] * evidence.MOST


def test_a_withdrawn_case_full_of_copies_hides_no_other_case(mall: Mall) -> None:
    """Who fills a case with copies, withdraws it and comes again is still seen to show another buyer's photo."""
    mall.photos.findings = (DOUBT,)
    claim_of(mall, "b1", "o1")
    mall.must("POST", f"/v1/cases/{crowded(mall, 'o2', evidence.MOST)}/withdraw", sub="b2")
    assert reused(mall, crowded(mall, "o2", 1), sub="b2")["verdict"] == "unsure"
