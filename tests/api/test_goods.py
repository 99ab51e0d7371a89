"""Goods that come back, counted line by line: what came is paid for, what did not can be appealed, and stock is told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.order import Freight, Payment
from aftersales.parcel import ParcelState
from aftersales.query import NoticesOf
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order
from aftersales.testing.stock import FakeStock
from aftersales.ticket import TicketKind
from aftersales.tracking import Passage, Scan, Trail
from tests.api import sets
from tests.api.after import tickets
from tests.api.machine import FRIDGE, Kitchen
from tests.api.test_remedies import asked
from tests.mall import Mall, Reply

CUPS = a_line(line_id="cups", sku="CUP", title="Cup", vertical="general", category="kitchen", unit_price_minor=3_333, pieces=3)
POTS = a_line(line_id="pots", sku="POT", title="Pot", vertical="general", category="kitchen", unit_price_minor=5_000, pieces=2)


class Shop(Mall):
    """A mall that sold three cups and two pots, yesterday; and its warehouse."""

    def __init__(self, *, with_stock: bool = True, inside: Mapping[str, Any] | None = None, **order: Any) -> None:
        super().__init__(**(inside or {}))
        self.stock = FakeStock(self.clock)
        for sku in ("CUP", "POT"):
            self.stock.put(sku, 10)
        if with_stock:
            self.registry.put("source:stock", self.stock)
        self.registry.put("merchant:m1", a_merchant(two_persons_above_minor=10**9, return_address="Warehouse 1"))
        signed_at = NOW - timedelta(days=1)
        lines = order.pop("lines", (CUPS, POTS))
        paid = (Payment("p1", "wechatpay", "t1", sum(x.unit_price_minor * x.pieces for x in lines)),)
        sold = an_order(order_id="o1", lines=lines, payments=paid, signed_at=signed_at, shipped_at=signed_at - timedelta(days=1))
        self.push(replace(sold, **order))

    def sent(self, *items: tuple[str, int], number: str = "SF1234567890123", **body: Any) -> str:
        """A return that was agreed to, on its way; the id of its case."""
        asked = [{"line_id": line_id, "pieces": pieces} for line_id, pieces in items]
        said = {"order_id": "o1", "kind": "return_refund", "reason": "faulty", "items": asked, **body}
        case_id = str(self.must("POST", "/v1/cases", said)["case_id"])
        self.photo(case_id, b"broken")
        self.must("POST", f"/v1/cases/{case_id}/submit")
        self.pump()
        if self.case(case_id)["state"] == "reviewing":
            yes = {"outcome": "approve", "reason": "ok"}
            self.must("POST", f"/v1/merchant/cases/{case_id}/decision", yes, role="clerk")
        self.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": number})
        self.pump()
        return case_id

    def inspect(self, case_id: str, role: str = "clerk", **body: Any) -> Reply:
        """The shop's inspection."""
        reply = self.send("POST", f"/v1/merchant/cases/{case_id}/inspection", body, role=role)
        self.pump()
        return reply

    def count(self, case_id: str, *lines: dict[str, Any], note: str = "as the photos show", **body: Any) -> Any:
        """The same, line by line, and good; the case as its buyer reads it."""
        reply = self.inspect(case_id, lines=list(lines), note=note, **body)
        assert reply.status == 200, reply.text
        return self.case(case_id)

    def staff_photo(self, case_id: str, content: bytes = b"opened") -> str:
        """A photo of the opened parcel, handed in by the shop."""
        path = f"/v1/cases/{case_id}/evidence"
        place = self.must("POST", path, {"bytes": 100, "kind": "photo", "role": "inspection"}, role="clerk")
        self.files.accept(place["fields"], content, self.clock.now())
        self.must("POST", f"{path}/{place['evidence_id']}/hand-in", role="clerk")
        return str(place["evidence_id"])

    def paid_back(self) -> int:
        """What the channel has sent, in minor units."""
        self.wait(minutes=2)
        return sum(self.channel.truth.values())

    def free(self, line_id: str) -> int:
        """Pieces that no case speaks for."""
        lines = self.must("GET", "/v1/orders/o1", role="clerk")["lines"]
        return int(next(x["pieces_free"] for x in lines if x["line_id"] == line_id))

    def appeal(self, case_id: str, outcome: str) -> Reply:
        """The buyer appeals, and an approver decides."""
        self.must("POST", f"/v1/cases/{case_id}/appeal", {"text": "they were all in it"})
        self.pump()
        body = {"outcome": outcome, "reason": "looked again"}
        reply = self.send("POST", f"/v1/merchant/cases/{case_id}/decision", body, role="approver", sub="bea")
        self.pump()
        return reply

    def events(self, case_id: str, **who: Any) -> dict[str, Any]:
        """The last step of each event."""
        return {s["event"]: s for s in self.must("GET", f"/v1/cases/{case_id}/timeline", **who)["steps"]}


