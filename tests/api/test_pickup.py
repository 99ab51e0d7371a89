"""Pickups at the door through the API: booked once, moved, cancelled, collected, and whose business the address is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from aftersales import redaction
from aftersales.change import Change
from aftersales.errors import Unknown
from aftersales.pickup import Booking, BookingStatus, Refusal
from aftersales.ports import NoticesOf
from aftersales.testing.builders import a_merchant
from aftersales.testing.carrier import RECEIVER, SENDER, FakeCarrier
from aftersales.text import text
from tests.api.door import DOOR, Door
from tests.api.machine import Kitchen


@pytest.fixture
def door() -> Door:
    """A return that was agreed to, and a carrier that comes."""
    return Door()


def events(door: Door, case_id: str) -> list[str]:
    """What happened to the case."""
    return [step["event"] for step in door.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]]


def told(door: Door) -> list[str]:
    """What the buyer was told, newest first."""
    return [n.text for n in door.store.find(NoticesOf("m1", "b1")).found]


def kept(door: Door, case_id: str) -> str:
    """Everything that is on record about the case, as text."""
    file = door.store.case(case_id)
    return msgspec.json.encode(file, enc_hook=str).decode()


def test_goods_are_collected_and_the_waybill_is_the_parcels(door: Door) -> None:
    """Booked, collected and told: the carrier's waybill is the return parcel's by itself, and the merchant's clock starts."""
    case_id = door.back()
    pickup = door.booked(case_id)
    assert (pickup["company"], pickup["payer"], pickup["price_minor"]) == ("swift", "merchant", 1200)
    assert any("09:00-11:00" in said for said in told(door))
    key = f"{case_id}-pickup-1"
    door.carrier.collect(key)
    assert door.tell(key) == 200
    case = door.case(case_id)
    assert (case["pickup"]["state"], case["parcel"]["state"]) == ("collected", "in_transit")
    assert (case["parcel"]["carrier"], case["parcel"]["number"]) == ("swift", "SW000001")
    assert events(door, case_id)[-4:] == ["pickup_asked", "pickup_booked", "pickup_collected", "goods_sent"]


def test_the_schedule_finds_what_nobody_told(door: Door) -> None:
    """No callback ever comes: an hour later the goods are on their way all the same."""
    case_id = door.back()
    door.booked(case_id)
    door.carrier.collect(f"{case_id}-pickup-1")
    door.wait(minutes=61)
    assert door.case(case_id)["parcel"]["state"] == "in_transit"


class Slow(FakeCarrier):
    """A carrier that takes its time to answer: ``during`` happens while a booking stands already and nobody knows it yet."""

    during: Callable[[], Any] | None = None

    def book(self, *about: Any) -> Any:
        """See :class:`FakeCarrier`."""
        said, during, self.during = super().book(*about), self.during, None
        if during:
            during()
        return said


@pytest.mark.parametrize("what", ["cancel", "withdraw", "click", "notice", "schedule", "collect"])
def test_what_happens_while_the_carrier_is_called(what: str) -> None:
    """Cancelled, withdrawn, clicked again, told or looked at before the answer is there: one booking at most, and we know of it."""
    carrier = Slow()
    door = Door(carrier)
    case_id = door.back()
    key = f"{case_id}-pickup-1"

    def happens() -> None:
        if what == "cancel":
            door.must("DELETE", f"/v1/cases/{case_id}/pickup")
        elif what == "withdraw":
            door.must("POST", f"/v1/cases/{case_id}/withdraw")
        elif what == "click":
            assert door.ask(case_id).status == 409
        elif what == "notice":
            assert door.tell(key) == 200
        elif what == "schedule":
            door.later(11)
        else:
            carrier.collect(key)
        door.pump()

    carrier.during = happens
    door.ask(case_id)
    door.pump()
    door.later()
    door.wait(minutes=61)
    state = {"cancel": "cancelled", "withdraw": "cancelled", "collect": "collected"}.get(what, "booked")
    assert door.pickup(case_id)["state"] == state
    assert carrier.alive == ([key] if state == "booked" else [])
    assert carrier.booked == 1


class ByItsOwnNumber(FakeCarrier):
    """A carrier that finds nothing by our key: only who has its own number is answered."""

    def find(self, key: str, ref: str, now: datetime) -> Booking | None:
        """See :class:`FakeCarrier`."""
        if not ref:
            raise Unknown("It is asked by its own number.")
        return super().find(key, ref, now)


