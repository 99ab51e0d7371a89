"""What a refund does while its channel takes no calls, and what a channel will refuse without being asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aftersales.change import Change
from aftersales.channel import Limits
from aftersales.deadline import Deadline
from aftersales.gate import Ended
from aftersales.refund import Cause
from aftersales.testing.builders import a_case, a_refund, an_order
from aftersales.testing.channel import FakeChannel, Outcome
from aftersales.testing.gate import FakeGate
from functions import http, sweep
from tests.mall import Mall

WECHATPAY = Limits(
    timedelta(days=365), most=50, gap=timedelta(minutes=1), per_second=150, errors_per_second=6, currencies=frozenset({"CNY"})
)


@pytest.fixture
def gate(mall: Mall) -> FakeGate:
    """The gate that the mall's channels have, WeChat Pay's limits in force."""
    gate = FakeGate()
    mall.registry.put("gate", gate)
    mall.channel.limits = WECHATPAY
    return gate


def shut(mall: Mall, gate: FakeGate, probes: int = 6) -> None:
    """Shut WeChat Pay's gate for nearly a minute: nobody heard an answer for a while."""
    now = mall.clock.now() - timedelta(minutes=10)
    for _ in range(5):
        now += timedelta(seconds=1)
        assert gate.enter("wechatpay", WECHATPAY, now) is None
        gate.leave("wechatpay", WECHATPAY, now, Ended.SILENT)
    while probes:
        until = gate.enter("wechatpay", WECHATPAY, now)
        if until is None:
            gate.leave("wechatpay", WECHATPAY, now, Ended.SILENT)
            probes -= 1
        now = until or now
    gate.passages["wechatpay"] = replace(gate.passages["wechatpay"], shut=int(mall.clock.now().timestamp() * 1e6) + 50_000_000)


def told(mall: Mall, case_id: str) -> list[str]:
    """The events of a case."""
    return [s["event"] for s in mall.must("GET", f"/v1/cases/{case_id}/timeline", role="clerk")["steps"]]


def test_a_leg_whose_channel_takes_no_calls_stays_as_it_is(mall: Mall, gate: FakeGate) -> None:
    """No call, no event, no other state, no look counted; once the gate is open it is paid, once."""
    shut(mall, gate)
    case = mall.claim()
    mall.pump()
    before = mall.store.case(case["case_id"]).refunds[0]
    assert (before.state, before.looks, len(mall.channel.calls)) == ("reserved", 0, 0)
    events = told(mall, case["case_id"])
    mall.clock.move(timedelta(seconds=1))
    shut(mall, gate)
    for _ in range(3):
        sweep.poll_refunds(mall.registry)
    after = mall.store.case(case["case_id"]).refunds[0]
    assert (after.state, after.looks, told(mall, case["case_id"])) == ("reserved", 0, events)
    mall.wait(minutes=2)
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert len(mall.channel.calls) == 1


def test_a_leg_that_waits_for_money_is_not_moved_by_a_shut_gate(mall: Mall, gate: FakeGate) -> None:
    """It is on record as failed until it is really sent again: its state never says a call that was not made."""
    mall.channel.then(Cause.NOT_ENOUGH)
    case = mall.claim()
    mall.pump()
    mall.clock.move(timedelta(hours=1))
    shut(mall, gate)
    sweep.poll_refunds(mall.registry)
    leg = mall.store.case(case["case_id"]).refunds[0]
    assert (leg.state, leg.cause, leg.looks) == ("failed", "not_enough", 0)
    assert len(mall.channel.calls) == 1
    mall.wait(minutes=2)
    assert mall.case(case["case_id"])["ending"] == "refunded"


def test_an_outage_of_two_days_is_told_of(mall: Mall, gate: FakeGate) -> None:
    """What was never called because its channel takes no calls gets its ticket after 48 hours all the same (RF-4)."""
    shut(mall, gate)
    waiting = [str(mall.claim(photo=b"photo %d" % n)["case_id"]) for n in range(3)]
    mall.pump()
    for _ in range(9):
        mall.clock.move(timedelta(hours=7))
        until = int(mall.clock.now().timestamp() * 1e6) + 50_000_000
        gate.passages["wechatpay"] = replace(gate.passages["wechatpay"], shut=until)
        sweep.poll_refunds(mall.registry)
    found = mall.must("GET", "/v1/merchant/tickets", role="clerk")["tickets"]
    assert sorted((t["kind"], t["case_id"]) for t in found) == sorted(("refund_delayed", c) for c in waiting)
    assert (len(mall.channel.calls), told(mall, waiting[0]).count("refund_delayed")) == (0, 1)
    mall.wait(minutes=2)
    mall.wait(minutes=2)
    assert mall.must("GET", "/v1/merchant/tickets", role="clerk")["tickets"] == []
    assert mall.channel.truth == {f"R{case_id}-1": 1990 for case_id in waiting}


