"""Money that moved without us: booked once, told, and never sent a second time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aftersales.channel import Outside, OutsideKind, OutsideState
from aftersales.ledger import Step
from aftersales.money import Money
from aftersales.refund import Cause
from aftersales.testing.builders import NOW, a_payment, an_order
from aftersales.testing.channel import Outcome
from functions import evidence
from tests.api.after import Holding, accepted, hear, holding, ledger, leg, refused, release, step, steps, tickets
from tests.mall import Mall

PAID = a_payment().transaction_id
TOLD: dict[str, Any] = {
    "key": "re_1", "payment_id": "p1", "amount_minor": 9950, "kind": "refund", "state": "gone", "at": NOW.isoformat(),
}  # fmt: skip


def tell(mall: Mall, **changes: Any) -> Any:
    """The mall's backend tells of it."""
    return mall.send("POST", "/v1/orders/o1/outside", {**TOLD, **changes}, role="integrator")


def told(channel: Holding, **changes: Any) -> dict[str, str]:
    """The headers of the channel's own notice of it."""
    outside = replace(
        Outside("re_1", PAID, Money(9950, "CNY"), OutsideKind.REFUND, OutsideState.GONE, NOW), **changes
    )  # fmt: skip
    channel.outsides[name := f"n{len(channel.outsides)}"] = outside
    return {"outside": name}


def shown(mall: Mall, **who: Any) -> list[tuple[str, str, int]]:
    """The open tickets: kind, number, amount."""
    return [(t["kind"], t["key"], t["amount_minor"]) for t in tickets(mall, **who)]


# --- booked once ------------------------------------------------------------------------------------------------------
def test_a_refund_made_elsewhere_is_booked_once_whoever_tells_it(mall: Mall) -> None:
    """The channel tells it twice and the mall too: one entry, one ticket, one step on each open case, less to refund."""
    channel = holding(mall)
    case_id = accepted(mall)
    for _ in range(2):
        assert hear(mall, told(channel, amount=Money(1000, "CNY"))).status == 204
        reply = tell(mall, amount_minor=1000)
        assert (reply.status, reply.json["refundable_minor"]) == (200, 9950 - 1990 - 1000)
    assert [(e.key, e.step, e.minor) for e in ledger(mall).entries if e.key == "re_1"] == [
        ("re_1", Step.RESERVED, 1000),
        ("re_1", Step.SETTLED, 1000),
    ]
    assert shown(mall) == [("paid_outside", "re_1", 1000)]
    assert tickets(mall)[0]["ticket_id"] == reply.json["ticket_id"]
    assert [s["data"]["key"] for s in steps(mall, case_id) if s["event"] == "paid_outside"] == ["re_1"]
    assert mall.case(case_id)["state"] == "settling"
    assert step(mall, case_id, "paid_outside")["text"].endswith("a refund at the channel, paid out, number re_1")


def test_a_new_case_sees_the_smaller_rest(mall: Mall) -> None:
    """What went back elsewhere is not offered again; a claim on it is a person's, and nobody is paid by silence."""
    tell(mall, amount_minor=9000)
    assert mall.must("GET", "/v1/orders/o1")["refundable_minor"] == 950
    case = mall.claim()
    mall.pump()
    seen = mall.case(case["case_id"])
    assert (seen["state"], seen["decision"]["rule"]) == ("reviewing", "merchant.uncovered")
    yes = {"outcome": "approve", "reason": "seen"}
    refusal = mall.send("POST", f"/v1/merchant/cases/{case['case_id']}/decision", yes, role="clerk")
    assert (refusal.status, refusal.json["code"]) == (409, "over_refund")
    mall.wait(hours=48)
    waiting = mall.case(case["case_id"])
    assert (waiting["state"], waiting["deadline"]["cause"]) == ("reviewing", "uncovered")
    assert ("paid_outside", case["case_id"]) in [(t["kind"], t["case_id"]) for t in tickets(mall)]
    tell(mall, amount_minor=9000, state="back")
    mall.wait(hours=24)
    assert (mall.case(case["case_id"])["ending"], tickets(mall)) == ("refunded", [])


