"""Told twice, or decided by two at once: nothing is lost, nothing is done twice, and nobody reads an error for it."""

from __future__ import annotations

from datetime import timedelta

from aftersales.decision import Finding, Source, Verdict
from aftersales.refund import Cause
from aftersales.testing.channel import Outcome
from aftersales.testing.store import FakeStore
from functions import follow, sweep
from functions.http import Request, callback
from tests.mall import Mall, Reply
from tests.property.trouble import Fragile, Fuse

DOUBT = Finding("vision.spoilage", Verdict.UNSURE, "vision.not_clear", Source.MODEL, 0.4)


def told_again(mall: Mall) -> list[str]:
    """Every stream record from the beginning; the ids of those that failed."""
    return follow.follow(mall.registry, list(mall.store.records))


def events(mall: Mall, case_id: str) -> list[str]:
    """What happened to the case."""
    return [step["event"] for step in mall.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]]


def test_a_record_told_again_after_a_no_may_pay_unheard(mall: Mall) -> None:
    """The second call of a failed refund is paid and its answer lost: the refund counts as sent, and is found."""
    mall.channel.then(Cause.CONFIGURATION)
    case = mall.claim()
    mall.pump()
    mall.channel.then(Outcome.UNKNOWN_EXECUTED)
    assert told_again(mall) == []
    assert mall.case(case["case_id"])["refunds"][0]["state"] == "sent"
    mall.wait(minutes=1)
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert mall.channel.truth == {f"R{case['case_id']}-1": 1990}


def test_the_same_no_is_heard_once(mall: Mall) -> None:
    """A refund that fails again for the same reason, told by a second call or by a notice, is one failure on record."""
    mall.channel.then(Outcome.PROCESSING)
    case = mall.claim()
    mall.pump()
    key = f"R{case['case_id']}-1"
    mall.channel.conclude(key, Cause.ACCOUNT_ABNORMAL)
    for _ in range(3):
        headers, body = mall.channel.notice_of(key)
        assert callback(mall.registry, "wechatpay", Request("POST", "/v1/callbacks/wechatpay", headers, {}, body)).status == 204
    assert told_again(mall) == []
    assert events(mall, case["case_id"]).count("refund_failed") == 1


def test_a_sweep_that_read_half_before_another_approved_is_no_error(mall: Mall) -> None:
    """Between reading the case and reading its money another sweep approves it: one approval, one refund, nothing failed."""
    fuse, others = Fuse(), []
    mall = Mall(store=Fragile(FakeStore(due_shards=1), fuse))
    mall.push()
    mall.photos.findings = (DOUBT,)
    case = mall.claim()
    mall.pump()
    mall.clock.move(timedelta(hours=48))
    notches_until_the_case_was_read = 3  # before and after the query, before reading the case
    fuse.light([(notches_until_the_case_was_read, lambda: others.append(sweep.sweep(mall.registry)))])
    mine = sweep.sweep(mall.registry)
    assert (others[0].advanced, mine.advanced, mine.failed) == (1, 0, 0)
    mall.pump()
    assert events(mall, case["case_id"]).count("deadline_passed") == 1
    assert mall.channel.truth == {f"R{case['case_id']}-1": 1990}


def test_a_yes_that_read_half_before_anothers_no_hears_of_that_no(mall: Mall) -> None:
    """Between reading the case and reading its money a colleague rejects it: the yes comes too late, and is told just that."""
    fuse, others = Fuse(), []
    mall = Mall(store=Fragile(FakeStore(due_shards=1), fuse))
    mall.push()
    mall.photos.findings = (DOUBT,)
    case = mall.claim()
    mall.pump()

    def decide(clerk: str, outcome: str) -> Reply:
        body = {"outcome": outcome, "reason": "seen"}
        return mall.send("POST", f"/v1/merchant/cases/{case['case_id']}/decision", body, role="clerk", sub=clerk)

    notches_until_the_case_was_read = 1
    fuse.light([(notches_until_the_case_was_read, lambda: others.append(decide("c2", "reject")))])
    mine = decide("c1", "approve")
    assert (others[0].status, mine.status, mine.json["code"]) == (200, 409, "illegal_transition")
    assert (mall.case(case["case_id"])["state"], mall.channel.truth) == ("rejected", {})