def test_a_carrier_that_cannot_say_is_never_asked_twice() -> None:
    """Its answer is lost with its number: nothing is booked in its place, a person is told after a day, and a notice ends it."""
    carrier = ByItsOwnNumber()
    door = Door(carrier)
    case_id = door.back()
    carrier.script = ["lost"]
    door.ask(case_id)
    door.pump()
    for _ in range(30):
        door.wait(minutes=60)
    assert (carrier.booked, door.pickup(case_id)["state"]) == (1, "calling")
    [ticket] = door.must("GET", "/v1/merchant/tickets", role="admin")["tickets"]
    assert (ticket["kind"], ticket["key"]) == ("pickup", f"{case_id}-pickup-1")
    carrier.collect(f"{case_id}-pickup-1")
    assert door.tell(f"{case_id}-pickup-1") == 200
    assert door.case(case_id)["parcel"]["state"] == "in_transit"
    assert door.must("GET", "/v1/merchant/tickets", role="admin")["tickets"] == []


def test_two_clicks_are_one_booking(door: Door) -> None:
    """Two requests at the same moment, under two keys, book once; the other one is told that a pickup is on record."""
    case_id = door.back()
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(r.status for r in pool.map(lambda _: door.ask(case_id), range(4)))
    door.pump()
    assert statuses == [201, 409, 409, 409]
    assert (door.carrier.booked, len(door.carrier.alive)) == (1, 1)


@pytest.mark.parametrize("word", ["lost", "deaf"])
def test_no_answer_is_asked_about_under_the_same_key(door: Door, word: str) -> None:
    """Whether the call arrived or not: nothing is booked twice, and the buyer is told to wait, not to try again."""
    case_id = door.back()
    door.carrier.script = [word]
    assert door.ask(case_id).status == 201
    door.pump()
    pickup = door.pickup(case_id)
    assert (pickup["state"], "do not book another" in pickup["text"]) == ("calling", True)
    assert door.ask(case_id).status == 409
    for _ in range(15):
        door.later()
    assert door.pickup(case_id)["state"] == "booked"
    assert (door.carrier.booked, door.carrier.alive) == (1, [f"{case_id}-pickup-1"])


def test_a_carrier_that_never_heard_of_it_is_called_again_only_after_all_calls_ended(door: Door) -> None:
    """For ten minutes "unknown" may be about a call under way: nobody books meanwhile."""
    case_id = door.back()
    door.carrier.script = ["deaf"]
    door.ask(case_id)
    door.pump()
    for _ in range(3):
        door.later(3)
        assert door.carrier.booked == 0
    door.later(10)
    assert (door.carrier.booked, door.pickup(case_id)["state"]) == (1, "booked")


def test_a_carrier_that_moves_keeps_the_booking(door: Door) -> None:
    """Moved to the afternoon: the same booking at another time, and the buyer is told."""
    case_id = door.back()
    door.booked(case_id)
    door.must("PATCH", f"/v1/cases/{case_id}/pickup", {"slot": door.slot(start="14:00", end="16:00")})
    assert door.pickup(case_id)["state"] == "moving"
    door.pump()
    assert (door.carrier.booked, any("14:00-16:00" in said for said in told(door))) == (1, True)
    assert door.carrier.slots[f"{case_id}-pickup-1"].start.hour == 6


@pytest.mark.parametrize("script", [[], ["lost"], ["deaf"], ["ok", "lost"], ["deaf", "deaf", "lost", "ok", "deaf"]])
def test_a_carrier_that_moves_nothing_cancels_first(script: list[str]) -> None:
    """The old one is gone at the carrier before the new one is booked, whatever answers are lost in between."""
    door = Door(FakeCarrier(moves=False))
    case_id = door.back()
    door.booked(case_id)
    door.must("PATCH", f"/v1/cases/{case_id}/pickup", {"slot": door.slot(start="14:00", end="16:00")})
    door.carrier.script = list(script)
    door.pump()
    for _ in range(40):
        assert len(door.carrier.alive) <= 1
        door.later()
    assert door.carrier.alive == [f"{case_id}-pickup-2"]
    assert door.pickup(case_id)["state"] == "booked"
    assert events(door, case_id)[-1] == "pickup_moved"
    assert "pickup_cancelled" not in events(door, case_id)


def test_cancelled_before_anybody_called_is_cancelled(door: Door) -> None:
    """Asked and taken back at once: the carrier never hears of it."""
    case_id = door.back()
    door.ask(case_id)
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    door.pump()
    assert (door.carrier.booked, door.pickup(case_id)["state"]) == (0, "cancelled")


