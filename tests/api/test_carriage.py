"""What it costs to bring goods back, through the API: by fault, never above the agreed price, to the cent."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.order import Payment
from aftersales.query import NoticesOf
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order
from aftersales.testing.carrier import FakeCarrier
from aftersales.testing.channel import FakeChannel
from tests.api.door import DOOR, LAMP, Door
from tests.api.machine import Kitchen

#: Sent back without a reason: the buyer bears it. Faulty: the shop does.
BUYERS, SHOPS = "no_reason", "faulty"


@pytest.fixture
def door() -> Door:
    """A lamp of CNY 99.00, and a carrier that takes CNY 12.00 for bringing it back."""
    return Door(FakeCarrier(labels=True))


def plan(door: Door, case_id: str) -> Any:
    """The refund plan of the case."""
    return door.must("GET", f"/v1/cases/{case_id}/refund-plan")


def costs(door: Door, order_id: str = "o8") -> list[tuple[int, int]]:
    """The costs on the order's books, as (cost, kept back)."""
    said = door.must("GET", f"/v1/orders/{order_id}", role="integrator")["pickups"]
    return [(cost["cost_minor"], cost["kept_minor"]) for cost in said]


def fetched(door: Door, case_id: str) -> None:
    """The carrier has the goods, and they arrive."""
    file = door.store.case(case_id)
    assert file is not None
    assert file.pickup is not None
    door.carrier.collect(file.pickup.key)
    door.wait(hours=6, minutes=1)
    door.pump()


