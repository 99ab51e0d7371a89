"""Expiry: files are erased when the merchant's time of keeping has ended, and never before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from aftersales.case import Event
from aftersales.change import Change
from aftersales.decision import Finding, Source, Verdict
from aftersales.query import Due
from aftersales.registry import Registry
from aftersales.testing.builders import a_line, an_order
from aftersales.testing.files import FakeFiles
from functions import expire, sweep
from functions.context import commit
from tests.mall import STAGE, Mall

DOUBT = Finding("vision.spoilage", Verdict.UNSURE, "vision.unsure", Source.MODEL, 0.4)


def closed(mall: Mall, **claim: Any) -> str:
    """A claim that was paid and closed; the case's id."""
    case_id = str(mall.claim(**claim)["case_id"])
    mall.pump()
    assert mall.case(case_id)["state"] == "closed"
    return case_id


def later(mall: Mall, **length: float) -> expire.sweep.Tally:
    """Let time pass, then let the schedule that erases run."""
    mall.clock.move(timedelta(**length))
    return expire.run(mall.registry)


def unanswered(mall: Mall, **length: float) -> None:
    """Let a deadline pass, while nothing follows from what is stored."""
    mall.clock.move(timedelta(**length))
    sweep.sweep(mall.registry)


def with_features(mall: Mall, case_id: str) -> None:
    """What finds the case's pictures again, stored beside them."""
    for piece in mall.store.case(case_id).evidence:
        mall.files.write(f"features/m1/{case_id}/{piece.evidence_id}", b"features", "application/octet-stream")


def test_ninety_days_after_a_case_closed_its_files_are_gone(mall: Mall) -> None:
    """Original, masked copy, overlay and features are erased on that day, not a moment before; hash and findings stay."""
    case_id = closed(mall)
    with_features(mall, case_id)
    before = mall.case(case_id)["evidence"][0]
    assert len(mall.files.kept) == 4
    assert later(mall, days=89, hours=23, minutes=59).advanced == 0
    assert len(mall.files.kept) == 4
    assert later(mall, minutes=1).advanced == 1
    assert mall.files.kept == {}
    after = mall.case(case_id)["evidence"][0]
    assert (after["url"], after["overlay_url"], after["erased_at"]) == (None, None, "2027-02-18T04:00:00Z")
    assert "erased on 2027-02-18" in after["text"]
    assert (after["sha256"], after["findings"]) == (before["sha256"], before["findings"])
    line = mall.must("GET", f"/v1/cases/{case_id}/timeline")
    assert (line["steps"][-1]["event"], line["intact"]) == ("files_erased", True)


def test_erasing_again_does_nothing(mall: Mall) -> None:
    """A case whose files are gone is not due any more: one step, however often the schedule runs."""
    case_id = closed(mall)
    assert later(mall, days=90).advanced == 1
    version = mall.case(case_id)["version"]
    for _ in range(3):
        tally = later(mall, days=90)
        assert (tally.read, tally.advanced) == (0, 0)
    assert mall.case(case_id)["version"] == version


def test_an_erased_original_cannot_be_opened(mall: Mall) -> None:
    """Who asks for it is told that it is gone, and no opening is on record."""
    case_id = closed(mall)
    evidence_id = mall.case(case_id)["evidence"][0]["evidence_id"]
    later(mall, days=90)
    path = f"/v1/cases/{case_id}/evidence/{evidence_id}/original"
    for role in ("buyer", "admin", "platform"):
        assert mall.send("POST", path, {"reason": "to compare"}, role=role).json["code"] == "conflict"
    assert "original_opened" not in mall.send("GET", f"/v1/cases/{case_id}/timeline").text


def test_the_merchant_says_how_long(mall: Mall) -> None:
    """Each merchant's own number of days counts; none is kept for less than a day."""
    mall.registry.put("merchant:m1", Registry({**STAGE, "merchants": {"m1": {"originals_days": 2}}}).merchant("m1"))
    closed(mall)
    assert later(mall, days=1, hours=23).advanced == 0
    assert later(mall, hours=1).advanced == 1
    with pytest.raises(Exception, match="a day at least"):
        Registry({**STAGE, "merchants": {"m1": {"originals_days": 0}}}).merchant("m1")


def test_an_open_case_keeps_its_files_however_long(mall: Mall) -> None:
    """A case that waits, even for years, loses nothing."""
    mall.photos.findings = (DOUBT,)
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    kept = dict(mall.files.kept)
    body = {"action": "move", "reason": "a lawsuit", "move_to": "2100-01-01T00:00:00Z"}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/deadline", body, role="admin")
    for _ in range(4):
        assert later(mall, days=400).read == 0
    assert mall.files.kept == kept