@pytest.fixture
def shop() -> Shop:
    """Cups and pots, and a warehouse that takes goods in."""
    return Shop()


# --- everything came ----------------------------------------------------------------------------------------------------
def test_each_piece_goes_where_the_count_says(shop: Shop) -> None:
    """All there: the whole is refunded, and stock is told per line and disposition; only sound pieces may be sold again."""
    case_id = shop.sent(("cups", 3), ("pots", 2))
    case = shop.count(
        case_id, {"line_id": "cups", "sound": 2, "flawed": 1}, {"line_id": "pots", "quarantine": 1, "scrap": 1}, note=""
    )
    assert (case["parcel"]["state"], case["parcel"]["disposition"], case["parcel"]["apart"]) == ("accepted", None, None)
    assert shop.paid_back() == 19_999
    assert (shop.stock.back("CUP"), shop.stock.back("POT")) == ({"sound": 2, "flawed": 1}, {"quarantine": 1, "scrap": 1})
    assert (shop.stock.shelves["CUP"].free, shop.stock.shelves["POT"].free) == (12, 10)


def test_one_disposition_for_all_is_told_too(shop: Shop) -> None:
    """The short form of an inspection counts every piece to one place."""
    case_id = shop.sent(("cups", 3), ("pots", 2))
    assert shop.inspect(case_id, accepted=True, disposition="flawed").status == 200
    shop.wait(minutes=1)
    assert (shop.stock.back("CUP"), shop.stock.back("POT")) == ({"flawed": 3}, {"flawed": 2})
    assert [c["flawed"] for c in shop.case(case_id)["parcel"]["counts"]] == [3, 2]


def test_silence_tells_stock_as_well(shop: Shop) -> None:
    """Ten days without an inspection accept the goods as sound: stock is told so, once."""
    shop.sent(("pots", 2))
    for _ in range(40):
        shop.wait(days=1)
    assert shop.stock.back("POT") == {"sound": 2}
    assert shop.stock.shelves["POT"].free == 12


# --- not everything came ------------------------------------------------------------------------------------------------
def test_what_came_is_paid_for_at_once_and_the_rest_is_told(shop: Shop) -> None:
    """Two of three cups: two are refunded to the cent, the third is a case of its own that says what was found, to appeal."""
    case_id = shop.sent(("cups", 3))
    photo = shop.staff_photo(case_id)
    case = shop.count(case_id, {"line_id": "cups", "sound": 2, "missing": 1}, note="one box was empty", evidence=[photo])
    assert (case["ending"], case["amount_minor"], case["items"][0]["pieces"]) == ("refunded", 6_666, 2)
    assert shop.paid_back() == 6_666
    other = shop.case(case["parcel"]["apart"])
    assert (other["state"], other["apart_of"], other["amount_minor"], other["items"][0]["pieces"]) == (
        "rejected",
        case_id,
        3_333,
        1,
    )
    assert "accepted: 2, missing: 1, other goods: 0" in other["decision"]["reason"]
    assert other["decision"]["reason"].endswith("one box was empty")
    assert "appeal" in other["decision"]["reason"]
    assert {(c["side"], c["evidence_id"]) for c in other["comparison"]} >= {("shop", photo)}
    assert {c["side"] for c in other["comparison"]} == {"buyer", "shop"}
    assert other["parcel"]["evidence"] == [photo]
    assert shop.stock.back("CUP") == {"sound": 2}
    assert shop.free("cups") == 1
    told = [n.text for n in shop.store.find(NoticesOf("m1", "b1")).found]
    assert any("one box was empty" in text for text in told)


def test_a_won_appeal_pays_for_the_rest_and_no_more(shop: Shop) -> None:
    """Another person believes the buyer: the last cup is paid, all of it once, and stock is told of nothing that it has not got."""
    case = shop.count(shop.sent(("cups", 3)), {"line_id": "cups", "sound": 2, "missing": 1})
    other = case["parcel"]["apart"]
    assert shop.appeal(other, "approve").status == 200
    assert shop.paid_back() == 9_999
    shop.wait(days=2)
    assert (shop.case(other)["ending"], shop.case(other)["parcel"]["state"]) == ("refunded", "accepted")
    assert shop.stock.back("CUP") == {"sound": 2}
    assert shop.free("cups") == 0


