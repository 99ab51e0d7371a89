"""A replacement or a repair in place of money, through the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.order import Freight, Payment
from aftersales.query import NoticesOf
from aftersales.refund import Cause
from aftersales.testing.builders import NOW, a_merchant
from functions import sweep
from tests.api.after import hear, retry, tickets
from tests.api.machine import FRIDGE, Kitchen, fridge


@pytest.fixture
def kitchen() -> Kitchen:
    """A faulty fridge, ten days old, looked at by a technician."""
    kitchen = Kitchen()
    kitchen.found()
    return kitchen


def events(kitchen: Kitchen, case: Any) -> list[str]:
    """What happened to the case."""
    return [step["event"] for step in kitchen.must("GET", f"/v1/cases/{case['case_id']}/timeline")["steps"]]


def told(kitchen: Kitchen) -> list[str]:
    """What the buyer was told, newest first."""
    return [n.text for n in kitchen.store.find(NoticesOf("m1", "b1")).found]


def asked(kitchen: Kitchen, **more: Any) -> Any:
    """An exchange that a person agreed to."""
    case = kitchen.ask(**more)
    return kitchen.decide(case) if case["state"] == "reviewing" else case


def test_the_same_model_is_exchanged_without_money(kitchen: Kitchen) -> None:
    """Kept before anybody agrees, sent once the faulty one is back, gone from the shelf when it is sent; no money moves."""
    case = asked(kitchen)
    assert (case["state"], case["amount_minor"], case["remedy"]["remedy"], case["remedy"]["stage"]) == (
        "approved", 0, "replacement", "promised",
    )  # fmt: skip
    assert kitchen.shelf() == (1, 1, 0)
    case = kitchen.back(case)
    assert case["state"] == "fulfilling"
    assert case["deadline"]["due_at"] == (NOW + timedelta(days=15)).isoformat().replace("+00:00", "Z")
    case = kitchen.tell(case, "sent", carrier="SF", number="sf100200300")
    assert (case["remedy"]["stage"], case["remedy"]["carrier"], case["remedy"]["number"]) == ("sent", "sf", "SF100200300")
    assert kitchen.shelf() == (1, 0, 1)
    case = kitchen.tell(case, "done")
    assert (case["state"], case["ending"], case["remedy"]["stage"]) == ("closed", "fulfilled", "done")
    assert kitchen.channel.truth == {}
    kitchen.wait(minutes=20)
    assert kitchen.shelf() == (1, 0, 1)
    assert {"remedy_started", "remedy_sent", "remedy_done", "hold_ended"} <= set(events(kitchen, case))


def test_what_was_exchanged_can_be_claimed_for_again(kitchen: Kitchen) -> None:
    """After an exchange the piece is free, the fifteen days begin anew, and the order remembers the replacement."""
    case = kitchen.tell(kitchen.back(asked(kitchen)), "done")
    assert kitchen.order()["lines"][0]["pieces_free"] == 1
    kitchen.clock.move(timedelta(days=12))
    kitchen.installer.happen("o9", "inspected", kitchen.clock.now(), verdict="fault", serial="SN2")
    again = asked(kitchen)
    assert again["state"] == "approved"
    assert [f.get("case_id") for f in kitchen.store.order("m1", "o9").order.facts if f.name == "replaced"] == [case["case_id"]]


def test_a_cheaper_thing_gives_the_difference_back(kitchen: Kitchen) -> None:
    """The buyer wants a cheaper fridge: the difference is refunded when it is done, and it is worth less from then on."""
    case = asked(kitchen, wanted="FRIDGE-100")
    assert (case["amount_minor"], case["remedy"]["wanted"]["price_minor"]) == (100_000, 199_900)
    assert (kitchen.shelf("FRIDGE-100"), kitchen.shelf()) == ((0, 1, 0), (2, 0, 0))
    case = kitchen.tell(kitchen.back(case), "sent", carrier="sf", number="SF1002003")
    assert kitchen.channel.truth == {}
    case = kitchen.tell(case, "done")
    assert (case["state"], case["ending"], case["remedy"]["stage"]) == ("closed", "refunded", "done")
    assert kitchen.channel.truth == {f"R{case['case_id']}-1": 100_000}
    assert kitchen.shelf("FRIDGE-100") == (0, 0, 1)
    order = kitchen.order()
    assert (order["refundable_minor"], order["lines"][0]["pieces_free"]) == (207_900, 1)
    kitchen.clock.move(timedelta(days=2))
    kitchen.installer.happen("o9", "inspected", kitchen.clock.now(), verdict="fault", serial="SN3")
    back = asked(kitchen, kind="return_refund")
    assert back["amount_minor"] == 199_900 + 8_000
    kitchen.back(back)
    assert sum(kitchen.channel.truth.values()) == 307_900


def test_a_dearer_thing_is_paid_for_once_the_old_one_is_back(kitchen: Kitchen) -> None:
    """The difference is asked for after the goods were accepted, exactly, once; then the dearer fridge is due, and worth more."""
    case = asked(kitchen, wanted="FRIDGE-500")
    assert (case["amount_minor"], case["remedy"]["extra_minor"], case["remedy"]["paid"]) == (0, 100_000, False)
    assert kitchen.pay(case, 100_000).status == 409
    case = kitchen.back(case)
    assert case["state"] == "awaiting_payment"
    assert any("1000.00" in text for text in told(kitchen))
    assert kitchen.pay(case, 99_999).json["details"]["expected"] == 100_000
    assert kitchen.pay(case, 100_000, channel="shells").status == 400
    for _ in range(2):
        assert kitchen.pay(case, 100_000).json["state"] == "fulfilling"
    assert kitchen.pay(case, 100_000, "x2").status == 409
    assert kitchen.order()["paid_minor"] == 407_900
    case = kitchen.tell(kitchen.tell(case, "sent", carrier="sf", number="SF1002003"), "done")
    assert (case["ending"], kitchen.shelf("FRIDGE-500")) == ("fulfilled", (0, 0, 1))
    kitchen.push(kitchen.store.order("m1", "o9").order)  # the same snapshot again takes nothing back
    assert kitchen.order()["paid_minor"] == 407_900
    kitchen.installer.happen("o9", "inspected", kitchen.clock.now(), verdict="fault", serial="SN3")
    back = asked(kitchen, kind="return_refund")
    assert back["amount_minor"] == 407_900
    kitchen.back(back)
    assert sum(kitchen.channel.truth.values()) == 407_900
    assert kitchen.channel.truth[f"R{back['case_id']}-2"] == 100_000


def test_a_payment_pays_once(kitchen: Kitchen) -> None:
    """The payment of an order, this one or another, is no payment of a difference; nor is that of another exchange."""
    case = kitchen.back(asked(kitchen, wanted="FRIDGE-500"))
    kitchen.push(fridge(order_id="o8", payments=(Payment("p1", "wechatpay", "t-other", 307_900),)))
    for number in (kitchen.store.order("m1", "o9").order.payments[0].transaction_id, "t-other"):
        assert kitchen.pay(case, 100_000, transaction_id=number).status == 409
    assert kitchen.order()["paid_minor"] == 307_900
    assert kitchen.pay(case, 100_000).status == 200


def test_a_difference_that_is_not_paid_becomes_the_refund_of_the_old_one(kitchen: Kitchen) -> None:
    """Three days of silence: what came back is refunded, the dearer fridge is for others again, and late money is refused."""
    case = kitchen.back(asked(kitchen, wanted="FRIDGE-500"))
    kitchen.wait(hours=71)
    assert kitchen.case(case["case_id"])["state"] == "awaiting_payment"
    kitchen.wait(hours=1)
    case = kitchen.case(case["case_id"])
    assert (case["state"], case["ending"], case["remedy"]["stage"]) == ("closed", "refunded", "money")
    assert sum(kitchen.channel.truth.values()) == 307_900
    assert kitchen.shelf("FRIDGE-500") == (1, 0, 0)
    assert kitchen.pay(case, 100_000).json["todo"] == "Give the buyer this money back."
    assert kitchen.order()["paid_minor"] == 307_900


def test_nothing_in_stock_is_told_at_once_and_a_return_is_owed(kitchen: Kitchen) -> None:
    """No such fridge: the exchange is refused within the minute with the way out, and the return is not sent to be exchanged."""
    kitchen.stock.put("FRIDGE-300", 0)
    case = kitchen.ask()
    assert case["state"] == "rejected"
    assert "choose a return" in case["decision"]["findings"][-1]["text"]
    assert kitchen.shelf() == (0, 0, 0)
    back = kitchen.ask(kind="return_refund")
    assert all(f["verdict"] == "pass" for f in back["decision"]["findings"]), back["decision"]["findings"]
    kitchen.back(kitchen.decide(back))
    assert sum(kitchen.channel.truth.values()) == 307_900


@pytest.mark.parametrize("wanted", ["FRIDGE-900", "FRIDGE-300"])
def test_only_what_the_mall_offered_can_be_wanted(kitchen: Kitchen, wanted: str) -> None:
    """A price comes from the mall alone: what it did not offer for this line is refused, with what it did."""
    body = {"order_id": "o9", "kind": "exchange", "reason": "faulty", "items": [{"line_id": "l1", "pieces": 1}], "wanted": wanted}
    reply = kitchen.send("POST", "/v1/cases", body)
    assert (reply.status, reply.json["details"]["expected"]) == (400, ["FRIDGE-100", "FRIDGE-500"])
    assert kitchen.send("POST", "/v1/cases", {**body, "kind": "repair", "wanted": "FRIDGE-100"}).status == 400


@pytest.mark.parametrize("kind", ["exchange", "repair"])
def test_a_piece_is_exchanged_or_repaired_whole(kitchen: Kitchen, kind: str) -> None:
    """It goes back whole: a share of it would be what the buyer is credited for a dearer thing, or is given if nothing comes."""
    items = [{"line_id": "l1", "pieces": 1, "share_percent": 10}]
    reply = kitchen.send("POST", "/v1/cases", {"order_id": "o9", "kind": kind, "reason": "faulty", "items": items})
    assert (reply.status, reply.json["details"]["where"]) == (400, "items.l1")


def test_the_wish_can_be_changed_while_it_is_a_draft(kitchen: Kitchen) -> None:
    """Until it is handed in the buyer may want something else, or the same again; the last word and the latest price count."""
    body = {
        "order_id": "o9",
        "kind": "exchange",
        "reason": "faulty",
        "items": [{"line_id": "l1", "pieces": 1}],
        "wanted": "FRIDGE-500",
    }
    case = kitchen.must("POST", "/v1/cases", body)
    path = f"/v1/cases/{case['case_id']}"
    assert kitchen.must("PATCH", path, {"wanted": ""})["remedy"]["wanted"] is None
    assert kitchen.must("PATCH", path, {"wanted": "FRIDGE-500"})["remedy"]["extra_minor"] == 100_000
    kitchen.clock.move(timedelta(minutes=1))
    kitchen.fact("exchangeable", {"sku": "FRIDGE-500", "price_minor": 349_900})
    assert kitchen.must("POST", f"{path}/submit")["remedy"]["extra_minor"] == 50_000


def test_a_replacement_of_worth_needs_two_persons(kitchen: Kitchen) -> None:
    """No money moves, and a fridge does: above the merchant's limit a second person agrees."""
    kitchen.registry.put("merchant:m1", a_merchant())
    case = kitchen.ask()
    assert (case["state"], case["decision"]["rule"]) == ("reviewing", "merchant.two_persons")
    assert kitchen.decide(case)["state"] == "second_review"
    assert kitchen.decide(case, role="approver")["state"] == "approved"


