"""Lines that are made of parts: how they are pushed, asked about together, and read as one."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftersales.order import Order
from aftersales.testing.builders import an_order
from functions.body import OrderBody
from tests.mall import Mall, snapshot

POT = {"part_id": "pot", "sku": "POT", "title": "Teapot", "vertical": "general", "value_minor": 2400, "worth_minor": 3000}
TEA = {"part_id": "tea", "sku": "TEA", "title": "Tea", "vertical": "general", "pieces": 2, "value_minor": 800, "worth_minor": 1100}
CUP = {"part_id": "cup", "sku": "CUP", "title": "Cup", "vertical": "general", "value_minor": 0, "gift": True, "worth_minor": 900}
BERRIES = {"part_id": "berries", "sku": "B", "title": "Strawberries, 1 jin", "vertical": "fresh", "pieces": 2, "value_minor": 800}


def a_set(*parts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Two sets at CNY 40.00 of a teapot and two tins of tea."""
    line = {
        "line_id": "set",
        "sku": "BOX",
        "title": "Teapot and tea",
        "vertical": "bundle",
        "unit_price_minor": 4000,
        "pieces": 2,
        "parts": list(parts) or [POT, TEA],
    }
    return {**line, **changes}


def pushed(mall: Mall, *lines: dict[str, Any], paid: int | None = None, **changes: Any) -> dict[str, Any]:
    """The view of order ``o2`` of these lines, signed for two hours ago, one payment of what they come to."""
    due = sum(x["unit_price_minor"] * x["pieces"] - x.get("discount_minor", 0) + x.get("tax_minor", 0) for x in lines)
    body = {**snapshot(an_order(order_id="o2")), "lines": list(lines), **changes}
    freight = body["freight"]["charged_minor"] - body["freight"]["discount_minor"]
    minor = due + freight - sum(d["amount_minor"] for d in body["discounts"]) if paid is None else paid
    body["payments"] = [{**body["payments"][0], "paid_minor": minor, "transaction_id": "4200000002"}]
    return mall.must("PUT", "/v1/orders/o2", body, role="integrator")


def stored(mall: Mall) -> Order:
    """Order ``o2`` as it is kept."""
    return mall.store.order("m1", "o2").order


def money(view: dict[str, Any]) -> dict[str, int]:
    """What was paid for each line."""
    return {line["line_id"]: line["goods_minor"] for line in view["lines"]}


# --- pushed -----------------------------------------------------------------------------------------------------------
def test_a_line_with_parts_becomes_a_line_for_each(mall: Mall) -> None:
    """Each part is a line of its own trade inside the set's, with its pieces in all sets and the terms of the set."""
    view = pushed(mall, a_set(terms={"together": "alone"}))
    pot, tea = stored(mall).lines
    assert (pot.line_id, pot.vertical, pot.pieces, pot.unit_price_minor) == ("set.pot", "bundle:general", 2, 2400)
    assert (tea.line_id, tea.pieces, dict(tea.terms)) == ("set.tea", 4, {"together": "alone"})
    assert tea.part is not None
    assert (tea.part.of, tea.part.each, tea.part.gift, tea.part.worth_minor) == ("set", 2, False, 1100)
    assert money(view) == {"set.pot": 4800, "set.tea": 3200}


def test_discounts_and_tax_of_the_line_are_shared_out_by_value(mall: Mall) -> None:
    """CNY 10.01 off two sets of 24.00 and 16.00 is 6.01 and 4.00; tax likewise; a coupon for the line is for its parts."""
    coupon = {"kind": "coupon", "amount_minor": 101, "lines": ["set"]}
    view = pushed(mall, a_set(discount_minor=1001, tax_minor=99), discounts=[coupon])
    pot, tea = stored(mall).lines
    assert (pot.discount_minor, tea.discount_minor) == (601, 400)
    assert (pot.tax_minor, tea.tax_minor) == (59, 40)
    assert stored(mall).discounts[0].lines == ("set.pot", "set.tea")
    assert sum(money(view).values()) == 8000 - 1001 - 101


def test_the_same_snapshot_is_the_same_order(mall: Mall) -> None:
    """Pushed again, also once there is a case, it changes nothing."""
    line, coupon = a_set(discount_minor=1001), {"kind": "order", "amount_minor": 77, "lines": None}
    first = pushed(mall, line, discounts=[coupon])
    assert pushed(mall, line, discounts=[coupon]) == first
    ask(mall, "set", pieces=1)
    assert pushed(mall, line, discounts=[coupon])["lines"][0]["goods_minor"] == first["lines"][0]["goods_minor"]


