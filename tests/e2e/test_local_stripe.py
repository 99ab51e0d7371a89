"""An order paid by a card from abroad, in the local system: refunded, bounced, and refunded at Stripe without us."""

from functools import partial

import httpx
import pytest

from infra.local.client import until
from infra.local.mall import LAMP, TOWEL, Shop
from infra.local.system import System
from tests.e2e import local
from tests.e2e.local import ALL

pytestmark = pytest.mark.e2e

system, http, truth = local.system, local.http, partial(local.truth, "stripe")


def heard(system: System, http: httpx.Client) -> None:
    """Wait until the mall has acknowledged every event."""

    def acknowledged() -> bool:
        return {n["state"] for n in truth(system, http)["notices"]} <= {"acknowledged"}

    until(acknowledged, lambda: f"an event was not taken: {truth(system, http)['deliveries']}", 10)


def test_a_card_refund_goes_its_whole_way_and_back(system: System, http: httpx.Client) -> None:
    """The money goes back through Stripe, once; when the bank returns it the case is open again, and nothing counts as paid."""
    Shop(system, "m1").sell("st-1", LAMP, "b1", channel="stripe")
    with system.client("buyer", "b1") as buyer:
        case = buyer.post("/cases", {"order_id": "st-1", **ALL})
        case = buyer.case_in(case["case_id"], "closed")
        (refund,) = case["refunds"]
        told = truth(system, http)["refunds"][refund["key"]]
        assert (case["ending"], refund["state"], refund["account"][:15]) == ("refunded", "settled", "card, reference")
        assert (told["executed"], told["paid"], told["transaction_id"][:3]) == (6000, 6000, "pi_")
        heard(system, http)
        system.lever("fail", {"provider": "stripe", "key": refund["key"], "reason": "expired_or_canceled_card"})
        heard(system, http)
        case = buyer.case_in(case["case_id"], "settling")
    assert (case["refunds"][0]["state"], case["refunds"][0]["cause"]) == ("failed", "bounced")
    assert truth(system, http)["refunds"][refund["key"]]["executed"] == 0


def test_a_lost_answer_pays_once(system: System, http: httpx.Client) -> None:
    """Stripe pays and its answer is lost: the webhook or a look a minute later tells, and nothing is paid twice."""
    system.lever("faults", {"provider": "stripe", "at": "create", "kind": "hang"})
    Shop(system, "m1").sell("st-2", TOWEL, "b1", channel="stripe")
    with system.client("buyer", "b1") as buyer:
        case_id = buyer.post("/cases", {"order_id": "st-2", **ALL})["case_id"]
        until(lambda: truth(system, http)["faults_left"] == 0, lambda: "Stripe was not called", 5)
        system.tick(0.05)
        case = buyer.case_in(case_id, "closed")
    told = truth(system, http)["refunds"][case["refunds"][0]["key"]]
    assert (case["ending"], told["executed"]) == ("refunded", TOWEL.minor)
    assert truth(system, http)["payments"][told["transaction_id"]]["count"] == 1


def test_money_that_went_back_at_stripe_is_not_sent_again(system: System, http: httpx.Client) -> None:
    """Refunded in Stripe's console: the mall hears of it, and nothing is left to be refunded."""
    order = Shop(system, "m1").sell("st-3", TOWEL, "b1", channel="stripe")
    paid = order["payments"][0]["transaction_id"]
    system.lever("outside", {"provider": "stripe", "transaction_id": paid})
    heard(system, http)
    with system.client("buyer", "b1") as buyer:
        assert buyer.get("/orders/st-3/options")["refundable_minor"] == 0
    assert truth(system, http)["payments"][paid]["executed"] == TOWEL.minor
