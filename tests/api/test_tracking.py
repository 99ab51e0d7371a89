"""Return parcels through the API: carriers are asked, the parcel moves by what they say, and silence pays for nothing unproved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aftersales.testing.tracer import BUYER_TAIL, HONEST, FakeTracer
from aftersales.tracking import Pace, Passage
from tests.api.way import NUMBER, Way

P = Passage


@pytest.fixture
def way() -> Way:
    """A return that can be agreed to, and a tracer that is asked."""
    return Way()


def test_an_honest_parcel_is_followed_and_silence_then_pays(way: Way) -> None:
    """Picked up, carried and signed for: each is on record and told, the shop's ten days begin, and its silence pays in full."""
    case_id = way.sent()
    way.happens()
    assert "not arrived by then" in way.case(case_id)["deadline"]["means"]
    way.pass_by(34)
    parcel = way.parcel(case_id)
    assert (parcel["state"], parcel["trail"]["state"], parcel["trail"]["verdict"]) == ("delivered", "signed", "pass")
    moved = [s["data"]["passage"] for s in way.must("GET", f"/v1/cases/{case_id}/timeline")["steps"] if s["event"] == "goods_moved"]
    assert moved == ["picked_up", "in_transit", "out_for_delivery", "signed"]
    assert any("送达商家" in said for said in way.news())
    way.pass_by(24 * 10 + 3, every=24)
    case = way.case(case_id)
    assert (case["parcel"]["state"], case["parcel"]["disposition"]) == ("accepted", "sound")
    assert case["refunds"][0]["amount_minor"] == 9_900


def test_an_invented_number_pays_nobody(way: Way) -> None:
    """Three days unknown to its carrier, another number is wanted and the buyer told so; without one the case lapses, unpaid."""
    case_id = way.sent()
    way.pass_by(70)
    assert way.parcel(case_id)["state"] == "in_transit"
    way.pass_by(10)
    case = way.case(case_id)
    assert (case["state"], case["parcel"]["state"], case["parcel"]["number"]) == ("approved", "awaiting_shipment", "")
    assert case["parcel"]["failure"]["code"] == "missing_logistics"
    assert "knows no parcel" in case["parcel"]["failure"]["text"]
    assert any("查不到" in said for said in way.news())
    way.pass_by(24 * 8, every=12)
    case = way.case(case_id)
    assert (case["state"], case["ending"], case["refunds"]) == ("closed", "lapsed", [])


def test_a_label_that_nothing_travels_with_is_told_as_time_goes_by(way: Way) -> None:
    """The carrier's word stays the same and the verdict does not: once the days to send are over, a label alone is a doubt."""
    case_id = way.sent()
    way.happens([(0, P.REGISTERED, "杭州市")])
    way.pass_by(24, every=6)
    assert way.verdicts(case_id)["parcel.picked_up"] == "unsure"
    way.pass_by(24 * 8, every=12)
    assert way.verdicts(case_id)["parcel.picked_up"] == "fail"
    assert way.events(case_id).count("goods_doubted") == 1
    failure = way.parcel(case_id)["failure"]
    assert "No carrier has confirmed" in failure["text"]
    assert "nothing is refunded" in failure["next"]


def test_a_number_that_nobody_knows_is_told_once(way: Way) -> None:
    """After three days another number is wanted, which says all: the check list fails, and no second doubt contradicts it."""
    case_id = way.sent()
    way.pass_by(80)
    assert way.verdicts(case_id)["parcel.exists"] == "fail"
    assert [event for event in way.events(case_id) if event in ("goods_doubted", "goods_not_found")] == ["goods_not_found"]


def test_who_tells_by_itself_may_name_another_carrier_on_the_fourth_day(way: Way) -> None:
    """Kuaidi100 gives a number up, or corrects its carrier, after three days: nobody is asked for another number before that."""
    way = Way(FakeTracer())
    case_id = way.sent()
    way.pass_by(75)
    assert way.parcel(case_id)["state"] == "in_transit"
    way.pass_by(24)
    assert way.parcel(case_id)["state"] == "awaiting_shipment"