@pytest.mark.parametrize(
    ("line", "where"),
    [
        pytest.param(a_set(POT, {**TEA, "value_minor": 801}), "2", id="two cents too much"),
        pytest.param(a_set(POT, {**TEA, "value_minor": 799}), "2 too little", id="two cents too little"),
        pytest.param(a_set(POT, POT), "share an id", id="one id twice"),
        pytest.param(a_set(POT, {**TEA, "vertical": "spaceships"}), "not active", id="a part of an unknown trade"),
        pytest.param(a_set(POT, {**TEA, "vertical": "bundle:general"}), "has no parts", id="parts of parts"),
        pytest.param(a_set(vertical="general"), "no parts", id="a trade without parts"),
        pytest.param({**a_set(), "parts": []}, "made of parts", id="a set of nothing"),
        pytest.param({**a_set(), "parts": [], "vertical": "bundle:general"}, "made of parts", id="a part of nothing"),
        pytest.param(a_set(line_id="x" * 61), "one id", id="an id too long"),
        pytest.param(a_set({**POT, "gift": True}, {**TEA, "gift": True}), "no gift", id="nothing but gifts"),
        pytest.param(a_set(POT, {**TEA, "data": {"colour": "red"}}), "colour", id="data that the part's trade does not know"),
        pytest.param(a_set(data={"colour": "red"}), "each part", id="data of the set"),
        pytest.param(a_set(POT, {**TEA, "pieces": 0}), "pieces", id="no pieces"),
    ],
)
def test_a_set_that_does_not_add_up_is_a_clear_problem(mall: Mall, line: dict[str, Any], where: str) -> None:
    """What is wrong with the parts of a line is named, and the order does not exist afterwards."""
    body = {**snapshot(an_order(order_id="o2")), "lines": [line]}
    body["payments"] = [{**body["payments"][0], "paid_minor": 8000}]
    reply = mall.send("PUT", "/v1/orders/o2", body, role="integrator")
    assert (reply.status, reply.json["code"]) == (400, "invalid"), reply.text
    assert where in reply.text
    assert mall.store.order("m1", "o2") is None


def test_more_lines_than_an_order_takes_are_refused(mall: Mall) -> None:
    """Parts count as lines: ten lines of 51 parts are more than 500."""
    some = [{**POT, "part_id": f"p{n}", "value_minor": 1} for n in range(50)]
    lines = [a_set(*some, line_id=f"s{n}", unit_price_minor=50, pieces=1) for n in range(11)]
    body = {**snapshot(an_order(order_id="o2")), "lines": lines}
    body["payments"] = [{**body["payments"][0], "paid_minor": 550}]
    reply = mall.send("PUT", "/v1/orders/o2", body, role="integrator")
    assert (reply.status, "parts counted" in reply.text) == (400, True)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_set_adds_up_to_the_minor_unit(data: st.DataObject) -> None:
    """However values, pieces and discounts are odd, the parts together are worth exactly what the line was."""
    sets = data.draw(st.integers(1, 5))
    parts = [
        {**POT, "part_id": f"p{n}", "pieces": data.draw(st.integers(1, 4)), "value_minor": data.draw(st.integers(0, 9_999))}
        for n in range(data.draw(st.integers(1, 5)))
    ]
    price = sum(p["pieces"] * p["value_minor"] for p in parts)
    line = a_set(*parts, unit_price_minor=price, pieces=sets)
    line["discount_minor"] = data.draw(st.integers(0, price * sets))
    line["tax_minor"] = data.draw(st.integers(0, 999))
    body = {**snapshot(an_order(order_id="o2")), "lines": [line]}
    order = msgspec.convert(body, OrderBody).order()
    assert sum(x.unit_price_minor * x.pieces for x in order.lines) == price * sets
    assert sum(x.discount_minor for x in order.lines) == line["discount_minor"]
    assert sum(x.tax_minor for x in order.lines) == line["tax_minor"]
    assert all(0 <= x.discount_minor <= x.unit_price_minor * x.pieces for x in order.lines)


# --- asked about together -----------------------------------------------------------------------------------------------
def ask(mall: Mall, *line_ids: str, key: str | None = None, pieces: int = 2, **body: Any) -> dict[str, Any]:
    """The answer to a call about these lines of order ``o2``, handed in."""
    items = [{"line_id": line_id, "pieces": pieces} for line_id in line_ids]
    return mall.must("POST", "/v1/cases/together", {"order_id": "o2", "items": items, "submit": True, **body}, key=key)


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


