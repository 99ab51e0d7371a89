"""A trade that breaks hurts only its own goods: nothing new of it begins, and what is open goes to a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

import verticals.fresh
from aftersales.registry import Registry
from aftersales.testing.builders import a_line, an_order
from tests.mall import STAGE, Mall, snapshot


def breaks(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the trade of the fruit is broken and not required, as after a bad deployment; everything stored stays."""
    monkeypatch.setattr(verticals.fresh, "VERTICAL", replace(verticals.fresh.VERTICAL, name="freshly"))
    registry = Registry({**STAGE, "verticals": {"active": ["fresh", "general"], "required": ["general"]}})
    for name, built in mall.registry._built.items():
        if not name.startswith("vertical:"):
            registry.put(name, built)
    mall.registry = registry


def test_health_names_what_is_left_out(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who watches the service sees that a trade does not work; why is for the operator."""
    assert mall.must("GET", "/v1/health")["left_out"] == []
    breaks(mall, monkeypatch)
    said = mall.must("GET", "/v1/health")
    assert (said["status"], said["left_out"]) == ("ok", ["vertical:fresh"])


def test_its_orders_are_refused_and_others_are_not(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mall is told to come again, with the trade and line by name; a lamp's order is taken as ever."""
    breaks(mall, monkeypatch)
    body = snapshot(an_order(order_id="o7"))
    refused = mall.send("PUT", "/v1/orders/o7", body, role="integrator")
    assert (refused.status, refused.json["code"]) == (503, "left_out")
    assert "fresh" in refused.json["todo"]
    assert "l1" in refused.json["todo"]
    mall.push(an_order(order_id="o8", lines=(a_line(vertical="general"),)))


def test_nothing_new_of_it_begins(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that is known already offers nothing of the trade, and says so in words."""
    breaks(mall, monkeypatch)
    offers = mall.must("GET", "/v1/orders/o1/options")["lines"][0]["offers"]
    assert offers
    assert not any(offer["offered"] for offer in offers)
    assert {why["code"] for offer in offers for why in offer["why_not"]} == {"fresh.left_out"}
    assert "try again later" in offers[0]["why_not"][0]["text"]


def test_an_open_case_goes_to_a_person_who_can_end_it(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was handed in before waits for the shop, which approves it, and the money goes out as ever."""
    case_id = mall.claim(submit=True)["case_id"]
    breaks(mall, monkeypatch)
    mall.pump()
    case = mall.case(case_id)
    assert case["state"] == "reviewing"
    assert "fresh.left_out" in {f["check"] for f in case["decision"]["findings"]}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "seen"}, role="clerk")
    mall.pump()
    assert mall.case(case_id)["state"] == "closed"
