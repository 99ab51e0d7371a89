"""Pickups at the door and the people around them: when, at whose cost, why not, and whose business the address is."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from aftersales import redaction
from aftersales.pickup import Refusal
from aftersales.query import NoticesOf
from aftersales.testing.builders import a_merchant
from aftersales.testing.carrier import RECEIVER, SENDER, FakeCarrier
from aftersales.text import text
from tests.api.door import DOOR, Door
from tests.api.machine import Kitchen


@pytest.fixture
def door() -> Door:
    """A return that was agreed to, and a carrier that comes."""
    return Door()


def told(door: Door) -> list[str]:
    """What the buyer was told, newest first."""
    return [n.text for n in door.store.find(NoticesOf("m1", "b1")).found]


def kept(door: Door, case_id: str) -> str:
    """Everything that is on record about the case, as text."""
    file = door.store.case(case_id)
    return msgspec.json.encode(file, enc_hook=str).decode()


@pytest.mark.parametrize("how", ["withdraw", "ship", "lapse"])
def test_the_pickup_ends_with_its_purpose(door: Door, how: str) -> None:
    """The case withdrawn or lapsed, or the goods sent another way: nobody comes for them, and the door is forgotten."""
    case_id = door.back()
    door.booked(case_id)
    if how == "withdraw":
        door.must("POST", f"/v1/cases/{case_id}/withdraw")
    elif how == "ship":
        door.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1234567"})
    else:
        door.carrier.script = ["deaf"] * 3
        door.wait(days=8)
    door.pump()
    for _ in range(5):
        door.later(30)
    assert door.carrier.alive == []
    assert door.pickup(case_id)["state"] == "cancelled"
    assert SENDER.address not in kept(door, case_id)


@pytest.mark.parametrize("why", list(Refusal))
def test_a_refusal_says_what_to_do(door: Door, why: Refusal) -> None:
    """Whatever the carrier's reason, the buyer reads it with what to do, and can book anew under the next number."""
    case_id = door.back()
    door.carrier.script = [why]
    door.ask(case_id)
    door.pump()
    pickup = door.pickup(case_id)
    assert (pickup["state"], pickup["refusal"]) == ("failed", why)
    assert pickup["next"].startswith("Please")
    assert any(text("functions", f"pickup.{why}.next", "zh-CN") in said for said in told(door))
    assert SENDER.address not in kept(door, case_id)
    door.booked(case_id)
    assert door.carrier.alive == [f"{case_id}-pickup-2"]


def test_the_buyer_agrees_to_a_price_that_they_bear(door: Door) -> None:
    """Sent back without a reason the buyer pays, was told how much, and agreed; a price that rose is told anew."""
    case_id = door.back("no_reason")
    said = door.must("POST", f"/v1/cases/{case_id}/pickup/price", door.wish())
    assert (said["price_minor"], said["payer"], said["company"]) == (1200, "buyer", "swift")
    for agreed in ({}, {"agreed_minor": 1199}):
        reply = door.ask(case_id, **agreed)
        assert (reply.status, reply.json["details"]["expected"]) == (409, 1200)
    assert door.carrier.booked == 0
    assert door.booked(case_id, agreed_minor=1200)["price_minor"] == 1200


@pytest.mark.parametrize(
    ("slot", "where"),
    [
        ({"days": 0, "start": "08:00", "end": "12:29"}, "slot"),
        ({"days": -1}, "slot"),
        ({"days": 3}, "slot.day"),
        ({"start": "11:00", "end": "11:00"}, "slot"),
        ({"start": "11:00", "end": "09:00"}, "slot"),
    ],
)
def test_a_slot_that_nobody_can_keep_is_refused(door: Door, slot: dict[str, Any], where: str) -> None:
    """Past, within half an hour, beyond the day after tomorrow, or ending before it begins: said at once, nobody is called."""
    case_id = door.back()
    reply = door.ask(case_id, slot=door.slot(**slot))
    assert (reply.status, reply.json["details"]["where"]) == (400, where), reply.text
    assert door.pickup(case_id) is None


def test_the_first_day_of_all_is_no_day(door: Door) -> None:
    """A day that lies before all days in Greenwich is refused like any other that cannot be."""
    reply = door.ask(door.back(), slot={"day": "0001-01-01", "start": "00:30", "end": "02:00"})
    assert (reply.status, reply.json["details"]["where"]) == (400, "slot.day")


