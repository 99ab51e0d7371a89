"""Numbers of return parcels over time: told again, corrected, free again; and parcels that several cases share."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aftersales.order import Buyer
from aftersales.testing.tracer import FakeTracer
from aftersales.tracking import Passage
from tests.api.way import NUMBER, Way

P = Passage
OTHER = "YT2222222222222"


@pytest.fixture
def way() -> Way:
    """Two returns that can be agreed to, and a tracer that is asked."""
    way = Way()
    way.order("o9")
    return way


def test_a_number_told_before_can_be_told_again(way: Way) -> None:
    """Corrected by mistake and corrected back: it is still this case's, nobody else's, and is asked about in its time."""
    case_id, other = way.sent(), way.back_of("o9")
    way.happens(began=way.clock.now())
    way.looked()
    way.ship(case_id, OTHER)
    way.ship(other, status=409)
    way.ship(case_id)
    way.looked()
    assert not way.tracer.too_soon
    way.pass_by(34)
    assert way.parcel(case_id)["state"] == "delivered"
    assert way.verdicts(case_id)["parcel.unique"] == "pass"


def test_the_buyer_may_name_the_carrier_that_was_found_out(way: Way) -> None:
    """Named wrongly, corrected by the tracer, then by the buyer: one parcel, and other cases are refused it under either name."""
    case_id, other = way.sent(carrier="zto", number="73123456789012"), way.back_of("o9")
    way.tracer.corrected["73123456789012"] = "yto"
    way.happens([(0, P.PICKED_UP, "杭州市")], number="73123456789012")
    way.pass_by(8)
    assert way.parcel(case_id)["trail"]["carrier"] == "yto"
    way.ship(other, "73123456789012", "yto", status=409)
    way.ship(case_id, "73123456789012", "yto")
    way.ship(other, "73123456789012", "zto", status=409)
    way.pass_by(8)
    assert way.verdicts(case_id)["parcel.unique"] == "pass"


def test_a_carrier_that_drives_another_cases_parcel_is_told_of(way: Way) -> None:
    """The number is another case's with the company that really drives: the list says so, and the first one is untouched."""
    number = "73123456789012"
    first, second = way.sent(carrier="yto", number=number), way.back_of("o9")
    way.ship(second, number, "zto")
    way.tracer.corrected[number] = "yto"
    way.happens(number=number)
    way.pass_by(34)
    assert way.verdicts(second)["parcel.unique"] == "fail"
    assert way.parcel(second)["state"] == "in_transit"
    assert (way.parcel(first)["state"], way.verdicts(first)["parcel.unique"]) == ("delivered", "pass")


def test_a_number_that_is_nobodys_is_free_and_the_case_can_be_withdrawn(way: Way) -> None:
    """Its carrier says that it never gave it: another case may tell it, and the buyer, who has sent nothing, may withdraw."""
    case_id, other = way.sent(), way.back_of("o9")
    way.tracer.never.add(NUMBER)
    way.looked()
    assert way.parcel(case_id)["state"] == "awaiting_shipment"
    way.ship(other)
    assert way.must("POST", f"/v1/cases/{case_id}/withdraw")["state"] == "closed"


@pytest.mark.parametrize("said", ["not yet", "never", "cancelled"])
def test_goods_that_our_courier_took_are_not_asked_for_again(said: str) -> None:
    """Collected with a label of ours, and nobody who follows parcels knows of it: the buyer keeps the case, a person decides."""
    way = Way()
    case_id = way.back()
    way.carrier.companies = ("yto",)
    way.booked(case_id)
    way.carrier.collect(f"{case_id}-pickup-1")
    assert way.tell(f"{case_id}-pickup-1") == 200
    number = way.parcel(case_id)["number"]
    if said == "never":
        way.tracer.never.add(number)
    if said == "cancelled":
        way.happens([(0, P.REGISTERED, ""), (9, P.CANCELLED, "")], number)
    way.pass_by(24 * 40, every=12)
    case = way.case(case_id)
    assert (case["state"], case["parcel"]["state"], case["parcel"]["number"]) == ("approved", "in_transit", number)
    assert "goods_escalated" in way.events(case_id)