def test_a_dispute_that_is_won_gives_the_money_back(mall: Mall) -> None:
    """Open it counts as gone, gone it is gone, back it may be refunded again; the ticket closes itself."""
    for state, left in (("open", 0), ("gone", 0), ("back", 9950), ("back", 9950)):
        reply = tell(mall, kind="chargeback", state=state)
        assert (reply.status, reply.json["refundable_minor"]) == (200, left)
        assert shown(mall) == ([] if state == "back" else [("chargeback", "re_1", 9950)])
    closed = tickets(mall, "?open=false&kind=chargeback")
    assert [(t["closed_by"], t["resolution"]) for t in closed] == [("system", "The money is back.")]


def test_an_older_word_changes_nothing(mall: Mall) -> None:
    """The dispute was won, and then a late notice tells that it was opened: it stays won."""
    later = (NOW + timedelta(hours=1)).isoformat()
    mall.clock.move(timedelta(hours=2))
    tell(mall, kind="chargeback", state="back", at=later)
    for state in ("open", "gone"):
        assert tell(mall, kind="chargeback", state=state).json["refundable_minor"] == 9950
    assert shown(mall) == []


def test_one_number_is_one_movement(mall: Mall) -> None:
    """Another amount, kind or payment under the same number is a conflict."""
    tell(mall, amount_minor=1000)
    for change in ({"amount_minor": 1001}, {"amount_minor": 1000, "kind": "chargeback"}):
        reply = tell(mall, **change)
        assert (reply.status, reply.json["code"]) == (409, "conflict")
        assert reply.json["todo"]
    assert ledger(mall).refundable.minor == 8950