def test_a_slip_of_the_pen_is_corrected_and_stands_in_nobodys_way(way: Way) -> None:
    """The number that was wrong is free again for whose it really is; the right one is followed from the start."""
    case_id = way.sent(number="YT1111111111111")
    way.happens()
    way.pass_by(2)
    way.ship(case_id, NUMBER)
    way.pass_by(34)
    assert way.parcel(case_id)["trail"]["verdict"] == "pass"
    way.order("o9")
    other = way.back_of("o9")
    way.ship(other, "YT1111111111111")
    assert way.parcel(other)["number"] == "YT1111111111111"


def test_a_waybill_serves_one_case_however_it_is_written(way: Way) -> None:
    """The same number in another case is refused, with other letters, blanks or another name of its carrier."""
    way.sent()
    way.order("o9")
    other = way.back_of("o9")
    for carrier, number in (("yto", NUMBER), ("YuanTong", "yt1234567890123"), ("圆通", "YT-1234567890123")):
        said = way.send("POST", f"/v1/cases/{other}/shipment", {"carrier": carrier, "number": number})
        assert said.status == 409, said.body
        assert (said.json["code"], said.json["detail"]) == ("claim_taken", "Another case uses this number already.")
        assert "name the other case" in said.json["todo"]
    assert way.parcel(other)["state"] == "awaiting_shipment"


def test_what_a_number_itself_says_is_told_at_once(way: Way) -> None:
    """One that its carrier does not write is taken, for forms change; the buyer hears what is wrong before anybody is asked."""
    case_id = way.back()
    way.ship(case_id, "SF0000", "sf")
    assert way.tracer.asked == {}
    assert way.events(case_id)[-2:] == ["goods_sent", "goods_doubted"]
    assert any("不符合该快递公司的格式" in said and "重新填写" in said for said in way.news())
    way.ship(case_id)
    assert way.events(case_id)[-1] == "goods_sent"


@pytest.mark.parametrize(("locale", "said"), [("zh-CN", "圆通速递 YT"), ("en", "YTO Express YT")])
def test_a_carrier_is_called_by_its_name(way: Way, locale: str, said: str) -> None:
    """Whatever the buyer wrote, the timeline names the company as people do; programs read its code."""
    case_id = way.back()
    way.ship(case_id, carrier="yuantong")
    steps = way.send("GET", f"/v1/cases/{case_id}/timeline", headers={"accept-language": locale}).json["steps"]
    sent = next(step for step in steps if step["event"] == "goods_sent")
    assert said in sent["text"]
    assert sent["data"]["carrier"] == "yto"


def test_goods_of_two_cases_travel_in_one_parcel_when_that_is_said(way: Way) -> None:
    """A merged return is declared, asked about once, and both cases learn where their goods are."""
    way.order("o9")
    first, second = way.sent(), way.back_of("o9")
    way.ship(second, with_case=first)
    way.happens()
    way.pass_by(36, every=1)
    for case_id in (first, second):
        assert way.parcel(case_id)["state"] == "delivered"
        assert way.verdicts(case_id)["parcel.unique"] == "pass"
    alone = Way()
    alone.sent()
    alone.happens()
    alone.pass_by(36, every=1)
    assert way.tracer.asked == alone.tracer.asked, "the second case asked nobody"


def test_only_ones_own_parcel_can_be_joined(way: Way) -> None:
    """Goods travel in the parcel of another case of the same buyer at the same shop, and in the parcel that it told."""
    way.order("o9")
    first, second = way.sent(), way.back_of("o9")
    way.ship(second, "YT2222222222222", with_case=first, status=400)
    way.ship(second, with_case="no-such-case", status=404)
    way.ship(second, with_case=second, status=404)


def test_the_way_out_is_not_the_way_back(way: Way) -> None:
    """The waybill on which the goods came is refused at once."""
    case_id = way.back()
    assert "sent out" in way.ship(case_id, "yt9999999999999", status=400)


def test_a_mistyped_check_digit_is_told_at_once(way: Way) -> None:
    """A number of international post whose check digit is wrong is refused with what to do; the right one is taken."""
    case_id = way.back()
    assert "receipt" in way.ship(case_id, "RR473124828CN", "ems", status=400)
    assert "no parcel number" in way.ship(case_id, "hello", "ems", status=400)
    way.ship(case_id, "RR473124829CN", "ems")


#: What the buyer reads of each, word for word.
DOUBTS = {
    "parcel.origin": "包裹不是从买家所在的城市寄出的。",
    "parcel.destination": "包裹送到了商家所在城市以外的地方。",
    "parcel.began": "包裹在同意退货之前就已在途，不像是这次退货。",
}


