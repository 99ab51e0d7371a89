"""A picture that served another case: what is noticed, who is told what."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier
from typing import Any

from aftersales.decision import Finding, Source, Verdict
from aftersales.ports import PhotoQuestion, PhotoReport
from aftersales.testing.builders import an_order
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
