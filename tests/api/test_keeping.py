"""What was sold is kept while money is on its way, however long people take: paid for, or used, and never both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aftersales.errors import NotFound
from aftersales.lookup import Subject
from aftersales.refund import Cause
from aftersales.testing.builders import a_line, an_order
from aftersales.testing.channel import Outcome
from aftersales.testing.entitlements import FakeEntitlements, Sold
from functions import sweep
from tests.mall import Mall

ASKED = {"order_id": "v1", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
DEAR = 60_000  # above what one person may grant


@pytest.fixture
def issuer(mall: Mall) -> FakeEntitlements:
    """The issuer, whose locks last 30 days; it shares the mall's clock. An order of one code for CNY 600, delivered."""
    issuer = FakeEntitlements(mall.clock)
    mall.registry.put("source:entitlements", issuer)
    sell(mall, issuer, DEAR)
    return issuer


def sell(mall: Mall, issuer: FakeEntitlements, minor: int, of: int = 1) -> None:
    """The order ``v1`` of one entitlement ``x``."""
    issuer.sold["x"] = Sold("x", of)
    line = a_line(vertical="virtual", unit_price_minor=minor, pieces=1, data={"entitlement": "x", "goods": "code"})
    mall.push(an_order(order_id="v1", lines=(line,)))


def handed_in(mall: Mall, **more: Any) -> str:
    """A refund, handed in, and everything that follows at once; its id."""
    case_id = str(mall.must("POST", "/v1/cases", {**ASKED, "submit": True, **more})["case_id"])
    mall.pump()
    return case_id


def decide(mall: Mall, case_id: str, outcome: str = "approve", *, twice: bool = True, **more: Any) -> None:
    """People of the shop decide: the first approver, and the second one where the sum needs two."""
    for who in ("approver-1", "approver-2")[: 2 if twice and outcome == "approve" else 1]:
        body = {"outcome": outcome, "reason": "because", **more}
        mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", body, role="approver", sub=who)
    mall.pump()


def paid(mall: Mall) -> int:
    """What really went out."""
    return sum(mall.channel.truth.values())


# --- people take their time -------------------------------------------------------------------------------------------
def test_a_lock_that_ran_out_is_had_again_before_the_money_goes(mall: Mall, issuer: FakeEntitlements) -> None:
    """People decide after the lock ran out, and nobody used it: it is locked anew, paid, void."""
    case_id = handed_in(mall)
    mall.clock.move(timedelta(days=31))
    decide(mall, case_id)
    assert (mall.case(case_id)["ending"], paid(mall), issuer.sold["x"].voided_by) == ("refunded", DEAR, f"{case_id}-l1")


def test_what_was_used_after_its_lock_ran_out_is_not_paid(mall: Mall, issuer: FakeEntitlements) -> None:
    """People decide after the lock ran out and it was used: nothing is sent, and they read why."""
    case_id = handed_in(mall)
    mall.clock.move(timedelta(days=31))
    assert issuer.use("x")
    decide(mall, case_id)
    [leg] = mall.case(case_id)["refunds"]
    assert (paid(mall), leg["state"], leg["cause"]) == (0, "failed", Cause.NOT_KEPT)
    mall.wait(days=2)
    assert paid(mall) == 0
    mall.clock.move(timedelta(minutes=6))
    body = {"how": "not_owed", "reason": "It was used on the way."}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/refunds/1/release", body, role="approver")
    mall.pump()
    assert (mall.case(case_id)["state"], issuer.sold["x"].voided_by) == ("closed", "")


def test_what_was_used_further_is_not_paid_as_if_it_was_not(mall: Mall, issuer: FakeEntitlements) -> None:
    """The lock on a card of visits ran out and one more was used: what was judged is not what is left, so nothing is sent."""
    sell(mall, issuer, 100_000, of=10)
    issuer.use("x", 1)
    case_id = handed_in(mall)
    assert mall.case(case_id)["amount_minor"] == 90_000
    mall.clock.move(timedelta(days=31))
    assert issuer.use("x", 3)
    decide(mall, case_id)
    assert (paid(mall), mall.case(case_id)["refunds"][0]["cause"]) == (0, Cause.NOT_KEPT)


