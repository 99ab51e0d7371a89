"""Ways round what carriers say, and honest buyers in the way of others: silence pays for no trick, and closes nobody's case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.change import Change
from aftersales.order import Buyer, Shipment
from aftersales.query import CaseFile
from aftersales.testing.builders import a_payment
from aftersales.testing.carrier import FakeCarrier
from aftersales.testing.tracer import HONEST, FakeTracer
from aftersales.tracking import Passage
from functions import sweep
from tests.api.door import DOOR, Door
from tests.api.way import NUMBER, Way

P = Passage
OTHER = "YT2222222222222"


@pytest.fixture
def way() -> Way:
    """A return that can be agreed to, and a tracer that is asked."""
    return Way()


def second(way: Way, sub: str = "b1", order_id: str = "o9") -> str:
    """Another order's return that was agreed to, of the same buyer or of another one."""
    more = {"buyer": Buyer("b2", "13900002222")} if sub == "b2" else {}
    way.order(order_id, payments=(a_payment(transaction_id=f"42-{order_id}", paid_minor=9_900),), **more)
    return way.back_of(order_id, sub)


def file_of(mall: Door, case_id: str) -> CaseFile:
    """The case as it is stored."""
    found: CaseFile | None = mall.store.case(case_id)
    assert found is not None
    return found


def label(mall: Door, case_id: str) -> str:
    """The number of a label that was asked for."""
    said = mall.send("POST", f"/v1/cases/{case_id}/pickup", {"drop_off": True, "sender": DOOR})
    assert said.status == 201, said.text
    mall.pump()
    return str(mall.pickup(case_id)["number"])


# --- one parcel for two cases -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("through", ["the first", "one beside it"])
@pytest.mark.parametrize("seen", ["before the carrier says so", "after it was signed for"])
def test_a_parcel_that_was_opened_brings_nothing_more(way: Way, through: str, seen: str) -> None:
    """That other goods came in it, said only once the shop has opened it: a person decides, and silence pays nothing."""
    first, beside, late = way.back(), second(way, order_id="o10"), second(way)
    way.ship(first)
    way.ship(beside, with_case=first)
    way.happens()
    way.pass_by(40 if seen.startswith("after") else 10)
    way.inspect(first)
    way.ship(late, with_case=first if through == "the first" else beside)
    way.pass_by(24 * 30, every=12)
    assert way.case(late)["state"] == "approved"
    assert way.verdicts(late)["parcel.unique"] == "fail"
    assert "goods_escalated" in way.events(late)
    way.inspect(late)
    assert way.case(late)["state"] in ("settling", "closed")


def test_a_number_that_another_case_has_is_not_had_by_telling_it_twice() -> None:
    """Doubted because another case has it, corrected, and corrected back: it is the other case's all the same."""
    way = Way(FakeTracer(pushes=False, carriers=("swift", "yto")), FakeCarrier(labels=True))
    case_id, other = way.back(), second(way)
    way.ship(other, "SW000001", "swift")  # guessed before it was given
    number = label(way, case_id)
    way.carrier.collect(f"{case_id}-pickup-1")
    way.pass_by(8)
    assert (way.parcel(case_id)["state"], way.verdicts(case_id)["parcel.unique"]) == ("in_transit", "fail")
    way.ship(case_id, OTHER)
    way.ship(case_id, number, "swift", status=409)


def test_the_number_of_our_label_is_nobody_elses() -> None:
    """It is held from the day on which the buyer reads it: another case cannot tell it first."""
    way = Way(FakeTracer(pushes=False, carriers=("swift", "yto")), FakeCarrier(labels=True))
    case_id, other = way.back(), second(way, "b2")
    number = label(way, case_id)
    said = way.send("POST", f"/v1/cases/{other}/shipment", {"carrier": "swift", "number": number}, sub="b2")
    assert said.json["code"] == "claim_taken"
    way.carrier.collect(f"{case_id}-pickup-1")
    way.happens(number=number, began=way.clock.now())
    way.pass_by(40)
    assert (way.parcel(case_id)["state"], way.verdicts(case_id)["parcel.unique"]) == ("delivered", "pass")


