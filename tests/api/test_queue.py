"""The queue as the shop's people use it: what they find, take, give back and sort, who decides what, and how much there is."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

import pytest

from aftersales.caller import Role
from aftersales.case import Lane
from aftersales.errors import BadSettings
from aftersales.setting import merchant_of
from aftersales.testing.builders import a_line, an_order
from aftersales.vertical import Merchant
from tests.mall import Mall

PATH = "/v1/merchant/cases"
NO = {"outcome": "reject", "reason": "it was signed for"}
YES = {"outcome": "approve", "reason": "it is lost"}


def waits(mall: Mall, order_id: str = "o2", minor: int = 10_000, tier: str = "", category: str = "fruit") -> str:
    """A parcel that did not come, of an order of that price; a person has to look. The case's id."""
    lines = (a_line(vertical="general", unit_price_minor=minor, pieces=1, category=category),)
    mall.push(an_order(order_id=order_id, status="shipped", lines=lines, buyer=replace(an_order().buyer, tier=tier)))
    items = [{"line_id": "l1", "pieces": 1}]
    asked = {"order_id": order_id, "kind": "refund_only", "reason": "not_received", "items": items, "submit": True}
    case = mall.must("POST", "/v1/cases", asked)
    assert case["state"] == "reviewing"
    mall.pump()
    return str(case["case_id"])


def act(mall: Mall, case_id: str, what: str, body: Any = None, role: str = "clerk", sub: str = "li") -> Any:
    """What somebody of the shop does with a case: (status, answer)."""
    reply = mall.send("POST", f"{PATH}/{case_id}/{what}", body, role=role, sub=sub)
    mall.pump()
    return reply.status, reply.json


def found(mall: Mall, query: str = "", sub: str = "li") -> list[str]:
    """The cases that a clerk finds."""
    return [c["case_id"] for c in mall.must("GET", f"{PATH}?{query}", role="clerk", sub=sub)["cases"]]


def test_a_case_is_given_to_somebody_who_finds_it(mall: Mall) -> None:
    """``me`` is whoever asks; nobody, and what no token could name, is refused, so that no case lies on a desk that nobody has."""
    case_id = waits(mall)
    for nobodys in ("-", "b#b", "\u4f60", "b\n", "b" * 65):
        assert act(mall, case_id, "claim", {"to": nobodys}, role="approver", sub="zhao")[1]["code"] == "invalid"
    assert act(mall, case_id, "claim", {"to": "li"}, role="approver", sub="zhao")[1]["clerk"] == "li"
    assert act(mall, case_id, "claim", {"to": "me", "take_over": True}, role="approver", sub="zhao")[1]["clerk"] == "zhao"
    said = [s["text"] for s in mall.must("GET", f"/v1/cases/{case_id}/timeline", role="clerk")["steps"] if s["event"] == "claimed"]
    assert said == ["The case was given to li", "zhao took the case"]
    mine = mall.must("GET", f"{PATH}?clerk=me", role="approver", sub="zhao")
    assert [case["case_id"] for case in mine["cases"]] == [case_id]


# --- finding ----------------------------------------------------------------------------------------------------------
def test_better_tiers_come_first_then_larger_sums(mall: Mall) -> None:
    """Three cases handed in within one hour: gold before nobody's, and of two the dearer one."""
    plain, dear, gold = waits(mall, "o2"), waits(mall, "o3", 20_000), waits(mall, "o4", tier="gold")
    assert found(mall) == [gold, dear, plain]
    row = mall.must("GET", f"{PATH}?kind=refund_only&category=fruit&min_minor=20000", role="clerk")["cases"]
    assert [(c["case_id"], c["lane"], c["category"], c["clerk"]) for c in row] == [(dear, "ordinary", "fruit", "")]


@pytest.mark.parametrize("query", ["state=nowhere", "lane=hard", "evidence=x", "min_minor=-1", "kind=gift"])
def test_a_filter_that_says_nothing_is_refused(mall: Mall, query: str) -> None:
    """A value that no case can have is told, in place of an empty list."""
    assert mall.send("GET", f"{PATH}?{query}", role="clerk").status == 400