def test_two_persons_agree_to_the_same_thing(kitchen: Kitchen) -> None:
    """One said yes to a replacement, the other to money: that is one yes to money, and another person has to give the second."""
    kitchen.registry.put("merchant:m1", a_merchant())
    case = kitchen.ask()
    kitchen.decide(case)
    assert kitchen.decide(case, role="approver", instead="money")["state"] == "second_review"
    path, again = f"/v1/merchant/cases/{case['case_id']}/decision", {"outcome": "approve", "reason": "as agreed"}
    assert kitchen.send("POST", path, again, role="approver").json["code"] == "second_person_required"
    case = kitchen.decide(case, role="admin")
    assert (case["state"], case["amount_minor"], case["remedy"]["stage"]) == ("approved", 307_900, "money")


def test_a_repair_begins_by_itself_and_ends_with_the_report(kitchen: Kitchen) -> None:
    """A fault in the guarantee is taken in hand at once; somebody is at it, it is done, and the order counts one repair."""
    kitchen.clock.move(timedelta(days=100))
    case = kitchen.ask(kind="repair")
    assert (case["state"], case["remedy"]["remedy"], case["amount_minor"]) == ("fulfilling", "repair", 0)
    case = kitchen.tell(case, "started", reason="Tuesday, 9 to 12")
    assert case["remedy"]["stage"] == "begun"
    case = kitchen.must("POST", f"/v1/cases/{case['case_id']}/received", {"received": True})
    assert (case["state"], case["ending"]) == ("closed", "fulfilled")
    facts = kitchen.store.order("m1", "o9").order.facts
    assert [(f.name, f.get("reason")) for f in facts if f.name == "repaired"] == [("repaired", "faulty")]


