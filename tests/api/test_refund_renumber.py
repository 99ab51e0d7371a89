"""A refund that its channel closes goes out again under a new number; one whose payment is not known yet waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aftersales.case import Event
from aftersales.channel import ReceiptStatus
from aftersales.refund import LATER, Cause
from aftersales.testing.builders import NOW
from aftersales.testing.channel import Outcome
from aftersales.text import texts_of
from aftersales.ticket import TicketKind
from functions import follow
from functions.failures import Audience, reason_of
from tests.api.after import accepted, hear, ledger, leg, refused, retry, step, steps, tickets
from tests.mall import Mall


def close(mall: Mall, case_id: str, number: int) -> None:
    """The channel closes that leg, which it had accepted."""
    mall.channel.conclude(f"R{case_id}-{number}", Cause.CLOSED)


def test_a_closed_refund_is_sent_again_under_a_new_number(mall: Mall) -> None:
    """Nothing moved under the old number, by the channel's own word: the case's next leg stands in for it, and is paid once."""
    case_id = accepted(mall)
    close(mall, case_id, 1)
    mall.wait(minutes=2)
    old, new = leg(mall, case_id), leg(mall, case_id, 2)
    assert (old["state"], old["cause"], new["state"], new["replaces"]) == ("released", "closed", "settled", f"R{case_id}-1")
    assert (new["key"], new["amount_minor"], new["channel"]) == (f"R{case_id}-2", 1990, "wechatpay")
    assert mall.channel.truth == {f"R{case_id}-1": 0, f"R{case_id}-2": 1990}
    assert mall.case(case_id)["ending"] == "refunded"
    assert (ledger(mall).settled.minor, ledger(mall).refundable.minor) == (1990, 9950 - 1990)
    assert [s["event"] for s in steps(mall, case_id)][-4:] == ["refund_failed", "refund_renumbered", "refund_settled", "settled"]
    assert tickets(mall) == []


def test_a_notice_alone_gives_no_new_number(mall: Mall) -> None:
    """A genuine notice says closed and the channel, asked, says otherwise: the channel's answer counts."""
    case_id = accepted(mall)
    key = f"R{case_id}-1"
    was = mall.channel.receipts[key]
    mall.channel.receipts[key] = replace(was, status=ReceiptStatus.FAILED, cause=Cause.CLOSED)
    notice = mall.channel.notice_of(key)
    mall.channel.receipts[key] = was
    assert hear(mall, *notice).status == 204
    assert [r["state"] for r in mall.case(case_id)["refunds"]] == ["processing"]
    mall.channel.conclude(key)
    assert hear(mall, *notice).status == 204
    assert [r["state"] for r in mall.case(case_id)["refunds"]] == ["settled"]


def test_a_notice_that_nobody_confirms_is_told_again(mall: Mall) -> None:
    """While the channel does not answer, its notice of a closed refund is refused and changes nothing; later it is believed."""
    case_id = accepted(mall)
    close(mall, case_id, 1)
    notice = mall.channel.notice_of(f"R{case_id}-1")
    mall.channel.silent = True
    assert hear(mall, *notice).status == 503
    assert [r["state"] for r in mall.case(case_id)["refunds"]] == ["processing"]
    mall.channel.silent = False
    assert hear(mall, *notice).status == 204
    mall.pump()
    assert [r["state"] for r in mall.case(case_id)["refunds"]] == ["released", "settled"]


def test_a_no_without_the_channels_knowledge_gives_no_new_number(mall: Mall) -> None:
    """A call is refused as closed and the channel knows no such number: nobody guesses, a person is told."""
    case_id = refused(mall, Cause.CLOSED)
    mall.wait(hours=7)
    assert [(r["state"], r["cause"]) for r in mall.case(case_id)["refunds"]] == [("failed", "closed")]
    assert [t["kind"] for t in tickets(mall)] == ["refund_failed"]
    assert retry(mall, case_id).status == 409


def test_the_system_gives_three_new_numbers_in_a_row(mall: Mall) -> None:
    """After the fourth closing a person is asked; sending it again then is a new number too, and it is paid once."""
    mall.channel.then(*[Outcome.PROCESSING] * 3)
    case_id = accepted(mall)
    for number in (1, 2, 3, 4):
        close(mall, case_id, number)
        mall.wait(minutes=2)
    assert [r["state"] for r in mall.case(case_id)["refunds"]] == ["released"] * 3 + ["failed"]
    ticket = tickets(mall)[0]
    assert (ticket["kind"], ticket["key"], ticket["about"]["cause"]) == ("refund_failed", f"R{case_id}-4", "closed")
    mall.wait(days=1)
    assert len(mall.case(case_id)["refunds"]) == 4
    assert retry(mall, case_id, 4).status == 200
    mall.pump()
    done = mall.case(case_id)
    assert (done["ending"], done["refunds"][-1]["replaces"]) == ("refunded", f"R{case_id}-4")
    assert sum(mall.channel.truth.values()) == 1990
    assert tickets(mall) == []
    assert tickets(mall, "?open=false")[0]["resolution"] == f"A new number: R{case_id}-5."


