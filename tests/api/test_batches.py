"""Batches: one decision over many cases; a dry run, two persons, what changed meanwhile, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest

from aftersales.case import State
from aftersales.testing.builders import a_line, a_payment, an_order
from tests.mall import Mall

BATCHES = "/v1/merchant/batches"


def waiting(mall: Mall, number: int, minor: int = 6_000, **body: Any) -> str:
    """A case of order ``w<number>`` about ``minor`` fen that waits for a person; its id."""
    lines = (a_line(vertical="general", unit_price_minor=minor, pieces=1),)
    payment = a_payment(transaction_id=f"t{number}", paid_minor=minor)
    mall.push(an_order(order_id=f"w{number}", status="shipped", lines=lines, payments=(payment,)))
    asked = {"order_id": f"w{number}", "kind": "refund_only", "reason": "not_received", "submit": True, **body}
    case = mall.must("POST", "/v1/cases", {"items": [{"line_id": "l1", "pieces": 1}], **asked})
    assert case["state"] == State.REVIEWING
    return str(case["case_id"])


def batch(mall: Mall, who: str = "approver", **body: Any) -> Any:
    """A batch, worked on until it rests; its view."""
    made = mall.must("POST", BATCHES, {"action": "approve", "reason": "agreed", **body}, role=who)
    mall.pump()
    return mall.must("GET", f"{BATCHES}/{made['batch_id']}", role=who)


def results(mall: Mall, made: Any) -> dict[str, tuple[str, str]]:
    """What became of each case: result and code."""
    page = mall.must("GET", f"{BATCHES}/{made['batch_id']}/items?limit=100", role="clerk")
    return {i["case_id"]: (i["result"], i["code"]) for i in page["items"]}


def states(mall: Mall, *case_ids: str) -> list[str]:
    """The states of cases."""
    return [mall.case(case_id)["state"] for case_id in case_ids]


def test_a_batch_decides_what_its_choice_takes(mall: Mall) -> None:
    """All waiting cases of the shop that fit are approved, one person's yes on each, and paid."""
    cases = [waiting(mall, n) for n in range(12)]
    dear = waiting(mall, 90, 40_000)
    made = batch(mall, choice={"max_minor": 10_000})
    assert (made["state"], made["selected"], made["done"]) == ("done", 12, 12)
    assert made["totals"] == [{"result": "done", "currency": "CNY", "cases": 12, "minor": 72_000}]
    assert set(states(mall, *cases)) == {"closed"}
    assert states(mall, dear) == ["reviewing"]
    case = mall.store.case(cases[0]).case
    assert [(a.by, a.reason) for a in case.approvals] == [("approver:approver1", "agreed")]
