"""A claim's way through the API: what a buyer, a shop and time do to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from aftersales.case import State
from aftersales.decision import Finding, Source, Verdict
from aftersales.parcel import PARCEL_TIMEOUTS
from aftersales.photo import PhotoQuestion, PhotoReport
from aftersales.refund import Cause
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order
from aftersales.testing.channel import Outcome
from functions import callbacks, evidence, follow
from functions.http import Request, callback
from tests.mall import SEEN, Mall

BLURRED = Finding("vision.sharp", Verdict.MISSING, "vision.too_blurred", Source.MODEL, 0.9)
DOUBT = Finding("vision.spoilage", Verdict.UNSURE, "vision.not_clear", Source.MODEL, 0.4)


def send_back(mall: Mall, *, unit_price_minor: int, pieces: int, back: int, order_id: str = "o4") -> Any:
    """A return of ``back`` pieces of a fresh order of that many, handed in."""
    mall.push(an_order(order_id=order_id, lines=(a_line(vertical="general", unit_price_minor=unit_price_minor, pieces=pieces),)))
    items = [{"line_id": "l1", "pieces": back}]
    asked = {"order_id": order_id, "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
    return mall.must("POST", "/v1/cases", asked)


def test_a_verified_claim_is_paid_and_closed(mall: Mall) -> None:
    """One spoiled jin of five at CNY 19.90 is CNY 19.90, approved by the rules and sent once; the buyer reads each step."""
    case = mall.claim()
    assert case["state"] == "verifying"
    mall.pump()
    done = mall.case(case["case_id"])
    assert (done["state"], done["ending"], done["amount_minor"]) == ("closed", "refunded", 1990)
    assert done["decision"]["rule"] == "merchant.small_amount"
    assert mall.channel.truth == {f"R{case['case_id']}-1": 1990}
    line = mall.must("GET", f"/v1/cases/{case['case_id']}/timeline")
    assert line["intact"]
    assert [s["event"] for s in line["steps"]] == [
        "opened", "evidence_added", "submitted", "verification_started", "findings_recorded", "approved", "refund_reserved",
        "refund_settled", "settled",
    ]  # fmt: skip
    assert "has arrived" in mall.store.notices[-1].text or "已到账" in mall.store.notices[-1].text


def test_one_click_refund_before_shipping(mall: Mall) -> None:
    """What has not been shipped is refunded in one request, whatever the amount: nobody has to look."""
    mall.push(an_order(order_id="o2", status="paid", lines=(a_line(vertical="general", unit_price_minor=80_000, pieces=1),)))
    body = {
        "order_id": "o2",
        "kind": "refund_only",
        "reason": "changed_mind",
        "items": [{"line_id": "l1", "pieces": 1}],
        "submit": True,
    }
    case = mall.must("POST", "/v1/cases", body)
    assert (case["state"], case["decision"]["rule"]) == ("settling", "merchant.not_shipped")
    mall.pump()
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert sum(mall.channel.truth.values()) == 80_000


def test_a_claim_without_a_photo_says_what_is_missing(mall: Mall) -> None:
    """An incomplete claim is not taken; the answer lists what would complete it, and the draft stays."""
    case = mall.claim(photo=None, submit=False)
    reply = mall.send("POST", f"/v1/cases/{case['case_id']}/submit")
    assert (reply.status, reply.json["code"]) == (409, "incomplete_evidence")
    assert reply.json["details"]["missing"] == [{"kinds": ["photo", "video"], "at_least": 1}]
    assert mall.case(case["case_id"])["state"] == "draft"


def test_an_unusable_photo_is_asked_for_again_and_forgiven(mall: Mall) -> None:
    """A blurred photo costs the buyer one more photo and nothing else."""
    mall.photos.findings = (BLURRED,)
    case = mall.claim()
    mall.pump()
    asked = mall.case(case["case_id"])
    assert asked["state"] == "awaiting_evidence"
    assert asked["missing"]
    mall.photos.findings = (SEEN,)
    mall.photo(case["case_id"], b"another photo")
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    mall.pump()
    assert mall.case(case["case_id"])["ending"] == "refunded"


def test_a_claim_nobody_completes_lapses_and_can_be_reopened(mall: Mall) -> None:
    """Silence where evidence is awaited closes the case; inside the window it goes on, after it not."""
    mall.photos.findings = (BLURRED,)
    case = mall.claim()
    mall.pump()
    mall.wait(hours=72)
    assert mall.case(case["case_id"])["ending"] == "lapsed"
    assert mall.must("POST", f"/v1/cases/{case['case_id']}/reopen")["state"] == "awaiting_evidence"
    mall.wait(days=8)
    assert mall.send("POST", f"/v1/cases/{case['case_id']}/reopen").json["code"] == "not_offered"


def test_doubt_goes_to_a_person_and_silence_approves(mall: Mall) -> None:
    """What verification cannot tell a person decides; 48 hours without an answer is consent, and the money goes out."""
    mall.photos.findings = (DOUBT,)
    case = mall.claim()
    mall.pump()
    assert mall.case(case["case_id"])["state"] == "reviewing"
    mall.wait(hours=47, minutes=59)
    assert mall.case(case["case_id"])["state"] == "reviewing"
    mall.wait(minutes=1)
    done = mall.case(case["case_id"])
    assert done["ending"] == "refunded"
    assert [(a["by"], a["reason"]) for a in done["approvals"]] == [("system", "No answer in time counts as a yes.")]


def test_verification_that_never_answers_goes_to_a_person(mall: Mall) -> None:
    """Fifteen minutes without findings hand the claim to a person; findings that come later are kept and decide nothing."""
    case = mall.claim()
    mall.wait(minutes=15)
    mall.pump()
    reviewed = mall.case(case["case_id"])
    assert reviewed["state"] == "reviewing"
    assert reviewed["evidence"][0]["state"] == "verified"


def test_a_late_claim_goes_to_a_person_and_is_not_refused(mall: Mall) -> None:
    """Past 24 hours but inside the law's seven days a person looks."""
    mall.clock.move(timedelta(hours=30))
    case = mall.claim()
    mall.pump()
    late = mall.case(case["case_id"])
    assert late["state"] == "reviewing"
    assert "fresh.claim_window" in {f["check"] for f in late["decision"]["findings"] if f["verdict"] == "unsure"}