def test_who_counted_does_not_decide_on_the_appeal(shop: Shop) -> None:
    """The approver who inspected the parcel is not the one who looks again."""
    case_id = shop.sent(("cups", 3))
    body = {"lines": [{"line_id": "cups", "sound": 2, "missing": 1}], "note": "one is missing"}
    shop.send("POST", f"/v1/merchant/cases/{case_id}/inspection", body, role="approver", sub="bea")
    shop.pump()
    assert shop.appeal(shop.case(case_id)["parcel"]["apart"], "approve").json["code"] == "second_person_required"


def test_a_lost_appeal_leaves_the_pieces_free(shop: Shop) -> None:
    """Refused once more, the piece can be asked about again, and nothing more was paid."""
    case = shop.count(shop.sent(("cups", 3)), {"line_id": "cups", "sound": 2, "missing": 1})
    assert shop.appeal(case["parcel"]["apart"], "reject").status == 200
    assert (shop.paid_back(), shop.free("cups")) == (6_666, 1)


def test_other_goods_are_the_buyers_and_go_back(shop: Shop) -> None:
    """Something else in the box: both sides read that it goes back, and what came beside it is refunded."""
    case_id = shop.sent(("cups", 2), ("pots", 1))
    case = shop.count(case_id, {"line_id": "cups", "sound": 1, "wrong": 1}, {"line_id": "pots", "flawed": 1}, note="a mug")
    assert "the shop sends them back" in shop.events(case_id)["goods_accepted"]["text"]
    assert "the shop sends them back" in shop.case(case["parcel"]["apart"])["decision"]["reason"]
    assert shop.paid_back() == 8_333


@pytest.mark.parametrize(
    ("found", "reason", "says"),
    [
        ({"missing": 2}, "goods.empty", "None of the goods was in the parcel (missing: 2)."),
        ({"wrong": 2}, "goods.wrong", "the shop sends them back"),
        ({"wrong": 1, "missing": 1}, "goods.wrong", "missing: 1, other goods: 1"),
    ],
)
def test_a_parcel_without_the_goods_is_refused_with_its_own_reason(
    shop: Shop, found: dict[str, int], reason: str, says: str
) -> None:
    """Empty, or other goods altogether: refused with a reason of its own, in words, appealable, and no stock is told."""
    case_id = shop.sent(("pots", 2))
    case = shop.count(case_id, {"line_id": "pots", **found})
    assert (case["state"], case["decision"]["rule"]) == ("rejected", "goods.count")
    assert reason in [f["reason"] for f in case["decision"]["findings"]]
    assert says in case["decision"]["reason"]
    assert says in shop.events(case_id)["goods_refused"]["text"]
    assert (shop.paid_back(), shop.free("pots"), shop.stock.back("POT")) == (0, 2, {})
    assert shop.appeal(case_id, "approve").status == 200
    assert (shop.paid_back(), shop.case(case_id)["parcel"]["state"]) == (10_000, "accepted")
    shop.wait(days=2)
    assert shop.stock.back("POT") == {}


def test_goods_that_were_refused_and_let_in_by_an_appeal_are_not_sold_as_new(shop: Shop) -> None:
    """Nobody said what they are like: they go into quarantine."""
    case_id = shop.sent(("pots", 2))
    shop.inspect(case_id, accepted=False, note="used")
    shop.wait(minutes=1)
    assert shop.stock.back("POT") == {}
    assert shop.appeal(case_id, "approve").status == 200
    shop.wait(minutes=1)
    assert shop.stock.back("POT") == {"quarantine": 2}


def test_an_agreed_sum_is_divided_and_not_exceeded(shop: Shop) -> None:
    """The buyer asked for less than the cups are worth: what came gets its part of that, and both parts are the whole."""
    case = shop.count(shop.sent(("cups", 3), asked_minor=5_000), {"line_id": "cups", "sound": 1, "missing": 2})
    other = shop.case(case["parcel"]["apart"])
    assert (case["amount_minor"], other["amount_minor"]) == (1_667, 3_333)
    assert shop.appeal(other["case_id"], "approve").status == 200
    assert shop.paid_back() == 5_000


