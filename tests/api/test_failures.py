"""The nine known failures, each made to happen from outside: what buyer and shop read in both languages, and how it goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aftersales.channel import Limits
from aftersales.failure import Failure
from aftersales.refund import Cause
from aftersales.testing.builders import SIGNED_AT, a_line, a_merchant, a_payment, an_order
from aftersales.testing.channel import FakeChannel
from aftersales.text import texts_of
from tests.mall import Mall

TEXTS = texts_of("functions")
LANGUAGES = ("zh-CN", "en")
READERS = tuple((role, language) for role in ("buyer", "clerk") for language in LANGUAGES)


def sentence(key: str, role: str, language: str) -> str:
    """What stands in the table of texts for this reader, its places left open."""
    own = TEXTS[language].get(f"{key}.shop") if role == "clerk" else None
    return own or TEXTS[language][key]


def agrees(said: Any, failure: Failure, words: str, role: str, language: str) -> None:
    """Assert that this is the failure in the reader's own words, with its next step, and nothing left to fill in."""
    assert said["code"] == failure
    for part, key in ((said["text"], f"failure.{words}"), (said["next"], f"failure.{words}.next")):
        lead, *rest = sentence(key, role, language).split("{due}")
        assert part.startswith(lead)
        assert part.endswith(rest[-1] if rest else lead)
        assert "{" not in part


def bought(mall: Mall, status: str = "signed", order_id: str = "o9", **more: Any) -> None:
    """A shirt of CNY 30.00, paid by WeChat Pay; ``category`` and ``terms`` are the line's."""
    line = a_line(
        vertical="general", unit_price_minor=3_000, pieces=1, category=more.pop("category", ""), terms=more.pop("terms", {})
    )
    mall.registry.put("channel:balance", FakeChannel())
    mall.push(an_order(order_id=order_id, status=status, lines=(line,), **more))


def asked(mall: Mall, kind: str = "refund_only", reason: str = "out_of_stock", **more: Any) -> Any:
    """The answer to asking for the shirt's money back; who asks is among ``more``."""
    who = {name: more.pop(name) for name in ("role", "headers") if name in more}
    body = {"order_id": "o9", "kind": kind, "reason": reason, "items": [{"line_id": "l1", "pieces": 1}], "submit": True, **more}
    reply = mall.send("POST", "/v1/cases", body, **who)
    mall.pump()
    return reply


def refused(mall: Mall, failure: Failure, words: str, code: str, **more: Any) -> None:
    """Assert that asking is refused for this failure, in both languages, and that the order's options say the same to everybody."""
    for language in LANGUAGES:
        problem = asked(mall, headers={"accept-language": language}, **more).json
        assert (problem["code"], problem["details"]["failure"]) == (code, failure)
        assert problem["todo"] == sentence(f"failure.{words}.next", "buyer", language)
        assert problem["detail"]


def not_offered(mall: Mall, kind: str, failure: Failure, words: str) -> None:
    """Assert that the options tell every reader why this kind is not offered."""
    for role, language in READERS:
        options = mall.must("GET", "/v1/orders/o9/options", role=role, headers={"accept-language": language})
        offer = next(o for o in options["lines"][0]["offers"] if o["kind"] == kind)
        assert not offer["offered"]
        told = [why["failure"] for why in offer["why_not"] if why["failure"]]
        agrees(told[0], failure, words, role, language)


def failed(mall: Mall, case_id: str, failure: Failure, words: str) -> None:
    """Assert that case, plan and timeline tell every reader of the leg that does not go through."""
    for role, language in READERS:
        who = {"role": role, "headers": {"accept-language": language}}
        (leg,) = mall.case(case_id, **who)["refunds"]
        assert leg["state"] == "failed"
        agrees(leg["failure"], failure, words, role, language)
        assert (leg["text"], leg["next"]) == (leg["failure"]["text"], leg["failure"]["next"])
        (planned,) = mall.must("GET", f"/v1/cases/{case_id}/refund-plan", **who)["legs"]
        agrees(planned["failure"], failure, words, role, language)
        steps = mall.must("GET", f"/v1/cases/{case_id}/timeline", **who)["steps"]
        told = next(s for s in steps if s["event"] == "refund_failed")
        agrees(told["failure"], failure, words, role, language)
        assert leg["text"] in told["text"]
        assert leg["next"] in told["text"]


def ticket(mall: Mall, failure: Failure, words: str) -> Any:
    """The one open ticket, read in both languages: it tells the shop of the failure and what to do."""
    for language in LANGUAGES:
        (found,) = mall.must("GET", "/v1/merchant/tickets", role="clerk", headers={"accept-language": language})["tickets"]
        agrees(found["failure"], failure, words, "clerk", language)
        assert found["failure"]["text"] in found["text"]
        assert found["next"] == found["failure"]["next"]
    return found


