"""Appeals about goods that are back, with further evidence, and about an order that was paid further meanwhile."""

from __future__ import annotations

import pytest

from tests.api import presale
from tests.api.machine import Kitchen
from tests.api.presale import balance_paid, claim, sent
from tests.api.test_remedies import asked
from tests.api.test_risk import appealed, decided, unusual
from tests.mall import Mall


# --- goods that are back ----------------------------------------------------------------------------------------------
@pytest.fixture
def kitchen() -> Kitchen:
    """A faulty fridge, looked at by a technician."""
    kitchen = Kitchen()
    kitchen.found()
    return kitchen


def refused(kitchen: Kitchen, kind: str) -> str:
    """A fridge that came back and that the clerk's inspection refused."""
    return send_back(kitchen, str(asked(kitchen, kind=kind)["case_id"]))


def send_back(kitchen: Kitchen, case_id: str) -> str:
    """The fridge comes back, and the clerk's inspection refuses it."""
    kitchen.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1002003"})
    said = {"accepted": False, "note": "this is another fridge"}
    assert kitchen.must("POST", f"/v1/merchant/cases/{case_id}/inspection", said, role="clerk")["state"] == "rejected"
    kitchen.pump()
    return case_id


def test_goods_that_were_refused_are_paid_for_once_the_appeal_is_won(kitchen: Kitchen) -> None:
    """They are with the shop already: no second parcel is awaited, the first one counts as accepted, and the money goes."""
    case_id = refused(kitchen, "return_refund")
    appealed(kitchen, case_id)
    assert decided(kitchen, case_id, "approve", "bea").status == 200
    kitchen.pump()
    case = kitchen.case(case_id)
    assert (case["ending"], case["parcel"]["state"]) == ("refunded", "accepted")
    assert sum(kitchen.channel.truth.values()) == 307_900


def test_a_won_appeal_about_an_exchange_gives_the_thing(kitchen: Kitchen) -> None:
    """The promise begins as it would have after the inspection, and what it gives is kept again."""
    case_id = refused(kitchen, "exchange")
    appealed(kitchen, case_id)
    assert decided(kitchen, case_id, "approve", "bea").json["state"] == "fulfilling"
    assert kitchen.case(case_id)["parcel"]["state"] == "accepted"
    assert kitchen.shelf() == (1, 1, 0)


def test_a_thing_that_is_gone_is_not_promised_by_an_appeal(kitchen: Kitchen) -> None:
    """The no let it go and others bought it: who decides on the appeal gives money instead."""
    case_id = refused(kitchen, "exchange")
    kitchen.stock.put("FRIDGE-300", 0)
    appealed(kitchen, case_id)
    assert decided(kitchen, case_id, "approve", "bea").json["code"] == "conflict"
    money = {"outcome": "approve", "reason": "none left", "instead": "money"}
    kitchen.must("POST", f"/v1/merchant/cases/{case_id}/decision", money, role="approver")
    kitchen.pump()
    assert (kitchen.case(case_id)["ending"], sum(kitchen.channel.truth.values())) == ("refunded", 307_900)


def test_a_lost_appeal_leaves_goods_refused(kitchen: Kitchen) -> None:
    """The second no says the same of the parcel as the first, and nobody is paid."""
    case_id = refused(kitchen, "return_refund")
    appealed(kitchen, case_id)
    decided(kitchen, case_id, "reject", "bea")
    kitchen.wait(days=8)
    case = kitchen.case(case_id)
    assert (case["ending"], case["parcel"]["state"]) == ("rejected", "refused")
    assert kitchen.channel.truth == {}


def test_money_in_place_of_a_thing_stays_money_through_an_appeal(kitchen: Kitchen) -> None:
    """Approved as money, refused at the inspection, appealed, more shown: it is all that the fridge was bought for, not nothing."""
    kitchen.found(verdict="no_fault")
    case = kitchen.decide(kitchen.ask(), instead="money")
    case_id = str(case["case_id"])
    send_back(kitchen, case_id)
    appealed(kitchen, case_id)
    decided(kitchen, case_id, "ask_evidence", "cleo")
    kitchen.must("POST", f"/v1/cases/{case_id}/submit")
    kitchen.pump()
    assert kitchen.case(case_id)["state"] == "second_review"
    assert decided(kitchen, case_id, "approve", "bea").status == 200
    kitchen.pump()
    assert (kitchen.case(case_id)["ending"], sum(kitchen.channel.truth.values())) == ("refunded", 307_900)


# --- further evidence -------------------------------------------------------------------------------------------------
@pytest.fixture
def shown_more(mall: Mall) -> str:
    """An appeal against bea's no, about which cleo asked for another photo; it was looked at."""
    unusual(mall)
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    decided(mall, case_id, "reject", "bea")
    appealed(mall, case_id)
    assert decided(mall, case_id, "ask_evidence", "cleo").json["state"] == "awaiting_evidence"
    mall.photo(case_id, b"from the other side")
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    mall.pump()
    return case_id


def test_further_evidence_leads_back_to_somebody_else(mall: Mall, shown_more: str) -> None:
    """It is an appeal still: not for a clerk, nor for who said no; for the colleague who asked, though."""
    assert mall.case(shown_more)["state"] == "second_review"
    assert decided(mall, shown_more, "reject", "ann", "clerk").json["code"] == "forbidden"
    assert decided(mall, shown_more, "reject", "bea").json["code"] == "second_person_required"
    assert decided(mall, shown_more, "approve", "cleo").status == 200


def test_silence_decides_no_appeal_after_further_evidence(mall: Mall, shown_more: str) -> None:
    """Three days without a word: it is escalated, and nobody is paid."""
    mall.wait(hours=72)
    assert mall.case(shown_more)["state"] == "second_review"
    assert mall.channel.truth == {}


# --- money that came meanwhile ----------------------------------------------------------------------------------------
def test_an_appeal_is_about_all_that_was_paid_since(mall: Mall) -> None:
    """Rejected when a deposit was paid, appealed once the balance is: a yes gives back both, and needs two persons for it."""
    shop = presale.opened(mall)
    case_id = claim(shop, "cannot_deliver").json["case_id"]
    decided(shop, case_id, "reject", "ann", "clerk")
    balance_paid(shop)
    assert appealed(shop, case_id).json["amount_minor"] == 100_000
    for sub in ("bea", "cleo"):
        assert decided(shop, case_id, "approve", sub).status == 200
    shop.pump()
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}
