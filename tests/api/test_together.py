"""Parts asked about together, each trade in a case of its own, and the sum of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.sets import BERRIES, CUP, POT, TEA, a_set, ask, pushed, settled, whole
from tests.mall import Mall


def test_each_trade_gets_a_case_and_its_own_answer(mall: Mall) -> None:
    """A teapot with strawberries, signed for: the pot can go back, the strawberries cannot, and one no leaves the other yes."""
    agreed = {**BERRIES, "terms": {"no_return": True}}
    pushed(mall, a_set(POT, agreed))
    results = ask(mall, "set", kind="return_refund", reason="no_reason")["results"]
    by_line = {r["line_ids"][0]: r for r in results}
    assert by_line["set.pot"]["case"]["state"] == "approved"
    assert by_line["set.berries"]["case"] is None
    assert by_line["set.berries"]["refused"]["code"] == "not_offered"
    assert by_line["set.berries"]["refused"]["reasons"][0]["text"]
    assert len(mall.store.order("m1", "o2").cases) == 1


def test_sent_twice_it_is_done_once(mall: Mall) -> None:
    """The same key gives the same answer word for word; another call with that key is refused."""
    pushed(mall, a_set(POT, BERRIES), status="paid", shipped_at=None, signed_at=None, shipment=None)
    first = ask(mall, "set", key="key-00000001", pieces=1)
    assert ask(mall, "set", key="key-00000001", pieces=1) == first
    assert len(first["results"]) == len(mall.store.order("m1", "o2").cases) == 2
    other = {"order_id": "o2", "items": [{"line_id": "set", "pieces": 2}]}
    assert mall.send("POST", "/v1/cases/together", other, key="key-00000001").status == 422


def test_ten_at_once_are_one(mall: Mall) -> None:
    """The same call ten times in parallel opens each case once and gives ten equal answers."""
    pushed(mall, a_set(POT, BERRIES), status="paid", shipped_at=None, signed_at=None, shipment=None)
    body = {"order_id": "o2", "items": [{"line_id": "set", "pieces": 2}], "submit": True}
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: mall.send("POST", "/v1/cases/together", body, key="key-00000001"), range(10)))
    assert {r.status for r in replies} == {200}
    assert len({r.text for r in replies}) == 1
    assert all(r["case"] for r in replies[0].json["results"])
    assert len(mall.store.order("m1", "o2").cases) == 2


def test_what_broke_off_goes_on_where_it_was(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the process dies between two cases, the same call opens the rest and no case twice."""
    from functions import together

    pushed(mall, a_set(POT, BERRIES), status="paid", shipped_at=None, signed_at=None, shipment=None)
    opened: list[Any] = []

    def dies(*args: Any) -> Any:
        if opened:
            raise MemoryError
        opened.append(args)
        return original(*args)

    original = together.open_case
    with monkeypatch.context() as broken:
        broken.setattr(together, "open_case", dies)
        body = {"order_id": "o2", "items": [{"line_id": "set", "pieces": 2}], "submit": True}
        assert mall.send("POST", "/v1/cases/together", body, key="key-00000001").status == 500
    assert len(mall.store.order("m1", "o2").cases) == 1
    results = ask(mall, "set", key="key-00000001")["results"]
    assert sorted(line for r in results for line in r["line_ids"]) == ["set.berries", "set.pot"]
    assert all(r["case"] for r in results)
    assert len(mall.store.order("m1", "o2").cases) == 2


def test_what_lacks_evidence_stays_a_draft(mall: Mall) -> None:
    """A claim without its photo is opened and waits for it; nothing typed is lost."""
    pushed(mall, a_set())
    (result,) = ask(mall, "set.pot", kind="claim", reason="damaged")["results"]
    assert (result["case"]["state"], len(result["case"]["missing"])) == ("draft", 1)


def test_a_part_named_by_itself_goes_its_own_way(mall: Mall) -> None:
    """Beside the set a part can be named with its own pieces and reason; it is not asked about twice."""
    pushed(mall, a_set())
    items = [{"line_id": "set", "pieces": 2}, {"line_id": "set.tea", "pieces": 1, "reason": "opened"}]
    answer = mall.must("POST", "/v1/cases/together", {"order_id": "o2", "items": items, "kind": "return_refund"})
    asked = {r["line_ids"][0]: r["case"] for r in answer["results"]}
    assert (asked["set.pot"]["reason"], asked["set.pot"]["items"][0]["pieces"]) == ("no_reason", 2)
    assert (asked["set.tea"]["reason"], asked["set.tea"]["items"][0]["pieces"]) == ("opened", 1)


