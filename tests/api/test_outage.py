"""Carriers that give no answer: what depends on them stands still and says so, and nothing is decided on what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aftersales.change import Change
from aftersales.errors import BadSettings, Unknown
from aftersales.order import Buyer
from aftersales.testing.gate import FakeGate
from aftersales.testing.tracer import BUYER_TAIL, FakeTracer
from aftersales.tracking import Pace, Passage
from functions import sweep
from tests.api.way import NUMBER, Way
from tests.property.counting import CountingStore

P = Passage
LATER = [(240, P.PICKED_UP, "杭州市")]
BACK = [(0, P.PICKED_UP, "杭州市"), (10, P.RETURNING, "杭州市")]


@pytest.fixture
def way() -> Way:
    """A return that can be agreed to, and a tracer that is asked."""
    return Way()


def down(way: Way) -> None:
    """The carrier gives no answer from now on."""
    way.tracer.script[:] = ["deaf"] * 100_000


def up(way: Way) -> None:
    """It answers again."""
    way.tracer.script.clear()


def steps(way: Way, case_id: str, *events: str, language: str = "en") -> list[Any]:
    """Those of what happened."""
    told = way.must("GET", f"/v1/cases/{case_id}/timeline", headers={"accept-language": language})["steps"]
    return [step for step in told if step["event"] in events]


def due(way: Way, case_id: str) -> datetime:
    """When the parcel's wait is over, as it stands."""
    return datetime.fromisoformat(way.case(case_id)["deadline"]["due_at"])


def test_a_day_without_an_answer_costs_nobody_a_minute(way: Way) -> None:
    """The clock stands from two hours on, goes on with exactly the rest it had, and buyer and shop read why, in their language."""
    case_id = way.sent()
    way.happens(LATER)
    way.looked()
    before = due(way, case_id)
    down(way)
    way.pass_by(24, every=0.5)
    deadline = way.case(case_id)["deadline"]
    assert deadline["paused"]
    assert "no answer" in deadline["means"]
    chinese = way.must("GET", f"/v1/cases/{case_id}", headers={"accept-language": "zh-CN"})["deadline"]["means"]
    assert "快递公司暂时查询不到" in chinese
    up(way)
    way.pass_by(3, every=0.5)
    paused, resumed = steps(way, case_id, "deadline_paused", "deadline_resumed")
    assert "no answer" in paused["text"]
    assert "answers again" in resumed["text"]
    assert "快递公司暂时查询不到" in steps(way, case_id, "deadline_paused", language="zh-CN")[0]["text"]
    assert "快递公司已恢复答复" in steps(way, case_id, "deadline_resumed", language="zh-CN")[0]["text"]
    stood = datetime.fromisoformat(resumed["at"]) - datetime.fromisoformat(paused["at"])
    assert stood >= timedelta(hours=15)
    assert due(way, case_id) == before + stood


def test_a_carrier_that_is_always_busy_is_silent_too(way: Way) -> None:
    """It says that it was asked too often, each time: that is no word about a parcel, and the clock stands as well."""
    case_id = way.sent()
    way.happens(LATER)
    way.looked()
    way.tracer.script[:] = ["busy"] * 1_000
    way.pass_by(12, every=0.5)
    assert way.case(case_id)["deadline"]["paused"]
    assert not way.tracer.too_soon


def test_outages_in_a_row_each_stop_the_clock(way: Way) -> None:
    """Three outages, three pauses: the wait is longer by exactly the time that it stood."""
    case_id = way.sent()
    way.happens(LATER)
    way.looked()
    before = due(way, case_id)
    for _ in range(3):
        down(way)
        way.pass_by(12, every=0.5)
        up(way)
        way.pass_by(8, every=0.5)
    told = steps(way, case_id, "deadline_paused", "deadline_resumed")
    assert [step["event"] for step in told] == ["deadline_paused", "deadline_resumed"] * 3
    at = [datetime.fromisoformat(step["at"]) for step in told]
    stood = sum((b - a for a, b in zip(at[::2], at[1::2], strict=True)), timedelta())
    assert due(way, case_id) == before + stood


