"""Return labels through the API: a number of ours with which the buyer brings the goods to a station."""

from __future__ import annotations

from typing import Any

import pytest

from aftersales.pickup import BookingStatus, Refusal
from aftersales.query import NoticesOf
from aftersales.testing.carrier import SENDER, FakeCarrier
from tests.api.door import DOOR, Door


@pytest.fixture
def door() -> Door:
    """A return that was agreed to, and a carrier that gives labels."""
    return Door(FakeCarrier(labels=True))


def label(door: Door, case_id: str, **more: Any) -> Any:
    """A label that was asked for; its pickup as the buyer reads it once the carrier was called."""
    said = door.send("POST", f"/v1/cases/{case_id}/pickup", {"drop_off": True, "sender": DOOR, **more})
    assert said.status == 201, said.text
    door.pump()
    return door.pickup(case_id)


def told(door: Door) -> list[str]:
    """What the buyer was told, newest first."""
    return [n.text for n in door.store.find(NoticesOf("m1", "b1")).found]


def test_a_label_shows_its_number_and_until_when(door: Door) -> None:
    """Asked for without a slot: the number is known at once, told to the buyer, and to be used until the goods have to be sent."""
    case_id = door.back()
    pickup = label(door, case_id)
    assert (pickup["state"], pickup["number"], pickup["drop_off"]) == ("booked", "SW000001", True)
    assert pickup["end"] == door.case(case_id)["parcel"]["due_at"]
    assert "SW000001" in pickup["text"]
    assert any("SW000001" in said and "网点" in said for said in told(door))
    assert door.carrier.slots[f"{case_id}-pickup-1"] is None
    steps = door.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]
    assert not any("{" in step["text"] for step in steps)


def test_a_label_that_was_scanned_is_the_parcel(door: Door) -> None:
    """Brought to a station: found at the next look, and its number is the parcel's, with the door forgotten."""
    case_id = door.back()
    label(door, case_id)
    door.carrier.collect(f"{case_id}-pickup-1")
    door.wait(hours=6, minutes=1)
    case = door.case(case_id)
    assert (case["pickup"]["state"], case["parcel"]["state"], case["parcel"]["number"]) == ("collected", "in_transit", "SW000001")
    file = door.store.case(case_id)
    assert file is not None
    assert file.pickup is not None
    assert file.pickup.sender is None


@pytest.mark.parametrize("how", ["withdraw", "cancel", "ship"])
def test_a_label_ends_with_its_purpose(door: Door, how: str) -> None:
    """Withdrawn, cancelled, or the goods sent another way: the label stands no more, and the buyer reads not to use it."""
    case_id = door.back()
    label(door, case_id)
    if how == "withdraw":
        door.must("POST", f"/v1/cases/{case_id}/withdraw")
    elif how == "cancel":
        door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    else:
        door.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1234567890123"})
    for _ in range(3):
        door.later()
    assert door.carrier.alive == []
    pickup = door.pickup(case_id)
    assert pickup["state"] == "cancelled"
    assert "do not use" in pickup["text"]


def test_one_of_both_and_never_two(door: Door) -> None:
    """While a label stands no courier is booked, and the other way round; after it was cancelled the next has another number."""
    case_id = door.back()
    label(door, case_id)
    assert door.ask(case_id).status == 409
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    door.later()
    assert door.booked(case_id)["drop_off"] is False
    assert door.send("POST", f"/v1/cases/{case_id}/pickup", {"drop_off": True, "sender": DOOR}).status == 409
    assert door.carrier.alive == [f"{case_id}-pickup-2"]
    assert door.carrier.bookings[f"{case_id}-pickup-1"].status is BookingStatus.GONE


def test_a_label_has_no_hours_to_move(door: Door) -> None:
    """Nobody comes, so there is nothing to move."""
    case_id = door.back()
    label(door, case_id)
    said = door.send("PATCH", f"/v1/cases/{case_id}/pickup", {"slot": door.slot()})
    assert said.status == 409
    assert door.pickup(case_id)["state"] == "booked"


@pytest.mark.parametrize(
    "body", [{"drop_off": True, "slot": {"day": "2026-11-23", "start": "09:00", "end": "11:00"}}, {}, {"drop_off": False}]
)
def test_a_slot_or_a_label_and_not_both(door: Door, body: dict[str, Any]) -> None:
    """A label with hours, and goods collected at no time, cannot be understood."""
    case_id = door.back()
    assert door.send("POST", f"/v1/cases/{case_id}/pickup", {"sender": DOOR, **body}).status == 400
    assert door.carrier.booked == 0


def test_who_gives_no_labels_is_not_asked(door: Door) -> None:
    """Where no carrier gives labels, and where the named one does not, the request is refused and nobody is called."""
    door.carrier.labels = False
    case_id = door.back()
    for company in ("", "swift"):
        said = door.send("POST", f"/v1/cases/{case_id}/pickup", {"drop_off": True, "sender": DOOR, "company": company})
        assert said.status == 400
        assert said.json["details"]["expected"] == []
    assert door.carrier.booked == 0


def test_a_label_that_is_refused_says_why(door: Door) -> None:
    """The carrier serves no such address: the buyer reads it, with what to do, and the address is forgotten."""
    case_id = door.back()
    door.carrier.script = [Refusal.BAD_ADDRESS]
    pickup = label(door, case_id)
    assert (pickup["state"], pickup["refusal"]) == ("failed", "bad_address")
    assert pickup["next"]
    assert SENDER.address not in repr(door.store.case(case_id))