def test_the_scales_speak_for_the_buyer() -> None:
    """The carrier weighed as much as all the goods weigh: the finding says so, and it decides nothing."""
    shop = Shop(lines=(replace(CUPS, weight_g=400),))
    case_id = shop.sent(("cups", 3))
    file = shop.store.case(case_id)
    scan = Scan(NOW + timedelta(hours=1), Passage.PICKED_UP, weight_g=1_250)
    trail = file.trail or Trail(case_id, "m1", "", "sf", "SF1234567890123", NOW, None)
    shop.store.commit(Change(trail=replace(trail, scans=(scan,))))
    case = shop.count(case_id, {"line_id": "cups", "sound": 2, "missing": 1})
    other = shop.case(case["parcel"]["apart"])
    assert "1250 g, about what all of the goods weigh (1200 g): that speaks for you" in other["decision"]["reason"]
    assert "1250 g" in shop.events(case_id)["goods_accepted"]["text"]
    assert other["state"] == "rejected"


# --- things in place of money ---------------------------------------------------------------------------------------------
class Kitchens(Kitchen):
    """Two fridges in one line."""

    def __init__(self) -> None:
        super().__init__(lines=(replace(FRIDGE, pieces=2),))
        self.found()
        self.case_id = str(asked(self, items=[{"line_id": "l1", "pieces": 2}])["case_id"])
        self.must("POST", f"/v1/cases/{self.case_id}/shipment", {"carrier": "sf", "number": "SF1234567890123"})
        lines = [{"line_id": "l1", "flawed": 1, "missing": 1}]
        body = {"lines": lines, "note": "one fridge"}
        self.short = self.must("POST", f"/v1/merchant/cases/{self.case_id}/inspection", body, role="clerk")
        self.pump()

    def says(self, outcome: str, **more: Any) -> Any:
        """An approver decides."""
        return self.decide({"case_id": self.case_id}, outcome, role="approver", **more)


def test_an_exchange_of_which_not_all_came_back_goes_to_a_person() -> None:
    """Nothing is sent and nothing refused: an approver decides, and thirty days of silence do not."""
    kitchen = Kitchens()
    assert (kitchen.short["state"], kitchen.short["parcel"]["state"]) == ("second_review", "inspecting")
    news = [n.text for n in kitchen.store.find(NoticesOf("m1", "b1")).found]
    assert any("收到 1 件，缺少 1 件" in text and "one fridge" in text for text in news)
    for _ in range(30):
        kitchen.wait(days=1)
    assert kitchen.case(kitchen.case_id)["state"] == "second_review"
    assert kitchen.says("approve")["state"] == "fulfilling"
    kitchen.wait(minutes=1)
    assert (kitchen.case(kitchen.case_id)["parcel"]["state"], kitchen.stock.back("FRIDGE-300")) == ("accepted", {"flawed": 1})


def test_an_exchange_that_came_short_can_be_refused() -> None:
    """A no refuses the parcel, tells stock nothing, and can be appealed."""
    kitchen = Kitchens()
    asks = {"outcome": "ask_evidence", "reason": "show them"}
    assert kitchen.send("POST", f"/v1/merchant/cases/{kitchen.case_id}/decision", asks, role="approver").status == 409
    case = kitchen.says("reject")
    assert (case["state"], case["parcel"]["state"]) == ("rejected", "refused")
    kitchen.wait(days=1)
    assert kitchen.stock.back("FRIDGE-300") == {}
    kitchen.must("POST", f"/v1/cases/{kitchen.case_id}/appeal", {"text": "both were sent"})