def test_a_closed_refund_whose_money_left_elsewhere_is_not_sent(mall: Mall) -> None:
    """The payment was charged back meanwhile: no new number, the leg fails as paid outside, and goes on when the money is back."""
    case_id = accepted(mall)
    told = {"key": "cb1", "payment_id": "p1", "amount_minor": 9950, "kind": "chargeback", "at": NOW.isoformat()}
    mall.must("POST", "/v1/orders/o1/outside", {**told, "state": "open"}, role="integrator")
    close(mall, case_id, 1)
    mall.wait(minutes=2)
    mall.wait(days=1)
    assert [(r["state"], r["cause"]) for r in mall.case(case_id)["refunds"]] == [("failed", "paid_outside")]
    mall.must("POST", "/v1/orders/o1/outside", {**told, "state": "back"}, role="integrator")
    mall.wait(hours=7)
    assert [r["state"] for r in mall.case(case_id)["refunds"]] == ["released", "settled"]
    told_causes = [s["data"]["cause"] for s in steps(mall, case_id) if s["event"] == "refund_failed"]
    assert told_causes == ["paid_outside", "closed"]


def test_a_number_paid_after_all_stops_every_later_one(mall: Mall) -> None:
    """Closed twice, and then the first number turns out paid: the third, which had no answer yet, is not sent any more."""
    case_id = accepted(mall)
    mall.channel.then(Outcome.PROCESSING, Outcome.UNKNOWN_NOT_EXECUTED)
    for number in (1, 2):
        close(mall, case_id, number)
        mall.wait(minutes=2)
    assert leg(mall, case_id, 3)["state"] == "sent"
    mall.channel.conclude(f"R{case_id}-1")
    mall.channel.truth[f"R{case_id}-1"] = 1990
    assert hear(mall, *mall.channel.notice_of(f"R{case_id}-1")).status == 204
    mall.wait(minutes=2)
    assert sum(mall.channel.truth.values()) == 1990
    assert (leg(mall, case_id, 3)["state"], leg(mall, case_id, 3)["cause"]) == ("failed", "paid_outside")


def test_a_stale_record_calls_nobody_for_a_released_number(mall: Mall) -> None:
    """The stream tells of an old leg again, hours after another one was paid in its place: its channel is not called."""
    case_id = accepted(mall)
    close(mall, case_id, 1)
    mall.wait(minutes=2)
    calls = len(mall.channel.calls)
    mall.clock.move(timedelta(hours=3))
    assert follow.follow(mall.registry, mall.store.records) == []
    assert len(mall.channel.calls) == calls


def test_a_payment_that_the_channel_does_not_know_yet_is_waited_for(mall: Mall) -> None:
    """Within two hours of the reservation "not known" passes by itself, ever more rarely asked; no ticket is opened."""
    mall.channel.otherwise = Cause.NOT_FOUND
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    assert leg(mall, case_id)["cause"] == Cause.NOT_SYNCED
    assert Cause.NOT_SYNCED in LATER
    for _ in range(5):
        mall.wait(minutes=15)
    assert (leg(mall, case_id)["cause"], tickets(mall)) == ("not_synced", [])
    assert len(mall.channel.calls) < 8
    mall.channel.otherwise = Outcome.SUCCESS
    mall.wait(minutes=30)
    assert mall.case(case_id)["ending"] == "refunded"


def test_a_payment_that_the_channel_never_knows_is_a_persons(mall: Mall) -> None:
    """After two hours "not known" stays: the leg is not sent again by itself, and a ticket says so."""
    mall.channel.otherwise = Cause.NOT_FOUND
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    for _ in range(10):
        mall.wait(minutes=30)
    assert leg(mall, case_id)["cause"] == "not_found"
    calls = len(mall.channel.calls)
    mall.wait(days=1)
    assert len(mall.channel.calls) == calls
    assert [t["kind"] for t in tickets(mall)] == ["refund_failed"]


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_cause_event_and_ticket_has_its_words(locale: str) -> None:
    """What can go wrong, what happens next, each step and each ticket are said in both languages."""
    wanted = [f"event.{event}" for event in Event] + [f"ticket.{kind}" for kind in TicketKind]
    assert [key for key in wanted if not texts_of("functions")[locale].get(key)] == []
    worded = [words for cause in Cause for audience in Audience for words in reason_of(cause, locale, audience)]
    assert [words for words in worded if not words or words.startswith(("cause.", "next.", "failure."))] == []


def test_a_failed_leg_says_why_and_what_comes_next(mall: Mall) -> None:
    """The case tells the cause in words, and what happens now, in the reader's language; so does the timeline."""
    case_id = refused(mall, Cause.CONFIGURATION)
    for locale in ("en", "zh-CN"):
        told = mall.case(case_id, headers={"accept-language": locale})["refunds"][0]
        assert told["text"]
        assert told["next"]
        assert (told["text"] + told["next"]).isascii() is (locale == "en")
    assert "configuration" not in step(mall, case_id, "refund_failed")["text"]
