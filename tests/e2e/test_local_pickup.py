"""A lamp that is collected at the door, through HTTP: booked, moved, cancelled, collected, and never two couriers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.client import Client, Refused, until
from infra.local.mall import LAMP, Shop
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system, http = local.system, local.http
DOOR = {"name": "王小明", "phone": "13800001111", "address": "浙江省杭州市西湖区文三路 9 号 3 幢 502"}


class Door:
    """One lamp that goes back without a reason, and the platform of the couriers."""

    def __init__(self, system: System, http: httpx.Client, buyer: Client, clerk: Client) -> None:
        self.system, self.http, self.buyer, self.clerk = system, http, buyer, clerk
        order_id = f"d-{uuid4().hex[:8]}"
        Shop(system, "m1").sell(order_id, LAMP, "b1", signed=72.0)
        items = [{"line_id": "l1", "pieces": 1}]
        asked = {"order_id": order_id, "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
        case = buyer.case_in(buyer.post("/cases", asked)["case_id"], "reviewing", "approved")
        self.case_id = str(case["case_id"])
        if case["state"] == "reviewing":
            for person in (clerk,):
                person.post(f"/merchant/cases/{self.case_id}/decision", {"outcome": "approve", "reason": "as owed"})
        self.path = f"/cases/{self.case_id}"

    def slot(self, days: int = 1, start: str = "09:00", end: str = "11:00") -> dict[str, str]:
        """Hours of a day from today on, in China."""
        return {"day": (self.system.now() + timedelta(hours=8, days=days)).date().isoformat(), "start": start, "end": end}

    def book(self) -> None:
        """A pickup tomorrow morning, at the price that was told."""
        wish = {"slot": self.slot(), "sender": DOOR}
        price = self.buyer.post(f"{self.path}/pickup/price", wish)
        assert (price["payer"], price["company"]) == ("buyer", "jtexpress")
        self.buyer.post(f"{self.path}/pickup", {**wish, "agreed_minor": price["price_minor"]})

    def awaits(self, *states: str) -> Any:
        """The pickup, once it is in one of these states."""

        def pickup() -> Any:
            return self.buyer.get(self.path)["pickup"]

        until(lambda: pickup()["state"] in states, lambda: str(pickup()), 20)
        return pickup()

    def standing(self) -> list[str]:
        """The bookings of this case at which a courier would come."""
        found = local.truth("kuaidi100", self.system, self.http)["standing"]
        return [key for key in found if key.startswith(self.case_id)]

    def lever(self, name: str, number: int = 1) -> None:
        """Something happens at the platform, and it tells."""
        self.system.lever(name, {"provider": "kuaidi100", "number": f"{self.case_id}-pickup-{number}"})


@pytest.fixture
def door(system: System, http: httpx.Client) -> Iterator[Callable[[], Door]]:
    """New returns, each of a lamp of its own."""
    with system.client("buyer", "b1") as buyer, system.client("clerk", "clerk-1") as clerk:
        yield lambda: Door(system, http, buyer, clerk)


def test_a_courier_collects_and_the_parcel_is_on_its_way(door: Callable[[], Door]) -> None:
    """The buyer is told the price, agrees, and the courier's waybill becomes the parcel's as soon as the platform tells."""
    one = door()
    one.book()
    pickup = one.awaits("booked")
    assert (one.standing(), pickup["payer"], pickup["price_minor"]) == ([f"{one.case_id}-pickup-1"], "buyer", 800)
    with pytest.raises(Refused):
        one.book()
    one.lever("collect")
    one.awaits("collected")
    case = one.buyer.get(one.path)
    assert (case["parcel"]["state"], case["parcel"]["carrier"]) == ("in_transit", "jt")
    assert case["parcel"]["number"].startswith("KD")


def test_another_time_is_cancelled_first_and_booked_then(door: Callable[[], Door]) -> None:
    """Kuaidi100 moves nothing: the morning is gone at the platform before the afternoon is booked, and one courier comes."""
    one = door()
    one.book()
    one.awaits("booked")
    one.buyer.patch(f"{one.path}/pickup", {"slot": one.slot(start="14:00", end="16:00")})
    until(lambda: one.standing() == [f"{one.case_id}-pickup-2"], lambda: str(one.standing()), 20)
    assert one.awaits("booked")["wanted_start"] is None
    one.buyer.send("DELETE", f"{one.path}/pickup")
    one.awaits("cancelled")
    assert one.standing() == []


def test_a_lost_answer_books_nobody_twice(door: Callable[[], Door]) -> None:
    """The platform took the order and its answer was lost: it is found under our number, and stands once."""
    one = door()
    fault = {"provider": "kuaidi100", "at": "create", "kind": "cut", "key": f"{one.case_id}-pickup-1"}
    one.system.lever("faults", fault)
    one.book()
    one.awaits("calling")
    one.system.tick(0.1)
    one.awaits("booked")
    assert one.standing() == [f"{one.case_id}-pickup-1"]


def test_a_withdrawn_return_is_not_collected(door: Callable[[], Door]) -> None:
    """The buyer keeps the lamp: nobody comes for it."""
    one = door()
    one.book()
    one.awaits("booked")
    one.buyer.post(f"{one.path}/withdraw")
    one.awaits("cancelled")
    assert one.standing() == []