def accepted(door: Door, case_id: str) -> Any:
    """The shop has looked at the goods; the case once its money went out."""
    door.must("POST", f"/v1/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "sound"}, role="clerk")
    door.pump()
    door.wait(minutes=5)
    return door.case(case_id)


def sent_of(door: Door, case_id: str) -> int:
    """What the case's legs sent and settled."""
    file = door.store.case(case_id)
    assert file is not None
    return sum(r.amount.minor for r in file.refunds if r.state == "settled")


def back(door: Door, order_id: str, line_id: str, pieces: int = 1) -> str:
    """A return without a reason that was agreed to."""
    body = {"order_id": order_id, "kind": "return_refund", "reason": BUYERS, "items": [{"line_id": line_id, "pieces": pieces}]}
    case = door.must("POST", "/v1/cases", body)
    door.photo(case["case_id"])
    door.must("POST", f"/v1/cases/{case['case_id']}/submit")
    door.pump()
    if door.case(case["case_id"])["state"] == "reviewing":
        told = {"outcome": "approve", "reason": "ok"}
        door.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", told, role="clerk")
    door.pump()
    return str(case["case_id"])


def test_the_buyers_part_is_kept_back(door: Door) -> None:
    """Told before, agreed to, seen in the plan, kept back from the refund, and a line of its own in the books and the file."""
    case_id = door.back(BUYERS)
    offer = door.must("POST", f"/v1/cases/{case_id}/pickup/price", door.wish())
    assert (offer["price_minor"], offer["kept_minor"]) == (1_200, 1_200)
    assert plan(door, case_id)["pickup_minor"] == 0
    pickup = door.booked(case_id, agreed_minor=1_200)
    assert (pickup["price_minor"], pickup["kept_minor"]) == (1_200, 1_200)
    before = plan(door, case_id)
    assert (before["amount_minor"], before["pickup_minor"], before["components"]["goods"]) == (8_700, 1_200, 8_700)
    assert costs(door) == []
    fetched(door, case_id)
    assert costs(door) == [(1_200, 0)]
    case = accepted(door, case_id)
    assert (case["state"], case["amount_minor"], sent_of(door, case_id)) == ("closed", 8_700, 8_700)
    assert case["pickup"]["kept_minor"] == 1_200
    after = plan(door, case_id)
    assert (after["amount_minor"], after["pickup_minor"]) == (8_700, 1_200)
    assert costs(door) == [(1_200, 1_200)]
    (row,) = door.must("GET", "/v1/merchant/refunds", role="clerk")["refunds"]
    assert (row["amount_minor"], row["pickup_minor"], row["approvals"][0]["amount_minor"]) == (8_700, 1_200, 9_900)
    (told,) = csv.DictReader(io.StringIO(door.send("GET", "/v1/merchant/refunds.csv", role="clerk").text.removeprefix("\ufeff")))
    assert [told[name] for name in ("Amount", "Goods", "Kept for return shipping")] == ["87.00", "87.00", "12.00"]


def test_the_buyer_is_told_what_was_kept(door: Door) -> None:
    """The notice that the refund is on its way says what was kept back, and for what."""
    case_id = door.back(BUYERS)
    door.booked(case_id, agreed_minor=1_200)
    fetched(door, case_id)
    accepted(door, case_id)
    told = [n.text for n in door.store.find(NoticesOf("m1", "b1")).found]
    assert any("12.00" in said and "退货运费" in said for said in told)


def test_the_shops_cost_is_a_memo(door: Door) -> None:
    """Where the seller answers for the reason the buyer gets all of it, and the cost stands in the shop's books beside."""
    case_id = door.back(SHOPS)
    offer = door.must("POST", f"/v1/cases/{case_id}/pickup/price", door.wish())
    assert (offer["payer"], offer["kept_minor"]) == ("merchant", 0)
    door.booked(case_id)
    fetched(door, case_id)
    before = door.must("GET", "/v1/orders/o8", role="integrator")
    case = accepted(door, case_id)
    assert (case["amount_minor"], sent_of(door, case_id), case["pickup"]["kept_minor"]) == (9_900, 9_900, 0)
    assert costs(door) == [(1_200, 0)]
    assert before["refundable_minor"] == 9_900
    assert door.must("GET", "/v1/orders/o8")["pickups"] == []  # what carriers cost the shop is not the buyer's to read


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_a_pickup_that_did_not_happen_costs_nothing(door: Door, how: str) -> None:
    """Cancelled, or the courier does not come: nothing is kept back, and nothing is in the books."""
    case_id = door.back(BUYERS)
    door.booked(case_id, agreed_minor=1_200)
    if how == "cancelled":
        door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    else:
        door.carrier.give_up(f"{case_id}-pickup-1", "not_found")
        door.wait(minutes=61)
    door.later()
    assert plan(door, case_id)["pickup_minor"] == 0
    door.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1234567890123"})
    case = accepted(door, case_id)
    assert (case["amount_minor"], sent_of(door, case_id), costs(door)) == (9_900, 9_900, [])


@pytest.mark.parametrize(("real", "kept"), [(1_199, 1_199), (1_200, 1_200), (1_201, 1_200), (5_000, 1_200), (0, 0)])
def test_the_buyer_never_bears_more_than_was_agreed(door: Door, real: int, kept: int) -> None:
    """Weighed at the station it costs more or less than was told: the buyer bears the lower one, the shop the rest."""
    case_id = door.back(BUYERS)
    door.booked(case_id, agreed_minor=1_200)
    key = f"{case_id}-pickup-1"
    door.carrier.bookings[key] = replace(door.carrier.bookings[key], minor=real)
    fetched(door, case_id)
    case = accepted(door, case_id)
    assert (case["amount_minor"], sent_of(door, case_id)) == (9_900 - kept, 9_900 - kept)
    assert costs(door) == [(real, kept)]


def test_no_more_is_kept_than_there_is(door: Door) -> None:
    """A refund that is smaller than the price: all of it is kept back, nobody is called, the rest is the shop's."""
    cheap = replace(LAMP, unit_price_minor=800)
    signed_at = NOW - timedelta(days=1)
    door.push(an_order(order_id="o9", lines=(cheap,), signed_at=signed_at, shipped_at=signed_at - timedelta(days=1)))
    case_id = back(door, "o9", "l1")
    assert door.must("POST", f"/v1/cases/{case_id}/pickup/price", door.wish())["kept_minor"] == 800
    door.booked(case_id, agreed_minor=1_200)
    fetched(door, case_id)
    case = accepted(door, case_id)
    assert (case["state"], case["amount_minor"], sent_of(door, case_id)) == ("closed", 0, 0)
    assert costs(door, "o9") == [(1_200, 800)]


def test_two_returns_of_one_order_are_each_kept_from_once(door: Door) -> None:
    """Two lamps go back apart, paid in two ways: each refund is less its own pickup, and no payment gives more than it took."""
    door.registry.put("channel:balance", FakeChannel())
    lines = (
        replace(LAMP, line_id="l1"),
        a_line(line_id="l2", sku="B", title="B", vertical="general", category="lamp", unit_price_minor=5_000, pieces=1),
    )
    payments = (Payment("p1", "wechatpay", "t1", 10_000), Payment("p2", "balance", "t2", 4_900))
    signed_at = NOW - timedelta(days=1)
    shipped_at = signed_at - timedelta(days=1)
    door.push(an_order(order_id="o9", lines=lines, payments=payments, signed_at=signed_at, shipped_at=shipped_at))
    first, second = back(door, "o9", "l1"), back(door, "o9", "l2")
    for case_id in (first, second):
        door.booked(case_id, agreed_minor=1_200)
        fetched(door, case_id)
        accepted(door, case_id)
    assert [sent_of(door, case_id) for case_id in (first, second)] == [8_700, 3_800]
    assert costs(door, "o9") == [(1_200, 1_200), (1_200, 1_200)]
    order = door.store.order("m1", "o9")
    assert order is not None
    assert [order.ledger.left_of(p) for p in order.ledger.payments] == [0, 2_400]
    rows = door.must("GET", "/v1/merchant/refunds", role="clerk")["refunds"]
    assert sum(row["pickup_minor"] for row in rows) == 2_400  # with the first leg of each case alone


def test_goods_that_were_refused_leave_the_cost_with_the_shop(door: Door) -> None:
    """Collected, and then refused: there is no refund to keep from, and the cost stands in the books all the same."""
    case_id = door.back(BUYERS)
    door.booked(case_id, agreed_minor=1_200)
    fetched(door, case_id)
    door.must("POST", f"/v1/merchant/cases/{case_id}/inspection", {"accepted": False, "note": "broken by use"}, role="clerk")
    door.pump()
    assert costs(door) == [(1_200, 0)]
    assert door.case(case_id)["pickup"]["kept_minor"] == 0


def test_a_label_is_kept_back_like_a_courier(door: Door) -> None:
    """Brought to a station, where nothing is paid: the agreed price of the label is kept back."""
    case_id = door.back(BUYERS)
    said = door.send("POST", f"/v1/cases/{case_id}/pickup", {"drop_off": True, "sender": DOOR, "agreed_minor": 1_200})
    assert said.status == 201
    door.pump()
    fetched(door, case_id)
    accepted(door, case_id)
    assert (sent_of(door, case_id), costs(door)) == (8_700, [(1_200, 1_200)])


def test_goods_on_the_bench_before_the_carrier_says_so(door: Door) -> None:
    """The shop inspects goods whose label nobody has looked at since: they came by it, and it is kept back."""
    case_id = door.back(BUYERS)
    door.booked(case_id, agreed_minor=1_200)
    door.carrier.collect(f"{case_id}-pickup-1")
    door.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "swift", "number": "SW000001"})
    accepted(door, case_id)
    door.wait(minutes=61)
    assert (sent_of(door, case_id), costs(door)) == (8_700, [(1_200, 1_200)])