def test_ten_thousand_waiting_legs_of_a_shut_channel_are_not_read(mall: Mall, gate: FakeGate) -> None:
    """A look finds the gate shut at the first leg; the others stay due, and neither they nor their cases are read or written."""
    now = mall.clock.now()
    due = Deadline(now - timedelta(minutes=1), "poll")
    for number in range(10_000):
        case = a_case(case_id=f"w{number}", state="settling")
        mall.store.commit(Change(case, refunds=(a_refund(case_id=case.case_id, deadline=due),)))
    other = a_case(case_id="b1", state="settling")
    leg = a_refund(case_id="b1", channel="bank", deadline=due)
    mall.store.commit(Change(other, refunds=(leg,)))
    bank = FakeChannel(otherwise=Outcome.PROCESSING)
    mall.registry.put("channel:bank", bank)
    shut(mall, gate)
    asked: Counter[str] = Counter()

    class Counted:
        def __getattr__(self, name: str) -> Any:
            what = getattr(mall.store, name)
            if not callable(what):
                return what

            def counted(*given: Any, **more: Any) -> Any:
                asked[name] += 1
                return what(*given, **more)

            return counted

    mall.registry.put("store", Counted())
    tally = sweep.poll_refunds(mall.registry)
    assert tally.passed_by == 10_000
    assert len(mall.channel.calls) == 0
    assert len(bank.calls) == 1, "a channel that answers is held up by no other"
    assert asked["case"] <= 3
    assert asked["commit"] <= 2
    assert asked["find"] <= 10_000 / sweep.PAGE + 8


def test_a_notice_that_cannot_be_checked_now_is_told_again(mall: Mall, gate: FakeGate) -> None:
    """A word that contradicts the record waits for the channel's own: refused, so that it comes again, and nothing is recorded."""
    mall.channel.otherwise = Outcome.PROCESSING
    case = mall.claim()
    mall.pump()
    key = mall.case(case["case_id"])["refunds"][0]["key"]
    mall.channel.conclude(key, Cause.CLOSED)
    shut(mall, gate)
    headers, body = mall.channel.notice_of(key)
    before = mall.store.case(case["case_id"]).refunds[0]
    asked = http.Request("POST", "/v1/callbacks/wechatpay", headers, {}, body)
    assert http.callback(mall.registry, "wechatpay", asked).status == 409
    assert mall.store.case(case["case_id"]).refunds[0] == before


def test_a_person_who_asks_a_shut_channel_is_told_when_to_come_again(mall: Mall, gate: FakeGate) -> None:
    """A conflict that says so, and until when; nothing is asked and nothing changes."""
    mall.channel.then(Cause.ACCOUNT_ABNORMAL)
    case = mall.claim()
    mall.pump()
    shut(mall, gate)
    path = f"/v1/merchant/cases/{case['case_id']}/refunds/1/release"
    reply = mall.send("POST", path, {"reason": "paid in cash", "how": "paid_elsewhere"}, role="approver")
    assert (reply.status, reply.json["code"]) == (409, "channel_busy")
    assert "until" in reply.text
    assert mall.case(case["case_id"])["refunds"][0]["state"] == "failed"


# --- what a channel refuses anyway ------------------------------------------------------------------------------------
def claimed(mall: Mall, piece: int = 1, order: str = "o1") -> str:
    """A claim on one more piece, decided and followed; the case's id."""
    case = mall.claim(photo=f"photo {piece} {order}".encode(), order_id=order)
    mall.pump()
    return str(case["case_id"])


def legs_of(mall: Mall, case_id: str) -> list[Any]:
    """A case's legs as the store has them."""
    return list(mall.store.case(case_id).refunds)