def test_two_persons_decide_above_the_limit(mall: Mall) -> None:
    """Above CNY 500 one yes is not enough, the second is another person's, and silence never gives it."""
    lines = (a_line(vertical="general", unit_price_minor=60_000, pieces=1),)
    mall.push(an_order(order_id="o3", status="shipped", lines=lines))
    asked = {
        "order_id": "o3",
        "kind": "refund_only",
        "reason": "not_received",
        "items": [{"line_id": "l1", "pieces": 1}],
        "submit": True,
    }
    case = mall.must("POST", "/v1/cases", asked)
    assert case["state"] == "reviewing"
    path = f"/v1/merchant/cases/{case['case_id']}/decision"
    yes = {"outcome": "approve", "reason": "The parcel is lost."}
    assert mall.must("POST", path, yes, role="approver")["state"] == "second_review"
    assert mall.send("POST", path, yes, role="approver").json["code"] == "second_person_required"
    assert mall.send("POST", path, yes, role="clerk").status == 403
    mall.wait(hours=25)
    assert mall.case(case["case_id"])["state"] == "second_review"
    assert mall.must("POST", path, yes, role="admin")["state"] == "settling"
    mall.pump()
    done = mall.case(case["case_id"])
    assert (done["ending"], [a["by"] for a in done["approvals"]]) == ("refunded", ["shop", "shop"]), "no names for the buyer"
    named = mall.case(case["case_id"], role="clerk")["approvals"]
    assert [a["by"] for a in named] == ["approver:approver1", "admin:admin1"]


def test_goods_go_back_before_money_does(mall: Mall) -> None:
    """A return is approved, sent, inspected and given a disposition; only then is the money reserved and sent."""
    case = send_back(mall, unit_price_minor=3000, pieces=2, back=1)
    assert (case["state"], case["parcel"]["state"]) == ("approved", "awaiting_shipment")
    shipped = mall.must("POST", f"/v1/cases/{case['case_id']}/shipment", {"carrier": "SF", "number": "SF1234567890123"})
    assert shipped["parcel"]["state"] == "in_transit"
    assert mall.channel.truth == {}
    body = {"accepted": True, "disposition": "flawed", "note": "opened"}
    done = mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/inspection", body, role="clerk")
    assert (done["state"], done["parcel"]["disposition"]) == ("settling", "flawed")
    mall.pump()
    assert sum(mall.channel.truth.values()) == 3000


