"""The merchant's own proofs: before any claim, beside a buyer's photos, and in the question that verification is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.decision import Finding, Source, Verdict
from aftersales.order import Shipment
from aftersales.photo import Reference
from aftersales.registry import Registry
from aftersales.testing.builders import NOW, a_line, an_order
from functions import evidence
from tests.mall import SEEN, STAGE, Mall

DOUBT = Finding("vision.spoilage", Verdict.UNSURE, "vision.unsure", Source.MODEL, 0.4)
WORSE = Finding("vision.dispatch", Verdict.PASS, "vision.not_seen_before", Source.MODEL, 0.8)
PROOFS = "/v1/orders/o1/proofs"


def compared(mall: Mall, case_id: str, **who: Any) -> list[dict[str, Any]]:
    """The comparison as somebody reads it."""
    found: list[dict[str, Any]] = mall.case(case_id, **who)["comparison"]
    return found


def late_proof(mall: Mall, case_id: str, photo: bytes = b"made up later", role: str = "dispatch", **body: Any) -> str:
    """A proof that a clerk adds to a case that is there already, handed in."""
    evidence_id = mall.piece(case_id, photo, {"role": role, **body}, role="clerk")
    mall.must("POST", f"/v1/cases/{case_id}/evidence/{evidence_id}/hand-in", role="clerk")
    return evidence_id


# --- before any claim -------------------------------------------------------------------------------------------------
def test_a_dispatch_photo_stands_beside_the_buyers(mall: Mall) -> None:
    """What the shop photographed before the parcel left is on record with a later claim, and both sides read it in one list."""
    mall.photos.findings = (DOUBT, WORSE)
    proof = mall.proof(photo=b"at dispatch")
    mall.clock.move(timedelta(minutes=10))
    case_id = mall.claim()["case_id"]
    mall.pump()
    for who in ({}, {"role": "clerk"}):
        buyers, shops = compared(mall, case_id, **who)
        assert (buyers["side"], buyers["text"]) == ("buyer", "This photo was not used in another case.")
        assert (shops["side"], shops["role"], shops["evidence_id"], shops["counts"]) == ("shop", "dispatch", proof, True)
        assert "before the claim" in shops["text"]
        assert buyers["url"]
        assert shops["url"]


def test_verification_compares_with_the_newest_photos_of_dispatch(mall: Mall) -> None:
    """The question carries at most three dispatch photos, newest first, and the seller's picture of this line."""
    mall.push(an_order(order_id="o1", lines=(a_line(), a_line(line_id="l2", sku="s2", title="Pears")), payments=paid(2)))
    for number in range(5):
        mall.proof(photo=b"dispatch %d" % number)
        mall.clock.move(timedelta(seconds=1))
    mall.proof(photo=b"pears", role="catalogue", line_id="l2")
    mall.proof(photo=b"strawberries", role="catalogue", line_id="l1")
    mall.proof(photo=b"a list", role="packing_list")
    mall.clock.move(timedelta(minutes=1))
    mall.claim()
    mall.pump()
    asked = next(q for q in mall.photos.asked if q.reason)
    assert [picture.read() for picture in asked.dispatched] == [b"dispatch 4", b"dispatch 3", b"dispatch 2"]
    assert asked.catalogue == Reference.of(b"strawberries")


def paid(times: int) -> Any:
    """One payment of so many default orders."""
    payment = an_order().payments[0]
    return (replace(payment, paid_minor=payment.paid_minor * times),)


def test_a_case_without_proofs_compares_nothing(mall: Mall) -> None:
    """Where the shop has nothing to show there is no list."""
    case_id = mall.claim()["case_id"]
    mall.pump()
    assert compared(mall, case_id) == []


def test_a_proof_counts_once_it_is_handed_in(mall: Mall) -> None:
    """A place without a file is no proof: handing it in asks for the file, and a claim does not take it along."""
    place = mall.must("POST", PROOFS, {"bytes": 100, "role": "dispatch"}, role="clerk")
    path = f"{PROOFS}/{place['evidence_id']}/hand-in"
    assert mall.send("POST", path, role="clerk").json["code"] == "conflict"
    case_id = mall.claim()["case_id"]
    assert len(mall.case(case_id)["evidence"]) == 1
    mall.files.accept(place["fields"], b"x", mall.clock.now())
    handed_in = mall.must("POST", path, role="clerk")
    assert (handed_in["state"], handed_in["sha256"] is not None) == ("uploaded", True)
    mall.clock.move(timedelta(hours=1))
    assert mall.must("POST", path, role="clerk")["added_at"] == handed_in["added_at"], "the instant cannot be moved"


def test_a_proof_that_was_changed_afterwards_is_not_compared_with(mall: Mall) -> None:
    """The upload's signature still lasts some minutes: a file exchanged in that time is not what was handed in."""
    place = mall.must("POST", PROOFS, {"bytes": 100, "role": "dispatch"}, role="clerk")
    mall.files.accept(place["fields"], b"as it was", mall.clock.now())
    mall.must("POST", f"{PROOFS}/{place['evidence_id']}/hand-in", role="clerk")
    mall.files.accept(place["fields"], b"another", mall.clock.now())
    mall.clock.move(timedelta(minutes=1))
    mall.claim()
    mall.pump()
    (picture,) = next(q for q in mall.photos.asked if q.reason).dispatched
    assert picture.read() is None


