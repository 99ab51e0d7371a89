"""An order paid through Alipay, in the local system: the same way, over the other provider."""

from functools import partial
from typing import Any

import httpx
import pytest

from infra.local.client import until
from infra.local.mall import LAMP, TOWEL, Goods, Shop
from infra.local.system import System
from tests.e2e import local
from tests.e2e.local import ALL

pytestmark = pytest.mark.e2e

system, http, truth = local.system, local.http, partial(local.truth, "alipay")


def refunded(system: System, order_id: str, goods: Goods) -> dict[str, Any]:
    """A case about an order paid through Alipay and not shipped, once it is closed."""
    Shop(system, "m1").sell(order_id, goods, "b1", channel="alipay")
    with system.client("buyer", "b1") as buyer:
        case = buyer.post("/cases", {"order_id": order_id, **ALL})
        found: dict[str, Any] = buyer.case_in(case["case_id"], "closed")
    return found


def test_an_alipay_order_is_refunded(system: System, http: httpx.Client) -> None:
    """The money is back where it came from, the books of both sides agree, and Alipay's notice is answered with ``success``."""
    case = refunded(system, "ali-1", LAMP)

    (refund,) = case["refunds"]
    told = truth(system, http)["refunds"][refund["key"]]
    assert (case["ending"], refund["state"], refund["amount_minor"], refund["account"]) == (
        "refunded",
        "settled",
        6000,
        "支付宝余额",
    )
    assert (told["executed"], told["paid"]) == (6000, 6000)

    def acknowledged() -> bool:
        return [n["state"] for n in truth(system, http)["notices"] if n["out_request_no"] == refund["key"]] == ["acknowledged"]

    until(acknowledged, lambda: f"the notice was not taken: {truth(system, http)['deliveries']}", 5)


def test_a_lost_answer_pays_once(system: System, http: httpx.Client) -> None:
    """Alipay pays and its answer is lost: a minute later the query finds the refund, and nothing is paid twice."""
    system.lever("faults", {"provider": "alipay", "at": "create", "kind": "hang"})
    Shop(system, "m1").sell("ali-2", TOWEL, "b1", channel="alipay")
    with system.client("buyer", "b1") as buyer:
        case_id = buyer.post("/cases", {"order_id": "ali-2", **ALL})["case_id"]
        until(lambda: truth(system, http)["faults_left"] == 0, lambda: "Alipay was not called", 5)
        until(lambda: buyer.get(f"/cases/{case_id}")["refunds"][0]["state"] == "sent", lambda: "the silence was not noted", 5)
        assert buyer.get(f"/cases/{case_id}")["state"] == "settling"
        system.tick(0.05)
        case = buyer.case_in(case_id, "closed")

    told = truth(system, http)["refunds"][case["refunds"][0]["key"]]
    assert (case["ending"], told["executed"]) == ("refunded", TOWEL.minor)
    assert truth(system, http)["payments"][told["transaction_id"]]["count"] == 1