# --- claiming ---------------------------------------------------------------------------------------------------------
def test_a_claimed_case_is_its_clerks_until_it_is_given_back(mall: Mall) -> None:
    """Others find it no more among nobody's, and can neither claim nor decide it; released, they can."""
    case_id = waits(mall)
    status, case = act(mall, case_id, "claim", {})
    assert (status, case["clerk"]) == (200, "li")
    assert (found(mall, "clerk=me"), found(mall, "clerk=-"), found(mall, "clerk=me", sub="wu")) == ([case_id], [], [])
    for what, body in (("claim", {}), ("decision", NO), ("release", None), ("counter", {"amount_minor": 1, "reason": "x"})):
        status, problem = act(mall, case_id, what, body, sub="wu")
        assert (status, problem["code"], problem["details"]["clerk"]) == (409, "case_claimed", "li"), what
    assert act(mall, case_id, "release")[1]["clerk"] == ""
    assert act(mall, case_id, "decision", NO, sub="wu")[0] == 200


def test_a_case_is_taken_over_or_given_away_on_record(mall: Mall) -> None:
    """Taking over names both; only approvers and admins give a case to somebody else, and they decide whosesoever it is."""
    case_id = waits(mall)
    act(mall, case_id, "claim", {})
    assert act(mall, case_id, "claim", {"take_over": True}, sub="wu")[1]["clerk"] == "wu"
    assert act(mall, case_id, "claim", {"to": "li", "take_over": True}, sub="wu")[0] == 403
    assert act(mall, case_id, "claim", {"to": "li", "take_over": True}, "approver", "bea")[1]["clerk"] == "li"
    told = mall.must("GET", f"/v1/cases/{case_id}/timeline", role="clerk")["steps"]
    assert [s["data"] for s in told if s["event"] == "claimed"] == [
        {"clerk": "li"},
        {"clerk": "wu", "before": "li"},
        {"clerk": "li", "before": "wu"},
    ]
    buyer = mall.send("GET", f"/v1/cases/{case_id}/timeline")
    assert '"li"' not in buyer.text + mall.send("GET", f"/v1/cases/{case_id}").text
    assert buyer.json["intact"] is True
    assert act(mall, case_id, "decision", NO, "approver", "bea")[0] == 200


def test_a_claim_ends_with_its_hours_and_with_the_case_that_moves_on(mall: Mall) -> None:
    """After eight hours a colleague may take it, not before; what is decided is on nobody's desk."""
    case_id = waits(mall)
    act(mall, case_id, "claim", {})
    mall.wait(hours=7.9)
    assert act(mall, case_id, "claim", {}, sub="wu")[0] == 409
    mall.wait(hours=0.1)
    assert (found(mall, "clerk=-"), found(mall, "clerk=me")) == ([case_id], [])
    assert act(mall, case_id, "claim", {}, sub="wu")[1]["clerk"] == "wu"
    assert act(mall, case_id, "decision", {"outcome": "ask_evidence", "reason": "a photo of the door"}, sub="wu")[1]["clerk"] == ""
    assert found(mall, "clerk=me", sub="wu") == []
    two = waits(mall, "o3", 60_000)
    act(mall, two, "claim", {})
    assert act(mall, two, "decision", YES)[1]["clerk"] == "", "the second person is another one"
    assert act(mall, case_id, "claim", {}, sub="wu")[0] == 409


