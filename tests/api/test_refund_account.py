"""A refund that cannot go back the way it was paid goes to another account, because its buyer says so, on record."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from aftersales.refund import Cause
from aftersales.testing.builders import a_line, an_order
from functions import sweep
from tests.api.after import (
    CARD,
    accepted,
    balance,
    held,
    holding,
    ledger,
    leg,
    name_account,
    refused,
    release,
    step,
    steps,
    tickets,
)
from tests.mall import Mall

QUIET = {"minutes": 5}


def gone(mall: Mall, **body: Any) -> str:
    """A claim whose refund was refused because the payer's account is closed, long enough ago; the case's id."""
    case_id = refused(mall, Cause.ACCOUNT_ABNORMAL, **body)
    mall.clock.move(timedelta(**QUIET))
    return case_id


# --- the balance ------------------------------------------------------------------------------------------------------
def test_a_refund_goes_to_the_balance_with_consent(mall: Mall) -> None:
    """The buyer agrees: the old number is released, a new one pays the balance from the same payment, and all is on record."""
    purse = balance(mall)
    case_id = gone(mall)
    assert [(t["kind"], t["about"]["cause"]) for t in tickets(mall)] == [("refund_failed", "account_abnormal")]
    offered = leg(mall, case_id)["accounts"]
    assert [a["to"] for a in offered] == ["balance"]
    done = name_account(mall, case_id).json
    assert [(r["state"], r["channel"], r["replaces"]) for r in done["refunds"]] == [
        ("released", "wechatpay", ""),
        ("reserved", "balance", f"R{case_id}-1"),
    ]
    mall.pump()
    assert mall.case(case_id)["ending"] == "refunded"
    assert (mall.channel.truth, purse.truth) == ({}, {f"R{case_id}-2": 1990})
    assert (ledger(mall).settled.minor, ledger(mall).refundable.minor, tickets(mall)) == (1990, 9950 - 1990, [])
    consent = step(mall, case_id, "refund_consented")
    assert consent["by"] == "buyer:b1"
    assert (consent["data"]["key"], consent["data"]["account"]) == (f"R{case_id}-1", "balance")
    assert (consent["data"]["amount_minor"], consent["data"]["consent"]) == (1990, offered[0]["consent"])
    assert [s["event"] for s in steps(mall, case_id)][-4:] == ["refund_consented", "refund_redirected", "refund_settled", "settled"]


def test_the_payments_cap_holds_over_both_channels(mall: Mall) -> None:
    """What went to the balance lessens what the channel may still give: together never more than the payment."""
    purse = balance(mall)
    name_account(mall, gone(mall, items=[{"line_id": "l1", "pieces": 2}]))
    mall.pump()
    mall.claim(items=[{"line_id": "l1", "pieces": 3}], photo=b"another")
    mall.pump()
    assert (sum(mall.channel.truth.values()), sum(purse.truth.values())) == (3 * 1990, 2 * 1990)
    assert ledger(mall).refundable.minor == 0


def test_nothing_is_redirected_while_a_call_may_be_on_its_way(mall: Mall) -> None:
    """For some minutes after the channel's last word an old call might still arrive: the buyer is asked to come again."""
    balance(mall)
    case_id = refused(mall, Cause.ACCOUNT_ABNORMAL)
    mall.clock.move(timedelta(minutes=4, seconds=59))
    early = name_account(mall, case_id)
    assert (early.status, early.json["code"]) == (409, "conflict")
    assert early.json["todo"]
    mall.clock.move(timedelta(seconds=1))
    assert name_account(mall, case_id).status == 200


def test_only_the_buyer_consents(mall: Mall) -> None:
    """The mall's backend may not agree for its buyer, nor may the shop; another buyer sees nothing."""
    balance(mall)
    case_id = gone(mall)
    for role in ("integrator", "clerk", "admin", "platform"):
        assert name_account(mall, case_id, role=role).status == 403
    assert name_account(mall, case_id, sub="b2").status == 404
    assert name_account(mall, case_id, number=2).status == 404
    assert leg(mall, case_id)["state"] == "failed"


def test_a_refund_that_can_still_go_its_own_way_does(mall: Mall) -> None:
    """In processing, waiting for money, or arrived: a 409 that says what to do, and nothing is stored."""
    balance(mall)
    for cause in (None, Cause.NOT_ENOUGH, Cause.RISK_CONTROL, Cause.CONFIGURATION):
        photo = str(cause).encode()
        case_id = accepted(mall, photo=photo) if cause is None else refused(mall, cause, photo=photo)
        mall.clock.move(timedelta(minutes=6))
        reply = name_account(mall, case_id)
        assert (reply.status, reply.json["details"]["expected"]) == (409, [])
        assert reply.json["todo"]
        assert leg(mall, case_id)["accounts"] == []