def test_two_repairs_of_a_fault_open_the_way_to_an_exchange(kitchen: Kitchen) -> None:
    """Once repaired, an exchange for that is refused; twice repaired, it is owed."""
    for times, state in ((1, "rejected"), (2, "approved")):
        kitchen.clock.move(timedelta(days=30))
        kitchen.tell(kitchen.ask(kind="repair"), "done")
        assert asked(kitchen, reason="repaired_twice")["state"] == state, times


def test_a_repair_that_fails_is_decided_anew_by_a_person(kitchen: Kitchen) -> None:
    """It cannot be repaired: the buyer reads why, a person gives money instead, and that goes once the machine is back."""
    kitchen.clock.move(timedelta(days=100))
    case = kitchen.tell(kitchen.ask(kind="repair"), "failed", reason="no such compressor is made any more")
    assert (case["state"], case["remedy"]["stage"], case["remedy"]["reason"]) == (
        "reviewing", "failed", "no such compressor is made any more",
    )  # fmt: skip
    assert any("no such compressor" in text for text in told(kitchen))
    assert case["deadline"]["means"] == "If the shop does not answer by then, the system refunds it instead."
    case = kitchen.decide(case, instead="money")
    assert (case["state"], case["amount_minor"], case["remedy"]["stage"]) == ("approved", 307_900, "money")
    assert kitchen.channel.truth == {}
    kitchen.back(case)
    assert sum(kitchen.channel.truth.values()) == 307_900