# --- what is refused as input -----------------------------------------------------------------------------------------------
CUP, POT = {"line_id": "cups", "sound": 2}, {"line_id": "pots", "sound": 1}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"lines": [CUP, {"line_id": "pots", "sound": 2}], "note": "n"}, id="too many"),
        pytest.param({"lines": [CUP, {"line_id": "pots"}], "note": "n"}, id="too few"),
        pytest.param({"lines": [{**CUP, "sound": 3, "missing": -1}, POT], "note": "n"}, id="negative"),
        pytest.param({"lines": [CUP, {"line_id": "lids", "sound": 1}], "note": "n"}, id="unknown line"),
        pytest.param({"lines": [CUP], "note": "n"}, id="a line left out"),
        pytest.param({"lines": [CUP, CUP, POT], "note": "n"}, id="a line twice"),
        pytest.param({"lines": [], "note": "n"}, id="no line"),
        pytest.param({"lines": [{**CUP, "sound": 1.5, "missing": 0.5}, POT], "note": "n"}, id="half a cup"),
        pytest.param({"lines": [{**CUP, "lost": 0}, POT], "note": "n"}, id="another word"),
        pytest.param({"lines": [{"line_id": "cups", "sound": 1, "missing": 1}, POT], "note": " "}, id="a lack without a note"),
        pytest.param({"lines": [CUP, POT], "disposition": "sound"}, id="a disposition beside the counts"),
        pytest.param({"lines": [CUP, POT], "opened": True}, id="a seal beside the counts"),
        pytest.param({"lines": [CUP, POT], "accepted": False, "note": "n"}, id="refused although it came"),
        pytest.param({"lines": [CUP, POT], "evidence": ["nobody"]}, id="a photo that is not there"),
        pytest.param({"note": "n"}, id="neither accepted nor counted"),
        pytest.param({"accepted": True, "disposition": "sound", "evidence": ["nobody"]}, id="a photo that is not there, in short"),
    ],
)
def test_an_inspection_that_does_not_fit_changes_nothing(shop: Shop, body: dict[str, Any]) -> None:
    """Counts that do not add up, strange lines and photos, and contradictions are refused, and the parcel stays as it was."""
    case_id = shop.sent(("cups", 2), ("pots", 1))
    reply = shop.inspect(case_id, **body)
    assert (reply.status, reply.json["code"]) == (400, "invalid"), reply.text
    assert shop.case(case_id)["parcel"]["state"] == "in_transit"
    assert shop.paid_back() == 0


def test_a_photo_counts_once_it_is_handed_in_by_the_shop(shop: Shop) -> None:
    """The buyer's own photo, one not handed in and one of another case are not what the shop saw."""
    case_id, other = shop.sent(("cups", 2)), shop.sent(("pots", 1), number="SF1234567890124")
    buyers = shop.case(case_id)["evidence"][0]["evidence_id"]
    place = shop.must("POST", f"/v1/cases/{case_id}/evidence", {"bytes": 100, "kind": "photo"}, role="clerk")
    for strange in (buyers, place["evidence_id"], shop.staff_photo(other)):
        assert shop.inspect(case_id, lines=[CUP], evidence=[strange]).json["code"] == "invalid"


def test_a_parcel_is_inspected_once(shop: Shop) -> None:
    """A second count changes neither money nor stock."""
    case_id = shop.sent(("cups", 3))
    shop.count(case_id, {"line_id": "cups", "sound": 2, "missing": 1})
    again = shop.inspect(case_id, lines=[{"line_id": "cups", "sound": 2}])
    assert (again.status, again.json["code"]) == (409, "illegal_transition")
    assert (shop.paid_back(), shop.stock.back("CUP")) == (6_666, {"sound": 2})


# --- stock ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("done", [True, False])
def test_stock_that_does_not_answer_is_told_again_and_once(shop: Shop, *, done: bool) -> None:
    """Lost answers, carried out or not: it is told under the same key until it answers, and has it once."""
    case_id = shop.sent(("cups", 3))
    shop.stock.script += [("put_back", done)] * 3
    shop.count(case_id, {"line_id": "cups", "sound": 2, "flawed": 1}, note="")
    for _ in range(6):
        shop.wait(minutes=5)
    assert (shop.stock.back("CUP"), shop.stock.shelves["CUP"].free) == ({"sound": 2, "flawed": 1}, 12)
    told = shop.case(case_id, role="clerk")["parcel"]["restock"]
    assert [(b["pieces"], b["told_at"] is not None) for b in told] == [(2, True), (1, True)]
    assert shop.case(case_id)["parcel"]["restock"] == []


def test_a_day_of_silence_is_a_ticket_that_closes_by_itself(shop: Shop) -> None:
    """People hear of it once, a day later; once stock answers the ticket is closed, and the goods are there once."""
    case_id = shop.sent(("pots", 2))
    shop.stock.script += [("put_back", False)] * 10_000
    shop.inspect(case_id, accepted=True, disposition="sound")
    for _ in range(23):
        shop.wait(hours=1)
    assert tickets(shop) == []
    for _ in range(4):
        shop.wait(hours=1)
    found = tickets(shop)
    assert [(t["kind"], t["about"]["pieces"]) for t in found] == [(TicketKind.NOT_SHELVED, 2)]
    assert "told" in found[0]["text"]
    shop.stock.script.clear()
    shop.wait(hours=2)
    assert (tickets(shop), shop.stock.back("POT")) == ([], {"sound": 2})