def test_without_a_balance_nothing_is_offered(mall: Mall) -> None:
    """A mall that has no balance switched on offers none."""
    case_id = gone(mall)
    assert (leg(mall, case_id)["accounts"], name_account(mall, case_id).status) == ([], 409)


def test_the_channel_is_asked_before_money_goes_elsewhere(mall: Mall) -> None:
    """It was mended at the provider and paid: the consent is refused, the arrival recorded, and nothing is paid twice."""
    purse = balance(mall)
    case_id = gone(mall)
    mall.channel.refund(mall.channel.calls[-1])
    assert name_account(mall, case_id).status == 409
    assert (mall.case(case_id)["ending"], purse.truth) == ("refunded", {})
    assert sum(mall.channel.truth.values()) == 1990


def test_a_silent_channel_keeps_the_money_where_it_is(mall: Mall) -> None:
    """Without the channel's word on the old number nothing moves; the request can be sent again."""
    balance(mall)
    case_id = gone(mall)
    mall.channel.silent = True
    reply = name_account(mall, case_id)
    assert (reply.status, reply.json["code"], reply.json["retry"]) == (409, "channel_busy", True)
    mall.channel.silent = False
    assert name_account(mall, case_id).status == 200


@pytest.mark.parametrize(("days", "status"), [(362, 409), (363, 200)])
def test_past_the_channels_window_the_balance_is_left(mall: Mall, days: int, status: int) -> None:
    """Paid two days ago. Only a limit of time says that the channel will never take it; others may mean it went another way."""
    channel = holding(mall, window=timedelta(days=365))
    lines = (a_line(vertical="general", unit_price_minor=3000, pieces=1),)
    mall.push(an_order(order_id="o2", status="paid", lines=lines))
    mall.clock.move(timedelta(days=days))
    channel.then(Cause.OVER_LIMIT)
    asked = {"order_id": "o2", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    case_id = mall.must("POST", "/v1/cases", {**asked, "submit": True})["case_id"]
    mall.pump()
    mall.clock.move(timedelta(minutes=6))
    assert leg(mall, case_id)["cause"] == "over_limit"
    assert name_account(mall, case_id).status == status


def test_a_consent_sent_again_is_one(mall: Mall) -> None:
    """The same request with the same key gets the same answer; another one finds the refund gone already."""
    balance(mall)
    case_id = gone(mall)
    first, again = (name_account(mall, case_id, key="consent-0001") for _ in range(2))
    assert (again.status, again.text) == (200, first.text)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert name_account(mall, case_id).status == 409
    assert len(mall.case(case_id)["refunds"]) == 2


# --- a card -----------------------------------------------------------------------------------------------------------
def test_an_accepted_refund_is_redirected_at_its_channel(mall: Mall) -> None:
    """What the channel holds goes to the card that the buyer names: the same refund under the same number, paid once."""
    channel = holding(mall)
    case_id = held(mall)
    assert [a["to"] for a in leg(mall, case_id)["accounts"]] == ["card"]
    assert name_account(mall, case_id).status == 409  # not to the balance: the channel has the money
    done = name_account(mall, case_id, CARD).json
    assert [(r["number"], r["state"]) for r in done["refunds"]] == [(1, "processing")]
    assert [(c.number, c.holder, c.bank) for c in channel.taken] == [(CARD["number"], CARD["holder"], CARD["bank"])]
    channel.conclude(f"R{case_id}-1")
    mall.wait(minutes=2)
    assert (mall.case(case_id)["ending"], tickets(mall)) == ("refunded", [])
    assert channel.truth == {f"R{case_id}-1": 1990}
    assert [s["event"] for s in steps(mall, case_id)][-4:] == ["refund_consented", "refund_redirected", "refund_settled", "settled"]


def test_no_card_is_kept_anywhere(mall: Mall, caplog: pytest.LogCaptureFixture) -> None:
    """Of the card only the last four digits are on record: not in the store, the answers kept, the logs, or a hash of it."""
    caplog.set_level(logging.DEBUG)
    channel = holding(mall)
    case_id = held(mall)
    channel.refuses = True
    assert name_account(mall, case_id, CARD, key="consent-0001").status == 409
    channel.refuses, channel.deaf = False, True
    name_account(mall, case_id, CARD, key="consent-0002")
    mall.wait(minutes=2)
    reply = name_account(mall, case_id, CARD, key="consent-0003")
    assert step(mall, case_id, "refund_consented")["data"]["account"] == "****2230"
    kept = repr(vars(mall.store)) + caplog.text + reply.text
    raw = json.dumps(CARD).encode()
    path = f"/v1/cases/{case_id}/refunds/1/account".encode()
    hashes = (hashlib.sha256(b).hexdigest() for b in (raw, b"\0".join((b"POST", path, raw)), CARD["number"].encode()))
    assert not [part for part in (CARD["number"], CARD["holder"], CARD["number"][:-4], *hashes) if part in kept]
    assert "****2230" in kept


def test_a_card_that_is_not_taken_changes_nothing_but_the_record(mall: Mall) -> None:
    """The channel refuses the card: the buyer is told, may name another one, and each consent is on record."""
    channel = holding(mall)
    case_id = held(mall)
    channel.refuses = True
    reply = name_account(mall, case_id, CARD)
    assert (reply.status, reply.json["code"]) == (409, "conflict")
    assert CARD["number"] not in reply.text
    assert leg(mall, case_id)["state"] == "failed"
    channel.refuses = False
    assert name_account(mall, case_id, {**CARD, "number": "6217000010001234567"}).status == 200
    said = [s["data"]["account"] for s in steps(mall, case_id) if s["event"] == "refund_consented"]
    assert said == ["****2230", "****4567"]


def test_an_old_consent_told_again_moves_nothing(mall: Mall) -> None:
    """The first card failed too, and the first request comes once more, late or with another card: it is answered, not done."""
    channel = holding(mall)
    case_id = held(mall)
    first = name_account(mall, case_id, CARD, key="consent-0001")
    channel.conclude(f"R{case_id}-1", Cause.ACCOUNT_ABNORMAL)
    mall.wait(minutes=2)
    assert leg(mall, case_id)["state"] == "failed"
    again = name_account(mall, case_id, CARD, key="consent-0001")
    assert (again.status, again.text) == (200, first.text)
    other = name_account(mall, case_id, {**CARD, "number": "6217000010001234567"}, key="consent-0001")
    assert (other.status, other.json["code"]) == (422, "idempotency_mismatch")
    assert (len(channel.taken), [s["event"] for s in steps(mall, case_id)].count("refund_consented")) == (1, 1)
    assert leg(mall, case_id)["state"] == "failed"


@pytest.mark.parametrize("executed", [True, False])
def test_a_redirect_without_an_answer_is_asked_for(mall: Mall, executed: bool) -> None:
    """No answer is no outcome: polling finds it on its way; or still held, and the buyer is asked to name the card again."""
    channel = holding(mall)
    case_id = held(mall)
    channel.deaf = True
    reply = name_account(mall, case_id, CARD)
    assert (reply.status, reply.json["refunds"][0]["state"]) == (200, "sent")
    if executed:
        channel.conclude(f"R{case_id}-1")
        channel.truth[f"R{case_id}-1"] = 1990
    told = len(mall.store.notices)
    mall.wait(minutes=2)
    if executed:
        assert mall.case(case_id)["ending"] == "refunded"
        return
    again = leg(mall, case_id)
    assert (again["state"], [a["to"] for a in again["accounts"]]) == ("failed", ["card"])
    assert len(mall.store.notices) == told + 1
    assert name_account(mall, case_id, CARD).status == 200
    channel.conclude(f"R{case_id}-1")
    mall.wait(minutes=2)
    assert (mall.case(case_id)["ending"], sum(channel.truth.values())) == ("refunded", 1990)


@pytest.mark.parametrize(
    "body",
    [
        {"to": "card"},
        {**CARD, "number": "1234"},
        {**CARD, "number": "6222 0202 0011 2230"},
        {**CARD, "holder": " "},
        {**CARD, "holder": "a\nb"},
        {**CARD, "to": "balance"},
        {**CARD, "cvv": "123"},
        {"to": "bitcoin"},
        {},
    ],
    ids=str,
)
def test_a_card_is_named_in_full(mall: Mall, body: dict[str, str]) -> None:
    """What is no card is refused before anything is asked, and never said back."""
    holding(mall)
    case_id = held(mall)
    reply = name_account(mall, case_id, body)
    assert (reply.status, reply.json["code"]) == (400, "invalid")
    assert not [v for v in body.values() if len(v) > 7 and v in reply.text]


def test_a_process_that_dies_after_the_consent_asks_again(mall: Mall) -> None:
    """The consent is stored before the channel is called: whoever sends the same request again has it carried out, once."""
    channel = holding(mall)
    case_id = held(mall)
    redirect = type(channel).redirect

    def die(*_: Any) -> Any:
        raise KeyboardInterrupt

    type(channel).redirect = die  # type: ignore[method-assign]
    try:
        with pytest.raises(KeyboardInterrupt):
            name_account(mall, case_id, CARD, key="consent-0001")
    finally:
        type(channel).redirect = redirect  # type: ignore[method-assign]
    assert step(mall, case_id, "refund_consented")["data"]["account"] == "****2230"
    assert leg(mall, case_id)["state"] == "failed"
    assert name_account(mall, case_id, CARD, key="consent-0001").status == 200
    assert len(channel.taken) == 1


def test_what_was_redirected_cannot_be_given_up(mall: Mall) -> None:
    """On its way to a card a refund is nobody's to release."""
    holding(mall)
    case_id = held(mall)
    assert name_account(mall, case_id, CARD).status == 200
    assert release(mall, case_id).status == 409
    sweep.poll_refunds(mall.registry)
    assert leg(mall, case_id)["state"] == "processing"