def test_a_person_may_try_again(kitchen: Kitchen) -> None:
    """Approved once more without money, the promise begins anew with all its time."""
    kitchen.clock.move(timedelta(days=100))
    case = kitchen.decide(kitchen.tell(kitchen.ask(kind="repair"), "failed", reason="wrong part"))
    assert (case["state"], case["remedy"]["stage"], case["remedy"]["reason"]) == ("fulfilling", "promised", "")


def test_silence_in_fulfilling_goes_to_a_person_and_then_to_money(kitchen: Kitchen) -> None:
    """Fifteen days without a word: a person; two more days without a word: the money, and the kept fridge is for others again."""
    case = kitchen.back(asked(kitchen))
    kitchen.wait(days=15)
    assert kitchen.case(case["case_id"])["state"] == "reviewing"
    assert any("未在期限内完成" in text for text in told(kitchen))
    assert kitchen.shelf() == (1, 1, 0)
    kitchen.wait(hours=47)
    assert kitchen.case(case["case_id"])["state"] == "reviewing"
    kitchen.wait(hours=1)
    case = kitchen.case(case["case_id"])
    assert (case["state"], case["ending"], case["remedy"]["stage"]) == ("closed", "refunded", "money")
    assert sum(kitchen.channel.truth.values()) == 307_900
    assert kitchen.shelf() == (2, 0, 0)


def test_what_was_sent_counts_as_received_by_silence(kitchen: Kitchen) -> None:
    """Fifteen days after it was sent nobody said that it did not come: it is done, and no money goes beside it."""
    case = kitchen.back(asked(kitchen))
    kitchen.wait(days=14)
    case = kitchen.tell(case, "sent", carrier="sf", number="SF1002003")
    kitchen.wait(days=14)
    assert kitchen.case(case["case_id"])["state"] == "fulfilling"
    kitchen.wait(days=1)
    assert kitchen.case(case["case_id"])["ending"] == "fulfilled"
    assert kitchen.channel.truth == {}


