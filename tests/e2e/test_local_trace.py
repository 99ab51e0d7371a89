"""A lamp that comes back inside China, through HTTP: Kuaidi100 tells of it, corrects a company, and knows no invented number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.client import Client, until
from infra.local.mall import LAMP, Shop, home_of
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system, http = local.system, local.http


class Lamp:
    """One lamp on its way back by a script of the sandbox, the number told by its buyer."""

    def __init__(self, system: System, http: httpx.Client, buyer: Client, clerk: Client) -> None:
        self.system, self.http, self.buyer, self.clerk = system, http, buyer, clerk

    def send(self, carrier: str, number: str, script: str) -> None:
        """The buyer hands it over and tells the number."""
        self.number = number
        order_id = f"o-{uuid4().hex[:8]}"
        Shop(self.system, "m1").sell(order_id, LAMP, "b1", signed=72.0)
        items = [{"line_id": "l1", "pieces": 1}]
        asked = {"order_id": order_id, "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
        case = self.buyer.case_in(self.buyer.post("/cases", asked)["case_id"], "reviewing", "approved")
        if case["state"] == "reviewing":
            self.clerk.post(f"/merchant/cases/{case['case_id']}/decision", {"outcome": "approve", "reason": "as owed"})
        ends = {"sender": {"city": home_of("b1").city, "tail": "1111"}, "receiver": {"city": "杭州市", "tail": "0001"}}
        weighs = {"weight_g": LAMP.weight_g} if LAMP.weight_g else {}
        said = {"provider": "parcels", "number": number, "carrier": carrier, "script": script, **ends, **weighs}
        self.system.lever("parcel", said)
        self.case_id = str(case["case_id"])
        self.buyer.post(f"/cases/{self.case_id}/shipment", {"carrier": carrier, "number": number})
        self.system.tick(0.1)
        until(self.subscribed, lambda: str(self.truth("kuaidi100")["subscriptions"]), 30)

    def truth(self, provider: str) -> Any:
        """What the sandbox knows."""
        return local.truth(provider, self.system, self.http)

    def subscribed(self) -> bool:
        """Whether the platform follows it."""
        return any(row["number"] == self.number for row in self.truth("kuaidi100")["subscriptions"])

    def awaits(self, state: str) -> Any:
        """The parcel, once it is in this state."""

        def parcel() -> Any:
            return self.buyer.get(f"/cases/{self.case_id}")["parcel"]

        until(lambda: parcel()["state"] == state, lambda: str(parcel()), 30)
        return parcel()


@pytest.fixture
def lamp(system: System, http: httpx.Client) -> Iterator[Lamp]:
    """A buyer and a clerk of the shop, and a lamp."""
    with system.client("buyer", "b1") as buyer, system.client("clerk", "clerk-1") as clerk:
        yield Lamp(system, http, buyer, clerk)


def test_a_parcel_arrives_by_what_the_platform_tells(lamp: Lamp) -> None:
    """Subscribed under the case's key, told scan by scan, delivered by the last of them: nobody had to ask."""
    lamp.send("圆通速递", "YT7000000000001", "normal")
    assert lamp.awaits("in_transit")["carrier"] == "yto"
    for hours in (10, 10, 11):  # in one move, a day without a word would be over before the word is there
        lamp.system.tick(hours)
    lamp.awaits("delivered")
    truth = lamp.truth("parcels")
    told = [row for row in truth["told"] if row["number"] == lamp.number]
    assert {(row["key"], row["answered"]) for row in told} == {(f"{lamp.case_id}-parcel-1", 1)}
    assert lamp.number not in truth["asked"]
    assert truth["broken"] == []


def test_an_invented_number_is_asked_for_again(lamp: Lamp) -> None:
    """After three days the platform says that nobody ever had it, and the buyer is to tell another one."""
    lamp.send("yto", "YT7000000000002", "invented")
    lamp.awaits("in_transit")
    lamp.system.tick(73)
    lamp.awaits("awaiting_shipment")


def test_a_wrong_company_is_no_forgery(lamp: Lamp) -> None:
    """Named YTO and carried by STO: after three days it is followed under that company, and it arrives."""
    lamp.send("yto", "YT7000000000003", "corrected_carrier")
    lamp.system.tick(73)
    assert lamp.awaits("delivered")["trail"]["carrier"] == "sto"
    row = next(r for r in lamp.truth("kuaidi100")["subscriptions"] if r["number"] == lamp.number and r["com_old"])
    assert (row["com_old"], row["com"], row["state"]) == ("yuantong", "shentong", "shutdown")


def test_a_push_without_the_platforms_signature_is_refused(lamp: Lamp) -> None:
    """Whoever posts a parcel's arrival without the key's salt is refused, and nothing moves."""
    lamp.send("yto", "YT7000000000004", "bare")
    param = '{"status":"shutdown","lastResult":{"data":[{"ftime":"2026-11-20 10:00:00","context":"已签收","statusCode":"301"}]}}'
    url = f"{lamp.system.home.url}/v1/callbacks/kuaidi100?key={lamp.case_id}-parcel-1"
    for form in ({"param": param, "sign": "0" * 32}, {"param": param}):
        assert lamp.http.post(url, data=form).status_code == 401
    lamp.awaits("in_transit")
