"""Risk and appeal: an unusual history asks a person, a no can be answered once, and nothing of it is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.case import Ending, Kind, State
from aftersales.change import Change
from aftersales.testing.builders import a_case, an_order
from tests.mall import Mall


def unusual(mall: Mall, cases: int = 10) -> None:
    """The buyer had so many claims paid in the last days."""
    day = mall.clock.now() - timedelta(days=3)
    for number in range(cases):
        case = a_case(
            case_id=f"old{number}", order_id=f"old{number}", state=State.CLOSED, ending=Ending.REFUNDED, kind=Kind.CLAIM,
            opened_at=day, submitted_at=day,
        )  # fmt: skip
        mall.store.commit(Change(case))


def decided(mall: Mall, case_id: str, outcome: str, sub: str, role: str = "approver") -> Any:
    """A person's decision."""
    said = {"outcome": outcome, "reason": "seen"}
    return mall.send("POST", f"/v1/merchant/cases/{case_id}/decision", said, role=role, sub=sub)


def test_an_unusual_history_asks_a_person_and_says_so(mall: Mall) -> None:
    """Ten claims in a few days: the eleventh waits for a person, the buyer reads why, and that it is no refusal."""
    unusual(mall)
    case_id = mall.claim()["case_id"]
    mall.pump()
    case = mall.case(case_id)
    assert (case["state"], case["decision"]["rule"]) == ("reviewing", "risk.history")
    assert "10 refunds in 90 days" in case["decision"]["reason"]
    assert "appeal" in case["decision"]["reason"]


def test_a_usual_history_is_not_in_the_way(mall: Mall) -> None:
    """Two earlier claims are nothing unusual: the third is paid by itself."""
    unusual(mall, 2)
    case_id = mall.claim()["case_id"]
    mall.pump()
    assert mall.case(case_id)["ending"] == "refunded"


def test_a_merchant_can_switch_it_off(mall: Mall) -> None:
    """``risk_person = 0`` asks nobody for that reason."""
    mall.registry.put("merchant:m1", replace(mall.registry.merchant("m1"), risk_person=0))
    unusual(mall)
    case_id = mall.claim()["case_id"]
    mall.pump()
    assert mall.case(case_id)["ending"] == "refunded"


def test_goods_that_never_left_are_no_risk(mall: Mall) -> None:
    """Money back before shipping is the buyer's right, whatever happened before."""
    unusual(mall)
    mall.push(an_order(order_id="o2", status="paid"))
    asked = {"order_id": "o2", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    case_id = mall.must("POST", "/v1/cases", {**asked, "submit": True})["case_id"]
    mall.pump()
    assert mall.case(case_id)["ending"] == "refunded"


@pytest.fixture
def rejected(mall: Mall) -> str:
    """A claim that clerk ann rejected."""
    unusual(mall)
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    assert decided(mall, case_id, "reject", "ann", "clerk").status == 200
    return case_id


def appealed(mall: Mall, case_id: str) -> Any:
    """The buyer appeals."""
    return mall.send("POST", f"/v1/cases/{case_id}/appeal", {"text": "look at the second photo"})


def test_somebody_else_decides_on_an_appeal(mall: Mall, rejected: str) -> None:
    """A senior colleague other than who said no; the buyer's words are in the timeline, the pieces held, and the refund runs."""
    assert appealed(mall, rejected).json["state"] == "second_review"
    steps = mall.must("GET", f"/v1/cases/{rejected}/timeline")["steps"]
    assert "look at the second photo" in steps[-1]["text"]
    assert decided(mall, rejected, "approve", "ann", "clerk").json["code"] == "forbidden"
    assert decided(mall, rejected, "approve", "bea").status == 200
    mall.pump()
    assert mall.case(rejected)["ending"] == "refunded"


def test_who_said_no_does_not_decide_on_the_appeal(mall: Mall) -> None:
    """An approver who rejected is not the second person."""
    unusual(mall)
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    decided(mall, case_id, "reject", "bea")
    appealed(mall, case_id)
    assert decided(mall, case_id, "approve", "bea").json["code"] == "second_person_required"
    assert decided(mall, case_id, "approve", "cleo").status == 200


def test_silence_never_decides_an_appeal(mall: Mall, rejected: str) -> None:
    """It is escalated day by day, and neither paid nor closed."""
    appealed(mall, rejected)
    mall.wait(hours=25)
    assert (mall.case(rejected)["state"], mall.store.case(rejected).case.escalations) == ("second_review", 1)


def test_an_appeal_is_made_once(mall: Mall, rejected: str) -> None:
    """After the second no the way leads elsewhere, and the answer says so."""
    appealed(mall, rejected)
    decided(mall, rejected, "reject", "bea")
    again = appealed(mall, rejected)
    assert (again.status, again.json["code"]) == (409, "conflict")


def test_a_closed_case_takes_no_appeal(mall: Mall, rejected: str) -> None:
    """Seven days after the no it is over."""
    mall.wait(days=8)
    assert appealed(mall, rejected).json["code"] == "illegal_transition"


def test_pieces_of_another_case_cannot_be_appealed_for(mall: Mall, rejected: str) -> None:
    """What a later case took meanwhile is its own."""
    items = [{"line_id": "l1", "pieces": 5}]
    mall.claim(items=items)
    assert appealed(mall, rejected).json["code"] == "pieces_taken"


def test_an_appeal_about_a_large_sum_needs_two_persons(mall: Mall) -> None:
    """Above the merchant's limit one senior yes asks for another, as in a first review."""
    unusual(mall)
    mall.push(an_order(order_id="o3", lines=(replace(an_order().lines[0], unit_price_minor=60_000),)))
    case_id = str(mall.claim(order_id="o3")["case_id"])
    mall.pump()
    decided(mall, case_id, "reject", "ann", "clerk")
    appealed(mall, case_id)
    assert decided(mall, case_id, "approve", "bea").json["state"] == "second_review"
    assert decided(mall, case_id, "approve", "bea").json["code"] == "second_person_required"
    assert decided(mall, case_id, "approve", "cleo").json["state"] in ("approved", "settling")