@pytest.mark.parametrize(
    ("items", "code"),
    [
        pytest.param([{"line_id": "nothing", "pieces": 1}], "invalid", id="unknown line"),
        pytest.param([{"line_id": "set", "pieces": 1}] * 2, "invalid", id="a line twice"),
        pytest.param([], "invalid", id="about nothing"),
    ],
)
def test_what_cannot_be_meant_opens_nothing(mall: Mall, items: list[Any], code: str) -> None:
    """A call that names no line, an unknown one or one twice is refused as a whole."""
    pushed(mall, a_set())
    reply = mall.send("POST", "/v1/cases/together", {"order_id": "o2", "items": items})
    assert (reply.status, reply.json["code"]) == (400, code)
    assert mall.store.order("m1", "o2").cases == ()


def test_parts_returned_side_by_side_give_back_exactly_what_was_paid(mall: Mall) -> None:
    """The discount was for both. Two cases are open at once, each counting the other as kept; the last one paid gets the rest."""
    pushed(mall, a_set(POT, {**BERRIES, "vertical": "general", "worth_minor": 1100}, pieces=1, terms={"together": "alone"}))
    first = ask(mall, "set.pot", pieces=1, kind="return_refund", reason="no_reason")["results"][0]["case"]
    other = ask(mall, "set.berries", pieces=2, kind="return_refund", reason="no_reason")["results"][0]["case"]
    assert (first["amount_minor"], other["amount_minor"]) == (1800, 1000)
    settled(mall, first["case_id"], "SF00000001")
    assert whole(mall)["refunded_minor"] == 1800
    settled(mall, other["case_id"], "SF00000002")
    assert mall.case(other["case_id"])["amount_minor"] == 2200
    assert (whole(mall)["refunded_minor"], whole(mall)["refundable_minor"]) == (4000, 0)


def test_what_the_buyer_lowered_stays_lowered(mall: Mall) -> None:
    """Who asks for less is not paid more because another part came back meanwhile."""
    pushed(mall, a_set(POT, {**BERRIES, "vertical": "general", "worth_minor": 1100}, pieces=1, terms={"together": "alone"}))
    first = ask(mall, "set.pot", pieces=1, kind="return_refund", reason="no_reason")["results"][0]["case"]
    asked = {"order_id": "o2", "kind": "return_refund", "reason": "no_reason", "items": [{"line_id": "set.berries", "pieces": 2}]}
    other = mall.must("POST", "/v1/cases", {**asked, "asked_minor": 900, "submit": True})
    settled(mall, first["case_id"], "SF00000001")
    settled(mall, other["case_id"], "SF00000002")
    assert whole(mall)["refunded_minor"] == 2700


def test_the_whole_is_read_part_by_part(mall: Mall) -> None:
    """Each part with its cases, each case with its state, money and next deadline, and what they come to."""
    pushed(mall, a_set(POT, CUP, TEA), a_set(line_id="other", pieces=1))
    ask(mall, "set.pot", "set.cup", pieces=1, kind="return_refund", reason="no_reason")
    read = whole(mall)
    lines = {line["line_id"]: line for line in read["lines"]}
    assert (lines["set.pot"]["part_of"], lines["set.pot"]["pieces_free"], lines["set.pot"]["paid_minor"]) == ("set", 1, 4800)
    assert lines["set.pot"]["cases"] == lines["set.cup"]["cases"] == [read["cases"][0]["case_id"]]
    assert lines["other.pot"]["cases"] == []
    case = read["cases"][0]
    assert (case["state"], case["amount_minor"], case["refunded_minor"]) == ("approved", 2400, 0)
    assert case["next"]["due_at"]
    assert (read["asked_minor"], read["on_its_way_minor"], read["refunded_minor"], read["paid_minor"]) == (0, 2400, 0, 12_000)


def test_the_plan_shows_what_the_last_part_will_give(mall: Mall) -> None:
    """Once the other part was paid, the preview shows the rest before anybody approves or pays it."""
    pushed(mall, a_set(POT, {**BERRIES, "vertical": "general", "worth_minor": 1100}, pieces=1, terms={"together": "alone"}))
    first = ask(mall, "set.pot", pieces=1, kind="return_refund", reason="no_reason")["results"][0]["case"]
    other = ask(mall, "set.berries", pieces=2, kind="return_refund", reason="no_reason")["results"][0]["case"]
    plan = f"/v1/cases/{other['case_id']}/refund-plan"
    assert mall.must("GET", plan)["amount_minor"] == 1000
    settled(mall, first["case_id"], "SF00000001")
    assert mall.must("GET", plan)["amount_minor"] == 2200