def test_a_channel_that_names_another_amount_is_not_only_refused(mall: Mall) -> None:
    """It is told no and gives up some day: a ticket says so to a person, once, however often it tells."""
    channel = holding(mall)
    assert hear(mall, told(channel, amount=Money(1000, "CNY"))).status == 204
    for _ in range(2):
        assert hear(mall, told(channel, amount=Money(1001, "CNY"))).status == 409
    assert ledger(mall).refundable.minor == 8950
    assert shown(mall) == [("paid_outside", "re_1", 1000), ("paid_outside", "re_1", 1001)]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"key": "Rc1-1"}, 400, "invalid"),
        ({"payment_id": "p9"}, 404, "not_found"),
        ({"amount_minor": 0}, 400, "invalid"),
        ({"at": (NOW + timedelta(days=1)).isoformat()}, 400, "invalid"),
        ({"state": "lost"}, 400, "invalid"),
        ({"kind": "gift"}, 400, "invalid"),
        ({"key": "a b"}, 400, "invalid"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(mall: Mall, change: dict[str, Any], status: int, code: str) -> None:
    """Our own numbers, unknown payments, nothing, the future, and words nobody knows; the ledger stays as it is."""
    before = ledger(mall)
    reply = tell(mall, **change)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert ledger(mall) == before


def test_only_the_malls_backend_tells(mall: Mall) -> None:
    """No other role may, and another merchant's order is a 404."""
    for role in ("buyer", "clerk", "admin", "platform"):
        assert mall.send("POST", "/v1/orders/o1/outside", TOLD, role=role).status == 403
    assert mall.send("POST", "/v1/orders/o1/outside", TOLD, role="integrator", merchant="m2").status == 404


def test_our_own_refund_is_not_money_from_outside(mall: Mall) -> None:
    """The channel tells of a refund by its own number, which is one of ours: it is not counted twice (T03)."""
    channel = holding(mall)
    case_id = accepted(mall)
    assert hear(mall, told(channel, key=leg(mall, case_id)["channel_id"], amount=Money(1990, "CNY"))).status == 204
    assert (ledger(mall).refundable.minor, tickets(mall)) == (9950 - 1990, [])


# --- nothing is sent twice --------------------------------------------------------------------------------------------
def waiting(mall: Mall) -> str:
    """A claim on everything whose refund waits because the merchant is short of money; the case's id."""
    return refused(mall, Cause.NOT_ENOUGH, items=[{"line_id": "l1", "pieces": 2}])


def test_a_refund_that_waits_is_not_sent_after_the_money_left(mall: Mall) -> None:
    """The buyer's bank took it all back meanwhile: the waiting leg fails as paid outside, without a call, and a person is told."""
    case_id = waiting(mall)
    tell(mall, kind="chargeback")
    calls = len(mall.channel.calls)
    for _ in range(3):
        mall.wait(hours=7)
    assert (leg(mall, case_id)["state"], leg(mall, case_id)["cause"]) == ("failed", "paid_outside")
    assert (len(mall.channel.calls), mall.channel.truth) == (calls, {})
    assert {t["kind"] for t in tickets(mall)} == {"chargeback", "refund_failed"}
    assert release(mall, case_id, "paid_elsewhere").status == 409  # the last look was a moment ago
    mall.clock.move(timedelta(minutes=5))
    assert release(mall, case_id, "paid_elsewhere").status == 200
    assert (mall.case(case_id)["ending"], mall.channel.truth) == ("refunded", {})


def test_it_goes_on_when_the_money_is_back(mall: Mall) -> None:
    """The dispute is won: what was approved is paid by itself, under its number, once."""
    case_id = waiting(mall)
    tell(mall, kind="chargeback", state="open")
    mall.wait(hours=7)
    tell(mall, kind="chargeback", state="back")
    mall.wait(hours=7)
    assert mall.channel.truth == {f"R{case_id}-1": 3980}
    assert (mall.case(case_id)["ending"], tickets(mall)) == ("refunded", [])


def test_a_refund_that_nobody_called_in_time_is_not_sent_either(mall: Mall) -> None:
    """The stream was lost, and the money left before the schedule ran: the first call is not made."""
    case = mall.claim()
    case_id = str(case["case_id"])
    evidence.verify(mall.registry, case_id, case["evidence"][0]["evidence_id"])
    mall.told = len(mall.store.records)
    assert leg(mall, case_id)["state"] == "reserved"
    tell(mall)
    mall.wait(minutes=1)
    assert (leg(mall, case_id)["cause"], mall.channel.calls) == ("paid_outside", [])


def test_what_was_sent_before_settles_all_the_same(mall: Mall) -> None:
    """A refund without an answer had been paid when the money left a second time: it is asked for, found, and told as too much."""
    mall.channel.then(Outcome.UNKNOWN_EXECUTED)
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    tell(mall)
    mall.wait(minutes=1)
    assert (leg(mall, case_id)["state"], mall.case(case_id)["ending"]) == ("settled", "refunded")
    assert ("overpaid", 1990) in [(t["kind"], t["amount_minor"]) for t in tickets(mall)]


def test_more_may_leave_than_came_in(mall: Mall) -> None:
    """A chargeback above the payment (another exchange rate) is booked and told; nothing crashes, nothing is refundable (T61)."""
    reply = tell(mall, amount_minor=12_000, kind="chargeback")
    assert (reply.status, reply.json["refundable_minor"]) == (200, 0)
    assert [(kind, minor) for kind, _, minor in shown(mall)] == [("chargeback", 12_000), ("overpaid", 2050)]
    assert mall.must("GET", "/v1/orders/o1/options")["lines"]
    assert mall.claim(photo=None, submit=False)["state"] == "draft"
    tell(mall, amount_minor=12_000, kind="chargeback", state="back")
    assert shown(mall) == []


def test_money_in_another_currency_counts_as_the_whole_payment(mall: Mall) -> None:
    """What cannot be compared is not guessed: nothing of that payment is refunded until it is back."""
    channel = holding(mall)
    assert hear(mall, told(channel, amount=Money(10, "USD"), kind=OutsideKind.CHARGEBACK)).status == 204
    assert (ledger(mall).refundable.minor, shown(mall)) == (0, [("chargeback", "re_1", 10)])


# --- whose it is ------------------------------------------------------------------------------------------------------
def test_a_payment_nobody_knows_is_nobodys_ticket(mall: Mall) -> None:
    """No order names the payment: an operator is told, once, and it closes itself when the money is back."""
    channel = holding(mall)
    platform: dict[str, Any] = {"role": "platform"}
    for _ in range(2):
        assert hear(mall, told(channel, transaction_id="42unknown")).status == 204
    assert (shown(mall), shown(mall, **platform)) == ([], [("paid_outside", "re_1", 9950)])
    assert tickets(mall, **platform)[0]["about"]["transaction_id"] == "42unknown"
    hear(mall, told(channel, transaction_id="42unknown", state=OutsideState.BACK))
    assert shown(mall, **platform) == []


def test_a_payment_of_two_orders_is_booked_by_a_person(mall: Mall) -> None:
    """Two orders were paid together: which one the money belongs to is not guessed; the merchant is told, and books it."""
    channel = holding(mall)
    mall.push(an_order(order_id="o2"))
    hear(mall, told(channel))
    assert (shown(mall), ledger(mall).refundable.minor) == ([("paid_outside", "re_1", 9950)], 9950)
    assert tickets(mall)[0]["about"]["orders"] == "o1, o2"
    assert tell(mall).json["refundable_minor"] == 0
    assert [t["order_id"] for t in tickets(mall)] == ["o1"]


def test_a_number_of_one_mall_is_not_anothers_matter(mall: Mall) -> None:
    """Two malls use the same number of their own: each has its ticket, reads nothing of the other's and closes only its own."""
    mall.push(an_order(merchant="m2", payments=(a_payment(transaction_id="t2"),)))
    mine = tell(mall, amount_minor=1000)
    theirs = {**TOLD, "amount_minor": 7}
    reply = mall.send("POST", "/v1/orders/o1/outside", theirs, role="integrator", merchant="m2")
    other: dict[str, Any] = {"merchant": "m2"}
    assert (shown(mall), shown(mall, **other)) == ([("paid_outside", "re_1", 1000)], [("paid_outside", "re_1", 7)])
    assert tickets(mall, **other)[0]["ticket_id"] == reply.json["ticket_id"] != mine.json["ticket_id"]
    back = {**theirs, "state": "back"}
    assert mall.send("POST", "/v1/orders/o1/outside", back, role="integrator", merchant="m2").status == 200
    assert (shown(mall), shown(mall, **other)) == ([("paid_outside", "re_1", 1000)], [])


def test_a_made_up_number_takes_no_ticket_of_nobody(mall: Mall) -> None:
    """A mall tells the number of a movement that nobody could place: only the payment it was of makes it that mall's."""
    channel, platform = holding(mall), {"role": "platform"}
    hear(mall, told(channel, transaction_id="42unknown"))
    tell(mall, amount_minor=5)
    assert shown(mall) == [("paid_outside", "re_1", 5)]
    assert shown(mall, **platform) == [("paid_outside", "re_1", 9950)]


def test_two_payments_of_one_transaction_are_told_again(mall: Mall) -> None:
    """What the channel told of one of them is heard again as the same movement, and is back once the channel says so."""
    both = (a_payment(paid_minor=5000), a_payment(payment_id="p2", paid_minor=4950))
    channel = holding(mall)
    mall.push(an_order(order_id="o2", payments=tuple(replace(p, transaction_id="t9") for p in both)))
    for state in (OutsideState.OPEN, OutsideState.GONE, OutsideState.BACK):
        said = told(channel, transaction_id="t9", amount=Money(1000, "CNY"), state=state)
        assert hear(mall, said).status == 204
    assert ledger(mall, "o2").refundable.minor == 9950


def test_an_instant_is_kept_as_it_was_told(mall: Mall) -> None:
    """The ledger's entry carries the instant at which the money moved, not the one at which we heard of it."""
    mall.clock.move(timedelta(days=3))
    tell(mall)
    assert {e.at for e in ledger(mall).entries} == {datetime.fromisoformat(TOLD["at"])}
