"""A refund that somebody gives up: it was paid another way, or is not owed. Only once the channel says that nothing moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aftersales.channel import RefundOrder, RefundReceipt
from aftersales.entry import FREIGHT
from aftersales.order import Freight
from aftersales.refund import Cause
from aftersales.testing.builders import a_line, a_merchant, a_payment, an_order
from aftersales.testing.channel import FakeChannel, Outcome
from functions import sweep
from functions.mend import QUIET
from functions.payout import FIRST_LOOK
from tests.api.after import accepted, balance, hear, held, holding, ledger, leg, refused, release, retry, step, steps, tickets
from tests.mall import Mall


def failed(mall: Mall, cause: Cause = Cause.CONFIGURATION) -> str:
    """A claim whose refund was refused, long enough ago; the case's id."""
    case_id = refused(mall, cause)
    mall.clock.move(timedelta(minutes=5))
    return case_id


def test_a_refund_given_up_is_on_record_and_ends_the_case(mall: Mall) -> None:
    """Who, why and how; nothing is reserved for it any more, the ticket closes, and the case does, for it was the last leg."""
    case_id = failed(mall)
    done = release(mall, case_id, "paid_elsewhere").json
    assert (done["state"], done["ending"], done["refunds"][0]["state"]) == ("closed", "refunded", "released")
    said = step(mall, case_id, "refund_given_up")
    assert (said["by"], said["data"]["how"], said["data"]["reason"]) == (
        "admin:admin1", "paid_elsewhere", "The buyer was paid in cash.",
    )  # fmt: skip
    assert (ledger(mall).spent.minor, tickets(mall), mall.channel.truth) == (0, [], {})
    assert tickets(mall, "?open=false")[0]["resolution"] == "admin:admin1: paid_elsewhere."
    calls = len(mall.channel.calls)
    mall.wait(days=2)
    assert len(mall.channel.calls) == calls


@pytest.mark.parametrize(("how", "worth"), [("paid_elsewhere", 7_000), ("not_owed", 10_000)])
def test_a_difference_paid_elsewhere_is_off_what_the_goods_are_worth(mall: Mall, how: str, worth: int) -> None:
    """The price fell by CNY 30, which the shop paid in cash: the goods come back for what is left, as if we had paid it."""
    line = a_line(vertical="general", unit_price_minor=10_000, pieces=1, terms={"price_protection_days": 30})
    mall.push(an_order(order_id="o5", lines=(line,)))
    fell = {"fact": "price_lowered", "at": mall.clock.now().isoformat(), "line_id": "l1", "data": {"unit_minor": 7_000}}
    mall.must("POST", "/v1/orders/o5/facts", fell, role="integrator")
    mall.channel.then(Cause.CONFIGURATION)
    asked = {"order_id": "o5", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}
    case = mall.must("POST", "/v1/cases", {**asked, "kind": "claim", "reason": "price_dropped"})
    mall.pump()
    mall.clock.move(timedelta(minutes=5))
    assert (case["amount_minor"], release(mall, case["case_id"], how).json["state"]) == (3_000, "closed")
    back = mall.must("POST", "/v1/cases", {**asked, "kind": "return_refund", "reason": "no_reason"})
    assert back["amount_minor"] == worth


def test_what_was_paid_elsewhere_cannot_be_asked_for_again(mall: Mall) -> None:
    """Its pieces stay with the case, and so does its freight."""
    goods = (a_line(vertical="general", unit_price_minor=3000, pieces=1),)
    mall.push(an_order(order_id="o2", status="paid", lines=goods, freight=Freight(500)))
    asked = {"order_id": "o2", "kind": "refund_only", "reason": "out_of_stock", "freight": True, "submit": True}
    mall.channel.then(Cause.CONFIGURATION)
    case_id = mall.must("POST", "/v1/cases", {**asked, "items": [{"line_id": "l1", "pieces": 1}]})["case_id"]
    mall.pump()
    mall.clock.move(timedelta(minutes=5))
    assert leg(mall, case_id)["amount_minor"] == 3500
    assert release(mall, case_id, "paid_elsewhere").status == 200
    assert (ledger(mall, "o2").freight_left, [h.line_id for h in ledger(mall, "o2").holds]) == (0, ["l1", FREIGHT])
    again = mall.send("POST", "/v1/cases", {**asked, "items": [{"line_id": "l1", "pieces": 1}]})
    assert again.json["code"] == "pieces_taken"
    assert mall.must("POST", "/v1/cases", {**asked, "items": []})["amount_minor"] == 0