def test_a_case_without_files_is_never_looked_at(mall: Mall) -> None:
    """A one-click refund has no evidence: nothing is due, and nothing was written for it."""
    mall.push(an_order(order_id="o2", status="paid", lines=(a_line(vertical="general"),)))
    items = [{"line_id": "l1", "pieces": 1}]
    asked = {"order_id": "o2", "kind": "refund_only", "reason": "changed_mind", "items": items, "submit": True}
    case_id = mall.must("POST", "/v1/cases", asked)["case_id"]
    mall.pump()
    case = mall.store.case(case_id).case
    assert (case.terminal, case.has_files, case.files_until) == (True, False, None)
    assert later(mall, days=1000).read == 0


def test_a_case_that_opens_again_keeps_its_files(mall: Mall) -> None:
    """Money that came back opens the case: its files wait for nothing until it closes again, and then the full time."""
    case_id = closed(mall)
    file = mall.store.case(case_id)
    commit(mall.registry, Change(file.case).then(Event.REFUND_BOUNCED, "system", mall.clock.now()))
    assert mall.store.case(case_id).case.files_until is None
    assert later(mall, days=91).advanced == 0
    assert mall.files.kept
    open_again = mall.store.case(case_id).case
    commit(mall.registry, Change(open_again).then(Event.SETTLED, "system", mall.clock.now()))
    assert later(mall, days=89).advanced == 0
    assert later(mall, days=1).advanced == 1
    assert mall.files.kept == {}


def test_a_case_opened_after_its_files_were_erased_waits_for_none_of_them(mall: Mall) -> None:
    """A photo that was erased before anybody looked counts as none: another one is needed, and is all that is looked at."""
    mall.registry.put("merchant:m1", Registry({**STAGE, "merchants": {"m1": {"originals_days": 1}}}).merchant("m1"))
    mall.push()
    case_id = str(mall.claim()["case_id"])  # verification does not answer
    unanswered(mall, minutes=16)
    decision = {"outcome": "ask_evidence", "reason": "another photo, please"}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", decision, role="admin")
    unanswered(mall, days=3, minutes=1)
    assert later(mall, days=1).advanced == 1
    mall.must("POST", f"/v1/cases/{case_id}/reopen")
    assert mall.send("POST", f"/v1/cases/{case_id}/submit").json["code"] == "incomplete_evidence"
    mall.photo(case_id, b"another photo")
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    mall.pump()
    assert mall.case(case_id)["state"] == "closed"


def test_a_case_opened_in_the_last_moment_keeps_its_files(mall: Mall) -> None:
    """Nothing is deleted before the erasure is written down on the version that was read: who opens the case first wins."""
    case_id = closed(mall)
    kept = dict(mall.files.kept)
    mall.clock.move(timedelta(days=90))
    real, bounced = mall.store.case, []

    def read_then_bounce(asked: str) -> Any:
        found = real(asked)
        if not bounced:
            bounced.append(asked)
            commit(mall.registry, Change(found.case).then(Event.REFUND_BOUNCED, "system", mall.clock.now()))
        return found

    mall.store.case = read_then_bounce
    expire.run(mall.registry)
    mall.store.case = real
    assert bounced == [case_id]
    assert mall.case(case_id)["state"] == "settling"
    assert mall.case(case_id)["evidence"][0]["erased_at"] is None
    assert mall.files.kept == kept


def test_what_is_due_is_judged_by_the_case_as_it_is_now(mall: Mall) -> None:
    """An index may lag: a case that it names too early, or that has no files left, is left alone."""
    case_id = closed(mall)
    now, kept = mall.clock.now(), dict(mall.files.kept)
    assert not expire.files(mall.registry, Due("files", case_id, now), now)
    assert not expire.files(mall.registry, Due("files", "unknown", now), now)
    assert mall.files.kept == kept


class Dying(FakeFiles):
    """Files whose deletion dies after ``lives`` more."""

    lives = 1

    def delete(self, key: str) -> None:
        """Delete, until it dies."""
        if self.lives == 0:
            raise OSError("the machine is gone")
        self.lives -= 1
        super().delete(key)


def test_a_crash_while_erasing_is_mended_by_the_next_run(mall: Mall) -> None:
    """Half erased is due again: afterwards every file is gone, and the step stands once."""
    files = mall.files = Dying()
    mall.registry.put("files", files)
    case_id = closed(mall)
    assert later(mall, days=90).failed == 1
    assert mall.case(case_id)["evidence"][0]["url"] is None, "no address leads to what is half gone"
    assert files.kept
    files.lives = 100
    assert expire.run(mall.registry).advanced == 1
    assert files.kept == {}
    events = [s["event"] for s in mall.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]]
    assert events.count("files_erased") == 1