@pytest.mark.parametrize(
    ("forged", "check"),
    [
        ([(0, P.PICKED_UP, "广州市"), (20, P.IN_TRANSIT, "烟台市"), (30, P.SIGNED, "烟台市")], "parcel.origin"),
        ([(0, P.PICKED_UP, "杭州市"), (20, P.IN_TRANSIT, "广州市"), (30, P.SIGNED, "广州市")], "parcel.destination"),
        ([(-90, P.PICKED_UP, "杭州市"), (-70, P.IN_TRANSIT, "烟台市"), (-60, P.SIGNED, "烟台市")], "parcel.began"),
    ],
)
def test_somebody_elses_parcel_is_doubted_and_silence_never_pays(
    way: Way, forged: list[tuple[int, Passage, str]], check: str
) -> None:
    """From another city, to another city, or from before the return was agreed to: told to the buyer, and a person decides."""
    case_id = way.sent()
    way.happens(forged)
    way.pass_by(36)
    assert way.verdicts(case_id)[check] == "fail"
    assert "a person is asked" in way.case(case_id)["deadline"]["means"]
    assert "goods_doubted" in way.events(case_id)
    assert any("有疑问" in said and DOUBTS[check] in said for said in way.news())
    assert way.events(case_id).count("goods_escalated") == 1, "it was signed for: a person is asked at once"
    way.pass_by(24 * 60, every=24)
    case = way.case(case_id)
    assert (case["state"], case["refunds"]) == ("approved", [])
    assert "goods_escalated" in way.events(case_id)
    tickets = way.must("GET", "/v1/merchant/tickets", role="clerk")["tickets"]
    assert [t["kind"] for t in tickets] == ["parcel"]
    doubt = next(f for f in way.parcel(case_id)["trail"]["checks"] if f["check"] == check)
    assert tickets[0]["text"].endswith(doubt["text"]), "the shop reads what is doubted, in words"
    way.inspect(case_id)
    assert way.case(case_id)["refunds"][0]["amount_minor"] == 9_900, "a person may say that it is the return after all"
    assert way.must("GET", "/v1/merchant/tickets", role="clerk")["tickets"] == []


def test_a_recalled_parcel_starts_again(way: Way) -> None:
    """The buyer has it turned round: it counts as not sent, is told so, and lapses unless it is sent anew."""
    case_id = way.sent()
    way.happens([(0, P.PICKED_UP, "杭州市"), (10, P.RETURNING, "杭州市"), (20, P.RETURNED, "杭州市")])
    way.pass_by(24)
    assert way.parcel(case_id)["state"] == "turned_back"
    assert [e for e in way.events(case_id) if e in ("goods_doubted", "goods_turned_back")] == ["goods_turned_back"]
    way.ship(case_id, "YT3333333333333")
    way.happens(number="YT3333333333333")
    way.pass_by(34)
    assert way.parcel(case_id)["state"] == "delivered"
    other = Way()
    case_id = other.sent()
    other.happens([(0, P.PICKED_UP, "杭州市"), (10, P.RETURNING, "杭州市")])
    other.pass_by(24 * 9, every=12)
    assert (other.case(case_id)["ending"], other.case(case_id)["refunds"]) == ("lapsed", [])


def test_a_parcel_refused_at_the_shops_door_does_not_lapse(way: Way) -> None:
    """Not taken in by the shop: the buyer's case is kept, and a person is asked until somebody decides."""
    case_id = way.sent()
    way.happens([(0, P.PICKED_UP, "杭州市"), (30, P.REJECTED, "烟台市"), (40, P.RETURNING, "烟台市")])
    way.pass_by(24 * 30, every=24)
    case = way.case(case_id)
    assert (case["state"], case["parcel"]["state"]) == ("approved", "turned_back")
    assert "goods_escalated" in way.events(case_id)


def test_a_lost_parcel_is_a_persons_matter(way: Way) -> None:
    """A carrier of the buyer's choice lost it: nobody's silence pays, and nobody's silence closes; the shop decides."""
    case_id = way.sent()
    way.happens([(0, P.PICKED_UP, "杭州市"), (30, P.LOST, "")])
    way.pass_by(24 * 20, every=24)
    assert (way.case(case_id)["state"], way.parcel(case_id)["state"]) == ("approved", "lost")
    assert "goods_escalated" in way.events(case_id)
    way.inspect(case_id, accepted=True, disposition="scrap")
    assert way.case(case_id)["refunds"][0]["amount_minor"] == 9_900