def test_a_proof_is_about_a_line_of_the_order(mall: Mall) -> None:
    """A line that the order has not is named; proofs of other lines do not come with a claim."""
    about = {"bytes": 9, "role": "catalogue", "line_id": "l9"}
    for path in (PROOFS, f"/v1/cases/{mall.claim(submit=False)['case_id']}/evidence"):
        refused = mall.send("POST", path, about, role="clerk")
        assert (refused.status, refused.json["code"]) == (400, "invalid")
    mall.push(an_order(order_id="o1", lines=(a_line(), a_line(line_id="l2")), payments=paid(2)))
    mall.proof(role="catalogue", line_id="l2")
    case_id = mall.claim()["case_id"]
    assert [e["role"] for e in mall.case(case_id)["evidence"]] == [None]


@pytest.mark.parametrize(
    "body", [{"kind": "video", "content_type": "video/mp4"}, {"kind": "chat"}, {"role": "alibi"}, {"content_type": "text/html"}]
)
def test_a_proof_is_a_picture_or_a_paper(mall: Mall, body: dict[str, Any]) -> None:
    """Anything else is refused before there is a place for it."""
    assert mall.send("POST", PROOFS, {"bytes": 9, "role": "dispatch", **body}, role="clerk").status == 400
    assert mall.must("GET", PROOFS, role="clerk")["proofs"] == []


def test_proofs_are_the_merchants_own_to_list(mall: Mall) -> None:
    """The shop reads them with addresses, its mall without; a buyer has no such list, and another merchant no such order."""
    mall.proof()
    for role, sees in (("clerk", True), ("admin", True), ("integrator", False)):
        (proof,) = mall.must("GET", PROOFS, role=role)["proofs"]
        assert (proof["role"], proof["by"], proof["url"] is not None) == ("dispatch", "clerk:clerk1", sees)
    assert mall.send("GET", PROOFS).status == 403
    assert mall.send("GET", PROOFS, role="clerk", merchant="m2").status == 404


def test_an_order_takes_twenty_proofs(mall: Mall) -> None:
    """They are read with the order: without a bound every reading would become slower."""
    for _ in range(20):
        mall.must("POST", PROOFS, {"bytes": 9, "role": "dispatch"}, role="integrator")
    assert mall.send("POST", PROOFS, {"bytes": 9, "role": "dispatch"}, role="clerk").json["code"] == "conflict"


# --- in a case --------------------------------------------------------------------------------------------------------
def test_what_was_handed_in_after_the_claim_is_shown_and_does_not_count(mall: Mall) -> None:
    """A dispatch photo that appears once the buyer has complained proves nothing about the dispatch, and the view says so."""
    mall.photos.findings = (DOUBT,)
    case_id = mall.claim(submit=False)["case_id"]
    mall.clock.move(timedelta(minutes=1))
    late_proof(mall, case_id)
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    mall.pump()
    shop = compared(mall, case_id)[-1]
    assert (shop["side"], shop["role"], shop["counts"]) == ("shop", "dispatch", False)
    assert "after the claim" in shop["text"]
    assert next(q for q in mall.photos.asked if q.reason).dispatched == ()
    steps = [s["event"] for s in mall.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]]
    assert "proof_added" in steps


def test_a_proof_of_another_time_needs_none(mall: Mall) -> None:
    """An inspection of returned goods is made after the claim: it counts as what it is."""
    mall.photos.findings = (DOUBT,)
    case_id = mall.claim()["case_id"]
    mall.pump()
    late_proof(mall, case_id, role="inspection", kind="inspection", content_type="application/pdf")
    shop = compared(mall, case_id)[-1]
    assert (shop["counts"], shop["url"], shop["text"]) == (True, None, "The shop's inspection record.")


def test_the_shops_pictures_never_stand_for_the_buyers(mall: Mall) -> None:
    """A claim needs the buyer's own photo, and the shop's proofs neither support it nor hold it up."""
    mall.proof()
    case = mall.claim(photo=None, submit=False)
    late_proof(mall, case["case_id"])
    assert mall.send("POST", f"/v1/cases/{case['case_id']}/submit").json["code"] == "incomplete_evidence"
    mall.photos.findings = (SEEN,)
    mall.photo(case["case_id"])
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    mall.pump()
    done = mall.case(case["case_id"])
    assert done["ending"] == "refunded"
    assert [e["findings"] for e in done["evidence"] if e["role"]] == [[], []]


