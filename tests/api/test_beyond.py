"""What is owed beyond a refund: paid with it, under its own caps, never twice, and never in the refund's way."""

from __future__ import annotations

from typing import Any

import pytest

from aftersales.testing.builders import a_merchant
from aftersales.testing.channel import Outcome
from functions import sweep
from tests.api import after, presale
from tests.api.presale import LATE, balance_paid, claim, ids, sent, tell, until
from tests.mall import Mall


@pytest.fixture
def shop(mall: Mall) -> Mall:
    """A mall with two ways to pay and a balance, at the moment the deposit of o9 was paid."""
    return presale.opened(mall)


# --- what comes on top ------------------------------------------------------------------------------------------------
def owed(shop: Mall) -> Any:
    """The ticket about what was not paid by itself."""
    (ticket,) = [t for t in after.tickets(shop) if t["kind"] == "compensation_owed"]
    return ticket


def test_no_balance_account_holds_no_refund_up(shop: Mall) -> None:
    """Where nothing can be paid to a balance both payments go back all the same, and people are told what is still owed."""
    del shop.registry._built["channel:balance"]
    balance_paid(shop)
    until(shop, LATE)
    assert shop.registry.channel("alipay").truth
    assert (owed(shop)["amount_minor"], owed(shop)["about"]["hindered"]) == (20_000, "channel")


def test_a_used_up_year_holds_no_refund_up(shop: Mall) -> None:
    """One fen too little is left of the year: the refund goes out, a ticket says what is owed, and two people pay it by hand."""
    shop.registry.put("merchant:m1", a_merchant(compensation_year_minor=19_999))
    balance_paid(shop)
    until(shop, LATE)
    (case_id,) = ids(shop)
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 0}
    assert owed(shop)["about"]["hindered"] == "allowance"
    shop.registry.put("merchant:m1", a_merchant(compensation_year_minor=20_000))
    body = {"amount_minor": 20_000, "reason": "owed by law", "why": "double_deposit"}
    for role in ("approver", "admin"):
        shop.must("POST", f"/v1/merchant/cases/{case_id}/compensation", body, role=role)
    shop.pump()
    assert sent(shop)["balance"] == 20_000
    assert [t for t in after.tickets(shop) if t["kind"] == "compensation_owed"] == []


def test_exactly_what_the_year_covers_is_paid(shop: Mall) -> None:
    """The cap itself is fine."""
    shop.registry.put("merchant:m1", a_merchant(compensation_year_minor=20_000))
    balance_paid(shop)
    until(shop, LATE)
    assert sent(shop)["balance"] == 20_000


def test_a_year_that_is_used_up_meanwhile_holds_no_refund_up(shop: Mall) -> None:
    """Somebody spends the rest between the schedule's reading and its writing: it reads again, and refunds without the double."""
    shop.registry.put("merchant:m1", a_merchant(compensation_year_minor=20_000))
    balance_paid(shop)
    other = shop.claim(submit=False, photo=None)
    shop.clock.move(LATE - shop.clock.now())
    commit, goodwill = shop.store.commit, {"amount_minor": 1, "reason": "sorry"}

    def spent_meanwhile(change: Any) -> None:
        if change.order is not None and change.spends:
            shop.store.commit = commit
            shop.must("POST", f"/v1/merchant/cases/{other['case_id']}/compensation", goodwill, role="admin")
        commit(change)

    shop.store.commit = spent_meanwhile
    sweep.sweep(shop.registry)
    shop.pump()
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 1}
    assert owed(shop)["about"]["hindered"] == "allowance"


def test_a_double_that_was_paid_by_itself_is_not_paid_by_hand(shop: Mall) -> None:
    """People who mean well are told that it was paid, before a second one is asked."""
    balance_paid(shop)
    until(shop, LATE)
    (case_id,) = ids(shop)
    body = {"amount_minor": 20_000, "reason": "owed by law", "why": "double_deposit"}
    said = shop.send("POST", f"/v1/merchant/cases/{case_id}/compensation", body, role="admin")
    assert (said.status, said.json["code"]) == (409, "conflict")
    assert sent(shop)["balance"] == 20_000


def test_a_double_that_two_people_paid_is_not_paid_by_itself(shop: Mall) -> None:
    """Paid by hand on a case that waits: its approval refunds the payments, and adds nothing."""
    balance_paid(shop)
    case = claim(shop, "cannot_deliver").json
    body = {"amount_minor": 20_000, "reason": "owed by law", "why": "double_deposit"}
    for role in ("approver", "admin"):
        shop.must("POST", f"/v1/merchant/cases/{case['case_id']}/compensation", body, role=role)
    tell(shop, "seller_cancelled")
    shop.pump()
    assert shop.case(case["case_id"])["ending"] == "refunded"
    assert sent(shop) == {"wechatpay": 20_000, "alipay": 80_000, "balance": 20_000}


def test_a_balance_that_does_not_answer_is_paid_once(shop: Mall) -> None:
    """The mall's balance is silent when it is called: the same number again, and the double arrives once."""
    balance_paid(shop)
    shop.registry.channel("balance").then(Outcome.UNKNOWN_EXECUTED)
    until(shop, LATE)
    for _ in range(5):
        shop.wait(minutes=5)
    assert sent(shop)["balance"] == 20_000


def test_the_plan_tells_what_comes_on_top(shop: Mall) -> None:
    """Before anybody decides, people read what goes back and what is owed beside it."""
    case = claim(shop, "cannot_deliver").json
    plan = shop.must("GET", f"/v1/cases/{case['case_id']}/refund-plan")
    assert (plan["amount_minor"], plan["beyond_minor"]) == (20_000, 20_000)


def test_two_people_agree_to_what_is_paid_in_all(shop: Mall) -> None:
    """CNY 200 back and CNY 200 on top are CNY 400: above CNY 300 one person's yes is not enough."""
    shop.registry.put("merchant:m1", a_merchant(two_persons_above_minor=30_000))
    case = claim(shop, "cannot_deliver").json
    said = shop.must(
        "POST", f"/v1/merchant/cases/{case['case_id']}/decision", {"outcome": "approve", "reason": "Yes."}, role="clerk"
    )
    assert said["state"] == "second_review"


def test_an_accepted_offer_counts_with_what_comes_on_top(shop: Mall) -> None:
    """CNY 199.99 offered and CNY 200 owed beside it are more than one person may grant: a second one decides before it is paid."""
    shop.registry.put("merchant:m1", a_merchant(two_persons_above_minor=30_000))
    case_id = claim(shop, "cannot_deliver").json["case_id"]
    shop.must("POST", f"/v1/merchant/cases/{case_id}/counter", {"amount_minor": 19_999, "reason": "A cent less."}, role="clerk")
    assert shop.must("POST", f"/v1/cases/{case_id}/counter-answer", {"accept": True})["state"] == "second_review"
    shop.pump()
    assert sent(shop) == {"wechatpay": 0, "alipay": 0, "balance": 0}