def test_goods_on_a_label_that_was_guessed_are_not_lost_for_their_buyer() -> None:
    """Another case told the number before the carrier gave it: the goods are on their way all the same, and a person decides."""
    way = Way(FakeTracer(pushes=False, carriers=("swift", "yto")), FakeCarrier(labels=True))
    case_id, other = way.back(), second(way, "b2")
    way.must("POST", f"/v1/cases/{other}/shipment", {"carrier": "swift", "number": "SW000001"}, sub="b2")
    number = label(way, case_id)
    way.carrier.collect(f"{case_id}-pickup-1")
    way.happens(number=number, began=way.clock.now())
    way.pass_by(24 * 30, every=6)
    assert (way.case(case_id)["state"], way.parcel(case_id)["state"]) == ("approved", "in_transit")
    assert "goods_escalated" in way.events(case_id)
    assert [t["kind"] for t in way.must("GET", "/v1/merchant/tickets", role="admin")["tickets"]].count("pickup") == 1


# --- what comes up later ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("more", [((40, P.RETURNING, "烟台市"), (70, P.RETURNED, "杭州市")), ((40, P.REJECTED, "烟台市"),)])
def test_what_was_signed_for_and_went_back_is_not_paid_for(more: tuple[tuple[int, P, str], ...]) -> None:
    """Signed for at a station, and recalled from there: the word that comes later counts, for goods that travelled beside too."""
    way = Way(FakeTracer(pushes=True))
    case_id, beside = way.sent(), second(way)
    way.ship(beside, with_case=case_id)
    way.looked()
    way.happens((*HONEST, *more))
    way.wait(hours=35)
    assert way.pushed(f"{case_id}-parcel-1") == 200
    way.pass_by(3)
    assert (way.parcel(case_id)["state"], way.parcel(beside)["state"]) == ("delivered", "delivered")
    way.wait(hours=60)
    assert way.pushed(f"{case_id}-parcel-1") == 200
    once = file_of(way, case_id)
    assert way.pushed(f"{case_id}-parcel-1") == 200
    assert file_of(way, case_id) == once
    way.pass_by(24 * 30, every=12)
    assert way.verdicts(case_id)["parcel.course"] != "pass"
    assert (way.case(case_id)["state"], way.case(beside)["state"]) == ("approved", "approved")


def test_what_went_out_under_this_number_is_no_return(way: Way) -> None:
    """The mall tells of the way out only after the check list has passed: silence pays nothing."""
    paid = (a_payment(transaction_id="42-o9", paid_minor=9_900),)
    way.order("o9", shipment=None, payments=paid)
    case_id = way.back_of("o9")
    way.ship(case_id)
    way.happens()
    way.pass_by(40)
    assert way.verdicts(case_id)["parcel.genuine"] == "pass"
    way.order("o9", shipment=Shipment("yto", NUMBER), payments=paid)
    way.pass_by(24 * 30, every=12)
    assert way.case(case_id)["state"] == "approved"
    assert "goods_escalated" in way.events(case_id)


def test_a_lost_parcel_that_was_none_is_not_paid_for() -> None:
    """Lost by the shop's own carrier, and taken in by it in another city than the one that was named: a person decides."""
    way = Way(carrier=FakeCarrier(companies=("yto",)))
    case_id = way.back()
    way.booked(case_id)
    number = way.carrier.bookings[f"{case_id}-pickup-1"].number
    way.happens(((0, P.PICKED_UP, "广州市"), (20, P.LOST, "")), number=number, began=way.clock.now())
    way.carrier.collect(f"{case_id}-pickup-1")
    way.tell(f"{case_id}-pickup-1")
    way.pass_by(24 * 30, every=12)
    assert (way.case(case_id)["state"], way.parcel(case_id)["state"]) == ("approved", "lost")
    assert "goods_escalated" in way.events(case_id)


def test_an_empty_box_is_not_paid_for_by_rules(way: Way) -> None:
    """Refused, appealed, asked for evidence and handed in again: it waits for a second person, whatever rules say."""
    case_id = way.sent()
    way.happens()
    way.pass_by(40)
    way.inspect(case_id, accepted=False, note="an empty box")
    way.must("POST", f"/v1/cases/{case_id}/appeal", {"text": "It was in it."})
    told = {"outcome": "ask_evidence", "reason": "show it"}
    way.must("POST", f"/v1/merchant/cases/{case_id}/decision", told, role="approver", sub="a2")
    way.photo(case_id)
    way.must("POST", f"/v1/cases/{case_id}/submit")
    way.pass_by(24 * 30, every=12)
    assert way.case(case_id)["state"] == "second_review"
    assert way.parcel(case_id)["state"] == "refused"