def tickets(mall: Mall) -> list[Any]:
    """The open ones."""
    return list(mall.must("GET", "/v1/merchant/tickets", role="clerk")["tickets"])


def paid(mall: Mall, case_id: str, minor: int = 3_000) -> None:
    """Assert that the case ended with this sum at the buyer, and that nothing is left open."""
    case = mall.case(case_id)
    assert (case["state"], case["ending"]) == ("closed", "refunded")
    balance = mall.registry.channel("balance")
    assert isinstance(balance, FakeChannel)
    assert sum(mall.channel.truth.values()) + sum(balance.truth.values()) == minor
    assert tickets(mall) == []


def inspected(mall: Mall, case_id: str, **body: Any) -> Any:
    """The answer to an inspection."""
    return mall.send("POST", f"/v1/merchant/cases/{case_id}/inspection", body, role="clerk")


def approve(mall: Mall, case_id: str) -> None:
    """A person's yes."""
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "seen"}, role="clerk")


# --- before anybody is paid -------------------------------------------------------------------------------------------
def test_the_orders_state(mall: Mall) -> None:
    """A return before shipping is refused with the order's state; the kind that fits it is paid."""
    bought(mall, "paid")
    not_offered(mall, "return_refund", Failure.ORDER_STATE, "order_state")
    refused(mall, Failure.ORDER_STATE, "order_state", "not_offered", kind="return_refund", reason="no_reason")
    case = asked(mall).json
    paid(mall, case["case_id"])


def test_the_cap(mall: Mall) -> None:
    """A fen above what was paid is refused, and so are pieces that are in another case; what is left can be had."""
    bought(mall, "paid")
    refused(mall, Failure.CAP, "cap", "invalid", asked_minor=3_001)
    case = asked(mall, asked_minor=2_000).json
    not_offered(mall, "refund_only", Failure.CAP, "cap")
    refused(mall, Failure.CAP, "cap", "pieces_taken")
    paid(mall, case["case_id"], 2_000)


def test_the_years_compensation(mall: Mall) -> None:
    """A compensation beyond the year's sum is refused with words for the shop; a smaller one is paid."""
    mall.registry.put("merchant:m1", a_merchant(compensation_year_minor=100))
    bought(mall, "paid")
    case_id = asked(mall).json["case_id"]
    path = f"/v1/merchant/cases/{case_id}/compensation"
    for language in LANGUAGES:
        who = {"role": "approver", "headers": {"accept-language": language}}
        problem = mall.send("POST", path, {"amount_minor": 101, "reason": "late"}, **who).json
        assert (problem["code"], problem["details"]["failure"]) == ("allowance_spent", Failure.CAP)
        assert (problem["detail"], problem["todo"]) == tuple(
            sentence(key, "clerk", language) for key in ("failure.allowance", "failure.allowance.next")
        )
    mall.must("POST", path, {"amount_minor": 100, "reason": "late"}, role="approver")
    mall.pump()
    paid(mall, case_id, 3_100)


def test_past_the_window(mall: Mall) -> None:
    """A return too late is refused with the window; a wrong time of signing that is put right opens it again, and it is paid."""
    bought(mall, signed_at=SIGNED_AT - timedelta(days=40), shipped_at=SIGNED_AT - timedelta(days=42))
    not_offered(mall, "return_refund", Failure.PAST_WINDOW, "past_window")
    refused(mall, Failure.PAST_WINDOW, "past_window", "not_offered", kind="return_refund", reason="no_reason")
    bought(mall, shipped_at=SIGNED_AT - timedelta(days=1))
    case = asked(mall, "return_refund", "no_reason").json
    mall.must("POST", f"/v1/cases/{case['case_id']}/shipment", {"carrier": "sf", "number": "SF1001"})
    assert inspected(mall, case["case_id"], accepted=True, disposition="sound").status == 200
    mall.pump()
    paid(mall, case["case_id"])


# --- opened goods -----------------------------------------------------------------------------------------------------
COSMETICS = {"category": "cosmetics", "terms": {"no_return": True}}


def test_goods_said_to_be_opened(mall: Mall) -> None:
    """Opened cosmetics are refused where the buyer agreed to it; the same goods with a fault go back and are paid."""
    bought(mall, **COSMETICS)
    refused(mall, Failure.OPENED_GOODS, "opened_goods", "not_offered", kind="return_refund", reason="opened")
    case = asked(mall, "return_refund", "faulty", submit=False).json
    mall.photo(case["case_id"])
    mall.photos.findings = ()
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    mall.pump()
    broken = inspected(mall, case["case_id"], accepted=False, opened=True)
    assert (broken.status, broken.json["code"]) == (409, "conflict")  # a fault is answered for, sealed or not
    assert inspected(mall, case["case_id"], accepted=True, disposition="flawed").status == 200
    mall.pump()
    paid(mall, case["case_id"])


