"""Silence where two persons have to agree: it approves nothing, asks them, and goes on asking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aftersales.testing.builders import a_merchant
from tests.api.four import YES, Due, away, big, decides
from tests.api.machine import Kitchen
from tests.mall import Mall


def kitchen_of(limit: int = 50_000) -> Kitchen:
    """A kitchen whose fridge is faulty, at a merchant with that limit."""
    kitchen = Kitchen()
    kitchen.found()
    kitchen.registry.put("merchant:m1", a_merchant(two_persons_above_minor=limit, return_address="Warehouse 1"))
    return kitchen


def agreed(kitchen: Kitchen, case: Any) -> Any:
    """Two persons say yes to it."""
    kitchen.decide(case)
    return kitchen.decide(case, role="approver")


@pytest.mark.parametrize(("minor", "state"), [(49_999, "closed"), (50_000, "closed"), (50_001, "second_review")])
def test_two_days_of_silence_approve_what_one_person_could(mall: Mall, minor: int, state: str) -> None:
    """Up to the limit, that included, it is paid; above it two persons are asked, no yes is recorded and nothing is paid."""
    case_id = big(mall, minor)
    mall.wait(hours=47, minutes=59)
    assert mall.case(case_id)["state"] == "reviewing"
    mall.wait(minutes=1)
    case = mall.case(case_id)
    assert (case["state"], [a["by"] for a in case["approvals"]]) == (state, ["system"] if state == "closed" else [])
    assert sum(mall.channel.truth.values()) == (minor if state == "closed" else 0)


def test_it_is_said_before_and_after_in_both_languages(mall: Mall) -> None:
    """The deadline says that silence will not pay, the timeline why nobody was paid, and the buyer is told."""
    case_id = big(mall)

    def reads(language: str) -> str:
        headers = {"accept-language": language}
        return mall.send("GET", f"/v1/cases/{case_id}/timeline", headers=headers).text

    assert "never approved by silence" in reads("en")
    assert "不会自动同意" in reads("zh-CN")
    mall.wait(hours=48)
    assert "two are asked now" in reads("en")
    assert "已升级给两位审批人" in reads("zh-CN")
    told = [n["text"] for n in mall.must("GET", "/v1/notices")["notices"]]
    assert "订单 o3 的售后申请商家未在期限内处理。" in told[0]


def test_further_silence_asks_again_and_again(mall: Mall) -> None:
    """Every day without a word is counted, for as long as it takes."""
    case_id = big(mall)
    mall.wait(hours=48)
    for day in (1, 2, 3):
        mall.wait(hours=24)
        case = mall.store.case(case_id).case
        assert (case.state, case.escalations, case.approvals) == ("second_review", day, ())
    assert mall.channel.truth == {}


@pytest.mark.parametrize("first", ["clerk", "approver"])
def test_a_clerk_and_an_approver_are_enough(mall: Mall, first: str) -> None:
    """After silence the clerk's yes is the first and the approver's the second; an approver's alone is the first of two."""
    due = Due(mall, big(mall), YES)
    mall.wait(hours=48)
    assert due.says("anna", first).json["state"] == "second_review"
    assert due.says("anna", "approver").json["code"] == "second_person_required"
    assert due.says("ben").json["state"] == "settling"


def test_a_clerk_says_no_no_after_silence(mall: Mall) -> None:
    """What was escalated is rejected, or asked about, by who has the right to the second word."""
    case_id = big(mall)
    mall.wait(hours=48)
    assert decides(mall, case_id, "dora", "clerk", outcome="reject").json["code"] == "forbidden"
    assert decides(mall, case_id, "anna", outcome="reject").json["state"] == "rejected"


@pytest.mark.parametrize("moves", ["move", "pause and resume"])
def test_a_deadline_that_an_approver_moves_pays_nobody(mall: Mall, moves: str) -> None:
    """Moved to a second from now, or let run out after a pause, silence is still nobody's yes."""
    case_id = big(mall)
    path = f"/v1/merchant/cases/{case_id}/deadline"
    soon = (mall.clock.now() + timedelta(seconds=1)).isoformat()
    if moves == "move":
        mall.must("POST", path, {"action": "move", "reason": "now", "move_to": soon}, role="approver", sub="anna")
    else:
        mall.must("POST", path, {"action": "pause", "reason": "now", "move_to": soon}, role="approver", sub="anna")
        mall.must("POST", path, {"action": "resume", "reason": "now"}, role="approver", sub="anna")
        mall.clock.move(timedelta(hours=48))
    mall.wait(seconds=2)
    assert mall.case(case_id)["state"] == "second_review"
    assert mall.channel.truth == {}