@pytest.mark.parametrize("role", ["buyer", "clerk", "integrator", "platform"])
def test_only_seniors_give_up(mall: Mall, role: str) -> None:
    """A clerk may not; another merchant sees nothing."""
    case_id = failed(mall)
    assert release(mall, case_id, role=role).status == 403
    assert release(mall, case_id, merchant="m2").status == 404
    assert release(mall, case_id, number=9).status == 404


def test_a_call_ends_before_its_refund_can_be_released() -> None:
    """Called without being read within the first minute, a refund is given up minutes after the last word on it, not before."""
    assert timedelta(minutes=2) <= QUIET - FIRST_LOOK


def test_the_last_word_counts_from_when_it_was_said(mall: Mall) -> None:
    """A schedule that has run for minutes dates what it hears by the clock, not by its own start: nothing is released too soon."""
    mall.channel.then(Cause.NOT_ENOUGH, Cause.NOT_ENOUGH)
    cases = [str(mall.claim(photo=b"photo %d" % n)["case_id"]) for n in range(2)]
    mall.pump()
    waits = [timedelta(), timedelta(minutes=6)]

    class Slow(FakeChannel):
        def refund(self, order: RefundOrder) -> RefundReceipt:
            mall.clock.move(waits.pop())
            return mall.channel.refund(order)

    mall.registry.put("channel:wechatpay", Slow())
    mall.clock.move(timedelta(hours=1))
    mall.channel.then(Cause.NOT_ENOUGH, Cause.NOT_ENOUGH)
    sweep.poll_refunds(mall.registry)
    assert [leg(mall, case_id)["cause"] for case_id in cases] == ["not_enough"] * 2
    replies = [release(mall, case_id) for case_id in cases]
    assert sorted(r.status for r in replies) == [200, 409], [r.text for r in replies]


def test_only_what_failed_is_given_up(mall: Mall) -> None:
    """What is on its way, has arrived or was given up already is a 409 with what to do."""
    case_id = accepted(mall)
    for _ in range(2):
        reply = release(mall, case_id)
        assert (reply.status, reply.json["code"]) == (409, "illegal_transition")
        assert reply.json["todo"]
        mall.channel.conclude(f"R{case_id}-1")
        mall.wait(minutes=2)


def test_money_that_moved_is_not_given_up(mall: Mall) -> None:
    """The channel, asked, says that it was paid after all: that is recorded, and nothing is released."""
    case_id = failed(mall)
    mall.channel.refund(mall.channel.calls[-1])
    assert release(mall, case_id).status == 409
    assert (mall.case(case_id)["ending"], ledger(mall).settled.minor) == ("refunded", 1990)


def test_money_that_the_channel_holds_is_not_given_up(mall: Mall) -> None:
    """Accepted and held because the card is closed: the channel does not say that it came back."""
    holding(mall)
    case_id = held(mall)
    reply = release(mall, case_id)
    assert (reply.status, reply.json["code"]) == (409, "conflict")
    assert leg(mall, case_id)["state"] == "failed"


def test_silence_gives_nothing_up(mall: Mall) -> None:
    """Without the channel's word, and while a call may still be on its way, nothing is released."""
    case_id = refused(mall, Cause.CONFIGURATION)
    assert release(mall, case_id).status == 409
    mall.clock.move(timedelta(minutes=5))
    mall.channel.silent = True
    assert release(mall, case_id).json["code"] == "channel_busy"
    mall.channel.silent = False
    assert release(mall, case_id).status == 200


def test_a_release_sent_again_is_one(mall: Mall) -> None:
    """The same request gets the same answer."""
    case_id = failed(mall)
    first, again = (release(mall, case_id, key="release-0001") for _ in range(2))
    assert (again.status, again.text) == (200, first.text)
    assert [s["event"] for s in steps(mall, case_id)].count("refund_given_up") == 1


def test_a_refund_that_passes_by_itself_can_be_given_up(mall: Mall) -> None:
    """A merchant without money may pay in cash instead; the refund is then never sent."""
    case_id = failed(mall, Cause.NOT_ENOUGH)
    assert release(mall, case_id, "paid_elsewhere").status == 200
    mall.wait(days=1)
    assert (mall.channel.truth, mall.case(case_id)["ending"]) == ({}, "refunded")


