"""Return parcels in the local system, through HTTP: honest ones are paid by the shop's silence, and no forged one ever is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.client import Refused, plain_http
from infra.local.mall import LAMP
from infra.local.parcel import fresh_number, hand_over
from infra.local.system import System
from tests.e2e.season import ALL, ALSO_HONEST, FORGED, HONEST, MISHAPS, Season

pytestmark = pytest.mark.e2e

#: Forgeries after which another number is wanted; nobody tells one, and the case lapses.
LAPSED = {"invented", "cancelled_label", "too_late", "recalled"}


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Season]:
    """A month of parcels, over."""
    with System(tmp_path_factory.mktemp("parcels") / "home") as system:
        played = Season(system)
        played.play()
        yield played


@pytest.mark.parametrize("name", [*HONEST, *ALSO_HONEST])
def test_an_honest_parcel_is_paid_by_the_shops_silence(season: Season, name: str) -> None:
    """Followed to the shop's door by what its carrier says; ten days later the goods count as sound and all is paid back."""
    case = season.case(name)
    assert (case["state"], case["ending"], case["parcel"]["disposition"]) == ("closed", "refunded", "sound")
    assert (case["parcel"]["trail"]["state"], case["parcel"]["trail"]["verdict"]) == ("signed", "pass")
    assert season.paid(name) == LAMP.minor
    steps = {step["event"]: step["at"] for step in season.timeline(name)["steps"]}
    assert "goods_doubted" not in steps
    assert steps["goods_accepted"][:10] > steps["goods_delivered"][:10]


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_parcel_is_never_paid_by_silence(season: Season, name: str) -> None:
    """A month of silence pays nothing; the case says what is wrong and what would do in both languages, and rejects nobody."""
    assert season.paid(name) == 0
    case = season.case(name)
    assert (case["state"], case["ending"]) == (("closed", "lapsed") if name in LAPSED else ("approved", None))
    _, check = FORGED[name]
    chinese, english = (season.line(name, check, locale) for locale in ("zh-CN", "en"))
    assert {chinese["verdict"], english["verdict"]} == {"fail"}
    for said in ("text", "next"):
        assert chinese[said] != english[said]
        assert not chinese[said].isascii()
        assert english[said].isascii()
        assert english["reason"] not in english[said], "a sentence, and no name of one"
    expected = {"goods_not_found", "goods_turned_back"} if name in LAPSED else {"goods_doubted"}
    assert expected & set(season.events(name))
    assert "rejected" not in season.events(name)
    assert season.timeline(name)["intact"]


@pytest.mark.parametrize("name", sorted({*FORGED} - LAPSED | {*MISHAPS}))
def test_a_person_is_asked_about_what_silence_may_not_decide(season: Season, name: str) -> None:
    """Forged or lost, damaged or refused: the shop is asked again, by a ticket that names the parcel, and the case stays open."""
    assert "goods_escalated" in season.events(name)
    assert season.case(name)["state"] == "approved"
    with season.system.client("clerk", "clerk-1") as clerk:
        tickets = {t["case_id"]: t for t in clerk.get("/merchant/tickets")["tickets"] if t["kind"] == "parcel"}
    assert tickets[season.returns[name].case_id]["is_open"]


def test_money_went_out_for_honest_parcels_only(season: Season) -> None:
    """What the provider paid in all is what the sandbox's truth calls honest, each once, although everything restarted midway."""
    forged = {number for number, parcel in season.truth("parcels")["parcels"].items() if parcel["forged"]}
    paid = {name for name in ALL if season.paid(name)}
    assert paid == {*HONEST, *ALSO_HONEST}
    assert not forged & {season.case(name)["parcel"]["number"] for name in paid}
    total = season.truth("wechatpay")["total"]
    assert total["executed"] == total["paid"] == len(paid) * LAMP.minor


def test_no_limit_was_broken_and_every_push_answered(season: Season) -> None:
    """Nobody was asked too soon, too often or for too much, and whoever told something by itself was thanked for it."""
    truth = season.truth("parcels")
    assert truth["broken"] == []
    assert {told["status"] for told in truth["told"]} == {200}
    assert [told for told in truth["told"] if not told["answered"]] == []
    assert {told["by"] for told in truth["told"]} == {"kuaidi100", "track17", "aftership"}
    arrived = [season.case(name)["parcel"]["number"] for name in HONEST if name != "corrected_carrier"]
    assert max(sum(by["count"] for by in truth["asked"].get(number, {}).values()) for number in arrived) <= 3


def test_phones_prove_both_parties_where_a_carrier_asks_for_them(season: Season) -> None:
    """SF answers parties only: as shop and as buyer it was asked, and took both phones."""
    found = season.line("by_sf", "parties")
    assert (found["verdict"], found["reason"]) == ("pass", "parcel.parties.both")
    truth, number = season.truth("parcels"), season.case("by_sf")["parcel"]["number"]
    assert truth["asked"][number].keys() == {"sf"}
    assert truth["asked"][number]["sf"]["count"] >= 2
    assert not [told for told in truth["told"] if told["number"] == number], "SF tells nothing by itself"