def test_of_two_who_claim_at_once_one_has_it(mall: Mall) -> None:
    """Ten clerks at the same instant: one is given it, nine are told who has it."""
    case_id, answers, start = waits(mall), [], Barrier(10)

    def claim(name: str) -> None:
        start.wait()
        reply = mall.send("POST", f"{PATH}/{case_id}/claim", {}, role="clerk", sub=name)
        answers.append((reply.status, reply.json.get("clerk") or reply.json["details"]["clerk"]))

    threads = [Thread(target=claim, args=(f"clerk{n}",)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holder = mall.case(case_id, role="clerk")["clerk"]
    assert sorted(answers) == [(200, holder)] + [(409, holder)] * 9


# --- sorting ----------------------------------------------------------------------------------------------------------
def test_a_case_that_may_end_in_court_is_decided_by_those_who_handle_such(mall: Mall) -> None:
    """From CNY 5,000 on a clerk's first yes asks a second person, but a no is not theirs; one cent below it is."""
    below, legal = waits(mall, "o2", 499_999), waits(mall, "o3", 500_000)
    assert found(mall, "lane=legal") == [legal]
    status, problem = act(mall, legal, "decision", NO)
    assert (status, problem["details"]["expected"]) == (403, ["admin", "approver"])
    assert act(mall, legal, "decision", YES)[1]["state"] == "second_review"
    assert mall.case(legal, role="clerk")["lane_why"] == ["The amount is one that may end in court."]
    assert (mall.case(legal)["lane"], mall.case(legal)["lane_why"]) == (None, [])
    assert act(mall, legal, "decision", YES, "approver", "bea")[1]["state"] == "settling"
    assert act(mall, below, "decision", NO)[1]["state"] == "rejected"


def test_a_person_makes_a_case_harder_and_a_senior_one_easier(mall: Mall) -> None:
    """Both say why, both are on record; a clerk does not make it easier, and by itself it stays as it was put."""
    case_id = waits(mall)
    harder = {"lane": "legal", "reason": "a lawyer wrote"}
    assert act(mall, case_id, "triage", {**harder, "reason": " \n"})[1]["code"] == "invalid"
    assert act(mall, case_id, "triage", harder)[1]["lane"] == "legal"
    assert act(mall, case_id, "triage", harder)[0] == 409
    assert act(mall, case_id, "decision", NO)[0] == 403
    easier = {"lane": "ordinary", "reason": "it was about another order"}
    assert act(mall, case_id, "triage", easier)[0] == 403
    assert act(mall, case_id, "triage", easier, "approver", "bea")[1]["lane"] == "ordinary"
    steps = mall.must("GET", f"/v1/cases/{case_id}/timeline", role="clerk")["steps"]
    assert [s["text"] for s in steps if s["event"] == "triaged"] == ["Sorted as legal", "Sorted as ordinary"]
    assert act(mall, case_id, "decision", NO)[1]["state"] == "rejected"


def test_an_appeal_and_a_case_that_nobody_answered_are_difficult(mall: Mall) -> None:
    """Somebody else has to look, or nobody did in time: both stand apart from ordinary cases."""
    appealed, escalated = waits(mall, "o2"), waits(mall, "o3", 60_000)
    act(mall, appealed, "decision", NO)
    mall.must("POST", f"/v1/cases/{appealed}/appeal", {"text": "look again"})
    act(mall, escalated, "decision", YES)
    assert found(mall, "state=second_review&lane=ordinary") == [escalated]
    mall.wait(hours=24)
    assert set(found(mall, "state=second_review&lane=difficult")) == {appealed, escalated}


def test_a_merchant_says_who_handles_which_lane() -> None:
    """``handlers`` of the stage file name roles per lane; lanes that it leaves out stay as they are, and a typing error is told."""
    own = merchant_of({"default": {"handlers": {"difficult": ["admin"]}, "tiers": ["gold"]}}, "m1")
    assert own.handlers == {**Merchant("m1").handlers, Lane.DIFFICULT: (Role.ADMIN,)}
    assert (own.rank("gold"), own.rank("silver"), Merchant("m1").rank("diamond")) == (1, 0, 4)
    for wrong in ({"hard": ["admin"]}, {"legal": ["boss"]}):
        with pytest.raises(BadSettings):
            merchant_of({"default": {"handlers": wrong}}, "m1")


# --- counting ---------------------------------------------------------------------------------------------------------
def test_the_shop_is_told_how_much_waits_and_with_whom(mall: Mall) -> None:
    """Counts follow what happens: handed in, claimed, decided; a case that rules paid at once was never counted."""
    first, second = waits(mall, "o2"), waits(mall, "o3", 600_000)
    mall.claim()
    mall.pump()
    act(mall, first, "claim", {})
    states = mall.must("GET", "/v1/merchant/counts", role="clerk")["states"]
    reviewing = states["reviewing"]
    assert (reviewing["total"], reviewing["lane"], reviewing["clerk"]) == (2, {"legal": 1, "ordinary": 1}, {"li": 1})
    assert (reviewing["kind"], reviewing["evidence"], states["second_review"]["total"]) == ({"refund_only": 2}, {"none": 2}, 0)
    load = mall.must("GET", "/v1/merchant/workload", role="approver")
    assert load == {"clerks": [{"clerk": "li", "open": 1, "states": {"reviewing": 1}}], "unclaimed": 1}
    act(mall, first, "decision", NO)
    act(mall, second, "decision", YES)
    states = mall.must("GET", "/v1/merchant/counts", role="clerk")["states"]
    assert {name: s["total"] for name, s in states.items() if s["total"]} == {"second_review": 1}
    assert mall.must("GET", "/v1/merchant/counts", role="clerk", merchant="m2")["states"]["second_review"]["total"] == 0
    assert mall.send("GET", "/v1/merchant/workload", role="clerk").status == 403