def test_silence_puts_off_a_difference_that_is_not_covered(kitchen: Kitchen) -> None:
    """The buyer's bank took the whole payment back: the difference is put off day by day, with a ticket, until it is there."""
    case = kitchen.tell(kitchen.back(asked(kitchen, wanted="FRIDGE-100")), "sent", carrier="sf", number="SF1002003")
    taken = {"key": "cb1", "payment_id": "p1", "amount_minor": 307_900, "kind": "chargeback", "at": NOW.isoformat()}
    kitchen.must("POST", "/v1/orders/o9/outside", {**taken, "state": "gone"}, role="integrator")
    kitchen.wait(days=15)
    waits = kitchen.case(case["case_id"])
    assert (waits["state"], waits["deadline"]["cause"]) == ("fulfilling", "uncovered")
    assert {t["kind"] for t in tickets(kitchen)} == {"chargeback", "paid_outside"}
    kitchen.must("POST", "/v1/orders/o9/outside", {**taken, "state": "back"}, role="integrator")
    kitchen.wait(days=1)
    assert (kitchen.case(case["case_id"])["ending"], sum(kitchen.channel.truth.values())) == ("refunded", 100_000)


def test_a_difference_told_while_its_refund_is_put_off_is_no_part_of_it(kitchen: Kitchen) -> None:
    """Not paid in time, and the old fridge's refund not covered: paid after all, the dearer one is due, and nothing is lost."""
    case = kitchen.back(asked(kitchen, wanted="FRIDGE-500"))
    taken = {"key": "cb1", "payment_id": "p1", "amount_minor": 307_900, "kind": "chargeback", "at": NOW.isoformat()}
    kitchen.must("POST", "/v1/orders/o9/outside", {**taken, "state": "gone"}, role="integrator")
    kitchen.wait(hours=72)
    waits = kitchen.case(case["case_id"])
    assert (waits["state"], waits["remedy"]["stage"], waits["amount_minor"]) == ("awaiting_payment", "promised", 0)
    assert kitchen.pay(case, 100_000).json["state"] == "fulfilling"


def test_what_never_came_is_looked_into(kitchen: Kitchen) -> None:
    """The buyer says that it did not come, with a word about it: a person decides anew, and nobody was paid meanwhile."""
    case = kitchen.tell(kitchen.back(asked(kitchen)), "sent", carrier="sf", number="SF1002003")
    path = f"/v1/cases/{case['case_id']}/received"
    assert kitchen.send("POST", path, {"received": False}).status == 400
    case = kitchen.must("POST", path, {"received": False, "note": "the lorry never came"})
    assert (case["state"], case["remedy"]["reason"]) == ("reviewing", "the lorry never came")
    assert kitchen.channel.truth == {}


def test_another_one_in_place_of_what_never_came_is_taken_from_the_shelf(kitchen: Kitchen) -> None:
    """What was sent is gone for good: the second one is kept before anybody agrees to it, and gone too once it is sent."""
    case = kitchen.tell(kitchen.back(asked(kitchen)), "sent", carrier="sf", number="SF1002003")
    kitchen.must("POST", f"/v1/cases/{case['case_id']}/received", {"received": False, "note": "the lorry never came"})
    assert (kitchen.decide(case)["state"], kitchen.shelf()) == ("fulfilling", (0, 1, 1))
    case = kitchen.tell(case, "sent", carrier="sf", number="SF1002004")
    assert kitchen.shelf() == (0, 0, 2)
    kitchen.must("POST", f"/v1/cases/{case['case_id']}/received", {"received": False, "note": "nor did this one"})
    path = f"/v1/merchant/cases/{case['case_id']}/decision"
    assert kitchen.send("POST", path, {"outcome": "approve", "reason": "again"}, role="clerk").status == 409
    kitchen.decide(case, instead="money")
    kitchen.wait(minutes=20)
    assert (sum(kitchen.channel.truth.values()), kitchen.shelf()) == (307_900, (0, 0, 2))