# --- what would keep an honest buyer out --------------------------------------------------------------------------------
def test_a_tracer_that_was_switched_off_is_replaced(way: Way) -> None:
    """Its parcels are followed by the next one that can, and their numbers can still be corrected."""
    case_id = way.sent(number=OTHER)
    way.looked()
    trail = file_of(way, case_id).trail
    assert trail is not None
    way.store.commit(Change(trail=replace(trail, tracer="gone")))
    way.ship(case_id)
    trail = file_of(way, case_id).trail
    assert trail is not None
    way.store.commit(Change(trail=replace(trail, tracer="gone")))
    way.happens()
    way.pass_by(40)
    assert way.parcel(case_id)["state"] == "delivered"
    assert not way.tracer.too_soon


@pytest.mark.parametrize("drop_off", [True, False])
def test_goods_handed_over_in_the_last_hour_are_in_time(drop_off: bool) -> None:
    """The carrier says so only hours after the time to send is over: the case is still there, and the goods are on their way."""
    door = Door(FakeCarrier(labels=drop_off))
    case_id = door.back()
    if drop_off:
        label(door, case_id)
    for _ in range(6 * 4):
        door.wait(hours=6)
    if not drop_off:
        door.booked(case_id, slot=door.slot(1, "08:00", "12:00"))
    for _ in range(3):
        door.wait(hours=6)
    door.wait(hours=5, minutes=50)
    assert door.case(case_id)["parcel"]["state"] == "awaiting_shipment"
    door.carrier.collect(f"{case_id}-pickup-1")
    door.clock.move(timedelta(minutes=20))
    sweep.sweep(door.registry)
    door.wait(hours=6)
    assert (door.case(case_id)["state"], door.case(case_id)["parcel"]["state"]) == ("approved", "in_transit")


def test_a_label_that_nobody_uses_keeps_no_case_open() -> None:
    """A day after it ended, and nothing was brought: the case lapses, and the label is cancelled."""
    door = Door(FakeCarrier(labels=True))
    case_id = door.back()
    label(door, case_id)
    for _ in range(9 * 2):
        door.wait(hours=12)
    assert (door.case(case_id)["state"], door.case(case_id)["parcel"]["state"]) == ("closed", "lapsed")
    assert door.carrier.alive == []


def test_labels_one_after_the_other_win_no_time() -> None:
    """Once only a carrier's word is waited for, no other pickup is booked: the case lapses a day after the label ended."""
    door = Door(FakeCarrier(labels=True))
    case_id = door.back()
    label(door, case_id)
    for _ in range(7 * 2):
        door.wait(hours=12)
    assert door.case(case_id)["parcel"]["state"] == "awaiting_shipment"
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    door.later()
    said = door.send("POST", f"/v1/cases/{case_id}/pickup", {"drop_off": True, "sender": DOOR})
    assert said.status == 409
    for _ in range(3):
        door.wait(hours=12)
    assert door.case(case_id)["state"] == "closed"


def test_goods_on_their_way_home_cannot_be_sent_again_yet(way: Way) -> None:
    """Turned back far away: the seven days to send them again count from the last scan, and then the case lapses."""
    case_id = way.sent()
    home = tuple((40 + 24 * day, P.RETURNING, "烟台市") for day in range(9))
    way.happens(((0, P.PICKED_UP, "杭州市"), (20, P.IN_TRANSIT, "烟台市"), *home, (250, P.RETURNED, "杭州市")))
    way.pass_by(24 * 15, every=6)
    assert (way.case(case_id)["state"], way.parcel(case_id)["state"]) == ("approved", "turned_back")
    way.pass_by(24 * 4, every=6)
    assert way.case(case_id)["state"] == "closed"


@pytest.mark.parametrize("reason", ["faulty", "no_reason"])
def test_no_rule_decides_on_an_appeal(way: Way, reason: str) -> None:
    """Small enough to be approved without a person, and refused by the shop as an empty box: an appeal is for a second person."""
    way.registry.put("merchant:m1", replace(way.registry.merchant("m1"), small_minor=20_000))
    case_id = way.back(reason)
    way.ship(case_id)
    way.happens()
    way.pass_by(40)
    way.inspect(case_id, accepted=False, note="an empty box")
    way.must("POST", f"/v1/cases/{case_id}/appeal", {"text": "It was in it."})
    told = {"outcome": "ask_evidence", "reason": "show it"}
    way.must("POST", f"/v1/merchant/cases/{case_id}/decision", told, role="approver", sub="a2")
    way.must("POST", f"/v1/cases/{case_id}/submit")
    way.pass_by(24 * 10, every=12)
    assert (way.case(case_id)["state"], way.parcel(case_id)["state"]) == ("second_review", "refused")