def test_what_is_seen_on_the_shops_picture_decides_nothing(mall: Mall) -> None:
    """Of a look at the shop's own picture only its quality is kept: a doubt about it sends no claim to a person."""
    lit = Finding("vision.lit", Verdict.PASS, "vision.lit", Source.MODEL)
    mall.photos.findings = (SEEN, lit)
    mall.proof()
    case_id = mall.claim()["case_id"]
    mall.pump()
    (proof,) = (e for e in mall.case(case_id)["evidence"] if e["role"])
    assert ([f["check"] for f in proof["findings"]], proof["overlay_url"]) == (["vision.lit"], None)
    about_shop = [q for q in mall.photos.asked if not q.reason]
    assert [(q.dispatched, q.catalogue) for q in about_shop] == [((), None)]


def test_the_buyer_hands_in_the_buyers_evidence_alone(mall: Mall) -> None:
    """A proof that the shop has uploaded and not handed in stays the shop's to hand in, whatever the buyer submits."""
    mall.photos.findings = (DOUBT,)
    case_id = mall.claim(submit=False)["case_id"]
    evidence_id = mall.piece(case_id, b"not yet", {"role": "inspection"}, role="clerk")
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    mall.pump()
    (proof,) = (e for e in mall.case(case_id)["evidence"] if e["evidence_id"] == evidence_id)
    assert (proof["state"], proof["url"], compared(mall, case_id)) == ("awaiting_upload", None, [])


def test_a_blurred_proof_asks_the_buyer_for_nothing(mall: Mall) -> None:
    """The shop's own picture cannot be read: that is the shop's matter, and the claim goes on."""
    mall.proof(kind="inspection", role="packing_list")
    case_id = str(mall.claim()["case_id"])
    photo, proof = (e.evidence_id for e in sorted(mall.store.case(case_id).evidence, key=lambda e: e.role is not None))
    mall.photos.findings = (Finding("vision.sharp", Verdict.MISSING, "vision.too_blurred", Source.MODEL, 0.9),)
    assert evidence.verify(mall.registry, case_id, proof)
    mall.photos.findings = (SEEN,)
    assert evidence.verify(mall.registry, case_id, photo)
    assert mall.case(case_id)["state"] == "settling"


def test_a_buyers_evidence_has_no_role(mall: Mall) -> None:
    """Nobody but the shop hands in its proofs, and the shop's people none of the buyer's."""
    case_id = mall.claim(submit=False)["case_id"]
    path = f"/v1/cases/{case_id}/evidence"
    assert mall.send("POST", path, {"bytes": 9, "role": "dispatch"}).json["code"] == "invalid"
    place = mall.must("POST", path, {"bytes": 9}, role="clerk")
    assert [e["role"] for e in mall.case(case_id)["evidence"] if e["evidence_id"] == place["evidence_id"]] == ["inspection"]
    photo = next(e["evidence_id"] for e in mall.case(case_id)["evidence"] if e["role"] is None)
    assert mall.send("POST", f"{path}/{photo}/hand-in", role="clerk").status == 404


def test_a_shop_hands_in_a_proof_once_and_while_the_case_is_open(mall: Mall) -> None:
    """A second time is a conflict; a closed case takes nothing more."""
    case_id = mall.claim(submit=False)["case_id"]
    evidence_id = late_proof(mall, case_id)
    path = f"/v1/cases/{case_id}/evidence/{evidence_id}/hand-in"
    assert mall.send("POST", path, role="clerk").json["code"] == "conflict"
    mall.must("POST", f"/v1/cases/{case_id}/withdraw")
    assert mall.send("POST", f"/v1/cases/{case_id}/evidence", {"bytes": 9}, role="clerk").json["code"] == "conflict"


# --- the question -----------------------------------------------------------------------------------------------------
def test_a_photo_is_asked_about_with_all_that_the_order_says(mall: Mall) -> None:
    """Names in every language, pieces, what may be read on the picture, and when it can have been taken."""
    line = a_line(sku="SKU-7", pieces=5, terms={"title_en": "Strawberries", "opened": False})
    mall.push(an_order(order_id="o2", lines=(line,), shipment=Shipment("sf", "SF1234567890123")))
    mall.claim(order_id="o2")
    mall.pump()
    (asked,) = mall.photos.asked
    assert asked.title == f"{line.title} / Strawberries"
    assert (asked.category, asked.vertical, asked.reason, asked.pieces) == (line.category, "fresh", "spoiled", 5)
    assert asked.written == (("order_id", "o2"), ("tracking", "SF1234567890123"), ("sku", "SKU-7"))
    assert (asked.since, asked.until) == (an_order().paid_at, NOW)
    assert not asked.label_with_flaw


def test_a_merchant_can_ask_for_label_and_flaw_in_one_picture(mall: Mall) -> None:
    """The switch is the merchant's own setting, and part of the question."""
    stage = {**STAGE, "merchants": {"m1": {"label_with_flaw": True}}}
    assert not Registry(stage).merchant("m2").label_with_flaw
    mall.registry.put("merchant:m1", Registry(stage).merchant("m1"))
    mall.claim()
    mall.pump()
    assert [q.label_with_flaw for q in mall.photos.asked] == [True]
