"""Cups that come back in the local system, through HTTP: counted by line, paid for what came, and told to the warehouse once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.client import Client, Refused, until
from infra.local.mall import Goods, Shop
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system, http, books = local.system, local.http, partial(local.truth, "stock")
DAY = 24.0


class Story:
    """Three cups at CNY 33.33 of a sku of their own, signed for yesterday, and the people around them."""

    def __init__(self, system: System, http: httpx.Client, buyer: Client, clerk: Client, approver: Client) -> None:
        self.system, self.http, self.buyer, self.clerk, self.approver = system, http, buyer, clerk, approver
        self.sku, self.order_id = f"CUP-{uuid4().hex[:6]}", f"cups-{uuid4().hex[:8]}"
        cups = Goods(self.sku, "Cup", "general", "kitchen", 3_333, 3)
        Shop(system, "m1").sell(self.order_id, cups, "b1", signed=DAY)
        system.lever("stock", {"provider": "stock", "sku": self.sku, "pieces": 10})

    def sent(self) -> str:
        """All three go back for no reason of the shop's; the id of the case."""
        items = [{"line_id": "l1", "pieces": 3}]
        asked = {"order_id": self.order_id, "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
        case = self.buyer.case_in(self.buyer.post("/cases", asked)["case_id"], "approved", "reviewing")
        if case["state"] == "reviewing":
            self.clerk.post(f"/merchant/cases/{case['case_id']}/decision", {"outcome": "approve", "reason": "as the rules say"})
        self.buyer.post(f"/cases/{case['case_id']}/shipment", {"carrier": "sf", "number": f"SF{uuid4().int % 10**13:013d}"})
        return str(case["case_id"])

    def count(self, case_id: str, **found: int) -> Any:
        """The shop counts them."""
        body = {"lines": [{"line_id": "l1", **found}], "note": "counted at the bench"}
        return self.clerk.post(f"/merchant/cases/{case_id}/inspection", body)

    def paid(self, *case_ids: str) -> int:
        """What the provider really paid for these cases."""
        refunds = local.truth("wechatpay", self.system, self.http)["refunds"]
        return sum(r["paid"] for key, r in refunds.items() if any(key.startswith(f"R{c}-") for c in case_ids))

    def shelf(self) -> tuple[int, dict[str, int]]:
        """How many are free, and how many came back by disposition, as the warehouse has it."""
        stock = books(self.system, self.http)["stock"][self.sku]
        backs: dict[str, int] = {}
        for back in stock.get("backs", {}).values():
            backs[back["disposition"]] = backs.get(back["disposition"], 0) + back["pieces"]
        return stock["free"], backs

    def told(self, free: int, **backs: int) -> None:
        """Wait until the warehouse has it so, and see that it stays so."""
        self.system.tick(0.1)
        until(lambda: self.shelf() == (free, backs), lambda: str(self.shelf()), 10)
        self.system.tick(3)
        assert self.shelf() == (free, backs)


@pytest.fixture
def story(system: System, http: httpx.Client) -> Iterator[Story]:
    """A fresh one."""
    with (
        system.client("buyer", "b1") as buyer,
        system.client("clerk", "clerk-1") as clerk,
        system.client("approver", "boss-1") as approver,
    ):
        yield Story(system, http, buyer, clerk, approver)


def test_what_came_is_paid_and_the_rest_once_an_appeal_is_won(story: Story) -> None:
    """Two of three came: two are refunded and told; the third is a case of its own, and paid when another person believes it."""
    case_id = story.sent()
    case = story.count(case_id, sound=1, flawed=1, missing=1)
    other = case["parcel"]["apart"]
    assert story.buyer.case_in(case_id, "closed")["ending"] == "refunded"
    assert story.paid(case_id) == 6_666
    story.told(11, sound=1, flawed=1)
    refused = story.buyer.case_in(other, "rejected")
    assert "missing: 1" in refused["decision"]["reason"]
    story.buyer.post(f"/cases/{other}/appeal", {"text": "all three were in it"})
    story.approver.post(f"/merchant/cases/{other}/decision", {"outcome": "approve", "reason": "the film shows three"})
    story.system.tick(0.05)  # the channel takes one refund of a payment a minute
    story.buyer.case_in(other, "closed")
    assert story.paid(case_id, other) == 9_999
    story.told(11, sound=1, flawed=1)


@pytest.mark.parametrize("executed", [True, False])
def test_a_warehouse_that_loses_answers_has_the_goods_once(story: Story, *, executed: bool) -> None:
    """Three answers are lost, taken in or not; told until it answers, each piece is there once."""
    lost = {"provider": "stock", "at": "create", "kind": "cut", "executed": executed, "key": story.sku, "times": 3}
    story.system.lever("faults", lost)
    case_id = story.sent()
    body = {"accepted": True, "disposition": "sound"}
    story.clerk.post(f"/merchant/cases/{case_id}/inspection", body)
    story.buyer.case_in(case_id, "closed")
    for _ in range(4):
        story.system.tick(1.1)  # it is asked again every hour at the latest
    story.told(13, sound=3)
    told = story.clerk.get(f"/cases/{case_id}")["parcel"]["restock"]
    assert [(b["pieces"], b["told_at"] is not None) for b in told] == [(3, True)]


def test_an_empty_parcel_is_refused_and_no_stock_is_told(story: Story) -> None:
    """Nothing in the box: refused with that reason, no money and no goods move, and a count that does not add up is refused."""
    case_id = story.sent()
    with pytest.raises(Refused) as error:
        story.count(case_id, sound=1, missing=1)
    assert (error.value.status, error.value.code) == (400, "invalid")
    case = story.count(case_id, missing=3)
    assert case["state"] == "rejected"
    assert "None of the goods was in the parcel" in case["decision"]["reason"]
    story.told(10)
    assert story.paid(case_id) == 0