def test_an_outage_that_never_ends_ends_with_a_person(way: Way) -> None:
    """After seven days the clock runs on and says so; at its end a person is asked, over and over; nobody is paid or told no."""
    case_id = way.sent()
    way.happens()
    way.looked()
    down(way)
    way.pass_by(24 * 8, every=1)
    deadline = way.case(case_id)["deadline"]
    assert not deadline["paused"]
    resumed = steps(way, case_id, "deadline_resumed")
    assert len(resumed) == 1
    assert "for days" in resumed[0]["text"]
    way.pass_by(24 * 60, every=12)
    case = way.case(case_id)
    assert (case["state"], case["refunds"], case["parcel"]["state"]) == ("approved", [], "in_transit")
    assert len(steps(way, case_id, "deadline_paused")) == 1
    assert len(steps(way, case_id, "goods_escalated")) > 3
    assert [t["kind"] for t in way.must("GET", "/v1/merchant/tickets", role="clerk")["tickets"]] == ["parcel"]


def test_what_turned_back_does_not_lapse_while_nobody_knows_where_it_is(way: Way) -> None:
    """The buyer may have sent it there once more: it lapses only after its carrier has answered, with the rest it had."""
    case_id = way.sent()
    way.happens(BACK)
    way.pass_by(24)
    assert way.parcel(case_id)["state"] == "turned_back"
    down(way)
    way.pass_by(24 * 7 + 2, every=1)
    case = way.case(case_id)
    assert (case["state"], case["parcel"]["state"], case["deadline"]["paused"]) == ("approved", "turned_back", True)
    up(way)
    way.pass_by(24 * 7, every=1)
    assert way.case(case_id)["ending"] == "lapsed"


def test_a_deadline_that_passes_in_the_first_minutes_of_an_outage_waits(way: Way) -> None:
    """The last question before the end was in vain: that is enough, however young the outage is."""
    case_id = way.sent()
    way.happens(BACK)
    way.pass_by(24)
    end = due(way, case_id)
    way.clock.move(end - way.clock.now() - timedelta(minutes=30))
    way.pass_by(0)
    sweep.follow_parcels(way.registry)
    down(way)
    way.clock.move(timedelta(hours=5))
    sweep.follow_parcels(way.registry)
    sweep.sweep(way.registry)
    case = way.case(case_id)
    assert (case["state"], case["deadline"]["paused"]) == ("approved", True)


def test_the_shops_lost_parcel_is_not_paid_for_while_it_may_have_been_found(way: Way) -> None:
    """Lost by the shop's own carrier, which then gives no answer: silence pays only once it has said again that it is lost."""
    case_id = way.back()
    way.carrier.companies = ("yto",)
    way.booked(case_id)
    way.carrier.collect(f"{case_id}-pickup-1")
    assert way.tell(f"{case_id}-pickup-1") == 200
    way.happens([(0, P.PICKED_UP, "杭州市"), (30, P.LOST, "")], way.parcel(case_id)["number"])
    way.pass_by(36)
    assert way.parcel(case_id)["state"] == "lost"
    down(way)
    way.pass_by(24 * 6, every=1)
    assert (way.parcel(case_id)["state"], way.case(case_id)["refunds"]) == ("lost", [])
    up(way)
    way.pass_by(24 * 4, every=1)
    assert way.case(case_id)["refunds"][0]["amount_minor"] == 9_900


def test_a_found_parcel_travels_on(way: Way) -> None:
    """Lost, found again and signed for: the case says each of it, and the goods are not written off."""
    case_id = way.sent()
    way.happens([*[(0, P.PICKED_UP, "杭州市"), (20, P.LOST, ""), (40, P.IN_TRANSIT, "烟台市")], (50, P.SIGNED, "烟台市")])
    way.pass_by(30)
    assert way.parcel(case_id)["state"] == "lost"
    way.pass_by(16)
    assert way.parcel(case_id)["state"] == "in_transit"
    way.pass_by(10)
    assert way.parcel(case_id)["state"] == "delivered"
    way.pass_by(24 * 11, every=12)
    assert way.parcel(case_id)["disposition"] == "sound"