def test_once_the_goods_are_back_a_no_is_no_answer(kitchen: Kitchen) -> None:
    """The shop has the fridge: whoever decides anew gives the thing or the money, and the buyer cannot withdraw into nothing."""
    case = kitchen.tell(kitchen.back(asked(kitchen)), "failed", reason="the last one fell")
    path = f"/v1/merchant/cases/{case['case_id']}/decision"
    for outcome in ("reject", "ask_evidence"):
        assert kitchen.send("POST", path, {"outcome": outcome, "reason": "no"}, role="clerk").status == 409
    assert kitchen.send("POST", f"/v1/cases/{case['case_id']}/withdraw").status == 409
    kitchen.decide(case, instead="money")
    assert sum(kitchen.channel.truth.values()) == 307_900


def test_once_the_goods_are_back_no_smaller_sum_is_offered(kitchen: Kitchen) -> None:
    """An offer that nobody answers ends a case: the buyer of a cheaper fridge would have no fridge and no money."""
    case = kitchen.tell(kitchen.back(asked(kitchen, wanted="FRIDGE-100")), "failed", reason="the last one fell")
    offer = {"amount_minor": 1, "reason": "take this"}
    assert kitchen.send("POST", f"/v1/merchant/cases/{case['case_id']}/counter", offer, role="clerk").status == 409
    kitchen.wait(hours=73)
    assert sum(kitchen.channel.truth.values()) == 307_900


def test_money_is_given_instead_only_where_a_thing_was_promised(kitchen: Kitchen) -> None:
    """On a return there is nothing to give money in place of."""
    case = kitchen.ask(kind="return_refund")
    body = {"outcome": "approve", "reason": "as agreed", "instead": "money"}
    assert kitchen.send("POST", f"/v1/merchant/cases/{case['case_id']}/decision", body, role="clerk").status == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "sent"}, 400),
        ({"action": "sent", "carrier": "sf"}, 400),
        ({"action": "failed"}, 400),
        ({"action": "lost"}, 400),
        ({"action": "done"}, 200),
    ],
)
def test_a_word_of_the_shop_is_complete(kitchen: Kitchen, body: dict[str, str], status: int) -> None:
    """A replacement is sent with its waybill, a failure has a reason, and only known words are taken."""
    case = kitchen.back(asked(kitchen))
    assert kitchen.send("POST", f"/v1/merchant/cases/{case['case_id']}/remedy", body, role="clerk").status == status


def test_nothing_is_sent_before_it_is_promised(kitchen: Kitchen) -> None:
    """While a case waits for a decision or for the goods, and once it is over, nothing can be told as sent or received."""
    case = kitchen.ask()
    sent = {"action": "sent", "carrier": "sf", "number": "SF1002003"}
    for step in (lambda: kitchen.decide(case), lambda: kitchen.tell(kitchen.back(case), "done"), lambda: None):
        assert kitchen.send("POST", f"/v1/merchant/cases/{case['case_id']}/remedy", sent, role="clerk").status == 409
        assert kitchen.send("POST", f"/v1/cases/{case['case_id']}/received", {"received": True}).status == 409
        step()


def test_an_end_without_an_exchange_lets_the_thing_go(kitchen: Kitchen) -> None:
    """Withdrawn, rejected, or never sent back: what was kept is for others again."""
    kitchen.must("POST", f"/v1/cases/{asked(kitchen)['case_id']}/withdraw")
    kitchen.pump()
    assert kitchen.shelf() == (2, 0, 0)
    kitchen.decide(kitchen.ask(), "reject")
    assert kitchen.shelf() == (2, 0, 0)
    lapsed = asked(kitchen)
    kitchen.wait(days=7)
    assert (kitchen.case(lapsed["case_id"])["ending"], kitchen.shelf()) == ("lapsed", (2, 0, 0))