def test_both_parts_faulty_bring_the_freight_with_the_last(mall: Mall) -> None:
    """Side by side neither completes the order; the one that is paid last does, and brings the freight."""
    freight = {"charged_minor": 800, "discount_minor": 0}
    pushed(mall, a_set(POT, {**BERRIES, "vertical": "general"}, pieces=1), freight=freight)
    cases = []
    for number, line in enumerate(("set.pot", "set.berries"), 1):
        asked = {"order_id": "o2", "kind": "return_refund", "reason": "faulty", "items": [{"line_id": line, "pieces": number}]}
        case_id = mall.must("POST", "/v1/cases", asked)["case_id"]
        mall.photo(case_id)
        mall.must("POST", f"/v1/cases/{case_id}/submit")
        mall.pump()
        cases.append(mall.case(case_id))
    assert [(c["state"], c["amount_minor"]) for c in cases] == [("approved", 2400), ("approved", 1600)]
    settled(mall, cases[1]["case_id"], "SF00000001")
    settled(mall, cases[0]["case_id"], "SF00000002")
    assert (whole(mall)["refunded_minor"], whole(mall)["refundable_minor"]) == (4800, 0)


def dear_ones(mall: Mall) -> list[dict[str, Any]]:
    """Cases about both parts of a set of CNY 700.00, the discount for both, each worth less than two persons decide on."""
    dear = {**POT, "value_minor": 40_000, "worth_minor": 55_000}
    cheap = {**TEA, "pieces": 1, "value_minor": 30_000, "worth_minor": 45_000}
    pushed(mall, a_set(dear, cheap, unit_price_minor=70_000, pieces=1, terms={"together": "alone"}))
    asked = (ask(mall, line, pieces=1, kind="return_refund", reason="no_reason") for line in ("set.tea", "set.pot"))
    cases = [one["results"][0]["case"] for one in asked]
    assert [(c["state"], c["amount_minor"]) for c in cases] == [("reviewing", 15_000), ("reviewing", 25_000)]
    return cases


def approved(mall: Mall, case: dict[str, Any], role: str = "clerk") -> Any:
    """The case after that person's yes."""
    said = {"outcome": "approve", "reason": "fine"}
    return mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", said, role=role)


def test_what_the_other_left_is_part_of_the_yes(mall: Mall) -> None:
    """Once the tea was paid the pot is worth CNY 550.00: its yes covers that, and above CNY 500 takes two persons."""
    tea, pot = dear_ones(mall)
    approved(mall, tea)
    settled(mall, tea["case_id"], "SF00000001")
    first = approved(mall, pot)
    assert (first["state"], first["approvals"][0]["amount_minor"]) == ("second_review", 55_000)
    approved(mall, pot, "approver")
    settled(mall, pot["case_id"], "SF00000002")
    assert (whole(mall)["refunded_minor"], whole(mall)["refundable_minor"]) == (70_000, 0)


def test_what_grows_past_the_limit_of_one_person_stays_what_was_approved(mall: Mall) -> None:
    """Approved by one person before the other part was paid: it is not paid more than one person may grant."""
    tea, pot = dear_ones(mall)
    approved(mall, tea)
    approved(mall, pot)
    settled(mall, tea["case_id"], "SF00000001")
    settled(mall, pot["case_id"], "SF00000002")
    assert mall.case(pot["case_id"])["amount_minor"] == 25_000
    assert whole(mall)["refunded_minor"] == 40_000


def test_a_claim_that_keeps_its_goods_breaks_no_set_up(mall: Mall) -> None:
    """A scratched pot is paid for in part and kept: the tea that goes back then is worth what it is with the pot kept."""
    pushed(mall, a_set(POT, {**TEA, "pieces": 1, "value_minor": 1600, "worth_minor": 2200}, pieces=1, terms={"together": "alone"}))
    items = [{"line_id": "set.pot", "pieces": 1, "share_percent": 10}]
    claim = mall.must("POST", "/v1/cases", {"order_id": "o2", "kind": "claim", "reason": "faulty", "items": items})
    mall.photo(claim["case_id"])
    mall.must("POST", f"/v1/cases/{claim['case_id']}/submit")
    mall.pump()
    approved(mall, claim)
    tea = ask(mall, "set.tea", pieces=1, kind="return_refund", reason="no_reason")["results"][0]["case"]
    assert tea["amount_minor"] == 4000 - 3000
    mall.pump()
    mall.wait(minutes=2)
    assert mall.case(claim["case_id"])["ending"] == "refunded"
    settled(mall, tea["case_id"], "SF00000001")
    assert whole(mall)["refunded_minor"] == 240 + 1000