def test_cancelled_while_the_answer_is_lost_is_cancelled_at_the_carrier(door: Door) -> None:
    """Nobody knows whether it stands: the carrier is asked, and then told to cancel."""
    case_id = door.back()
    door.carrier.script = ["lost"]
    door.ask(case_id)
    door.pump()
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    door.pump()
    assert (door.pickup(case_id)["state"], door.carrier.alive, door.carrier.booked) == ("cancelled", [], 1)


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


def test_without_the_stream_the_schedule_cancels(door: Door) -> None:
    """The case was withdrawn and nobody followed it: the next look finds that nothing is to be collected."""
    case_id = door.back()
    door.booked(case_id)
    door.must("POST", f"/v1/cases/{case_id}/withdraw")
    door.told = len(door.store.records)  # what the stream would have told is lost
    door.wait(minutes=61)
    assert (door.carrier.alive, door.pickup(case_id)["state"]) == ([], "cancelled")


def test_the_courier_was_faster(door: Door) -> None:
    """Cancelled when the goods are with the courier already: they are on their way, and the case goes on."""
    case_id = door.back()
    door.booked(case_id)
    door.carrier.collect(f"{case_id}-pickup-1")
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    door.pump()
    case = door.case(case_id)
    assert (case["pickup"]["state"], case["parcel"]["state"]) == ("collected", "in_transit")


def test_collected_after_the_case_ended_is_somebodys_matter(door: Door) -> None:
    """Withdrawn, and the courier took the goods all the same: a person is told where they are."""
    case_id = door.back()
    door.booked(case_id)
    door.carrier.collect(f"{case_id}-pickup-1")
    door.must("POST", f"/v1/cases/{case_id}/withdraw")
    door.pump()
    assert door.pickup(case_id)["state"] == "collected"
    found = door.must("GET", "/v1/merchant/tickets", role="admin")["tickets"]
    assert [(t["kind"], t["case_id"]) for t in found] == [("pickup", case_id)]


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


def test_a_carrier_that_cancels_is_heard(door: Door) -> None:
    """The carrier gave it up by itself: the pickup is gone, and another one can be booked."""
    case_id = door.back()
    door.booked(case_id)
    door.carrier.give_up(f"{case_id}-pickup-1")
    assert door.tell(f"{case_id}-pickup-1") == 200
    assert door.pickup(case_id)["state"] == "cancelled"
    door.booked(case_id)


def test_a_late_word_about_an_older_booking_changes_nothing(door: Door) -> None:
    """Notices twice, late and out of order: the carrier is asked what is true now."""
    case_id = door.back()
    door.booked(case_id)
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    door.pump()
    door.booked(case_id)
    for key in (f"{case_id}-pickup-1", f"{case_id}-pickup-2", f"{case_id}-pickup-1"):
        assert door.tell(key) == 200
    assert door.pickup(case_id)["state"] == "booked"
    assert door.carrier.alive == [f"{case_id}-pickup-2"]


def test_an_older_booking_that_rises_again_is_cancelled(door: Door) -> None:
    """A carrier that revives what it had cancelled tells of it: it is cancelled anew, and one stands."""
    case_id = door.back()
    door.booked(case_id)
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    door.pump()
    old = door.carrier.bookings[f"{case_id}-pickup-1"]
    door.carrier.bookings[old.key] = replace(old, status=BookingStatus.STANDS)
    door.tell(old.key)
    assert door.carrier.alive == []


@pytest.mark.parametrize("key", ["nobody-pickup-1", "c-pickup-x", "", "{case}-pickup-2"])
def test_what_is_none_of_ours_is_not_found(door: Door, key: str) -> None:
    """A notice about a booking that we never asked for is refused."""
    case_id = door.back()
    door.booked(case_id)
    assert door.tell(key.format(case=case_id)) == 404


def test_one_waybill_serves_one_case(door: Door) -> None:
    """A waybill that another case has already is no proof that these goods are on their way: a person looks."""
    case_id = door.back()
    door.booked(case_id)
    door.store.commit(Change(claims=("waybill#swift#SW000001",)))
    door.carrier.collect(f"{case_id}-pickup-1")
    door.tell(f"{case_id}-pickup-1")
    case = door.case(case_id)
    assert (case["pickup"]["state"], case["parcel"]["state"]) == ("collected", "awaiting_shipment")
    assert [t["kind"] for t in door.must("GET", "/v1/merchant/tickets", role="admin")["tickets"]] == ["pickup"]


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