def test_a_postal_number_is_followed_across_borders(season: Season) -> None:
    """A number by S10 is right to its check digit, and registered at 17TRACK under the key of its case."""
    case = season.case("abroad")
    assert season.line("abroad", "format")["reason"] == "parcel.format.valid"
    followed = season.truth("track17")["followed"][case["parcel"]["number"]]
    assert followed["key"] == f"{case['case_id']}-parcel-1"


def test_goods_of_two_cases_in_one_parcel_are_asked_about_once(season: Season) -> None:
    """The second case tells whose parcel its goods are in: one subscription, both delivered at once, both paid."""
    first, second = season.case("normal"), season.case("merged")
    number = first["parcel"]["number"]
    assert (second["parcel"]["number"], second["parcel"]["trail"]["with_case"]) == (number, first["case_id"])
    assert season.line("merged", "unique")["reason"] == "parcel.unique.declared"
    assert [s["number"] for s in season.truth("kuaidi100")["subscriptions"]].count(number) == 1


def test_a_number_that_cannot_be_this_return_is_refused_at_once(season: Season) -> None:
    """The waybill that the goods came with, another case's number and a mistyped one: nobody is asked, and the buyer told why."""
    case_id = season.agreed("refused_at_once")
    outbound, used = season.returns["refused_at_once"].outbound, season.case("normal")["parcel"]["number"]
    postal = fresh_number("usps")
    mistyped = postal[:10] + str((int(postal[10]) + 1) % 10) + postal[11:]
    answers = []
    with season.buyer("refused_at_once") as buyer:
        for carrier, number in (("sf", outbound), ("yto", used.lower()), ("usps", mistyped)):
            with pytest.raises(Refused) as refused:
                buyer.post(f"/cases/{case_id}/shipment", {"carrier": carrier, "number": number})
            answers.append((refused.value.status, refused.value.said["detail"]))
        assert [status for status, _ in answers] == [400, 409, 400]
        assert "sent out" in answers[0][1]
        assert buyer.get(f"/cases/{case_id}")["parcel"]["state"] == "awaiting_shipment"


def test_a_carrier_that_is_down_for_a_day_stops_the_clock(season: Season) -> None:
    """Nobody answers: the parcel's deadline stands and says so in both languages; then it goes on with the rest it had."""
    faults = [
        {"provider": "kuaidi100", "at": at, "kind": "html", "status": 502, "executed": False, "times": 10_000}
        for at in ("create", "query")
    ]
    season.system.lever("faults", faults)
    before = season.sent("outage", "normal", "jt")["deadline"]
    season.pass_by(*(2,) * 12)
    case = season.case("outage")
    assert case["deadline"]["paused"]
    assert case["parcel"]["trail"]["silent_since"]
    assert case["parcel"]["state"] == "in_transit"
    assert "The carrier gives no answer for the moment" in case["deadline"]["means"]
    assert "快递公司暂时查询不到" in season.case("outage", "zh-CN")["deadline"]["means"]
    with plain_http() as http:
        http.request("DELETE", f"{season.system.home.truth_url}/faults", json={"provider": "kuaidi100"}).raise_for_status()
    season.pass_by(3)
    events = season.events("outage")
    assert [e for e in events if e.startswith("deadline_")] == ["deadline_paused", "deadline_resumed"]
    assert season.case("outage")["deadline"]["due_at"] > before["due_at"]
    season.pass_by(6, 6)
    assert season.case("outage")["parcel"]["state"] == "delivered"
    assert [broken for broken in season.truth("parcels")["broken"] if broken["what"] == "gap"] == []


def test_a_person_may_take_a_doubtful_parcel_in(season: Season) -> None:
    """Sent from another city, and the goods are there all the same: the shop inspects, the buyer is paid, the ticket closes."""
    season.sent("moved_house", "other_city")
    season.pass_by(0.2, 40)
    case_id = season.returns["moved_house"].case_id
    assert season.case("moved_house")["parcel"]["trail"]["verdict"] == "fail"
    with season.system.client("clerk", "clerk-1") as clerk, season.buyer("moved_house") as buyer:
        clerk.post(f"/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "sound"})
        assert buyer.case_in(case_id, "closed")["ending"] == "refunded"
    assert season.paid("moved_house") == LAMP.minor


def test_another_ones_parcel_cannot_be_told(season: Season) -> None:
    """A stranger's real parcel from the same city to the same one: neither phone is on its label, and nothing is paid."""
    case_id = season.agreed("borrowed")
    number = fresh_number("sf")
    hand_over(season.shop, number, "sf", sub="somebody-else", script="strangers")
    with season.buyer("borrowed") as buyer:
        buyer.post(f"/cases/{case_id}/shipment", {"carrier": "sf", "number": number})
    season.pass_by(0.2, 1, 30)
    assert season.line("borrowed", "parties")["verdict"] == "fail"
    assert season.paid("borrowed") == 0