def test_what_brought_another_order_is_no_return(way: Way) -> None:
    """A shop in the buyer's own city sends something else, and its waybill is told as that of the return: silence pays nothing."""
    way.registry.put("merchant:m1", replace(way.registry.merchant("m1"), return_address="浙江省杭州市滨江区演示路 2 号"))
    case_id = way.back()
    way.order("o9", shipment=Shipment("yto", NUMBER), payments=(a_payment(transaction_id="42-o9", paid_minor=9_900),))
    way.ship(case_id)
    way.happens(((0, P.PICKED_UP, "杭州市"), (6, P.IN_TRANSIT, "杭州市"), (30, P.SIGNED, "杭州市")))
    way.pass_by(24 * 30, every=12)
    assert way.verdicts(case_id)["parcel.genuine"] == "pass"
    assert way.case(case_id)["state"] == "approved"
    assert "goods_escalated" in way.events(case_id)


@pytest.mark.parametrize("said", [{"accepted": False, "note": "an empty box"}, {"accepted": True, "disposition": "sound"}, {}])
@pytest.mark.parametrize(("hours", "of"), [(10, 0), (40, 0), (40, 1)])
def test_whoever_opened_a_parcel_is_asked_about_all_of_it(way: Way, said: dict[str, Any], hours: int, of: int) -> None:
    """Opened for one case, and nothing said of the other goods in it: silence pays those only where all of it was silence."""
    pair = way.back(), second(way)
    way.ship(pair[0])
    way.ship(pair[1], with_case=pair[0])
    way.happens()
    way.pass_by(hours)
    if said:
        way.inspect(pair[of], **said)
    way.pass_by(24 * 30, every=12)
    left = pair[1 - of]
    assert way.parcel(left)["state"] == ("delivered" if said else "accepted")
    assert ("goods_escalated" in way.events(left)) == bool(said)


def test_a_case_that_lapses_asks_nobody_any_more(way: Way) -> None:
    """Turned back out of sight, a person asked; then its carrier answers, and the buyer does not send it: the ticket is closed."""
    case_id = way.sent()
    way.happens(((0, P.PICKED_UP, "杭州市"), (10, P.RETURNING, "杭州市")))
    way.pass_by(24)
    way.tracer.script = ["deaf"] * 1_000
    way.pass_by(24 * 20, every=6)
    asked = way.must("GET", "/v1/merchant/tickets", role="admin")["tickets"]
    assert [(t["kind"], t["closed_at"]) for t in asked] == [("parcel", None)]
    way.tracer.script = []
    way.pass_by(24 * 12, every=6)
    assert way.parcel(case_id)["state"] == "lapsed"
    assert way.must("GET", "/v1/merchant/tickets", role="admin")["tickets"] == []


def test_a_doubted_parcel_vouches_for_nothing_beside(way: Way) -> None:
    """The number is another case's with the company that really drives: goods that are said to travel beside are as doubtful."""
    theirs = second(way, "b2", "o10")
    way.must("POST", f"/v1/cases/{theirs}/shipment", {"carrier": "zto", "number": NUMBER}, sub="b2")
    first, beside = way.sent(), second(way)
    way.ship(beside, with_case=first)
    way.tracer.corrected[NUMBER] = "zto"
    way.happens()
    way.pass_by(24 * 30, every=6)
    assert way.verdicts(first)["parcel.unique"] == "fail"
    assert way.verdicts(beside)["parcel.unique"] == "fail"
    assert (way.case(first)["state"], way.case(beside)["state"]) == ("approved", "approved")


@pytest.mark.parametrize("pushes", [False, True])
def test_a_first_scan_that_comes_very_late_is_heard_all_the_same(pushes: bool) -> None:
    """Another number was asked for, and the buyer had none: the right one is still looked for until the time to send is over."""
    way = Way(FakeTracer(pushes=pushes))
    case_id = way.sent()
    way.happens(began=way.clock.now() + timedelta(days=6))
    way.pass_by(24 * 5, every=6)
    assert way.parcel(case_id)["state"] == "awaiting_shipment"
    way.pass_by(24 * 5, every=6)
    assert (way.parcel(case_id)["state"], way.parcel(case_id)["number"]) == ("delivered", NUMBER)
    assert way.verdicts(case_id)["parcel.genuine"] == "pass"
    assert not way.tracer.too_soon