def test_a_sku_that_stock_does_not_know_is_a_ticket_at_once(shop: Shop) -> None:
    """A no is not waited out for a day; what the warehouse learns to know later is told still."""
    case_id = shop.sent(("pots", 2))
    shelf = shop.stock.shelves.pop("POT")
    shop.inspect(case_id, accepted=True, disposition="sound")
    shop.wait(minutes=1)
    assert [t["about"]["code"] for t in tickets(shop)] == ["rejected"]
    shop.stock.shelves["POT"] = shelf
    shop.wait(hours=2)
    assert (tickets(shop), shop.stock.back("POT")) == ([], {"sound": 2})


@pytest.mark.parametrize(("seen", "back"), [(False, {}), (True, {"flawed": 2})])
def test_a_parcel_that_was_lost_is_on_no_shelf_unless_somebody_has_it(shop: Shop, seen: bool, back: dict[str, int]) -> None:
    """Lost, and silence pays the buyer: stock is told nothing. Found after all and inspected: it is told what was found."""
    case_id = shop.sent(("pots", 2))
    file = shop.store.case(case_id)
    lost = replace(file.parcel, state=ParcelState.LOST, deadline=Deadline.after(NOW, timedelta(days=1), "test"))
    shop.store.commit(Change(parcel=lost))
    if seen:
        shop.count(case_id, {"line_id": "pots", "flawed": 2})
    for _ in range(3):
        shop.wait(days=1)
    assert (shop.case(case_id)["parcel"]["state"], shop.paid_back()) == ("accepted", 10_000)
    assert shop.stock.back("POT") == back


def test_without_a_warehouse_nobody_is_told() -> None:
    """A stage that has no stock pays as ever and waits for nothing."""
    shop = Shop(with_stock=False)
    case = shop.count(shop.sent(("cups", 3)), {"line_id": "cups", "sound": 2, "missing": 1})
    assert shop.case(case["parcel"]["apart"])["state"] == "rejected"
    assert shop.paid_back() == 6_666
    assert shop.store.case(case["case_id"]).parcel.restock is None
    assert shop.store.case(case["case_id"]).parcel.deadline is None


# --- other shares of the money ----------------------------------------------------------------------------------------------
def test_freight_goes_back_with_the_last_piece_and_once() -> None:
    """What came does not bring the freight back; the appeal that is won about the last piece does, so that all of it is paid."""
    paid = (Payment("p1", "wechatpay", "t1", 9_999 + 800),)
    shop = Shop(lines=(CUPS,), freight=Freight(800), payments=paid)
    case = shop.count(shop.sent(("cups", 3)), {"line_id": "cups", "flawed": 2, "missing": 1})
    assert (case["amount_minor"], shop.paid_back()) == (6_666, 6_666)
    assert shop.appeal(case["parcel"]["apart"], "approve").status == 200
    assert shop.paid_back() == 9_999 + 800


def test_two_payments_give_what_each_has_left() -> None:
    """Paid half by one payment and half by another: the parts of a parcel go back to both, and never more than each gave."""
    halves = (Payment("p1", "wechatpay", "t1", 5_000), Payment("p2", "wechatpay", "t2", 4_999))
    shop = Shop(lines=(CUPS,), payments=halves)
    case = shop.count(shop.sent(("cups", 3)), {"line_id": "cups", "sound": 2, "missing": 1})
    assert shop.appeal(case["parcel"]["apart"], "approve").status == 200
    assert shop.paid_back() == 9_999
    ledger = shop.store.order("m1", "o1").ledger
    assert [ledger.left_of(p) for p in ledger.payments] == [0, 0]


def test_a_part_of_a_set_that_came_short_is_priced_by_its_trade(shop: Shop) -> None:
    """One of the teapots of two sets is missing: what came, and then the other one, come to what both were to bring."""
    sets.pushed(shop, sets.a_set())
    case_id = str(sets.ask(shop, "set.pot")["results"][0]["case"]["case_id"])
    shop.pump()
    whole = shop.case(case_id)["amount_minor"]
    shop.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1234567890123"})
    case = shop.count(case_id, {"line_id": "set.pot", "sound": 1, "missing": 1})
    assert 0 < case["amount_minor"] < whole
    assert shop.appeal(case["parcel"]["apart"], "approve").status == 200
    assert shop.paid_back() == whole