def test_some_of_several_pieces_are_exchanged(kitchen: Kitchen) -> None:
    """Two of three for a cheaper one: their difference goes back, and a return of all three gives exactly what is left."""
    fans = replace(FRIDGE, sku="FAN", category="fan", unit_price_minor=10_000, pieces=3)
    kitchen.push(fridge(order_id="o8", lines=(fans,), freight=Freight(0)))
    kitchen.stock.put("FAN-S", 5)
    offered = {"fact": "exchangeable", "at": kitchen.clock.now().isoformat(), "line_id": "l1"}
    kitchen.must("POST", "/v1/orders/o8/facts", {**offered, "data": {"sku": "FAN-S", "price_minor": 8_001}}, role="integrator")
    kitchen.installer.happen("o8", "inspected", NOW, verdict="fault")
    case = asked(kitchen, order_id="o8", items=[{"line_id": "l1", "pieces": 2}], wanted="FAN-S")
    assert (case["amount_minor"], kitchen.shelf("FAN-S")) == (3_998, (3, 2, 0))
    kitchen.tell(kitchen.back(case), "done")
    kitchen.installer.happen("o8", "inspected", NOW + timedelta(minutes=1), verdict="fault")
    back = asked(kitchen, kind="return_refund", order_id="o8", items=[{"line_id": "l1", "pieces": 3}])
    assert back["amount_minor"] == 30_000 - 3_998
    kitchen.back(back)
    assert sum(kitchen.channel.truth.values()) == 30_000


def test_whoever_ends_it_at_the_same_moment_ends_it_once(kitchen: Kitchen) -> None:
    """The shop says done, the buyer says received, and time runs out, all at once: one end, one difference, one replacement."""
    case = kitchen.tell(kitchen.back(asked(kitchen, wanted="FRIDGE-100")), "sent", carrier="sf", number="SF1002003")
    kitchen.clock.move(timedelta(days=15))
    path = f"/v1/cases/{case['case_id']}/received"
    done = f"/v1/merchant/cases/{case['case_id']}/remedy"
    with ThreadPoolExecutor(6) as pool:
        said = [pool.submit(kitchen.send, "POST", path, {"received": True}) for _ in range(2)]
        said += [pool.submit(kitchen.send, "POST", done, {"action": "done"}, role="clerk") for _ in range(2)]
        swept = [pool.submit(sweep.sweep, kitchen.registry) for _ in range(2)]
        statuses = [x.result().status for x in said]
        assert all(x.result().failed == 0 for x in swept)
    assert set(statuses) <= {200, 409}
    kitchen.pump()
    assert kitchen.case(case["case_id"])["state"] == "closed"
    assert kitchen.channel.truth == {f"R{case['case_id']}-1": 100_000}
    assert events(kitchen, case).count("remedy_done") == 1
    assert [f.name for f in kitchen.store.order("m1", "o9").order.facts].count("replaced") == 1


def test_what_silence_means_is_said_at_every_wait(kitchen: Kitchen) -> None:
    """Parcel, inspection, payment, sending, arrival: whatever is waited for, the buyer reads what silence does."""
    case = asked(kitchen, wanted="FRIDGE-500")
    said = [case["deadline"]["means"]]
    kitchen.must("POST", f"/v1/cases/{case['case_id']}/shipment", {"carrier": "sf", "number": "SF7654321"})
    for days in (20, 10, 0):
        kitchen.wait(days=days)
        said.append(kitchen.case(case["case_id"])["deadline"]["means"])
    kitchen.pay(case, 100_000)
    said.append(kitchen.case(case["case_id"])["deadline"]["means"])
    said.append(kitchen.tell(case, "sent", carrier="sf", number="SF1002003")["deadline"]["means"])
    assert said == [
        "If the goods are not sent by then, the claim closes.",
        "If the shop does not inspect by then, the goods count as accepted and the replacement is begun.",
        "If the difference is not paid by then, the goods you sent back are refunded instead.",
        "If the difference is not paid by then, the goods you sent back are refunded instead.",
        "If it is not done by then, a person decides anew.",
        "If nobody says by then that it did not come, it counts as received and the case closes.",
    ]


def test_a_difference_that_bounces_is_sent_anew(kitchen: Kitchen) -> None:
    """The buyer's bank sends the difference back after the exchange is over: it goes out again, and the piece keeps its worth."""
    case = kitchen.tell(kitchen.back(asked(kitchen, wanted="FRIDGE-100")), "done")
    key = f"R{case['case_id']}-1"
    kitchen.channel.conclude(key, Cause.BOUNCED)
    assert hear(kitchen, *kitchen.channel.notice_of(key)).status == 204
    assert kitchen.case(case["case_id"])["state"] == "settling"
    assert retry(kitchen, case["case_id"]).status == 200
    kitchen.pump()
    assert kitchen.channel.truth == {key: 0, f"R{case['case_id']}-2": 100_000}
    assert kitchen.case(case["case_id"])["state"] == "closed"
    assert (kitchen.order()["refundable_minor"], kitchen.order()["lines"][0]["pieces_free"]) == (207_900, 1)