def test_a_person_does_not_approve_by_accident_what_is_not_kept(mall: Mall, issuer: FakeEntitlements) -> None:
    """While the issuer is silent an approval is refused; who answers for it says so, and that is on record."""
    issuer.script = [("hold", False)] * 99
    case_id = str(mall.must("POST", "/v1/cases", {**ASKED, "submit": True})["case_id"])
    mall.clock.move(timedelta(minutes=16))
    sweep.sweep(mall.registry)
    body = {"outcome": "approve", "reason": "They are bankrupt."}
    path = f"/v1/merchant/cases/{case_id}/decision"
    refused = mall.send("POST", path, body, role="approver")
    assert (refused.status, "unkept" in refused.text) == (409, True)
    mall.must("POST", path, {**body, "unkept": True}, role="approver", sub="approver-1")
    mall.must("POST", path, {**body, "unkept": True}, role="approver", sub="approver-2")
    assert mall.case(case_id)["state"] == "settling"


def test_an_approval_keeps_what_could_not_be_kept_before(mall: Mall, issuer: FakeEntitlements) -> None:
    """The issuer was silent while it was asked and answers when a person approves: it is locked first, then paid, then void."""
    sell(mall, issuer, 10_000)
    issuer.script = [("hold", False)]
    case_id = str(mall.must("POST", "/v1/cases", {**ASKED, "submit": True})["case_id"])
    mall.clock.move(timedelta(minutes=16))
    sweep.sweep(mall.registry)
    issuer.script = []
    reply = mall.send("POST", f"/v1/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "fine"}, role="approver")
    assert reply.status in (200, 409)  # the answer may have decided the case by itself meanwhile
    mall.pump()
    assert (mall.case(case_id)["ending"], issuer.sold["x"].voided_by) == ("refunded", f"{case_id}-l1")


# --- the money takes its time -----------------------------------------------------------------------------------------
def test_while_the_money_is_on_its_way_no_lock_runs_out(mall: Mall, issuer: FakeEntitlements) -> None:
    """A channel takes 60 days: the lock of 30 is renewed with every look, and what is paid at last was never usable."""
    mall.channel.then(Outcome.PROCESSING)
    sell(mall, issuer, 10_000)
    case_id = handed_in(mall)
    for _ in range(60):
        mall.wait(days=1)
        assert not issuer.use("x")
    mall.channel.conclude(f"R{case_id}-1")
    mall.wait(hours=7)
    assert (mall.case(case_id)["ending"], issuer.sold["x"].voided_by) == ("refunded", f"{case_id}-l1")


def test_no_money_goes_while_nobody_says_that_it_is_kept(mall: Mall, issuer: FakeEntitlements) -> None:
    """The issuer falls silent between the decision and the payment: the refund waits, and goes on by itself."""
    case_id = handed_in(mall)
    issuer.script = [("hold", True), ("hold", False), ("hold", True)]
    decide(mall, case_id)
    assert (paid(mall), mall.case(case_id)["refunds"][0]["state"]) == (0, "reserved")
    for _ in range(6):
        mall.wait(minutes=10)
    assert (paid(mall), mall.case(case_id)["ending"], issuer.sold["x"].voided_by) == (DEAR, "refunded", f"{case_id}-l1")


@pytest.mark.parametrize("broken", [NotFound("switched off"), KeyError("a defect")], ids=["switched off", "broken"])
def test_a_source_that_is_gone_loses_no_refund_under_way(mall: Mall, issuer: FakeEntitlements, broken: Exception) -> None:
    """The source is switched off or breaks while money is on its way: what the channel says is still heard, and the case closes."""
    mall.channel.then(Outcome.PROCESSING)
    sell(mall, issuer, 10_000)
    case_id = handed_in(mall)

    def breaks(*_: object) -> None:
        raise broken

    issuer.hold = breaks  # type: ignore[method-assign, assignment]
    mall.wait(minutes=5)
    mall.channel.conclude(f"R{case_id}-1")
    mall.wait(minutes=5)
    assert (mall.case(case_id)["ending"], issuer.sold["x"].voided_by) == ("refunded", f"{case_id}-l1")


def test_a_refund_that_is_given_up_frees_it(mall: Mall, issuer: FakeEntitlements) -> None:
    """The channel refuses for good and a person gives the refund up: the buyer can use what was sold again."""
    mall.channel.then(Cause.OVER_LIMIT)
    sell(mall, issuer, 10_000)
    case_id = handed_in(mall)
    assert not issuer.use("x")
    mall.clock.move(timedelta(minutes=10))
    body = {"how": "not_owed", "reason": "They keep it."}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/refunds/1/release", body, role="approver")
    mall.pump()
    assert (mall.case(case_id)["state"], paid(mall)) == ("closed", 0)
    assert issuer.use("x")


def test_paid_elsewhere_makes_it_void(mall: Mall, issuer: FakeEntitlements) -> None:
    """The channel refuses for good and the money went another way: it was refunded all the same, so it is void."""
    mall.channel.then(Cause.ACCOUNT_ABNORMAL)
    sell(mall, issuer, 10_000)
    case_id = handed_in(mall)
    mall.clock.move(timedelta(minutes=10))
    body = {"how": "paid_elsewhere", "reason": "In cash."}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/refunds/1/release", body, role="approver")
    mall.pump()
    assert issuer.sold["x"].voided_by == f"{case_id}-l1"


# --- the case takes its turns -----------------------------------------------------------------------------------------
def test_a_case_that_is_reopened_keeps_it_anew(mall: Mall, issuer: FakeEntitlements) -> None:
    """A case lapses and lets go; reopened a minute later it is asked and locked again before anything is decided."""
    case_id = handed_in(mall)
    decide(mall, case_id, "ask_evidence")
    mall.wait(hours=73)
    assert (mall.case(case_id)["ending"], issuer.sold["x"].lock) == ("lapsed", "")
    mall.clock.move(timedelta(minutes=1))
    mall.must("POST", f"/v1/cases/{case_id}/reopen")
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    assert mall.case(case_id)["state"] == "verifying"
    mall.pump()
    assert issuer.sold["x"].lock == f"{case_id}-l1-1"
    assert not issuer.use("x")


def test_letting_go_too_late_ends_nothing_that_is_kept_since(mall: Mall, issuer: FakeEntitlements) -> None:
    """A call to let go after a lapse arrives once the case was reopened: what is kept since then stays kept."""
    late: list[Subject] = []
    real, issuer.release = issuer.release, lambda subject, now: late.append(subject)  # type: ignore[method-assign]
    case_id = handed_in(mall)
    decide(mall, case_id, "ask_evidence")
    mall.wait(hours=73)
    issuer.release = real  # type: ignore[method-assign]
    mall.must("POST", f"/v1/cases/{case_id}/reopen")
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    mall.pump()
    assert (len(late), issuer.sold["x"].lock) == (1, f"{case_id}-l1-1")
    issuer.release(late[0], mall.clock.now())
    assert not issuer.use("x")
    decide(mall, case_id)
    assert (paid(mall), issuer.sold["x"].voided_by) == (DEAR, f"{case_id}-l1-1")


def test_reopened_before_it_was_let_go_and_withdrawn_at_once(mall: Mall, issuer: FakeEntitlements) -> None:
    """The lapse is heard of only after the case goes on, and its buyer thinks better of it: nothing stays locked."""
    case_id = handed_in(mall)
    decide(mall, case_id, "ask_evidence")
    mall.clock.move(timedelta(hours=73))
    sweep.sweep(mall.registry)
    mall.must("POST", f"/v1/cases/{case_id}/reopen")
    mall.must("POST", f"/v1/cases/{case_id}/withdraw")
    mall.pump()
    assert issuer.use("x")


def test_used_between_lapse_and_reopening_is_refused(mall: Mall, issuer: FakeEntitlements) -> None:
    """What was used while a lapsed case had let go of it is not paid for once the case is open again."""
    case_id = handed_in(mall)
    decide(mall, case_id, "ask_evidence")
    mall.wait(hours=73)
    assert issuer.use("x")
    mall.must("POST", f"/v1/cases/{case_id}/reopen")
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    mall.pump()
    assert (mall.case(case_id)["state"], paid(mall)) == ("rejected", 0)


@pytest.mark.parametrize("how", ["withdraw", "reject"])
def test_whatever_else_ends_it_frees_it(mall: Mall, issuer: FakeEntitlements, how: str) -> None:
    """Withdrawn by the buyer or refused by the shop: it can be used again at once."""
    case_id = handed_in(mall)
    if how == "withdraw":
        mall.must("POST", f"/v1/cases/{case_id}/withdraw")
        mall.pump()
    else:
        decide(mall, case_id, "reject")
    assert issuer.use("x")


def test_what_the_mall_tells_takes_the_offer_away_at_once(mall: Mall, issuer: FakeEntitlements) -> None:
    """The mall tells that the code was used up: the buyer reads it with its time before applying, and in his language."""
    fact = {"fact": "redeemed", "at": "2026-11-19T16:30:00+00:00", "line_id": "l1", "data": {"left": 0}}
    mall.must("POST", "/v1/orders/v1/facts", fact, role="integrator")
    for locale, words in (("en", "used up at 2026-11-20 00:30"), ("zh-CN", "2026-11-20 00:30 全部使用")):
        said = mall.send("GET", "/v1/orders/v1/options", headers={"accept-language": locale})
        assert (said.status, words in said.text) == (200, True)
    refused = mall.send("POST", "/v1/orders/v1/facts", {**fact, "data": {"rest": 0}}, role="integrator")
    assert (refused.status, "data.rest" in refused.text) == (400, True)
