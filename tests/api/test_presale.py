"""Deposits and balances through the API: kept, or refunded each to its own payment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aftersales.order import Freight
from aftersales.testing.builders import a_merchant
from tests.api import after, presale
from tests.api.presale import balance_paid, claim, ids, sent, sold, tell
from tests.mall import Mall, snapshot


@pytest.fixture
def shop(mall: Mall) -> Mall:
    """A mall with two ways to pay and a balance, at the moment the deposit of o9 was paid."""
    return presale.opened(mall)


# --- before the balance -----------------------------------------------------------------------------------------------
def test_who_gives_up_after_the_deposit_loses_it(shop: Mall) -> None:
    """A deposit is kept from the buyer who changes his mind, in words that say why; nothing is sent and nothing is held."""
    for reason in ("changed_mind", "balance_unpaid"):
        said = claim(shop, reason)
        assert (said.status, said.json["code"]) == (409, "not_offered")
        assert "CNY 200.00" in said.json["detail"]
        assert said.json["details"]["reasons"][0]["code"] == "presale.kept"
    assert not any(sent(shop).values())
    assert ids(shop) == ()


def test_an_advance_goes_back_at_once(shop: Mall) -> None:
    """What was paid in advance is no deposit: one click, and it is back where it came from."""
    shop.push(sold(deposit_kind="advance"))
    case = claim(shop).json
    shop.pump()
    assert shop.case(case["case_id"])["ending"] == "refunded"
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 0, "balance": 0}


def test_a_shop_that_calls_it_off_pays_double_by_itself(shop: Mall) -> None:
    """The mall tells that the shop will not deliver: the deposit goes back and once more to the balance, without a claim."""
    tell(shop, "seller_cancelled")
    shop.wait(minutes=1)
    (case_id,) = ids(shop)
    case = shop.case(case_id)
    assert (case["state"], case["ending"], case["reason"]) == ("closed", "refunded", "cannot_deliver")
    assert (case["amount_minor"], case["beyond_minor"]) == (20_000, 20_000)
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 0, "balance": 20_000}


def test_a_buyer_is_told_why_there_is_a_case_that_nobody_asked_for(shop: Mall) -> None:
    """A case that the trade opens by itself says so and why, in the notices and in the timeline."""
    tell(shop, "seller_cancelled")
    shop.wait(minutes=1)
    told = [n["text"] for n in shop.must("GET", "/v1/notices")["notices"]]
    assert "订单 o9：商家取消或无法交货。系统已按规则自动为您申请售后，您不需要操作。" in told
    (case_id,) = ids(shop)
    first = shop.must("GET", f"/v1/cases/{case_id}/timeline")["steps"][0]
    assert first["text"] == "Claimed by the system, as the rules say: The shop called it off or cannot deliver"


def test_a_buyers_word_that_the_shop_cannot_deliver_is_for_the_shop(shop: Mall) -> None:
    """A person looks; once the shop itself says so, the open case is decided and paid, and no second one is opened."""
    case = claim(shop, "cannot_deliver").json
    assert (case["state"], case["beyond_minor"]) == ("reviewing", 20_000)
    tell(shop, "seller_cancelled")
    shop.pump()
    shop.wait(minutes=1)
    assert shop.case(case["case_id"])["ending"] == "refunded"
    assert ids(shop) == (case["case_id"],)
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 0, "balance": 20_000}


# --- the balance ------------------------------------------------------------------------------------------------------
def test_an_order_adds_up_before_and_after_the_balance(shop: Mall) -> None:
    """The deposit alone, then both payments: each snapshot is balanced; the full price with the deposit alone is not."""
    wrong = sold(100_000)
    said = shop.send("PUT", "/v1/orders/o9", snapshot(replace(wrong, payments=wrong.payments[:1])), role="integrator")
    assert said.json["code"] == "unbalanced_order"
    assert balance_paid(shop)["paid_minor"] == 100_000
    assert shop.must("GET", "/v1/orders/o9/options")["lines"][0]["offers"][0]["max_minor"] == 100_000


def test_after_the_balance_each_payment_gets_its_own_back(shop: Mall) -> None:
    """The buyer changes his mind before shipping: 200 to where the deposit came from, 800 to where the balance did."""
    balance_paid(shop)
    claim(shop)
    shop.pump()
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 0}


def test_a_draft_from_before_the_balance_is_worth_what_was_paid_when_it_is_handed_in(shop: Mall) -> None:
    """A draft holds nothing: the balance comes, and the claim is for both payments."""
    shop.push(sold(deposit_kind="advance"))
    draft = claim(shop, submit=False).json
    assert draft["amount_minor"] == 20_000
    shop.push(sold(100_000, deposit_kind="advance"))
    tell(shop, "balance_paid")
    case = shop.must("POST", f"/v1/cases/{draft['case_id']}/submit")
    assert case["amount_minor"] == 100_000


def test_a_claim_that_is_open_lives_with_the_balance(shop: Mall) -> None:
    """It is priced anew in the same step and says so in its timeline; what a person then grants goes to both payments."""
    case = claim(shop, "cannot_deliver").json
    balance_paid(shop)
    shop.pump()
    grown = shop.case(case["case_id"])
    assert (grown["state"], grown["amount_minor"], grown["beyond_minor"]) == ("reviewing", 100_000, 20_000)
    assert "1000.00" in after.step(shop, case["case_id"], "repriced")["text"]
    for role in ("clerk", "approver"):
        decision = {"outcome": "approve", "reason": "We cannot."}
        shop.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", decision, role=role)
    shop.pump()
    assert shop.case(case["case_id"])["ending"] == "refunded"
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}


def test_a_claim_that_waited_for_the_balance_is_judged_when_it_comes(shop: Mall) -> None:
    """Told and not pushed yet, a person has to look; with the payment in the order nothing is unclear any more."""
    tell(shop, "balance_paid")
    case = claim(shop).json
    assert case["state"] == "reviewing"
    assert shop.push(sold(100_000))["refundable_minor"] == 0
    shop.pump()
    assert shop.case(case["case_id"])["ending"] == "refunded"
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 0}


@pytest.mark.parametrize("asked", [False, True])
def test_freight_that_comes_with_the_balance_goes_back_too(shop: Mall, asked: bool) -> None:
    """The balance brings CNY 8.00 of freight: the open claim is worth that as well, also while more evidence is awaited."""
    case = claim(shop, "cannot_deliver").json
    decide = f"/v1/merchant/cases/{case['case_id']}/decision"
    if asked:
        shop.must("POST", decide, {"outcome": "ask_evidence", "reason": "What did we say?"}, role="clerk")
    whole = sold(100_000)
    payments = (whole.payments[0], replace(whole.payments[1], paid_minor=80_800))
    shop.push(replace(whole, payments=payments, freight=Freight(800)))
    assert shop.case(case["case_id"])["amount_minor"] == 100_800
    if asked:
        shop.must("POST", f"/v1/cases/{case['case_id']}/submit")
    for role in ("clerk", "approver"):
        shop.must("POST", decide, {"outcome": "approve", "reason": "We cannot."}, role=role)
    shop.pump()
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_800, "balance": 20_000}


def test_no_balance_for_a_contract_that_is_over(shop: Mall) -> None:
    """Once an advance went back, a later payment is refused: it belongs to an order of its own."""
    shop.push(sold(deposit_kind="advance"))
    claim(shop)
    said = shop.send("PUT", "/v1/orders/o9", snapshot(sold(100_000, deposit_kind="advance")), role="integrator")
    assert (said.status, said.json["code"]) == (409, "order_frozen")
    shop.pump()
    said = shop.send("PUT", "/v1/orders/o9", snapshot(sold(100_000, deposit_kind="advance")), role="integrator")
    assert said.json["code"] == "order_frozen"


def test_nobodys_yes_is_stretched_to_a_larger_sum(shop: Mall) -> None:
    """While a second person is asked, the order cannot grow under the first one's yes; nor can known payments change."""
    shop.registry.put("merchant:m1", a_merchant(two_persons_above_minor=10_000))
    case = claim(shop, "cannot_deliver").json
    shop.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", {"outcome": "approve", "reason": "Yes."}, role="clerk")
    said = shop.send("PUT", "/v1/orders/o9", snapshot(sold(100_000)), role="integrator")
    assert (said.json["code"], said.json["details"]["cases"]) == ("order_frozen", [case["case_id"]])


@pytest.mark.parametrize("paid", [10_000, 20_001])
def test_a_growing_order_keeps_what_was_paid(shop: Mall, paid: int) -> None:
    """With a claim open neither a smaller deposit nor another one passes for growth."""
    claim(shop, "cannot_deliver")
    changed = sold(paid)
    whole = replace(changed.payments[0], paid_minor=paid)
    said = shop.send("PUT", "/v1/orders/o9", snapshot(replace(changed, payments=(whole,))), role="integrator")
    assert said.json["code"] == "order_frozen"
