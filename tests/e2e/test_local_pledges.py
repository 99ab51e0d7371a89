"""A diamond member who waits for an hour in the local system: sorry, and points at the membership system, through HTTP, once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import httpx
import pytest

from aftersales.order import Buyer
from aftersales.testing.builders import a_line, an_order
from infra.local.client import until
from infra.local.system import System
from tests.e2e import local
from tests.mall import snapshot

pytestmark = pytest.mark.e2e

system, http, books = local.system, local.http, partial(local.truth, "points")


def test_a_late_answer_gives_points_once(system: System, http: httpx.Client) -> None:
    """Nobody answers for an hour and the first gift's answer is lost: the member has 20 points once, by the system's own books."""
    signed = system.now() - timedelta(hours=5)
    line, buyer = a_line(vertical="general", unit_price_minor=20_000, pieces=1), Buyer("d1", "13900000000", "diamond", "en")
    order = an_order(order_id="late-1", lines=(line,), buyer=buyer, signed_at=signed, shipped_at=signed, paid_at=signed)
    with system.client("integrator", "mall") as mall, system.client("buyer", "d1") as member:
        mall.put("/orders/late-1", snapshot(order))
        items = [{"line_id": "l1", "pieces": 1}]
        asked = {"order_id": "late-1", "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
        case = member.post("/cases", asked)
        assert (case["state"], case["late"]) == ("reviewing", False)
        system.lever("faults", {"provider": "points", "at": "create", "kind": "cut", "executed": True, "key": "d1", "times": 1})
        system.tick(1.01)
        assert member.get(f"/cases/{case['case_id']}")["late"]
        system.tick(0.1)
        gifts = {f"{case['case_id']}/late": {"member": "d1", "merchant": "m1", "points": 20, "reason": "late_answer"}}

        def given() -> bool:
            steps = member.get(f"/cases/{case['case_id']}/timeline")["steps"]
            return [s["event"] for s in steps].count("points_given") == 1

        until(given, lambda: str(books(system, http)), 10)
        assert (books(system, http)["gifts"], books(system, http)["calls"]) == (gifts, {"points": 2})