def test_the_last_slot_is_before_the_parcel_lapses(door: Door) -> None:
    """A pickup after the day on which the goods have to be on their way would come for a case that is over."""
    case_id = door.back()
    door.clock.move(timedelta(days=6))  # it is noon in China, and lapses tomorrow at noon
    late = door.ask(case_id, slot=door.slot(1, "10:00", "12:01"))
    assert (late.status, late.json["details"]["where"]) == (400, "slot")
    assert door.ask(case_id, slot=door.slot(1, "10:00", "12:00")).status == 201


def test_only_goods_that_go_back_are_collected(door: Door) -> None:
    """Before the decision, and after the goods were sent, there is nothing to collect."""
    case_id = door.back()
    door.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1234567"})
    assert door.ask(case_id).status == 409


def test_a_shop_that_takes_none_says_so(door: Door) -> None:
    """Without an address, a name and a phone of the shop nobody is called."""
    case_id = door.back()
    door.registry.put("merchant:m1", a_merchant(return_address="somewhere"))
    reply = door.ask(case_id)
    assert (reply.status, "of your own" in reply.json["todo"]) == (409, True)


def test_the_door_is_shown_to_nobody(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Name, phone and address are with the carrier: no view, event, notice, answer or log has them, and after the end no record."""
    case_id = door.back()
    with caplog.at_level(logging.DEBUG):
        door.carrier.script = ["deaf"]
        assert SENDER.phone not in door.ask(case_id).text
        door.pump()
        for _ in range(12):
            door.later()
        for who in ("buyer", "clerk", "integrator"):
            seen = (
                door.send("GET", f"/v1/cases/{case_id}", role=who).text
                + door.send("GET", f"/v1/cases/{case_id}/timeline", role=who).text
            )
            assert not any(part in seen for part in (SENDER.phone, SENDER.address, SENDER.name)), seen
        assert door.pickup(case_id)["at"].startswith("王* ****1111 浙江省杭州市")
        assert SENDER.address in kept(door, case_id)
        door.carrier.collect(f"{case_id}-pickup-1")
        door.tell(f"{case_id}-pickup-1")
    assert not any(part in kept(door, case_id) for part in (SENDER.phone, SENDER.address, SENDER.name))
    assert not any(part in str(told(door)) for part in (SENDER.phone, SENDER.address, SENDER.name))
    said = "\n".join(redaction.redact(r.getMessage()) for r in caplog.records)
    assert not any(part in said for part in (SENDER.phone, SENDER.address, SENDER.name))
    assert not any(part in repr(door.store.case(case_id)) for part in (SENDER.phone, SENDER.address))


def test_a_large_machine_is_collected_before_its_exchange() -> None:
    """A fridge that is exchanged is collected at the door like anything else that goes back, at the shop's cost for its fault."""
    kitchen, carrier = Kitchen(), FakeCarrier()
    kitchen.registry.put("carrier:swift", carrier)
    shop = a_merchant(two_persons_above_minor=10**9, return_address=RECEIVER.address, return_name="W", return_phone="0571-1234567")
    kitchen.registry.put("merchant:m1", shop)
    kitchen.found()
    asked = kitchen.ask()
    case = kitchen.decide(asked) if asked["state"] == "reviewing" else asked
    day = (kitchen.clock.now() + timedelta(days=1)).date().isoformat()
    wish = {"slot": {"day": day, "start": "09:00", "end": "11:00"}, "sender": DOOR, "company": "heavy", "weight_g": 80_000}
    kitchen.must("POST", f"/v1/cases/{case['case_id']}/pickup", wish)
    kitchen.pump()
    carrier.collect(f"{case['case_id']}-pickup-1")
    kitchen.wait(minutes=61)
    case = kitchen.case(case["case_id"])
    assert (case["pickup"]["company"], case["pickup"]["payer"], case["parcel"]["state"]) == ("heavy", "merchant", "in_transit")
    back = {"accepted": True, "disposition": "flawed", "note": "compressor"}
    done = kitchen.must("POST", f"/v1/merchant/cases/{case['case_id']}/inspection", back, role="clerk")
    assert done["state"] == "fulfilling"