def test_the_shops_own_carrier_is_the_shops_risk(way: Way) -> None:
    """Collected by the carrier that the shop pays, and lost: after three days of silence the buyer has the money."""
    case_id = way.back()
    way.carrier.companies = ("yto",)
    way.booked(case_id)
    way.carrier.collect(f"{case_id}-pickup-1")
    assert way.tell(f"{case_id}-pickup-1") == 200
    number = way.parcel(case_id)["number"]
    way.happens([(0, P.PICKED_UP, "杭州市"), (30, P.LOST, "")], number)
    way.pass_by(24 * 6, every=12)
    assert way.case(case_id)["refunds"][0]["amount_minor"] == 9_900


def test_damaged_goods_are_never_taken_back_as_sound(way: Way) -> None:
    """The carrier says that it broke: what silence accepts goes to the flawed stock."""
    case_id = way.sent()
    way.happens([(0, P.PICKED_UP, "杭州市"), (20, P.DAMAGED, "烟台市"), (30, P.SIGNED, "烟台市")])
    way.pass_by(24 * 13, every=12)
    assert (way.parcel(case_id)["state"], way.parcel(case_id)["disposition"]) == ("accepted", "flawed")


def test_a_carrier_of_nobodys_knowledge_proves_nothing(way: Way) -> None:
    """Naming a carrier that cannot be asked is no way round: silence escalates, and the case says that nobody can be asked."""
    case_id = way.sent(carrier="village-express", number="AB123456")
    assert "a person" in way.parcel(case_id)["trail"]["text"]
    way.pass_by(24 * 40, every=24)
    case = way.case(case_id)
    assert (case["state"], case["refunds"]) == ("approved", [])
    assert "goods_escalated" in way.events(case_id)
    assert way.tracer.calls == 0


def test_the_platform_decides_where_the_shop_is_silent(way: Way) -> None:
    """Goods that no carrier vouches for, and a shop that does not answer: somebody of the platform can end it."""
    case_id = way.sent(carrier="village-express", number="AB123456")
    way.pass_by(24 * 24, every=24)
    told = {"accepted": True, "disposition": "sound", "note": "The buyer has a receipt of the warehouse."}
    way.must("POST", f"/v1/merchant/cases/{case_id}/inspection", told, role="platform")
    assert way.case(case_id)["refunds"][0]["amount_minor"] == 9_900


def test_phones_prove_the_parties(way: Way) -> None:
    """A carrier that answers parties only is asked as the shop and, a gap later, as the buyer: then both are proved."""
    way.order("o8", buyer=an_order_buyer(f"1380000{BUYER_TAIL}"))
    case_id = way.sent(number="SF1234567890123", carrier="sf")
    way.happens(number="SF1234567890123")
    way.pass_by(34, every=1)
    assert way.verdicts(case_id)["parcel.parties"] == "pass"
    assert not way.tracer.too_soon


def an_order_buyer(phone: str) -> object:
    """The buyer with a phone."""
    from aftersales.order import Buyer

    return Buyer("b1", phone=phone)


def test_pushes_come_first_and_nobody_is_asked(way: Way) -> None:
    """Where the carrier tells by itself it is subscribed to once and asked never, while it tells."""
    way = Way(FakeTracer())
    case_id = way.sent()
    way.happens()
    way.looked()
    for hours in (2, 8, 22, 28, 32):
        way.clock.move(way.tracer.known[NUMBER][0].at + timedelta(hours=hours) - way.clock.now())
        assert way.pushed(f"{case_id}-parcel-1") == 200
        way.looked()
    assert way.parcel(case_id)["state"] == "delivered"
    assert not way.tracer.asked
    assert way.tracer.calls == 1, "one subscription"


