"""A trade that breaks while it runs: its cases wait for a person, with the reason, and silence pays none of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aftersales.case import Kind
from aftersales.decision import Finding
from aftersales.testing.builders import a_line, an_order
from aftersales.vertical import Facts, Offer, Quote
from tests.mall import Mall
from verticals.general import VERTICAL


def breaks(_: Facts) -> Finding:
    """A rule with a defect."""
    raise KeyError("grade")


def no_amount(_: Facts) -> Quote:
    """An amount with one."""
    raise ZeroDivisionError


@pytest.fixture
def shop(mall: Mall) -> Mall:
    """A mall with a paid lamp for CNY 30.00."""
    mall.push(an_order(order_id="o2", status="paid", lines=(a_line(vertical="general", unit_price_minor=3_000, pieces=1),)))
    return mall


def trade(mall: Mall, **changes: Any) -> None:
    """From now on ordinary goods have this in their offer of money back before signing."""
    offers = tuple(_changed(o, changes) if o.kind is Kind.REFUND_ONLY else o for o in VERTICAL.offers)
    mall.registry.put("vertical:general", replace(VERTICAL, offers=offers))


def _changed(offer: Offer, changes: dict[str, Any]) -> Offer:
    return replace(offer, **changes)


def claimed(mall: Mall) -> Any:
    """The case, handed in, as it rests."""
    items = [{"line_id": "l1", "pieces": 1}]
    body = {"order_id": "o2", "kind": "refund_only", "reason": "changed_mind", "items": items, "submit": True}
    case_id = mall.must("POST", "/v1/cases", body)["case_id"]
    mall.pump()
    return mall.case(case_id)


@pytest.mark.parametrize("broken", [{"rules": (breaks,)}, {"amount": no_amount}], ids=["rule", "amount"])
def test_a_broken_trade_asks_a_person_and_says_why(shop: Mall, broken: dict[str, Any]) -> None:
    """What would be approved at once waits, at all that was paid for it, with a sentence that a buyer understands."""
    trade(shop, **broken)
    case = claimed(shop)
    assert (case["state"], case["amount_minor"]) == ("reviewing", 3_000)
    assert "cannot be judged" in case["decision"]["reason"]


def test_silence_pays_nothing_that_nobody_judged(shop: Mall) -> None:
    """Two days and more: put off day by day, until a person decides."""
    trade(shop, rules=(breaks,))
    case_id = claimed(shop)["case_id"]
    for _ in range(3):
        shop.wait(hours=49)
        assert shop.case(case_id)["state"] == "reviewing"
    assert shop.store.case(case_id).case.deadline.cause == "broken"
    said = {"outcome": "approve", "reason": "it was not shipped"}
    shop.must("POST", f"/v1/merchant/cases/{case_id}/decision", said, role="clerk")
    shop.pump()
    assert shop.case(case_id)["ending"] == "refunded"


def test_a_mended_trade_decides_at_the_next_look(shop: Mall) -> None:
    """The defect is gone: what the rules say by themselves is done, and nobody has to be asked any more."""
    trade(shop, rules=(breaks,))
    case_id = claimed(shop)["case_id"]
    shop.wait(hours=49)
    trade(shop)
    shop.wait(hours=25)
    assert (shop.case(case_id)["ending"], shop.case(case_id)["decision"]["rule"]) == ("refunded", "merchant.not_shipped")


def test_a_mended_trade_prices_anew_before_silence_counts(shop: Mall) -> None:
    """While it could not say what is owed, all that was paid stood there: silence pays what the mended trade says."""
    shop.push(an_order(order_id="o2", lines=(a_line(vertical="general", unit_price_minor=20_000, pieces=1),)))
    vertical = VERTICAL
    offers = tuple(replace(o, amount=no_amount) if o.kind is Kind.CLAIM else o for o in vertical.offers)
    shop.registry.put("vertical:general", replace(vertical, offers=offers))
    body = {"order_id": "o2", "kind": "claim", "reason": "damaged", "items": [{"line_id": "l1", "pieces": 1, "share_percent": 10}]}
    case_id = shop.must("POST", "/v1/cases", body)["case_id"]
    shop.photo(case_id)
    shop.must("POST", f"/v1/cases/{case_id}/submit")
    shop.pump()
    assert (shop.case(case_id)["state"], shop.case(case_id)["amount_minor"]) == ("reviewing", 20_000)
    shop.wait(hours=49)
    shop.registry.put("vertical:general", vertical)
    shop.wait(hours=25)
    shop.wait(minutes=2)
    assert (shop.case(case_id)["ending"], shop.case(case_id)["amount_minor"]) == ("refunded", 2_000)


def test_a_trade_that_breaks_later_leaves_the_amount_as_it_was(shop: Mall) -> None:
    """What was worth a tenth does not become worth all because nobody can say any more, whoever looks at it again."""
    shop.push(an_order(order_id="o2", lines=(a_line(vertical="general", unit_price_minor=20_000, pieces=1),)))
    body = {"order_id": "o2", "kind": "claim", "reason": "damaged", "items": [{"line_id": "l1", "pieces": 1, "share_percent": 10}]}
    case_id = shop.must("POST", "/v1/cases", body)["case_id"]
    shop.photo(case_id)
    shop.must("POST", f"/v1/cases/{case_id}/submit")
    shop.pump()
    offers = tuple(replace(o, amount=no_amount) for o in VERTICAL.offers)
    shop.registry.put("vertical:general", replace(VERTICAL, offers=offers))
    fact = {"fact": "price_lowered", "at": shop.clock.now().isoformat(), "line_id": "l1", "data": {"unit_minor": 1}}
    shop.must("POST", "/v1/orders/o2/facts", fact, role="integrator")
    shop.pump()
    assert (shop.case(case_id)["state"], shop.case(case_id)["amount_minor"]) == ("reviewing", 2_000)
