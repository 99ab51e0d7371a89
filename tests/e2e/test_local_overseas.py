"""A lamp that comes back from abroad, through HTTP: its number is told, and the platforms tell the rest."""

from __future__ import annotations

import time
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


@pytest.fixture
def people(system: System) -> Iterator[tuple[Client, Client]]:
    """A buyer and a clerk of the shop."""
    with system.client("buyer", "b1") as buyer, system.client("clerk", "clerk-1") as clerk:
        yield buyer, clerk


def sent(system: System, people: tuple[Client, Client], carrier: str, number: str, script: str) -> str:
    """The path of a case whose lamp is on its way back, as a script of the sandbox has it."""
    buyer, clerk = people
    order_id = f"o-{uuid4().hex[:8]}"
    Shop(system, "m1").sell(order_id, LAMP, "b1", signed=72.0)
    items = [{"line_id": "l1", "pieces": 1}]
    asked = {"order_id": order_id, "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
    case = buyer.case_in(buyer.post("/cases", asked)["case_id"], "reviewing", "approved")
    if case["state"] == "reviewing":
        clerk.post(f"/merchant/cases/{case['case_id']}/decision", {"outcome": "approve", "reason": "as owed"})
    ends = {"sender": {"city": home_of("b1").city, "tail": "1111"}, "receiver": {"city": "杭州市", "tail": "0001"}}
    weighs = {"weight_g": LAMP.weight_g} if LAMP.weight_g else {}
    system.lever("parcel", {"provider": "parcels", "number": number, "carrier": carrier, "script": script, **ends, **weighs})
    path = f"/cases/{case['case_id']}"
    buyer.post(f"{path}/shipment", {"carrier": carrier, "number": number})
    system.tick(0.1)
    return path


def state(buyer: Client, path: str) -> Any:
    """The case's parcel."""
    return buyer.get(path)["parcel"]["state"]


@pytest.mark.parametrize(
    ("platform", "carrier", "number"), [("track17", "usps", "LZ123456785US"), ("aftership", "olddominion", "77712345675")]
)
def test_a_parcel_from_abroad_arrives_by_what_the_platform_tells(
    platform: str, carrier: str, number: str, system: System, http: httpx.Client, people: tuple[Client, Client]
) -> None:
    """The number is registered under the case's key, its scans are told by the platform, and the merchant's days begin."""
    path = sent(system, people, carrier, number, "normal")
    buyer = people[0]

    def told() -> Any:
        return local.truth("parcels", system, http)["told"]

    until(lambda: any(t["number"] == number and t["answered"] for t in told()), lambda: str(told()), 30)
    followed = local.truth(platform, system, http)["followed"][number]
    assert followed["key"] == f"{path.rpartition('/')[2]}-parcel-1"
    assert state(buyer, path) == "in_transit"
    system.tick(31)
    until(lambda: state(buyer, path) == "delivered", lambda: str(buyer.get(path)["parcel"]), 30)
    truth = local.truth("parcels", system, http)
    assert [broken for broken in truth["broken"] if broken["by"] == platform] == []
    assert truth["asked"].get(number, {}).get(platform, {"count": 0})["count"] <= 1


def test_a_forged_word_moves_nothing(system: System, http: httpx.Client, people: tuple[Client, Client]) -> None:
    """Whoever posts a platform's message without its key is refused, and the parcel stays where it is."""
    path = sent(system, people, "usps", "LZ123456799US", "bare")
    key = f"{path.rpartition('/')[2]}-parcel-1"
    event = {"time_utc": "2026-11-20T08:00:00Z", "sub_status": "Delivered_Other"}
    info = {"latest_status": {"status": "Delivered", "sub_status": "Delivered_Other"}, "latest_event": event}
    said = {"event": "TRACKING_UPDATED", "data": {"number": "LZ123456799US", "tag": key, "track_info": info}}
    tracking = {"custom_fields": {"aftersales_key": key}, "tag": "Delivered", "checkpoints": []}
    for name, header, body in (
        ("track17", {"sign": "0" * 64}, said),
        ("track17", {}, said),
        ("aftership", {"aftership-hmac-sha256": "AAAA"}, {"ts": time.time(), "event": "tracking_update", "msg": tracking}),
    ):
        assert http.post(f"{system.home.url}/v1/callbacks/{name}", json=body, headers=header).status_code == 401
    assert state(people[0], path) == "in_transit"