# --- things -----------------------------------------------------------------------------------------------------------
def failed() -> tuple[Kitchen, str]:
    """A replacement that two persons agreed to and that is not to be had."""
    kitchen = kitchen_of()
    case = kitchen.back(agreed(kitchen, kitchen.ask()))
    return kitchen, str(kitchen.tell(case, "failed", reason="none left")["case_id"])


def test_money_for_a_promise_that_failed_takes_two_persons() -> None:
    """Two days after the failure silence asks them; the promise stays as it is, and their yes to money pays."""
    kitchen, case_id = failed()
    assert "never approved by silence" in kitchen.case(case_id)["deadline"]["means"]
    kitchen.wait(hours=48)
    case = kitchen.case(case_id)
    assert (case["state"], case["remedy"]["stage"], case["approvals"]) == ("second_review", "failed", [])
    assert kitchen.channel.truth == {}
    assert decides(kitchen, case_id, "cleo", "clerk", instead="money").json["state"] == "second_review"
    assert decides(kitchen, case_id, "cleo").json["code"] == "second_person_required"
    assert decides(kitchen, case_id, "anna").json["state"] == "settling"
    kitchen.pump()
    assert sum(kitchen.channel.truth.values()) == 307_900


def test_a_yes_to_what_failed_is_none_to_what_comes_after() -> None:
    """The two who agreed to the first fridge say so again before a second one is sent."""
    kitchen, case_id = failed()
    kitchen.wait(hours=48)
    assert decides(kitchen, case_id, "approver1").json["state"] == "second_review"
    assert decides(kitchen, case_id, "approver1").json["code"] == "second_person_required"
    assert decides(kitchen, case_id, "ben").json["state"] == "fulfilling"


def one(kitchen: Kitchen, case: Any) -> None:
    """One person agrees, at a limit that is lowered since."""
    kitchen.registry.put("merchant:m1", a_merchant(two_persons_above_minor=10**9, return_address="Warehouse 1"))
    kitchen.decide(case)
    kitchen.registry.put("merchant:m1", a_merchant(return_address="Warehouse 1"))


@pytest.mark.parametrize(("agree", "state"), [(one, "second_review"), (agreed, "closed")])
def test_a_difference_that_nobody_pays(agree: Callable[[Kitchen, Any], Any], state: str) -> None:
    """The goods are back: silence refunds them where two persons agreed to as much before, and asks two where one did."""
    kitchen = kitchen_of()
    case = kitchen.ask(wanted="FRIDGE-500")
    agree(kitchen, case)
    assert kitchen.back(case)["state"] == "awaiting_payment"
    kitchen.wait(hours=72)
    kitchen.wait(minutes=5)
    assert kitchen.case(case["case_id"])["state"] == state
    assert sum(kitchen.channel.truth.values()) == (307_900 if state == "closed" else 0)


def test_silence_about_goods_that_came_back_pays_what_two_agreed_to() -> None:
    """An inspection that nobody does counts as accepted: the amount is the one both said yes to, and needs nobody else."""
    kitchen = kitchen_of()
    case = kitchen.ask(kind="return_refund")
    agreed(kitchen, case)
    kitchen.must("POST", f"/v1/cases/{case['case_id']}/shipment", {"carrier": "sf", "number": "SF1002003004"})
    for _ in range(60):
        kitchen.wait(days=1)
    assert kitchen.case(case["case_id"])["ending"] == "refunded"
    assert [a["amount_minor"] for a in kitchen.case(case["case_id"])["approvals"]] == [307_900, 307_900]


def test_who_stands_in_is_enough_after_silence(mall: Mall) -> None:
    """The only approver is away: two clerks, one of them in the approver's place."""
    due = Due(mall, big(mall), YES)
    mall.wait(hours=48)
    away(mall, "dora")
    assert due.says("clara", "clerk").json["state"] == "second_review"
    assert due.says("dora", "clerk").json["state"] == "settling"