def test_a_silent_carrier_has_no_price(door: Door) -> None:
    """Where the shop bears it, a price that is not told keeps nobody from booking; it is in the books once the carrier says it."""
    case_id = door.back(SHOPS)
    door.carrier.quotes = ["deaf"]
    assert door.ask(case_id).status == 201


@pytest.mark.parametrize(("price_minor", "kept", "ending"), [(299_400, 500, "fulfilled"), (299_900 - 3_000, 1_200, "refunded")])
def test_a_difference_smaller_than_the_price_ends_the_exchange(price_minor: int, kept: int, ending: str) -> None:
    """Another model that costs a little less, fetched at the buyer's cost: what is kept may be all of the difference."""
    kitchen, carrier = Kitchen(signed_at=NOW - timedelta(days=2)), FakeCarrier()
    kitchen.registry.put("carrier:swift", carrier)
    shop = a_merchant(two_persons_above_minor=10**9, return_address="Warehouse 1", return_name="Returns", return_phone="0535-1")
    kitchen.registry.put("merchant:m1", shop)
    kitchen.fact("exchangeable", {"sku": "FRIDGE-100", "title": "a little less", "price_minor": price_minor}, kitchen.clock.now())
    case = kitchen.ask(reason="other_model", wanted="FRIDGE-100")
    case = kitchen.decide(case) if case["state"] == "reviewing" else case
    assert case["state"] == "approved", case["decision"]
    day = (kitchen.clock.now() + timedelta(days=1)).date().isoformat()
    wish = {"slot": {"day": day, "start": "09:00", "end": "11:00"}, "sender": DOOR, "agreed_minor": 1_200}
    assert kitchen.send("POST", f"/v1/cases/{case['case_id']}/pickup", wish).status == 201
    kitchen.pump()
    carrier.collect(f"{case['case_id']}-pickup-1")
    kitchen.wait(hours=2)
    found = {"accepted": True, "disposition": "sound"}
    kitchen.must("POST", f"/v1/merchant/cases/{case['case_id']}/inspection", found, role="clerk")
    kitchen.pump()
    case = kitchen.tell(kitchen.case(case["case_id"]), "done")
    kitchen.wait(minutes=5)
    case = kitchen.case(case["case_id"])
    assert (case["state"], case["ending"], case["remedy"]["stage"]) == ("closed", ending, "done")
    assert sum(kitchen.channel.truth.values()) == 299_900 - price_minor - kept
    order = kitchen.order()
    assert [(cost["cost_minor"], cost["kept_minor"]) for cost in order["pickups"]] == [(1_200, kept)]
    assert order["lines"][0]["pieces_free"] == 1