def test_a_second_refund_of_a_payment_waits_for_the_channels_pause(mall: Mall, gate: FakeGate) -> None:
    """It is not called before a minute has passed since the first, and then goes through at once."""
    first = claimed(mall)
    mall.clock.move(timedelta(seconds=20))
    second = claimed(mall, 2)
    assert [r.state for r in legs_of(mall, first) + legs_of(mall, second)] == ["settled", "reserved"]
    assert legs_of(mall, second)[0].deadline.due_at == mall.clock.now() + timedelta(seconds=40)
    mall.wait(seconds=39)
    assert len(mall.channel.calls) == 1
    mall.wait(seconds=2)
    assert legs_of(mall, second)[0].state == "settled"
    assert legs_of(mall, second)[0].looks == 0


def aged(mall: Mall, days: int) -> datetime:
    """An order ``o9`` whose payment is this old."""
    paid_at = mall.clock.now() - timedelta(days=days)
    whole = an_order(order_id="o9")
    payment = replace(whole.payments[0], paid_at=paid_at, transaction_id="T9")
    mall.push(replace(whole, payments=(payment,)))
    return paid_at


@pytest.mark.parametrize(("days", "calls"), [(364, 1), (366, 1), (367, 0)])
def test_a_payment_past_the_channels_window_is_not_called(mall: Mall, gate: FakeGate, days: int, calls: int) -> None:
    """It fails at once, for a person to see; within a day of the limit the channel has the word."""
    aged(mall, days)
    case_id = claimed(mall, order="o9")
    assert len(mall.channel.calls) == calls
    leg = legs_of(mall, case_id)[0]
    assert (leg.state, leg.cause) == (("settled", None) if calls else ("failed", "over_limit"))
    if not calls:
        view = mall.case(case_id)["refunds"][0]
        assert "beyond" in view["text"] or "time" in view["text"]
        tickets = mall.must("GET", "/v1/merchant/tickets", role="clerk")["tickets"]
        assert [t["kind"] for t in tickets] == ["refund_failed"]


def test_the_plan_says_beforehand_what_a_channel_will_refuse(mall: Mall, gate: FakeGate) -> None:
    """A warning per leg, in words; none where nothing is known against it."""
    aged(mall, 400)
    old = mall.claim(photo=b"old", order_id="o9", submit=False)["case_id"]
    new = mall.claim(photo=b"new", submit=False)["case_id"]
    mall.must("POST", f"/v1/cases/{old}/submit")
    plan = {c: mall.must("GET", f"/v1/cases/{c}/refund-plan", role="clerk")["legs"] for c in (old, new)}
    assert all("365 days" in leg["warning"] for leg in plan[old])
    assert all(leg["warning"] == "" for leg in plan[new])
    assert plan[old]


def test_a_payment_refunded_as_often_as_allowed_is_not_called_again(mall: Mall, gate: FakeGate) -> None:
    """The refund after the last one that the channel takes fails without a call."""
    mall.channel.limits = replace(WECHATPAY, most=2, gap=timedelta())
    mall.clock.move(timedelta(seconds=1))
    ids = []
    for piece in range(3):
        mall.clock.move(timedelta(seconds=30))
        ids.append(claimed(mall, piece))
    states = [legs_of(mall, case_id)[0].state for case_id in ids]
    assert states == ["settled", "settled", "failed"]
    assert len(mall.channel.calls) == 2


def test_a_payment_that_cannot_be_refunded_in_its_currency_is_refused_with_the_order(mall: Mall, gate: FakeGate) -> None:
    """The mall learns it when it pushes the order, not the buyer when he waits."""
    body = {
        "order_id": "o5",
        "merchant": "m1",
        "buyer": {"id": "b1", "phone": "13800000000"},
        "currency": "JPY",
        "status": "paid",
        "paid_at": mall.clock.now().isoformat(),
        "lines": [{"line_id": "l1", "sku": "s", "title": "t", "vertical": "general", "unit_price_minor": 100, "pieces": 1}],
        "payments": [{"payment_id": "p1", "channel": "wechatpay", "transaction_id": "1", "paid_minor": 100}],
    }
    reply = mall.send("PUT", "/v1/orders/o5", body, role="integrator")
    assert reply.status == 400
    said = reply.json
    assert "wechatpay cannot refund JPY" in reply.text
    assert said["code"] == "invalid"
    mall.channel.limits = replace(WECHATPAY, currencies=frozenset())
    assert mall.send("PUT", "/v1/orders/o5", body, role="integrator").status == 200, "no currencies mean all of them"
