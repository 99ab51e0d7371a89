"""Pickups at the door through the API: booked once, whatever is lost, moved, cancelled and collected."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from aftersales.change import Change
from aftersales.errors import Unknown
from aftersales.pickup import Booking, BookingStatus
from aftersales.query import NoticesOf
from aftersales.testing.carrier import FakeCarrier
from tests.api.door import Door


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
    door.store.commit(Change(claims=("waybill#swift#SW000001",)))
    door.booked(case_id)
    door.carrier.collect(f"{case_id}-pickup-1")
    door.tell(f"{case_id}-pickup-1")
    case = door.case(case_id)
    assert (case["pickup"]["state"], case["parcel"]["state"]) == ("collected", "awaiting_shipment")
    assert [t["kind"] for t in door.must("GET", "/v1/merchant/tickets", role="admin")["tickets"]] == ["pickup"]
    door.wait(hours=24 * 8)
    assert door.case(case_id)["state"] == "approved", "what our courier has counts never as not sent"