def test_goods_found_to_be_opened(mall: Mall) -> None:
    """The inspection refuses unsealed cosmetics: the decision, the timeline and a notice say why and what the buyer can do."""
    bought(mall, **COSMETICS)
    case_id = asked(mall, "return_refund", "no_reason").json["case_id"]
    mall.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1001"})
    assert inspected(mall, case_id, accepted=False, opened=True, note="seal torn").status == 200
    for role, language in READERS:
        who = {"role": role, "headers": {"accept-language": language}}
        case = mall.case(case_id, **who)
        assert (case["state"], case["decision"]["outcome"], case["parcel"]["state"]) == ("rejected", "reject", "refused")
        agrees(case["decision"]["failure"], Failure.OPENED_GOODS, "opened_goods", role, language)
        assert "seal torn" in case["decision"]["reason"]
        step = mall.must("GET", f"/v1/cases/{case_id}/timeline", **who)["steps"][-1]
        agrees(step["failure"], Failure.OPENED_GOODS, "opened_goods", role, language)
        assert "seal torn" in step["text"]
    told = mall.must("GET", "/v1/notices")["notices"][0]["text"]
    assert TEXTS["zh-CN"]["failure.opened_goods.next"] in told
    mall.wait(days=7, minutes=1)
    assert mall.case(case_id)["ending"] == "rejected"
    assert mall.channel.truth == {}


def test_a_kettle_may_be_opened(mall: Mall) -> None:
    """Opening ordinary goods to look at them ends no return: the shop cannot refuse them for it, and they are paid."""
    bought(mall)
    case_id = asked(mall, "return_refund", "no_reason").json["case_id"]
    mall.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1001"})
    assert inspected(mall, case_id, accepted=False, opened=True).status == 409
    assert inspected(mall, case_id, accepted=True, opened=True, disposition="sound").status == 400
    assert inspected(mall, case_id, accepted=True, disposition="sound").status == 200
    mall.pump()
    paid(mall, case_id)


# --- on the way to the channel ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cause", "failure", "words"),
    [
        (Cause.NOT_ENOUGH, Failure.MERCHANT_ACCOUNT, "merchant_account"),
        (Cause.NOT_SYNCED, Failure.SYNC_DELAY, "sync_delay"),
        (Cause.TOO_SOON, Failure.CHANNEL_LIMITS, "channel_gap"),
    ],
)
def test_what_passes_by_itself(mall: Mall, cause: Cause, failure: Failure, words: str) -> None:
    """A shop short of money, a payment the channel does not know yet, a pause it wants: told, then paid under the same number."""
    bought(mall, "paid")
    mall.channel.then(cause)
    case_id = asked(mall).json["case_id"]
    failed(mall, case_id, failure, words)
    assert mall.case(case_id)["refunds"][0]["failure"]["passes"] is True
    assert tickets(mall) == []
    mall.wait(minutes=2)
    paid(mall, case_id)
    assert list(mall.channel.truth) == [f"R{case_id}-1"]


def test_a_buyer_reads_nothing_of_the_shops_own_matters(mall: Mall) -> None:
    """That the shop is short of money, or under control, is the shop's to read: the buyer's sentence is another one."""
    for language in LANGUAGES:
        for words in ("merchant_account", "risk_control"):
            assert sentence(f"failure.{words}", "buyer", language) != sentence(f"failure.{words}", "clerk", language)
    for word in ("余额不足", "充值", "风控", "冻结"):
        mine = {k: v for k, v in TEXTS["zh-CN"].items() if k.startswith(("failure.merchant_account", "failure.risk_control"))}
        assert not [k for k, v in mine.items() if not k.endswith(".shop") and word in v]
    bought(mall, "paid")
    mall.channel.then(Cause.NOT_ENOUGH)
    case_id = asked(mall).json["case_id"]
    english = mall.case(case_id)["refunds"][0]
    assert "short" not in english["text"] + english["next"]


def test_risk_control(mall: Mall) -> None:
    """A frozen payment opens a ticket with what to do; sent again once it is cleared, it is paid, and the ticket closes."""
    bought(mall, "paid")
    mall.channel.then(Cause.RISK_CONTROL)
    case_id = asked(mall).json["case_id"]
    failed(mall, case_id, Failure.RISK_CONTROL, "risk_control")
    assert ticket(mall, Failure.RISK_CONTROL, "risk_control")["case_id"] == case_id
    mall.must("POST", f"/v1/merchant/cases/{case_id}/refunds/1/retry", role="approver")
    mall.wait(minutes=2)
    paid(mall, case_id)