def test_a_reopened_exchange_costs_what_the_wanted_thing_costs_now(kitchen: Kitchen) -> None:
    """Lapsed while a photo was awaited, reopened when the dearer fridge costs more: the difference is to today's price."""
    kitchen.registry.put("merchant:m1", a_merchant())
    case = kitchen.ask(wanted="FRIDGE-500")
    kitchen.decide(case, "ask_evidence")
    kitchen.wait(hours=73)
    kitchen.fact("exchangeable", {"sku": "FRIDGE-500", "price_minor": 449_900})
    case = kitchen.must("POST", f"/v1/cases/{case['case_id']}/reopen")
    assert (case["state"], case["remedy"]["extra_minor"]) == ("awaiting_evidence", 150_000)


def test_what_is_paid_further_counts_towards_the_wanted_thing() -> None:
    """The rest of the old fridge's price comes while a person looks: the difference to the dearer one is that much less."""
    kitchen = Kitchen()
    kitchen.found(verdict="no_fault")
    case = kitchen.ask(wanted="FRIDGE-500")
    (first,) = kitchen.store.order("m1", "o9").order.payments
    line, rest = replace(FRIDGE, unit_price_minor=349_900), Payment("p2", "wechatpay", "t-rest", 50_000)
    kitchen.push(fridge(lines=(line,), payments=(first, rest)))
    case = kitchen.case(case["case_id"])
    assert (case["state"], case["remedy"]["extra_minor"]) == ("reviewing", 50_000)


def test_a_promised_difference_is_on_its_way(kitchen: Kitchen) -> None:
    """Read as a whole, the order says that the difference was promised, before the cheaper fridge is sent and while it is."""
    case = kitchen.back(asked(kitchen, wanted="FRIDGE-100"))
    assert case["state"] == "fulfilling"
    read = kitchen.must("GET", "/v1/orders/o9/cases")
    assert (read["asked_minor"], read["on_its_way_minor"]) == (0, 100_000)


def test_options_say_what_would_be_given(kitchen: Kitchen) -> None:
    """Before anything is asked the buyer reads for each kind whether money, a replacement or a repair is given."""
    (line,) = kitchen.must("GET", "/v1/orders/o9/options")["lines"]
    assert {o["kind"]: o["remedy"] for o in line["offers"]} == {
        "refund_only": "money", "return_refund": "money", "exchange": "replacement", "repair": "repair", "claim": "money",
    }  # fmt: skip


def test_everything_is_told_in_both_languages(kitchen: Kitchen) -> None:
    """Every step and notice of an exchange reads as a sentence in Chinese and English, without a key or a gap."""
    case = kitchen.back(asked(kitchen, wanted="FRIDGE-500"))
    kitchen.pay(case, 100_000)
    case = kitchen.tell(kitchen.tell(case, "started"), "sent", carrier="sf", number="SF1002003")
    kitchen.must("POST", f"/v1/cases/{case['case_id']}/received", {"received": False, "note": "scratched"})
    for language in ("zh-CN", "en"):
        line = kitchen.must("GET", f"/v1/cases/{case['case_id']}/timeline", headers={"accept-language": language})
        assert not [s["text"] for s in line["steps"] if "event." in s["text"] or "{" in s["text"] or "remedy." in s["text"]]
    assert not [text for text in told(kitchen) if "{" in text or "notice." in text]


def test_the_shops_installation_record_comes_with_the_case(kitchen: Kitchen) -> None:
    """Put on record with the order long before, it stands beside a return for a mere wish, which a person decides then."""
    kitchen.push(fridge(order_id="o8", signed_at=NOW - timedelta(days=1)))
    kitchen.proof("o8", role="installation", kind="inspection", content_type="image/jpeg", line_id="l1")
    kitchen.pump()
    case = kitchen.ask(kind="return_refund", reason="no_reason", order_id="o8")
    assert (case["state"], case["decision"]["rule"]) == ("reviewing", "appliance.intact")
    assert [(c["side"], c["role"]) for c in case["comparison"]] == [("shop", "installation")]