def test_a_carrier_that_tells_by_itself_is_missed_after_a_day() -> None:
    """It neither tells nor answers: after a quiet day and two hours the clock stands, and any word of its own sets it going."""
    way = Way(FakeTracer())
    case_id = way.sent()
    way.happens([(30, P.PICKED_UP, "杭州市"), (40, P.IN_TRANSIT, "杭州市")])
    way.looked()
    down(way)
    way.pass_by(23, every=0.5)
    assert way.tracer.calls == 1, "its word is waited for"
    way.pass_by(5, every=0.5)
    assert way.case(case_id)["deadline"]["paused"]
    way.pass_by(4, every=0.5)
    assert way.pushed(f"{case_id}-parcel-1") == 200
    assert not way.case(case_id)["deadline"]["paused"]
    assert [s["event"] for s in steps(way, case_id, "deadline_paused", "deadline_resumed", "goods_moved")] == [
        "deadline_paused",
        "deadline_resumed",
        "goods_moved",
    ]


def test_goods_that_travel_beside_stand_and_go_with_their_parcel(way: Way) -> None:
    """The carrier of another case's parcel is down: both clocks stand, both go on."""
    way.order("o9")
    first, second = way.sent(), way.back_of("o9")
    way.ship(second, with_case=first)
    way.happens(LATER)
    way.looked()
    down(way)
    way.pass_by(24, every=0.5)
    assert [way.case(case_id)["deadline"]["paused"] for case_id in (first, second)] == [True, True]
    up(way)
    way.pass_by(4, every=0.5)
    assert [way.case(case_id)["deadline"]["paused"] for case_id in (first, second)] == [False, False]


@pytest.mark.parametrize("gated", [False, True])
def test_a_carrier_that_is_down_is_not_waited_for_by_everybody(gated: bool) -> None:
    """Of twelve parcels a round asks about three in vain, the rest stand still with them; none is asked twice in its gap."""
    way = Way(FakeTracer(pace=Pace(batch=1, gap=timedelta(minutes=30), per_second=2 if gated else 0), pushes=False))
    if gated:
        way.registry.put("gate", FakeGate())
    cases = []
    for number in range(12):
        way.order(f"p{number}")
        cases.append(way.back_of(f"p{number}"))
        way.ship(cases[-1], f"YT55555555555{number:02}")
    down(way)
    rounds = []
    for _ in range(10):
        before = way.tracer.calls
        way.wait(minutes=30)
        rounds.append(way.tracer.calls - before)
    assert max(rounds) <= 6, "three that would be told, three questions"
    assert all(way.case(case_id)["deadline"]["paused"] for case_id in cases)
    assert not way.tracer.too_soon


def test_what_turned_back_out_of_sight_is_a_persons_matter(way: Way) -> None:
    """Its carrier never answers again: it neither lapses nor waits for ever."""
    case_id = way.sent()
    way.happens(BACK)
    way.pass_by(24)
    down(way)
    way.pass_by(24 * 40, every=12)
    assert (way.case(case_id)["state"], way.parcel(case_id)["state"]) == ("approved", "turned_back")
    assert len(steps(way, case_id, "goods_escalated")) > 3


def test_a_person_who_was_asked_is_not_spared_by_an_outage(way: Way) -> None:
    """What waits for the shop's answer alone does not wait for its carrier's."""
    case_id = way.sent()
    way.happens([(0, P.PICKED_UP, "杭州市")])
    way.pass_by(24 * 21, every=4)
    asked = len(steps(way, case_id, "goods_escalated"))
    assert asked == 1
    down(way)
    way.pass_by(24 * 4, every=2)
    assert len(steps(way, case_id, "goods_escalated")) == 2
    assert not way.case(case_id)["deadline"]["paused"]


def test_what_no_carrier_can_prove_is_never_paid_by_silence(way: Way) -> None:
    """Delivered, and nobody saw where it came from: ten days of the shop's silence ask a person, and pay nothing."""
    case_id = way.sent()
    way.happens([(5, P.IN_TRANSIT, "南京市"), (30, P.SIGNED, "烟台市")])
    way.pass_by(36)
    assert (way.parcel(case_id)["state"], way.parcel(case_id)["trail"]["verdict"]) == ("delivered", "unsure")
    way.pass_by(24 * 30, every=12)
    case = way.case(case_id)
    assert (case["state"], case["refunds"], case["parcel"]["state"]) == ("approved", [], "delivered")
    assert len(steps(way, case_id, "goods_escalated")) > 3