def test_one_leg_of_two_is_given_up(mall: Mall) -> None:
    """The case waits for the other leg, and then says what really arrived."""
    lines = (a_line(vertical="general", unit_price_minor=3000, pieces=1),)
    paid = (a_payment(paid_minor=1000), a_payment(payment_id="p2", transaction_id="t2", paid_minor=2000))
    mall.push(an_order(order_id="o2", status="paid", lines=lines, payments=paid))
    mall.channel.then(Cause.CONFIGURATION, Outcome.PROCESSING)
    asked = {"order_id": "o2", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    case_id = mall.must("POST", "/v1/cases", {**asked, "submit": True})["case_id"]
    mall.pump()
    mall.clock.move(timedelta(minutes=5))
    assert release(mall, case_id).json["state"] == "settling"
    mall.channel.conclude(f"R{case_id}-2")
    mall.wait(minutes=2)
    assert (mall.case(case_id)["ending"], step(mall, case_id, "settled")["data"]["amount_minor"]) == ("refunded", 2000)


def test_a_compensation_given_up_gives_the_allowance_back(mall: Mall) -> None:
    """What was counted against the merchant's year and never paid may be granted again."""
    mall.registry.put("merchant:m1", a_merchant(compensation_year_minor=300))
    purse = balance(mall).then(Cause.CONFIGURATION)
    case_id = str(mall.claim()["case_id"])
    path = f"/v1/merchant/cases/{case_id}/compensation"
    mall.must("POST", path, {"amount_minor": 300, "reason": "sorry"}, role="admin")
    mall.pump()
    number = next(r["number"] for r in mall.case(case_id)["refunds"] if r["channel"] == "balance")
    assert mall.send("POST", path, {"amount_minor": 1, "reason": "more"}, role="admin").json["code"] == "allowance_spent"
    mall.clock.move(timedelta(minutes=6))
    assert release(mall, case_id, number=number).status == 200
    assert step(mall, case_id, "compensation_given_up")["data"]["amount_minor"] == 300
    mall.must("POST", path, {"amount_minor": 300, "reason": "again"}, role="admin")
    mall.pump()
    assert sum(purse.truth.values()) == 300


def test_a_released_refund_that_is_paid_after_all_is_told(mall: Mall) -> None:
    """Somebody pays at the provider what was given up: the ledger counts it, a ticket tells it, the case stays as it is."""
    case_id = failed(mall)
    assert release(mall, case_id).status == 200
    mall.channel.refund(mall.channel.calls[-1])
    for _ in range(2):
        assert hear(mall, *mall.channel.notice_of(f"R{case_id}-1")).status == 204
    assert (ledger(mall).settled.minor, ledger(mall).refundable.minor) == (1990, 9950 - 1990)
    assert [(t["kind"], t["key"]) for t in tickets(mall)] == [("overpaid", f"R{case_id}-1")]
    assert (mall.case(case_id)["state"], leg(mall, case_id)["state"]) == ("closed", "released")


def test_a_leg_whose_predecessor_was_paid_after_all_is_not_sent(mall: Mall) -> None:
    """The old number was paid by hand before the new one went out: the new one fails instead of paying a second time."""
    mall.channel.then(Outcome.PROCESSING, Cause.NOT_ENOUGH)
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    key = f"R{case_id}-1"
    mall.channel.conclude(key, Cause.CLOSED)
    mall.wait(minutes=1)
    assert leg(mall, case_id, 2)["cause"] == "not_enough"
    mall.channel.truth[key] = 1990
    mall.channel.conclude(key)
    assert hear(mall, *mall.channel.notice_of(key)).status == 204
    mall.wait(days=1)
    assert (leg(mall, case_id, 2)["state"], leg(mall, case_id, 2)["cause"]) == ("failed", "paid_outside")
    assert mall.channel.truth == {key: 1990}
    mall.clock.move(timedelta(minutes=5))
    assert release(mall, case_id, "paid_elsewhere", number=2).status == 200
    assert mall.case(case_id)["ending"] == "refunded"


def test_a_refund_sent_again_after_its_cause_is_gone(mall: Mall) -> None:
    """Instead of giving up, somebody mends the cause and sends it again: same number, paid once, ticket closed."""
    case_id = failed(mall)
    assert retry(mall, case_id).status == 200
    mall.wait(minutes=1)
    assert mall.channel.truth == {f"R{case_id}-1": 1990}
    assert (mall.case(case_id)["ending"], tickets(mall)) == ("refunded", [])