def test_a_waybill_serves_one_case(mall: Mall) -> None:
    """The same return waybill cannot carry two cases."""
    mall.push(an_order(order_id="o4", lines=(a_line(vertical="general", unit_price_minor=3000, pieces=2),)))
    waybill = {"carrier": "SF", "number": "SF1234567890123"}
    ids = []
    for _ in range(2):
        asked = {
            "order_id": "o4",
            "kind": "return_refund",
            "reason": "no_reason",
            "items": [{"line_id": "l1", "pieces": 1}],
            "submit": True,
        }
        ids.append(mall.must("POST", "/v1/cases", asked)["case_id"])
    mall.must("POST", f"/v1/cases/{ids[0]}/shipment", waybill)
    assert mall.send("POST", f"/v1/cases/{ids[1]}/shipment", waybill).json["code"] == "claim_taken"


@pytest.mark.parametrize("carrier", ["sf ", "SF", "顺丰", "顺丰速运", "shunfeng"])
def test_a_carrier_has_many_names(mall: Mall, carrier: str) -> None:
    """A waybill cannot be used twice by writing its carrier another way: it is understood as one of ours."""
    first, second = (send_back(mall, unit_price_minor=3000, pieces=2, back=1, order_id=f"o{n}") for n in (4, 5))
    number = {"number": "SF1234567890123"}
    mall.must("POST", f"/v1/cases/{first['case_id']}/shipment", {"carrier": "sf", **number})
    again = mall.send("POST", f"/v1/cases/{second['case_id']}/shipment", {"carrier": carrier, **number})
    assert again.json["code"] == "claim_taken"


@pytest.mark.parametrize("carrier", ["村口老王", "s\u0000f", "😀😀", ""])
def test_a_carrier_nobody_knows_is_told_so(mall: Mall, carrier: str) -> None:
    """What is no carrier's name or code is refused, and nothing is stored."""
    case = send_back(mall, unit_price_minor=3000, pieces=2, back=1)
    waybill = {"carrier": carrier, "number": "SF1234567890123"}
    assert mall.send("POST", f"/v1/cases/{case['case_id']}/shipment", waybill).json["code"] == "invalid"


def test_goods_nobody_sends_lapse(mall: Mall) -> None:
    """Seven days without a parcel end the return, and its pieces are free again."""
    case = send_back(mall, unit_price_minor=2000, pieces=2, back=2)
    assert mall.must("GET", "/v1/orders/o4")["lines"][0]["pieces_free"] == 0
    mall.wait(days=7)
    assert mall.case(case["case_id"])["ending"] == "lapsed"
    assert mall.must("GET", "/v1/orders/o4")["lines"][0]["pieces_free"] == 2


def test_a_shop_that_never_inspects_has_accepted(mall: Mall) -> None:
    """Twenty days without the carrier's word and ten without the shop's count as accepted in good order."""
    case = send_back(mall, unit_price_minor=3000, pieces=2, back=1)
    mall.must("POST", f"/v1/cases/{case['case_id']}/shipment", {"carrier": "SF", "number": "SF1234567890123"})
    mall.wait(days=20)
    assert mall.case(case["case_id"])["parcel"]["state"] == "delivered"
    mall.wait(days=10)
    done = mall.case(case["case_id"])
    assert (done["ending"], done["parcel"]["disposition"]) == ("refunded", "sound")


def test_a_counter_offer_pays_what_was_agreed(mall: Mall) -> None:
    """The shop offers half; the buyer takes it, and exactly that is paid."""
    mall.photos.findings = (DOUBT,)
    case = mall.claim()
    mall.pump()
    path = f"/v1/merchant/cases/{case['case_id']}/counter"
    offered = mall.must("POST", path, {"amount_minor": 1000, "reason": "Half of it is fine."}, role="clerk")
    assert offered["state"] == "countered"
    mall.must("POST", f"/v1/cases/{case['case_id']}/counter-answer", {"accept": True})
    mall.pump()
    assert (mall.case(case["case_id"])["ending"], sum(mall.channel.truth.values())) == ("refunded", 1000)