# --- the sum --------------------------------------------------------------------------------------------------------------
def settled(mall: Mall, case_id: str, carrier_number: str) -> None:
    """The goods of a case come back and are accepted, and its money arrives."""
    mall.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": carrier_number})
    mall.must("POST", f"/v1/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "sound"}, role="clerk")
    mall.pump()
    mall.wait(minutes=2)


def whole(mall: Mall) -> Any:
    """Everything about order ``o2`` as its buyer reads it."""
    return mall.must("GET", "/v1/orders/o2/cases")


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


def test_terms_of_the_set_are_read_with_those_of_the_part(mall: Mall) -> None:
    """What a buyer reads before applying has the part's own rules and what the set adds; reasons come in words."""
    pushed(mall, a_set(POT, BERRIES))
    view = mall.must("GET", "/v1/orders/o2/options")
    for line in view["lines"]:
        assert line["vertical"].startswith("bundle:")
        for offer in line["offers"]:
            assert "part of a set" in offer["rules"]
            assert all(r["text"] != f"reason.{r['code']}" for r in offer["reasons"])
            assert all("." in w["text"] and " " in w["text"] for w in offer["why_not"])


def test_what_was_confirmed_is_shown_before_applying(mall: Mall) -> None:
    """The terms of the set and of its parts stand with each line in words; a term without words of its trade is left out."""
    engraved = {
        **POT,
        "vertical": "custom_made",
        "terms": {"custom_spec": "A&B", "cancel_after_start_permille": 305, "no_return": False},
    }
    pushed(mall, a_set(engraved, TEA, terms={"together": "alone", "colour": "red"}))
    agreed = {line["line_id"]: line["agreed"] for line in mall.must("GET", "/v1/orders/o2/options")["lines"]}
    assert len(agreed["set.tea"]) == 1
    assert "less the price alone of what you keep" in agreed["set.tea"][0]
    assert len(agreed["set.pot"]) == 3
    assert any("A&B" in told for told in agreed["set.pot"])
    assert any("30.5 %" in told for told in agreed["set.pot"])


def test_photos_of_a_part_are_looked_at_as_of_its_own_trade(mall: Mall) -> None:
    """Strawberries in a gift box are looked at as strawberries, and paid by the share that is seen."""
    pushed(mall, a_set(POT, BERRIES, pieces=1))
    asked = {"order_id": "o2", "kind": "claim", "reason": "spoiled", "items": [{"line_id": "set.berries", "pieces": 1}]}
    case = mall.must("POST", "/v1/cases", asked)
    mall.photo(case["case_id"])
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    mall.pump()
    assert [q.vertical for q in mall.photos.asked] == ["fresh"]
    paid = mall.case(case["case_id"])
    assert (paid["ending"], paid["amount_minor"], paid["vertical"]) == ("refunded", 800, "bundle:fresh")


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


def test_facts_are_told_of_a_part(mall: Mall) -> None:
    """A part that is made to order is begun by itself: cancelled then, it gives back all but the agreed share of its own value."""
    ring = {**POT, "vertical": "custom_made", "terms": {"custom_spec": "A&B", "cancel_after_start_permille": 300}}
    pushed(mall, a_set(ring, TEA, pieces=1), status="paid", shipped_at=None, signed_at=None, shipment=None)
    told = {"fact": "production_started", "at": mall.clock.now().isoformat()}
    wrong = mall.send("POST", "/v1/orders/o2/facts", {**told, "line_id": "set.tea"}, role="integrator")
    assert (wrong.status, wrong.json["code"]) == (400, "invalid")
    mall.must("POST", "/v1/orders/o2/facts", {**told, "line_id": "set.pot"}, role="integrator")
    mall.wait(hours=1)
    results = ask(mall, "set", pieces=1, kind="refund_only", reason="changed_mind")["results"]
    assert {r["line_ids"][0]: r["case"]["amount_minor"] for r in results} == {"set.pot": 1680, "set.tea": 1600}
    mall.pump()
    mall.wait(minutes=2)
    assert whole(mall)["refunded_minor"] == 3280


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


def test_the_example_of_the_guide_can_be_pushed(mall: Mall) -> None:
    """What the trade's README shows a mall to push is taken as it stands."""
    readme = (Path(__file__).parents[2] / "verticals" / "bundle" / "README.md").read_text(encoding="utf-8")
    shown = json.loads(readme.partition("```json\n")[2].partition("```")[0])
    assert money(pushed(mall, shown)) == {"set.pot": 4800, "set.tea": 3200, "set.cup": 0}
