"""Orders pushed again, late and out of order: what became true stays true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aftersales.order import Discount, DiscountKind
from aftersales.testing.builders import NOW, a_line, an_order
from tests.mall import Mall, snapshot


def pushed(mall: Mall, **changes: Any) -> Any:
    """The view of order ``o5``, one lamp, pushed once more."""
    return mall.push(an_order(order_id="o5", lines=(a_line(vertical="general", pieces=1),), **changes))


def test_a_late_snapshot_takes_back_no_fact(mall: Mall) -> None:
    """A mall that sends its first snapshot again after the goods left: they stay on their way, and nobody is paid at once."""
    pushed(mall, status="paid")
    fact = {"fact": "shipped", "at": NOW.isoformat(), "shipment": {"carrier": "sf", "number": "SF1000000000005"}}
    mall.must("POST", "/v1/orders/o5/facts", fact, role="integrator")
    assert pushed(mall, status="paid")["status"] == "shipped"
    known = mall.store.order("m1", "o5").order
    assert (known.shipped_at, known.shipment.number) == (NOW, "SF1000000000005")
    asked = {"order_id": "o5", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    assert mall.must("POST", "/v1/cases", {**asked, "submit": True})["state"] == "reviewing"


def test_an_order_that_cost_nothing_has_no_payment(mall: Mall) -> None:
    """A coupon paid for all of it: it can be pushed as it is, and a case about it closes with nothing to send."""
    line, coupon = a_line(vertical="general", unit_price_minor=100, pieces=1), Discount(DiscountKind.COUPON, 100)
    mall.push(an_order(order_id="o5", status="paid", lines=(line,), discounts=(coupon,), payments=()))
    asked = {"order_id": "o5", "kind": "refund_only", "reason": "out_of_stock", "items": [{"line_id": "l1", "pieces": 1}]}
    case = mall.must("POST", "/v1/cases", {**asked, "submit": True})
    mall.pump()
    assert mall.case(case["case_id"])["state"] == "closed"
    assert mall.must("GET", "/v1/merchant/refunds?order=o5", role="clerk")["refunds"] == []


def test_a_snapshot_may_tell_news_and_correct_an_instant(mall: Mall) -> None:
    """A snapshot that says more than is known is believed, and so is another instant than the one known."""
    pushed(mall, status="shipped")
    assert pushed(mall, status="signed")["status"] == "signed"
    body = snapshot(an_order(order_id="o5", lines=(a_line(vertical="general", pieces=1),), signed_at=NOW))
    mall.must("PUT", "/v1/orders/o5", body, role="integrator")
    assert mall.store.order("m1", "o5").order.signed_at == NOW


def test_an_order_with_a_case_keeps_its_buyer(mall: Mall) -> None:
    """Money to a balance goes to the order's buyer: whose that is cannot change under an open case."""
    pushed(mall, status="paid")
    asked = {"order_id": "o5", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    mall.must("POST", "/v1/cases", asked)
    body = snapshot(an_order(order_id="o5", status="paid", lines=(a_line(vertical="general", pieces=1),)))
    body["buyer"]["id"] = "b2"
    reply = mall.send("PUT", "/v1/orders/o5", body, role="integrator")
    assert (reply.status, reply.json["code"]) == (409, "order_frozen")


@pytest.mark.parametrize("change", [{"vertical": "general"}, {"terms": {"price_protection_days": 30}}, {"data": {"unit_holds": 3}}])
def test_what_was_agreed_about_a_line_cannot_change_under_a_case(mall: Mall, change: dict[str, Any]) -> None:
    """Trade, terms and data are what a case is decided by: nobody rewrites them once pieces are spoken for."""
    line = a_line(pieces=1)
    mall.push(an_order(order_id="o5", status="paid", lines=(replace(line, **change),)))
    mall.push(an_order(order_id="o5", status="paid", lines=(line,)))
    asked = {"order_id": "o5", "kind": "refund_only", "reason": "out_of_stock", "items": [{"line_id": "l1", "pieces": 1}]}
    mall.must("POST", "/v1/cases", {**asked, "submit": True})
    mall.push(an_order(order_id="o5", status="paid", lines=(line,)))
    other = snapshot(an_order(order_id="o5", status="paid", lines=(replace(line, **change),)))
    reply = mall.send("PUT", "/v1/orders/o5", other, role="integrator")
    assert (reply.status, reply.json["code"], reply.json["details"]["where"]) == (409, "order_frozen", "lines.l1")