def test_a_run_is_bounded_and_the_rest_comes_next(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run does so many per shard, the longest due first; nothing is forgotten."""
    monkeypatch.setattr("functions.expire.MOST", 1)
    ids = [closed(mall, photo=b"photo %d" % n) for n in range(5)]
    mall.clock.move(timedelta(days=90))
    runs = list(_runs(mall))
    assert sum(runs) == len(ids)
    assert max(runs) <= mall.store.due_shards
    assert mall.files.kept == {}


def _runs(mall: Mall) -> Iterator[int]:
    """How many each run erased, until one finds nothing."""
    while done := expire.run(mall.registry).advanced:
        yield done


# --- proofs -----------------------------------------------------------------------------------------------------------
def test_a_proof_that_nobody_needed_is_erased(mall: Mall) -> None:
    """180 days after it was handed in the file is gone; that it was there stays, with its hash."""
    mall.proof()
    mall.clock.move(timedelta(days=179))
    assert later(mall, hours=23).advanced == 0
    assert later(mall, hours=1).advanced == 1
    (proof,) = mall.must("GET", "/v1/orders/o1/proofs", role="clerk")["proofs"]
    assert (proof["url"], proof["erased_at"] is not None, proof["sha256"] is not None) == (None, True, True)
    assert mall.files.kept == {}
    assert later(mall, days=400).read == 0


def test_a_proof_stays_while_a_case_of_its_order_may_need_it(mall: Mall) -> None:
    """An open case keeps the shop's proofs as well as the buyer's photos, and a closed one as long as its own files."""
    mall.photos.findings = (DOUBT,)
    mall.proof()
    mall.clock.move(timedelta(hours=1))
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    original = next(key for key in mall.files.kept if "/proofs/" in key)
    body = {"action": "move", "reason": "a lawsuit", "move_to": "2099-01-01T00:00:00Z"}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/deadline", body, role="admin")
    for _ in range(3):
        later(mall, days=180)
    assert original in mall.files.kept
    decision = {"outcome": "approve", "reason": "Agreed."}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", decision, role="admin")
    mall.pump()
    assert mall.case(case_id)["state"] == "closed"
    later(mall, days=89)
    assert original in mall.files.kept
    later(mall, days=1)
    later(mall, days=1)
    assert mall.files.kept == {}
    assert [e["erased_at"] is not None for e in mall.case(case_id)["evidence"]] == [True, True]


def test_erasing_a_case_leaves_the_orders_proof(mall: Mall) -> None:
    """The proof belongs to the order, whose other pieces may be claimed yet: it goes by its own time."""
    proof = mall.proof()
    mall.clock.move(timedelta(hours=1))
    case_id = closed(mall)
    later(mall, days=90)
    assert list(mall.files.kept) == [f"evidence/m1/proofs/{proof}"]
    assert [e["url"] for e in mall.case(case_id)["evidence"]] == [None, None]
    assert mall.must("GET", "/v1/orders/o1/proofs", role="clerk")["proofs"][0]["url"]


def test_a_claim_in_the_last_moment_keeps_the_proof(mall: Mall) -> None:
    """Between the look at an order's cases and the erasure a claim is handed in: the proof stays for it."""
    mall.push(an_order(order_id="o2", status="shipped", lines=(a_line(vertical="general"),)))
    proof = mall.proof("o2")
    mall.clock.move(timedelta(days=180))
    real, claimed = mall.store.order, list[str]()

    def read_then_claim(merchant: str, order_id: str) -> Any:
        found = real(merchant, order_id)
        if not claimed:
            claimed.append("under way")
            items = [{"line_id": "l1", "pieces": 1}]
            asked = {"order_id": "o2", "kind": "refund_only", "reason": "not_received", "items": items, "submit": True}
            claimed.append(mall.must("POST", "/v1/cases", asked)["case_id"])
        return found

    mall.store.order = read_then_claim
    expire.run(mall.registry)
    mall.store.order = real
    assert mall.case(claimed[-1])["state"] == "reviewing"
    assert f"evidence/m1/proofs/{proof}" in mall.files.kept
    assert [e["role"] for e in mall.case(claimed[-1], role="clerk")["evidence"]] == ["dispatch"]
    assert mall.case(claimed[-1], role="clerk")["evidence"][0]["url"]


def test_a_place_that_was_never_used_is_forgotten_too(mall: Mall) -> None:
    """What was uploaded and never handed in is erased like the rest."""
    place = mall.must("POST", "/v1/orders/o1/proofs", {"bytes": 9, "role": "dispatch"}, role="clerk")
    mall.files.accept(place["fields"], b"x", mall.clock.now())
    assert later(mall, days=180).advanced == 1
    assert mall.files.kept == {}


def test_a_failing_erasure_is_put_aside_and_run_again(mall: Mall) -> None:
    """What cannot be erased five times becomes a dead letter of the platform's, which runs it again."""
    files = mall.files = Dying()
    mall.registry.put("files", files)
    mall.proof()
    files.lives = 0
    mall.clock.move(timedelta(days=180))
    tallies = [expire.run(mall.registry) for _ in range(5)]
    assert [t.failed for t in tallies] == [1, 1, 1, 1, 0]
    (letter,) = mall.must("GET", "/v1/platform/dead-letters", role="platform")["tickets"]
    files.lives = 100
    mall.must("POST", f"/v1/platform/dead-letters/{letter['ticket_id']}/run", role="platform")
    assert files.kept == {}