def on_its_way(mall: Mall, minor: int) -> str:
    """A refund asked for while goods worth ``minor`` are on their way: a person decides. Gives the case's id."""
    line = a_line(vertical="general", unit_price_minor=minor, pieces=1)
    mall.push(an_order(order_id="o7", status="shipped", lines=(line,)))
    asked = {"order_id": "o7", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    case = mall.must("POST", "/v1/cases", asked | {"submit": True})
    assert case["state"] == "reviewing"
    return str(case["case_id"])


def test_a_large_counter_offer_needs_two_persons_too(mall: Mall) -> None:
    """One clerk cannot grant CNY 999.99 by offering it: the buyer's yes asks a second person, who must be another one."""
    case_id = on_its_way(mall, 100_000)
    offer, decision = f"/v1/merchant/cases/{case_id}/counter", f"/v1/merchant/cases/{case_id}/decision"
    mall.must("POST", offer, {"amount_minor": 99_999, "reason": "A fen less."}, role="approver", sub="anna")
    taken = mall.must("POST", f"/v1/cases/{case_id}/counter-answer", {"accept": True})
    assert (taken["state"], taken["amount_minor"]) == ("second_review", 99_999)
    mall.pump()
    assert mall.channel.truth == {}
    yes = {"outcome": "approve", "reason": "Agreed."}
    assert mall.send("POST", decision, yes, role="approver", sub="anna").json["code"] == "second_person_required"
    assert mall.must("POST", decision, yes, role="approver", sub="ben")["state"] == "settling"
    mall.pump()
    assert sum(mall.channel.truth.values()) == 99_999


def test_a_rejected_claim_closes_after_seven_days_and_frees_its_pieces(mall: Mall) -> None:
    """A person's no is read with its reason; the pieces can be asked about again."""
    mall.photos.findings = (DOUBT,)
    case = mall.claim()
    mall.pump()
    path = f"/v1/merchant/cases/{case['case_id']}/decision"
    assert (
        mall.must("POST", path, {"outcome": "reject", "reason": "The photo shows another fruit."}, role="clerk")["state"]
        == "rejected"
    )
    assert mall.must("GET", "/v1/orders/o1")["lines"][0]["pieces_free"] == 5
    mall.wait(days=7)
    assert mall.case(case["case_id"])["ending"] == "rejected"


def test_the_same_piece_is_refunded_once(mall: Mall) -> None:
    """Five pieces can be claimed once; the sixth is refused with the reason, before and after the money went out."""
    mall.claim(items=[{"line_id": "l1", "pieces": 5}])
    asked = {"order_id": "o1", "kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}
    assert mall.send("POST", "/v1/cases", asked).json["code"] == "pieces_taken"
    mall.pump()
    assert mall.send("POST", "/v1/cases", asked).json["code"] == "pieces_taken"
    options = mall.must("GET", "/v1/orders/o1/options")
    assert not any(offer["offered"] for offer in options["lines"][0]["offers"])


def test_a_lost_answer_is_asked_for_not_sent_again_as_new(mall: Mall) -> None:
    """The channel paid and its answer was lost: the schedule finds it under the same number, and the money moved once."""
    mall.channel.then(Outcome.UNKNOWN_EXECUTED)
    case = mall.claim()
    mall.pump()
    waiting = mall.case(case["case_id"])
    assert (waiting["state"], waiting["refunds"][0]["state"]) == ("settling", "sent")
    mall.wait(minutes=1)
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert mall.channel.truth == {f"R{case['case_id']}-1": 1990}


def test_a_crash_between_reservation_and_call_is_mended(mall: Mall) -> None:
    """The approval is stored and nobody called the channel: the schedule does, a minute later."""
    case = mall.claim()  # the stream is lost from here on: only the queue's job runs
    evidence.verify(mall.registry, case["case_id"], mall.case(case["case_id"])["evidence"][0]["evidence_id"])
    mall.told = len(mall.store.records)
    assert mall.channel.truth == {}
    mall.wait(minutes=1)
    assert mall.case(case["case_id"])["ending"] == "refunded"


def test_a_slow_refund_gets_a_ticket_after_48_hours(mall: Mall) -> None:
    """A refund the channel is still processing is looked after, and after 48 hours reported once, never sent again."""
    mall.channel.otherwise = Outcome.PROCESSING
    case = mall.claim()
    mall.pump()
    assert mall.case(case["case_id"])["refunds"][0]["state"] == "processing"
    for _ in range(10):
        mall.wait(hours=7)
    steps = [s["event"] for s in mall.must("GET", f"/v1/cases/{case['case_id']}/timeline")["steps"]]
    assert steps.count("refund_delayed") == 1
    key = f"R{case['case_id']}-1"
    mall.channel.conclude(key)
    mall.wait(hours=7)
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert mall.channel.truth == {key: 1990}


def test_a_channel_that_never_answers_is_reported_and_never_paid_anew(mall: Mall) -> None:
    """No answer for two days stays unknown and is reported once; every call carries the same number, and the money moves once."""
    mall.channel.silent = True
    mall.channel.then(Outcome.UNKNOWN_EXECUTED)
    case = mall.claim()
    mall.pump()
    for _ in range(10):
        mall.wait(hours=7)
    steps = [s["event"] for s in mall.must("GET", f"/v1/cases/{case['case_id']}/timeline")["steps"]]
    assert steps.count("refund_delayed") == 1
    assert mall.case(case["case_id"])["refunds"][0]["state"] == "sent"
    mall.channel.silent = False
    mall.wait(hours=7)
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert mall.channel.truth == {f"R{case['case_id']}-1": 1990}


def test_a_merchant_short_of_money_is_tried_again_under_the_same_number(mall: Mall) -> None:
    """A cause that passes is waited for: the same number goes out until it is paid."""
    mall.channel.then(Cause.NOT_ENOUGH)
    case = mall.claim()
    mall.pump()
    assert mall.case(case["case_id"])["refunds"][0]["cause"] == "not_enough"
    mall.wait(minutes=1)
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert {o.key for o in mall.channel.calls} == {f"R{case['case_id']}-1"}


def test_a_failed_refund_is_sent_again_by_a_person(mall: Mall) -> None:
    """A cause that does not pass waits for a person, who sends the same number again."""
    mall.channel.then(Cause.CONFIGURATION)
    case = mall.claim()
    mall.pump()
    mall.wait(days=3)
    assert mall.case(case["case_id"])["refunds"][0]["state"] == "failed"
    mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/refunds/1/retry", role="admin")
    mall.wait(minutes=1)
    assert mall.case(case["case_id"])["ending"] == "refunded"


def test_a_refund_mended_at_the_provider_is_found(mall: Mall) -> None:
    """A refund that failed for good is looked at every six hours; mended by hand at the provider, it settles by itself."""
    mall.channel.otherwise = Outcome.PROCESSING
    case = mall.claim()
    mall.pump()
    key = f"R{case['case_id']}-1"
    mall.channel.conclude(key, Cause.ACCOUNT_ABNORMAL)
    mall.wait(hours=1)
    failed = mall.case(case["case_id"])["refunds"][0]
    assert (failed["state"], failed["cause"]) == ("failed", "account_abnormal")
    calls = len(mall.channel.calls)
    mall.wait(hours=6)
    still = mall.case(case["case_id"])["refunds"][0]
    assert (still["state"], still["cause"]) == ("failed", "account_abnormal")
    mall.channel.truth[key] = 1990
    mall.channel.conclude(key)
    mall.wait(hours=6)
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert len(mall.channel.calls) == calls


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_notice_told_again_changes_nothing(mall: Mall, times: int) -> None:
    """Duplicate notices, and one that comes after polling settled it, are answered kindly and change nothing."""
    mall.channel.otherwise = Outcome.PROCESSING
    case = mall.claim()
    mall.pump()
    key = f"R{case['case_id']}-1"
    mall.channel.conclude(key, at=NOW)
    for _ in range(times):
        assert callbacks.receive(mall.registry, "wechatpay", *mall.channel.notice_of(key)).reply_status == 204
    steps = [s["event"] for s in mall.must("GET", f"/v1/cases/{case['case_id']}/timeline")["steps"]]
    assert steps.count("refund_settled") == 1
    order = mall.store.order("m1", "o1")
    assert order.ledger.settled.minor == 1990


def test_a_notice_with_another_amount_is_not_believed(mall: Mall) -> None:
    """A validly signed notice about another amount changes nothing; the truth is asked for."""
    mall.channel.otherwise = Outcome.PROCESSING
    case = mall.claim()
    mall.pump()
    headers, body = mall.channel.notice_of(f"R{case['case_id']}-1", minor=1)
    assert callback(mall.registry, "wechatpay", Request("POST", "/v1/callbacks/wechatpay", headers, {}, body)).status == 409
    assert mall.case(case["case_id"])["refunds"][0]["state"] == "processing"


def test_a_reused_photo_goes_to_a_person(mall: Mall) -> None:
    """The picture of an earlier case is noticed; it is a doubt for a person, never a refusal."""
    mall.claim(photo=b"the same photo")
    mall.pump()
    mall.push(an_order(order_id="o9", buyer=replace(an_order().buyer, id="b9")))
    again = mall.claim(photo=b"the same photo", order_id="o9", who={"sub": "b9"})
    mall.pump()
    seen = mall.case(again["case_id"], sub="b9")
    assert seen["state"] == "reviewing"
    assert ("vision.reused", "unsure") in {(f["check"], f["verdict"]) for f in seen["evidence"][0]["findings"]}


def test_nobody_decides_while_photos_are_looked_at(mall: Mall) -> None:
    """A case is decided once its findings are there: one early yes would pass by them, and by the second person."""
    line = a_line(unit_price_minor=60_000, pieces=1)
    mall.push(an_order(order_id="o8", lines=(line,)))
    case = mall.claim(order_id="o8")
    assert case["state"] == "verifying"
    path = f"/v1/merchant/cases/{case['case_id']}/decision"
    for outcome in ("approve", "reject", "ask_evidence"):
        reply = mall.send("POST", path, {"outcome": outcome, "reason": "Quick."}, role="clerk")
        assert (reply.status, reply.json["code"]) == (409, "illegal_transition")
    mall.pump()
    assert mall.case(case["case_id"])["state"] == "reviewing"
    assert mall.channel.truth == {}


def test_two_cases_with_one_photo_at_the_same_moment_are_not_both_paid(mall: Mall) -> None:
    """Of two claims whose same photo is looked at at once, at least one sees the other."""
    mall.push(an_order(order_id="o9", buyer=replace(an_order().buyer, id="b9")))
    claims = [mall.claim(photo=b"the same photo"), mall.claim(photo=b"the same photo", order_id="o9", who={"sub": "b9"})]
    pieces = [mall.store.case(c["case_id"]).evidence[0].evidence_id for c in claims]
    meet = Barrier(2)
    look = mall.photos.inspect

    def together(photo: bytes, question: PhotoQuestion) -> PhotoReport:
        meet.wait(5)
        return look(photo, question)

    mall.photos.inspect = together  # type: ignore[method-assign]
    jobs = [{"case_id": c["case_id"], "evidence_id": e} for c, e in zip(claims, pieces, strict=True)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: follow.verify_photo(mall.registry, job), jobs))
    states = [mall.store.case(c["case_id"]).case.state for c in claims]
    assert "reviewing" in states, states


def test_a_share_worth_nothing_is_no_claim(mall: Mall) -> None:
    """One percent of a fen is nothing: the buyer is told, and the piece stays free."""
    mall.push(an_order(order_id="o8", lines=(a_line(unit_price_minor=1, pieces=1),)))
    asked = {"order_id": "o8", "kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1, "share_percent": 1}]}
    reply = mall.send("POST", "/v1/cases", asked)
    assert (reply.status, reply.json["code"]) == (400, "invalid")
    assert "smallest coin" in reply.json["detail"]


def test_every_waiting_time_is_a_setting(mall: Mall) -> None:
    """A merchant's own times rule the draft and the parcel at each of its stops, and the deadline names them as the cause."""
    mall.registry.put(
        "merchant:m1",
        a_merchant(
            timeouts={State.DRAFT: timedelta(hours=1)},
            parcel_timeouts={state: timedelta(hours=n) for n, state in enumerate(PARCEL_TIMEOUTS, 2)},
        ),
    )
    assert mall.claim(submit=False)["deadline"]["cause"] == "merchant"
    case = send_back(mall, unit_price_minor=2000, pieces=1, back=1)
    assert (case["deadline"]["cause"], case["deadline"]["due_at"]) == ("merchant", "2026-11-20T06:00:00Z")
    mall.must("POST", f"/v1/cases/{case['case_id']}/shipment", {"carrier": "sf", "number": "SF1234567890123"})
    mall.wait(hours=3)
    assert mall.case(case["case_id"])["parcel"]["state"] == "delivered"
    mall.wait(hours=4)
    assert mall.case(case["case_id"])["ending"] == "refunded"


def test_a_draft_that_ends_leaves_the_money_alone(mall: Mall) -> None:
    """A draft holds nothing, so taking it back or letting it lapse does not write the order's ledger."""
    before = mall.store.order("m1", "o1").ledger.version
    mall.must("POST", f"/v1/cases/{mall.claim(submit=False)['case_id']}/withdraw")
    mall.claim(submit=False)
    mall.wait(days=30)
    assert mall.store.order("m1", "o1").ledger.version == before
