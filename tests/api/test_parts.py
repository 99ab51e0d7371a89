"""Lines that are made of parts: how they are pushed, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftersales.testing.builders import an_order
from functions.body import OrderBody
from tests.api.sets import BERRIES, POT, TEA, a_set, ask, money, pushed, stored, whole
from tests.mall import Mall, snapshot


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


def test_the_example_of_the_guide_can_be_pushed(mall: Mall) -> None:
    """What the trade's README shows a mall to push is taken as it stands."""
    readme = (Path(__file__).parents[2] / "verticals" / "bundle" / "README.md").read_text(encoding="utf-8")
    shown = json.loads(readme.partition("```json\n")[2].partition("```")[0])
    assert money(pushed(mall, shown)) == {"set.pot": 4800, "set.tea": 3200, "set.cup": 0}
