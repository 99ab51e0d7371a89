"""A lamp that its buyer brings to a station with a label of SF's, through HTTP, over the whole local system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.client import Client, until
from infra.local.mall import LAMP, Shop
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system, http = local.system, local.http
DOOR = {"name": "王小明", "phone": "13800001111", "address": "浙江省杭州市西湖区文三路 9 号 3 幢 502"}


class Label:
    """One lamp that goes back without a reason, with a label that its buyer pays for."""

    def __init__(self, system: System, http: httpx.Client, buyer: Client, clerk: Client) -> None:
        self.system, self.http, self.buyer, self.clerk = system, http, buyer, clerk
        self.order_id = f"l-{uuid4().hex[:8]}"
        Shop(system, "m1").sell(self.order_id, LAMP, "b1", signed=72.0)
        items = [{"line_id": "l1", "pieces": 1}]
        asked = {"order_id": self.order_id, "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
        case = buyer.case_in(buyer.post("/cases", asked)["case_id"], "reviewing", "approved")
        self.path, self.case_id = f"/cases/{case['case_id']}", str(case["case_id"])
        if case["state"] == "reviewing":
            clerk.post(f"/merchant/cases/{self.case_id}/decision", {"outcome": "approve", "reason": "as owed"})
        wish = {"drop_off": True, "sender": DOOR}
        self.price = buyer.post(f"{self.path}/pickup/price", wish)
        buyer.post(f"{self.path}/pickup", {**wish, "agreed_minor": self.price["price_minor"]})

    def awaits(self, *states: str) -> Any:
        """The pickup, once it is in one of these states."""
        until(lambda: self.pickup()["state"] in states, lambda: str(self.pickup()), 20)
        return self.pickup()

    def pickup(self) -> Any:
        """The pickup as the buyer reads it."""
        return self.buyer.get(self.path)["pickup"]

    def standing(self) -> list[str]:
        """The orders of this case that stand at SF."""
        found = local.truth("sf", self.system, self.http)["standing"]
        return [key for key in found if key.startswith(self.case_id)]


@pytest.fixture
def label(system: System, http: httpx.Client) -> Iterator[Label]:
    """A return with a label that was asked for."""
    with system.client("buyer", "b1") as buyer, system.client("clerk", "clerk-1") as clerk:
        yield Label(system, http, buyer, clerk)


def test_a_label_is_brought_followed_and_kept_back(label: Label) -> None:
    """The number is there at once; scanned at the station the parcel is on its way; paid is what is left after the agreed price."""
    pickup = label.awaits("booked")
    assert (label.price["payer"], label.price["company"], label.price["kept_minor"]) == ("buyer", "sf", label.price["price_minor"])
    assert (pickup["drop_off"], pickup["number"][:2], label.standing()) == (True, "SF", [f"{label.case_id}-pickup-1"])
    plan = label.buyer.get(f"{label.path}/refund-plan")
    assert (plan["amount_minor"], plan["pickup_minor"]) == (LAMP.minor - 1_200, 1_200)
    label.system.lever("collect", {"provider": "sf", "number": f"{label.case_id}-pickup-1", "script": "normal"})
    label.system.tick(6.1)
    label.awaits("collected")
    parcel = label.buyer.get(label.path)["parcel"]
    assert (parcel["state"], parcel["carrier"], parcel["number"]) == ("in_transit", "sf", pickup["number"])
    for _ in range(4):
        label.system.tick(10)
    until(
        lambda: label.buyer.get(label.path)["parcel"]["state"] == "delivered",
        lambda: str(label.buyer.get(label.path)["parcel"]),
        20,
    )
    label.clerk.post(f"/merchant/cases/{label.case_id}/inspection", {"accepted": True, "disposition": "sound"})
    case = label.buyer.case_in(label.case_id, "closed")
    assert case["amount_minor"] == LAMP.minor - 1_200
    paid = local.truth("wechatpay", label.system, label.http)["refunds"]
    mine = [r["paid"] for key, r in paid.items() if label.case_id in key]
    assert sum(mine) == LAMP.minor - 1_200
    told = label.clerk.get(f"/merchant/refunds?order={label.order_id}")["refunds"]
    assert [row["pickup_minor"] for row in told] == [1_200]


def test_a_withdrawn_return_leaves_no_label(label: Label) -> None:
    """The buyer keeps the lamp: the label stands no more at SF, and can bring nothing any more."""
    label.awaits("booked")
    label.buyer.post(f"{label.path}/withdraw")
    label.awaits("cancelled")
    assert label.standing() == []