def test_a_word_that_comes_while_a_question_is_in_vain_is_an_answer() -> None:
    """The carrier tells by itself in the very moment in which its answer is lost: it is not silent."""
    told: list[Way] = []

    class Crossed(FakeTracer):
        def trace(self, waybills: Any, now: datetime) -> Any:
            told[0].pushed(waybills[0].key)
            raise Unknown("No answer.")

    way = Way(Crossed())
    told.append(way)
    case_id = way.sent()
    way.happens([(30, P.PICKED_UP, "杭州市")])
    way.looked()
    way.clock.move(timedelta(hours=33))
    way.looked()
    assert way.parcel(case_id)["trail"]["state"] == "picked_up"
    assert way.parcel(case_id)["trail"]["silent_since"] is None


class Broken(FakeTracer):
    """A tracer whose settings cannot be read."""

    def __getattribute__(self, name: str) -> Any:
        """Nothing of it can be had."""
        raise BadSettings(f"no {name}")


def test_a_tracer_that_cannot_be_had_stops_no_other(way: Way) -> None:
    """One whose settings are broken counts as a failure of the schedule; parcels of the others are followed."""
    case_id = way.sent()
    way.happens()
    way.order("o9")
    other = way.back_of("o9")
    way.ship(other, "YT5555555555555")
    way.registry.put("tracer:broken", Broken())
    way.store.commit(Change(trail=replace(way.store.case(other).trail, tracer="broken")))
    way.clock.move(timedelta(hours=2))
    assert sweep.follow_parcels(way.registry).failed == 1
    assert way.parcel(case_id)["trail"]["state"] == "picked_up"


def test_a_parcel_that_breaks_its_record_stops_no_other(way: Way) -> None:
    """One call about two, of which one has lost its order: the other's answer is on record, and the schedule counts as failed."""
    way.order("o9")
    broken, well = way.sent(), way.back_of("o9")
    way.ship(well, "YT5555555555555")
    way.happens()
    way.happens(number="YT5555555555555")
    way.clock.move(timedelta(hours=2))
    del way.store._kept["order", "m1", "o8"]
    assert sweep.follow_parcels(way.registry).failed > 0
    assert way.store.case(well).trail.last.state is P.PICKED_UP
    assert way.store.case(broken).trail.scans == ()


@pytest.mark.parametrize(("carrier", "number"), [("yto", NUMBER), ("sf", "SF1234567890123")])
def test_a_question_without_news_is_one_read_and_one_write(carrier: str, number: str) -> None:
    """Of a case, and no order is read: also where both parties' phones had to be named."""
    store = CountingStore()
    way = Way(store=store)
    way.order("o8", buyer=Buyer("b1", f"1380000{BUYER_TAIL}"))
    way.sent(carrier=carrier, number=number)
    way.happens([(1, P.PICKED_UP, "杭州市")], number=number)
    way.pass_by(8, every=0.5)
    asked = way.tracer.asked[number]
    way.clock.move(timedelta(hours=5))
    store.did.clear()
    way.looked()
    assert way.tracer.asked[number] == asked + 1
    assert (store.did["commit"], store.did["item"], store.did["case"], store.did["order"]) == (1, 1, 1, 0)


def test_a_word_without_news_is_one_read() -> None:
    """Told again by itself: nothing is written, and no order is read."""
    store = CountingStore()
    way = Way(FakeTracer(), store=store)
    case_id = way.sent()
    way.happens([(1, P.PICKED_UP, "杭州市")])
    way.looked()
    way.clock.move(timedelta(hours=5))
    way.pushed(f"{case_id}-parcel-1")
    store.did.clear()
    way.pushed(f"{case_id}-parcel-1")
    assert (store.did["commit"], store.did["case"], store.did["order"]) == (0, 1, 0)