def test_duplicates_and_late_words_change_nothing(way: Way) -> None:
    """Told twice or out of order, about an older waybill or by a stranger: the case stays as it is, to the version."""
    way = Way(FakeTracer())
    case_id = way.sent()
    way.happens()
    way.looked()
    way.clock.move(timedelta(hours=40))
    way.pushed(f"{case_id}-parcel-1")
    before = way.case(case_id)
    for late in (3, 10, 40):
        assert way.pushed(f"{case_id}-parcel-1", way.tracer.known[NUMBER][0].at + timedelta(hours=late)) == 200
    assert way.case(case_id) == before
    headers, query, body = way.tracer.push(f"{case_id}-parcel-1", way.clock.now())
    from functions import http

    stranger = http.Request("POST", "/v1/callbacks/eyes", headers | {"sign": "bad"}, query, body)
    assert http.callback(way.registry, "eyes", stranger).status == 401
    assert way.case(case_id) == before


def test_a_carrier_that_is_down_stops_the_clock_and_says_so(way: Way) -> None:
    """A day without an answer: the deadline that depends on it stands still and says why; then it goes on with its rest."""
    case_id = way.sent()
    way.happens([(200, P.PICKED_UP, "杭州市")])
    way.looked()
    before = way.case(case_id)["deadline"]
    way.tracer.script += ["deaf"] * 100
    way.pass_by(24)
    case = way.case(case_id)
    assert case["deadline"]["paused"]
    assert "deadline_paused" in way.events(case_id)
    assert case["parcel"]["trail"]["silent_since"]
    way.tracer.script.clear()
    way.pass_by(4)
    case = way.case(case_id)
    assert not case["deadline"]["paused"]
    assert case["deadline"]["due_at"] > before["due_at"]
    assert case["parcel"]["state"] == "in_transit"


def test_a_corrected_carrier_is_no_forgery(way: Way) -> None:
    """The buyer named the wrong company: the tracer says who drives, and the parcel is as good as any."""
    case_id = way.sent(carrier="zto", number="73123456789012")
    way.tracer.corrected["73123456789012"] = "yto"
    way.happens(number="73123456789012")
    way.pass_by(36)
    assert (way.parcel(case_id)["state"], way.parcel(case_id)["trail"]["carrier"]) == ("delivered", "yto")


def test_a_company_that_tells_parties_only_is_asked_with_a_phone(way: Way) -> None:
    """Subscribed to under another company's name, and SF's in truth: it is asked about as the shop from then on."""
    way = Way(FakeTracer())
    case_id = way.sent(number="73123456789012")
    way.tracer.corrected["73123456789012"] = "sf"
    way.happens(number="73123456789012")
    way.looked()
    way.clock.move(timedelta(hours=8))
    way.pushed(f"{case_id}-parcel-1")
    assert way.parcel(case_id)["trail"]["carrier"] == "sf"
    way.pass_by(30)
    assert way.parcel(case_id)["state"] == "delivered"
    assert way.tracer.asked["73123456789012"] >= 2


def test_many_parcels_are_asked_about_in_one_call() -> None:
    """Ten that are due fill a call, after one that tries to subscribe; none is asked about twice within the carrier's time."""
    way = Way(FakeTracer(pace=Pace(batch=10, gap=timedelta(minutes=30)), pushes=False))
    for number in range(10):
        way.order(f"p{number}")
        case_id = way.back_of(f"p{number}")
        way.ship(case_id, f"YT55555555555{number:02}")
    way.looked()
    assert way.tracer.calls == 2
    way.pass_by(12, every=0.25)
    assert not way.tracer.too_soon
    assert set(way.tracer.asked.values()) <= {1, 2, 3}


def test_a_stage_without_tracers_goes_on_as_before() -> None:
    """Where nobody can be asked at all, the shop's silence counts as ever."""
    from tests.api.door import Door

    door = Door()
    case_id = door.back()
    door.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "yto", "number": NUMBER})
    assert door.case(case_id)["parcel"]["trail"] is None
    door.wait(days=21)
    door.wait(days=11)
    assert door.case(case_id)["parcel"]["state"] == "accepted"


def test_honest_scans_are_shown_with_their_own_words(way: Way) -> None:
    """Buyer and shop read each scan in our words and the carrier's, with its code, and no phone of a courier."""
    case_id = way.sent()
    way.happens(HONEST)
    way.pass_by(34)
    shown = way.parcel(case_id)["trail"]["scans"]
    assert [s["state"] for s in shown] == [str(state) for _, state, _ in HONEST]
    assert shown[0]["city"] == "杭州市"