def test_the_channels_limits(mall: Mall) -> None:
    """A payment older than the channel's window: the plan warns, nobody is called, and the buyer has it on the mall balance."""
    mall.channel.limits = Limits(window=timedelta(days=365))
    old = SIGNED_AT - timedelta(days=400)
    bought(mall, "paid", paid_at=old, payments=(a_payment(paid_minor=3_000, paid_at=old, transaction_id="t9"),))
    draft = asked(mall, submit=False).json
    for role, language in READERS:
        who = {"role": role, "headers": {"accept-language": language}}
        (leg,) = mall.must("GET", f"/v1/cases/{draft['case_id']}/refund-plan", **who)["legs"]
        agrees(leg["failure"], Failure.CHANNEL_LIMITS, "channel_limits", role, language)
    mall.must("POST", f"/v1/cases/{draft['case_id']}/submit")
    mall.pump()
    failed(mall, draft["case_id"], Failure.CHANNEL_LIMITS, "channel_limits")
    ticket(mall, Failure.CHANNEL_LIMITS, "channel_limits")
    assert mall.channel.calls == []
    mall.wait(minutes=6)
    mall.must("POST", f"/v1/cases/{draft['case_id']}/refunds/1/account", {"to": "balance"})
    mall.pump()
    paid(mall, draft["case_id"])


# --- on the way back --------------------------------------------------------------------------------------------------
def returned(mall: Mall) -> str:
    """A return that was approved and waits for its goods; the case's id."""
    bought(mall)
    return str(asked(mall, "return_refund", "no_reason").json["case_id"])


def told_of_parcel(mall: Mall, case_id: str, words: str) -> None:
    """Assert that every reader sees what is missing of the parcel, by when, and what to do."""
    for role, language in READERS:
        case = mall.case(case_id, role=role, headers={"accept-language": language})
        agrees(case["parcel"]["failure"], Failure.MISSING_LOGISTICS, words, role, language)


def told_in_timeline(mall: Mall, case_id: str, words: str) -> None:
    """Assert that the last step but what followed from it tells every reader the same."""
    for role, language in READERS:
        steps = mall.must("GET", f"/v1/cases/{case_id}/timeline", role=role, headers={"accept-language": language})["steps"]
        step = [s for s in steps if s["failure"]][-1]
        agrees(step["failure"], Failure.MISSING_LOGISTICS, words, role, language)
        assert step["failure"]["text"] in step["text"]


def test_a_return_that_is_never_sent(mall: Mall) -> None:
    """Without a waybill the case waits with a deadline, then closes and says how to go on; applied for again, it is paid."""
    case_id = returned(mall)
    told_of_parcel(mall, case_id, "no_waybill")
    assert "2026-11-27 12:00" in mall.case(case_id)["parcel"]["failure"]["next"]
    assert "2026-11-27 12:00" in mall.must("GET", "/v1/notices")["notices"][0]["text"]
    mall.wait(days=7)
    assert (mall.case(case_id)["state"], mall.case(case_id)["ending"]) == ("closed", "lapsed")
    told_of_parcel(mall, case_id, "not_sent")
    told_in_timeline(mall, case_id, "not_sent")
    assert TEXTS["zh-CN"]["failure.not_sent"] in mall.must("GET", "/v1/notices")["notices"][0]["text"]
    again = asked(mall, "return_refund", "no_reason").json  # shipped a week ago: a person looks
    approve(mall, again["case_id"])
    assert inspected(mall, again["case_id"], accepted=True, disposition="sound").status == 200  # it had reached the shop
    mall.pump()
    paid(mall, again["case_id"])


def test_a_return_that_nobody_hears_of(mall: Mall) -> None:
    """A parcel without news is called missing after three days, counts as arrived after twenty, and is paid after ten more."""
    case_id = returned(mall)
    mall.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1001"})
    assert mall.case(case_id)["parcel"]["failure"] is None
    mall.clock.move(timedelta(days=3))
    told_of_parcel(mall, case_id, "no_scan")
    mall.wait(days=17)
    assert mall.case(case_id)["parcel"]["state"] == "delivered"
    told_in_timeline(mall, case_id, "taken_as_arrived")
    assert TEXTS["zh-CN"]["failure.taken_as_arrived"] in mall.must("GET", "/v1/notices")["notices"][0]["text"]
    mall.wait(days=10)
    paid(mall, case_id)


def test_a_parcel_without_a_number_can_be_inspected(mall: Mall) -> None:
    """Goods that stand on the bench are taken in although nobody told their waybill: nothing is lost by silence."""
    case_id = returned(mall)
    assert inspected(mall, case_id, accepted=True, disposition="sound").status == 200
    mall.pump()
    paid(mall, case_id)
