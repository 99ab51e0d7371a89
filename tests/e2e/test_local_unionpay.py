"""An order paid with a bank card, in the local system: the same way, over UnionPay's gateway."""

from functools import partial

import httpx
import pytest

from infra.local.client import until
from infra.local.mall import LAMP, TOWEL, Goods, Shop
from infra.local.system import System
from tests.e2e import local
from tests.e2e.local import ALL

pytestmark = pytest.mark.e2e

system, http, truth = local.system, local.http, partial(local.truth, "unionpay")


def claimed(system: System, order_id: str, goods: Goods) -> str:
    """A case about an order paid with a card and not shipped."""
    Shop(system, "m1").sell(order_id, goods, "b1", channel="card")
    with system.client("buyer", "b1") as buyer:
        return str(buyer.post("/cases", {"order_id": order_id, **ALL})["case_id"])


def test_a_card_order_is_refunded(system: System, http: httpx.Client) -> None:
    """Accepted by the call, settled by UnionPay's notice, which is answered with 200; the books of both sides agree."""
    case_id = claimed(system, "card-1", LAMP)
    with system.client("buyer", "b1") as buyer:
        case = buyer.case_in(case_id, "closed")

    (refund,) = case["refunds"]
    told = truth(system, http)["refunds"][refund["key"]]
    assert (case["ending"], refund["state"], refund["amount_minor"], refund["account"]) == (
        "refunded",
        "settled",
        6000,
        "银行卡尾号0018",
    )
    assert (told["executed"], told["paid"], told["query_id"]) == (6000, 6000, refund["channel_id"])
    until(
        lambda: [n["state"] for n in truth(system, http)["notices"]] == ["acknowledged"],
        lambda: f"the notice was not taken: {truth(system, http)['deliveries']}",
        5,
    )


def test_a_lost_answer_pays_once(system: System, http: httpx.Client) -> None:
    """UnionPay pays, its answer is lost and no notice comes: a minute later the query finds it, and nothing is paid twice."""
    for wrong in ({"at": "create", "kind": "hang"}, {"at": "notice", "kind": "none"}):
        system.lever("faults", {"provider": "unionpay", **wrong})
    case_id = claimed(system, "card-2", TOWEL)
    with system.client("buyer", "b1") as buyer:
        until(lambda: truth(system, http)["faults_left"] == 0, lambda: "UnionPay was not called", 5)
        until(lambda: buyer.get(f"/cases/{case_id}")["refunds"][0]["state"] == "sent", lambda: "the silence was not noted", 5)
        system.tick(0.05)
        case = buyer.case_in(case_id, "closed")

    told = truth(system, http)["refunds"][case["refunds"][0]["key"]]
    assert (case["ending"], told["executed"]) == ("refunded", TOWEL.minor)
    assert truth(system, http)["payments"][told["transaction_id"]]["count"] == 1


def test_a_short_account_is_paid_under_a_new_number(system: System, http: httpx.Client) -> None:
    """UnionPay keeps a refusal under its number: once the account is topped up, a new number is paid, and the buyer has it once."""
    system.lever("balance", {"provider": "unionpay", "minor": 0})
    case_id = claimed(system, "card-3", TOWEL)
    with system.client("buyer", "b1") as buyer:
        until(lambda: buyer.get(f"/cases/{case_id}")["refunds"][0]["state"] == "failed", lambda: "the refusal was not noted", 5)
        system.lever("topup", {"provider": "unionpay", "minor": 100_000})
        for _ in range(4):
            system.tick(0.1)
        case = buyer.case_in(case_id, "closed")

    assert [(r["state"], r.get("cause")) for r in case["refunds"]] == [("released", "closed"), ("settled", None)]
    told = truth(system, http)["refunds"]
    assert [told[r["key"]]["executed"] for r in case["refunds"]] == [0, TOWEL.minor]
