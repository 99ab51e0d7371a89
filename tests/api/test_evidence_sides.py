"""Who sees what of a file: masked copies, originals on record, and papers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aftersales.decision import Finding, Source, Verdict
from aftersales.errors import BadSignature
from aftersales.photo import PhotoQuestion, PhotoReport
from tests.mall import Mall

DOUBT = Finding("vision.spoilage", Verdict.UNSURE, "vision.unsure", Source.MODEL, 0.4)
STAFF = ("clerk", "approver", "admin", "platform")


@pytest.fixture
def case(mall: Mall) -> tuple[Mall, str, str]:
    """A claim with one verified photo, under review: the mall, the case's id and the photo's."""
    mall.photos.findings = (DOUBT,)
    case_id = mall.claim(photo=b"a face")["case_id"]
    mall.pump()
    return mall, case_id, mall.case(case_id)["evidence"][0]["evidence_id"]


def key_of(url: str) -> str:
    """Which file an address leads to."""
    return parse_qs(urlsplit(url).query)["key"][0]


def content(mall: Mall, url: str) -> bytes:
    """What a browser gets at an address."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    found = mall.files.open(query, mall.clock.now())
    assert found is not None, url
    return found[0]


def piece(mall: Mall, case_id: str, **who: Any) -> Any:
    """The first piece of evidence as somebody reads it."""
    return mall.case(case_id, **who)["evidence"][0]


# --- masked copies --------------------------------------------------------------------------------------------------
def test_the_other_side_sees_the_masked_copy(case: tuple[Mall, str, str]) -> None:
    """A buyer sees the own photo as it is; everybody of the shop and the platform sees a copy without faces."""
    mall, case_id, _ = case
    for own in ({"role": "buyer"}, {"role": "integrator"}):
        seen = piece(mall, case_id, **own)
        assert (seen["masked"], content(mall, seen["url"])) == (False, b"a face")
    for role in STAFF:
        seen = piece(mall, case_id, role=role)
        assert (seen["masked"], content(mall, seen["url"]), seen["text"]) == (True, b"masked a face", "")
        assert content(mall, seen["overlay_url"]) == b"overlay"


def test_nothing_of_a_case_leads_staff_to_an_original(case: tuple[Mall, str, str]) -> None:
    """No reply that staff get about a case, a list or a timeline holds an address of the buyer's original."""
    mall, case_id, _ = case
    for role in STAFF:
        for path in (f"/v1/cases/{case_id}", f"/v1/cases/{case_id}/timeline"):
            assert "evidence%2F" not in mall.send("GET", path, role=role).text


def test_before_it_was_looked_at_the_other_side_sees_nothing(mall: Mall) -> None:
    """Nothing is shown unmasked for want of time: until verification has run there is no address, and a sentence says why."""
    case_id = mall.claim()["case_id"]
    seen = piece(mall, case_id, role="admin")
    assert (seen["state"], seen["url"], seen["overlay_url"]) == ("uploaded", None, None)
    assert "masked" in seen["text"]
    assert piece(mall, case_id)["url"]


class NotMasked:
    """A verifier that sees but cannot mask."""

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """An overlay, and no masked copy."""
        return PhotoReport((DOUBT,), "", b"overlay")

    watch = inspect


def test_what_cannot_be_masked_is_not_shown(mall: Mall) -> None:
    """Where no masked copy could be made neither the photo nor its overlay is shown to the other side."""
    mall.registry.put("photos", NotMasked())
    case_id = mall.claim()["case_id"]
    mall.pump()
    seen = piece(mall, case_id, role="admin")
    assert (seen["state"], seen["url"], seen["overlay_url"], seen["masked"]) == ("verified", None, None, False)
    assert "could not be masked" in seen["text"]
    assert piece(mall, case_id)["overlay_url"]


@pytest.mark.parametrize(
    ("kind", "content_type"), [("chat", "image/png"), ("payment_proof", "image/jpeg"), ("tracking", "application/pdf")]
)
def test_papers_are_never_shown_to_the_other_side(mall: Mall, kind: str, content_type: str) -> None:
    """Chats, payment proofs and papers may be full of personal data and are not masked: the shop learns that they are there."""
    mall.photos.findings = (DOUBT,)
    case = mall.claim(submit=False)
    mall.piece(case["case_id"], b"a paper", {"kind": kind, "content_type": content_type})
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    mall.pump()
    papers = [e for e in mall.case(case["case_id"], role="admin")["evidence"] if e["kind"] == kind]
    assert [(e["url"], e["sha256"] is not None) for e in papers] == [(None, True)]
    assert "personal data" in papers[0]["text"]
    path = f"/v1/cases/{case['case_id']}/evidence/{papers[0]['evidence_id']}/original"
    opened = mall.must("POST", path, {"reason": "to check the amount"}, role="approver")
    assert content(mall, opened["url"]) == b"a paper"


