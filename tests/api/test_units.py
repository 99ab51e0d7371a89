"""Units and prices: a box of five jin is claimed by the jin, and a price that fell leaves goods that can still go back."""

from __future__ import annotations

from typing import Any

import pytest

from aftersales.testing.builders import PAID_AT, a_line, an_order
from tests.mall import Mall

BOX = a_line(title="丹东草莓 5 斤/箱", unit_price_minor=9_950, pieces=1, data={"unit": "jin", "unit_holds": 5})


def claim(mall: Mall, **item: Any) -> Any:
    """A claim about that part of the line ``l1`` of order ``o2``."""
    body = {"order_id": "o2", "kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1, **item}]}
    return mall.send("POST", "/v1/cases", body)


def test_a_box_is_claimed_by_the_jin(mall: Mall) -> None:
    """One jin of five is a fifth of the box, and both sides read it as it was told."""
    mall.push(an_order(order_id="o2", lines=(BOX,)))
    case = claim(mall, bad=1).json
    assert (case["amount_minor"], case["items"]) == (1990, [{"line_id": "l1", "pieces": 1, "share_percent": 100, "bad": 1}])


@pytest.mark.parametrize(
    ("item", "detail"),
    [({"bad": 6}, "More is bad"), ({"bad": 1, "share_percent": 20}, "either bad or"), ({"bad": 0}, "Expected `int` >= 1")],
)
def test_impossible_units_are_refused(mall: Mall, item: dict[str, int], detail: str) -> None:
    """More bad than there is, none, or said twice: each with what is wrong."""
    mall.push(an_order(order_id="o2", lines=(BOX,)))
    reply = claim(mall, **item)
    assert (reply.status, reply.json["code"]) == (400, "invalid")
    assert detail in reply.json["detail"]


def test_a_line_without_units_has_none_bad(mall: Mall) -> None:
    """Where the mall told no units, a share in percent says it."""
    mall.push(an_order(order_id="o2"))
    reply = claim(mall, bad=1)
    assert (reply.status, reply.json["todo"]) == (400, "Say it with share_percent.")


# --- prices that fell ---------------------------------------------------------------------------------------------------
def lamps(mall: Mall) -> None:
    """Five lamps at CNY 19.90, the price protected for seven days, and CNY 15.00 today."""
    line = a_line(vertical="general", terms={"price_protection_days": 7})
    mall.push(an_order(order_id="o2", lines=(line,), paid_at=PAID_AT))
    fact = {"fact": "price_lowered", "at": mall.clock.now().isoformat(), "line_id": "l1", "data": {"unit_minor": 1500}}
    mall.must("POST", "/v1/orders/o2/facts", fact, role="integrator")


def asked(mall: Mall, kind: str, reason: str, pieces: int) -> Any:
    """A case about so many lamps, handed in; as it stands in the end."""
    body = {"order_id": "o2", "kind": kind, "reason": reason, "items": [{"line_id": "l1", "pieces": pieces}], "submit": True}
    case_id = mall.must("POST", "/v1/cases", body)["case_id"]
    mall.pump()
    return mall.case(case_id)


def test_a_fallen_price_is_paid_by_figures_at_once(mall: Mall) -> None:
    """No photo, no return, no person: five times CNY 4.90."""
    lamps(mall)
    case = asked(mall, "claim", "price_dropped", 5)
    assert (case["ending"], case["amount_minor"]) == ("refunded", 2450)


def test_goods_whose_price_fell_can_still_go_back_for_the_rest(mall: Mall) -> None:
    """After the difference all five are free again, worth what is left: in all exactly what was paid."""
    lamps(mall)
    asked(mall, "claim", "price_dropped", 5)
    options = mall.must("GET", "/v1/orders/o2/options")
    assert options["lines"][0]["pieces_free"] == 5
    back = asked(mall, "return_refund", "no_reason", 5)
    assert (back["state"], back["amount_minor"]) == ("reviewing", 9950 - 2450)
    assert mall.must("GET", "/v1/orders/o2", role="integrator")["refundable_minor"] == 7500


def test_the_same_fall_is_paid_once(mall: Mall) -> None:
    """Asked for again, nothing is left between today's price and what the pieces are worth now, and the answer says so."""
    lamps(mall)
    asked(mall, "claim", "price_dropped", 5)
    body = {"order_id": "o2", "kind": "claim", "reason": "price_dropped", "items": [{"line_id": "l1", "pieces": 5}], "submit": True}
    again = mall.send("POST", "/v1/cases", body)
    mall.pump()
    assert (again.status, again.json["code"]) == (409, "not_offered")
    assert "not below what you paid" in again.json["detail"]
    assert mall.must("GET", "/v1/orders/o2", role="integrator")["refundable_minor"] == 7500
