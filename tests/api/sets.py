"""Sets in tests of the API: what is pushed, asked about, sent back and read."""

from __future__ import annotations

from typing import Any

from aftersales.order import Order
from aftersales.testing.builders import an_order
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


def ask(mall: Mall, *line_ids: str, key: str | None = None, pieces: int = 2, **body: Any) -> dict[str, Any]:
    """The answer to a call about these lines of order ``o2``, handed in."""
    items = [{"line_id": line_id, "pieces": pieces} for line_id in line_ids]
    return mall.must("POST", "/v1/cases/together", {"order_id": "o2", "items": items, "submit": True, **body}, key=key)


def settled(mall: Mall, case_id: str, carrier_number: str) -> None:
    """The goods of a case come back and are accepted, and its money arrives."""
    mall.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": carrier_number})
    mall.must("POST", f"/v1/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "sound"}, role="clerk")
    mall.pump()
    mall.wait(minutes=2)


def whole(mall: Mall) -> Any:
    """Everything about order ``o2`` as its buyer reads it."""
    return mall.must("GET", "/v1/orders/o2/cases")