# --- originals --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["approver", "admin", "platform"])
def test_opening_an_original_is_on_record_for_both_sides(case: tuple[Mall, str, str], role: str) -> None:
    """Who needs the unmasked photo gets it for five minutes; the buyer reads in the timeline that it was opened, when and why."""
    mall, case_id, evidence_id = case
    path = f"/v1/cases/{case_id}/evidence/{evidence_id}/original"
    opened = mall.must("POST", path, {"reason": "The label is masked away."}, role=role, sub="wang")
    assert (content(mall, opened["url"]), opened["logged"]) == (b"a face", True)
    line = mall.must("GET", f"/v1/cases/{case_id}/timeline")
    step = line["steps"][-1]
    assert (step["event"], step["data"]["reason"], step["data"]["evidence_id"]) == (
        "original_opened",
        "The label is masked away.",
        evidence_id,
    )
    assert line["intact"]
    assert step["by"] == ("platform" if role == "platform" else "shop")
    assert "wang" not in str(line)
    assert "The label is masked away." in step["text"]
    named = mall.must("GET", f"/v1/cases/{case_id}/timeline", role="admin")["steps"][-1]
    assert named["by"] == f"{role}:wang"


def test_an_address_of_an_original_lasts_five_minutes(case: tuple[Mall, str, str]) -> None:
    """Afterwards it leads to nothing: who still needs it opens it again, on record again."""
    mall, case_id, evidence_id = case
    path = f"/v1/cases/{case_id}/evidence/{evidence_id}/original"
    opened = mall.must("POST", path, {"reason": "to compare"}, role="admin")
    mall.clock.move(timedelta(minutes=5))
    with pytest.raises(BadSignature):
        content(mall, opened["url"])
    mall.must("POST", path, {"reason": "to compare again"}, role="admin")
    events = [s["event"] for s in mall.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]]
    assert events.count("original_opened") == 2


def test_asking_twice_with_one_key_opens_once(case: tuple[Mall, str, str]) -> None:
    """The same request sent again gets the same answer and leaves one step."""
    mall, case_id, evidence_id = case
    path = f"/v1/cases/{case_id}/evidence/{evidence_id}/original"
    answers = [mall.send("POST", path, {"reason": "to compare"}, role="admin", key="key-00000001") for _ in range(2)]
    assert answers[0].text == answers[1].text
    events = [s["event"] for s in mall.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]]
    assert events.count("original_opened") == 1


def test_a_buyer_reaches_the_own_original_without_a_record(case: tuple[Mall, str, str]) -> None:
    """Looking at one's own photo is nobody's business."""
    mall, case_id, evidence_id = case
    before = mall.case(case_id)["version"]
    opened = mall.must("POST", f"/v1/cases/{case_id}/evidence/{evidence_id}/original", {"reason": "my own"})
    assert (content(mall, opened["url"]), opened["logged"]) == (b"a face", False)
    assert mall.case(case_id)["version"] == before


def test_an_original_is_opened_by_who_may_and_with_a_reason(case: tuple[Mall, str, str]) -> None:
    """A clerk works with the masked copy; strangers and unknown pieces are not found; no reason, no file."""
    mall, case_id, evidence_id = case
    path, why = f"/v1/cases/{case_id}/evidence/{evidence_id}/original", {"reason": "to compare"}
    assert mall.send("POST", path, why, role="clerk").status == 403
    assert mall.send("POST", path, why, role="admin", merchant="m2").status == 404
    assert mall.send("POST", path, why, role="buyer", sub="b2").status == 404
    assert mall.send("POST", path.replace(evidence_id, "e404"), why, role="admin").status == 404
    for body in ({}, {"reason": ""}, {"reason": "x"}, {"reason": "y" * 201}):
        assert mall.send("POST", path, body, role="admin").status == 400
    assert "original_opened" not in mall.send("GET", f"/v1/cases/{case_id}/timeline").text


def test_the_shops_own_proof_has_no_original_for_the_buyer(case: tuple[Mall, str, str]) -> None:
    """The buyer sees the masked copy of the shop's picture, and is not let to the rest."""
    mall, case_id, _ = case
    evidence_id = mall.piece(case_id, b"another buyer's label", {"kind": "inspection", "role": "inspection"}, role="clerk")
    mall.must("POST", f"/v1/cases/{case_id}/evidence/{evidence_id}/hand-in", role="clerk")
    mall.pump()
    (seen,) = (e for e in mall.case(case_id)["evidence"] if e["evidence_id"] == evidence_id)
    assert (seen["role"], seen["by"], content(mall, seen["url"])) == ("inspection", "shop", b"masked another buyer's label")
    path = f"/v1/cases/{case_id}/evidence/{evidence_id}/original"
    assert mall.send("POST", path, {"reason": "curious"}).status == 404
    own = mall.must("POST", path, {"reason": "our own"}, role="admin")
    assert not own["logged"]
    assert mall.must("POST", path, {"reason": "a dispute"}, role="platform")["logged"]