def test_another_number_for_what_our_courier_has_is_a_persons_matter(way: Way) -> None:
    """Collected, and then the buyer tells a number that is nobody's: it neither lapses nor waits without a person."""
    case_id = way.back()
    way.carrier.companies = ("yto",)
    way.booked(case_id)
    way.carrier.collect(f"{case_id}-pickup-1")
    assert way.tell(f"{case_id}-pickup-1") == 200
    way.ship(case_id)
    way.tracer.never.add(NUMBER)
    way.pass_by(24 * 30, every=12)
    assert (way.case(case_id)["state"], way.parcel(case_id)["state"]) == ("approved", "awaiting_shipment")
    assert way.events(case_id).count("goods_escalated") > 3


def test_goods_beside_are_followed_when_the_other_case_is_done(way: Way) -> None:
    """The shop accepts the first case before the carrier says a word: the second one's parcel is followed for itself."""
    first, second = way.sent(), way.back_of("o9")
    way.ship(second, with_case=first)
    way.happens()
    way.looked()
    way.inspect(first)
    way.pass_by(36, every=1)
    assert way.parcel(second)["state"] == "delivered"
    assert way.verdicts(second)["parcel.unique"] == "pass"
    assert not way.tracer.too_soon


def test_goods_beside_stay_when_the_other_case_names_another_number(way: Way) -> None:
    """The number that was free again is held by the case that is left: a stranger's case cannot tell it."""
    way.order("o10")
    first, second, third = way.sent(), way.back_of("o9"), way.back_of("o10")
    way.ship(second, with_case=first)
    way.looked()
    way.ship(first, OTHER)
    way.pass_by(2, every=0.5)
    way.ship(third, status=409)
    way.happens()
    way.pass_by(36, every=1)
    assert way.parcel(second)["state"] == "delivered"
    assert not way.tracer.too_soon


def test_a_stranger_who_took_the_number_meanwhile_is_told_of(way: Way) -> None:
    """Free for an hour, and told by another buyer: the goods that travelled beside are doubted, and silence pays nothing."""
    way.order("o10", buyer=Buyer("b2", "13900002222"))
    first, second = way.sent(), way.back_of("o9")
    third = way.back_of("o10", sub="b2")
    way.ship(second, with_case=first)
    way.looked()
    way.ship(first, OTHER)
    way.must("POST", f"/v1/cases/{third}/shipment", {"carrier": "yto", "number": NUMBER}, sub="b2")
    way.happens()
    way.pass_by(36, every=1)
    assert way.verdicts(second)["parcel.unique"] == "fail"
    assert (way.parcel(second)["state"], way.parcel(third, sub="b2")["state"]) == ("in_transit", "delivered")


def test_what_was_over_and_moves_is_followed_again() -> None:
    """Frozen for its carrier, and carried on all the same: it is no longer frozen, and the rest of its way is heard."""
    way = Way(FakeTracer(pushes=False))
    case_id = way.sent()
    way.happens([(0, P.PICKED_UP, "杭州市"), (100, P.IN_TRANSIT, "烟台市"), (110, P.SIGNED, "烟台市")])
    way.tracer.frozen.add(NUMBER)
    way.pass_by(8)
    assert way.verdicts(case_id)["parcel.course"] == "fail"
    way.tracer.frozen.discard(NUMBER)
    way.pass_by(110)
    assert (way.parcel(case_id)["state"], way.verdicts(case_id)["parcel.course"]) == ("delivered", "pass")


def test_a_word_about_an_older_number_is_none(way: Way) -> None:
    """Told by itself about the number before: the parcel, its trail and its state stay as they are."""
    way = Way(FakeTracer())
    case_id = way.sent()
    way.happens()
    way.looked()
    way.ship(case_id, OTHER)
    way.looked()
    way.clock.move(timedelta(hours=40))
    before = way.case(case_id)
    assert way.pushed(f"{case_id}-parcel-1") == 200
    assert way.case(case_id) == before
