"""Sets through the API: cases about parts cross each other in any way, and the sum is right."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from aftersales.testing.builders import an_order
from tests.mall import Mall, snapshot

crossing = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WAYBILLS = count(10_000_000)
TRADES = ("general", "custom_made")


@st.composite
def sets(draw: st.DrawFn) -> dict[str, Any]:
    """A line of one or two sets of two to four parts of two trades, all below what needs two persons."""
    parts = [
        {
            "part_id": f"p{number}",
            "sku": f"P{number}",
            "title": f"Part {number}",
            "vertical": draw(st.sampled_from(TRADES)),
            "pieces": draw(st.integers(1, 2)),
            "value_minor": draw(st.integers(0, 2_500)),
            "gift": number > 0 and draw(st.booleans()),
            "worth_minor": draw(st.integers(0, 3_500)),
        }
        for number in range(draw(st.integers(2, 4)))
    ]
    price = sum(p["pieces"] * p["value_minor"] for p in parts)
    return {
        "line_id": "set",
        "sku": "SET",
        "title": "Set",
        "vertical": "bundle",
        "unit_price_minor": price,
        "pieces": draw(st.integers(1, 2)),
        "discount_minor": draw(st.integers(0, price)),
        "terms": draw(st.sampled_from([{}, {"together": "alone"}, {"together": "alone", "gift": "keep"}, {"gift": "back"}])),
        "parts": parts,
    }


class Selling:
    """One set, its buyer and its shop."""

    def __init__(self, line: dict[str, Any]) -> None:
        self.mall = Mall()
        self.opened: list[str] = []
        self.paid = line["unit_price_minor"] * line["pieces"] - line["discount_minor"]
        body = {**snapshot(an_order()), "lines": [line]}
        body["payments"] = [{**body["payments"][0], "paid_minor": self.paid}]
        self.mall.must("PUT", "/v1/orders/o1", body, role="integrator")

    @property
    def ledger(self) -> Any:
        """The money of the order."""
        return self.mall.store.order("m1", "o1").ledger

    def free(self) -> dict[str, int]:
        """The pieces that no case speaks for."""
        lines = self.mall.must("GET", "/v1/orders/o1")["lines"]
        return {line["line_id"]: line["pieces_free"] for line in lines if line["pieces_free"]}

    def cases(self, *states: str) -> list[dict[str, Any]]:
        """The cases in these states, as they were opened."""
        found = [c for c in self.mall.must("GET", "/v1/orders/o1/cases")["cases"] if c["state"] in states]
        return sorted(found, key=lambda c: self.opened.index(c["case_id"]))

    def ask(self, wanted: dict[str, int]) -> list[dict[str, Any]]:
        """A return of these pieces, in one call; the answers."""
        items = [{"line_id": line_id, "pieces": pieces} for line_id, pieces in wanted.items()]
        body = {"order_id": "o1", "items": items, "kind": "return_refund", "reason": "no_reason", "submit": True}
        results: list[dict[str, Any]] = self.mall.must("POST", "/v1/cases/together", body)["results"]
        self.opened += [r["case"]["case_id"] for r in results if r["case"]]
        return results

    def decide(self, case: dict[str, Any], outcome: str) -> None:
        """A person's word."""
        said = {"outcome": outcome, "reason": "so it is"}
        self.mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", said, role="clerk")
        self.mall.pump()

    def back(self, case: dict[str, Any], accepted: bool = True) -> None:
        """The goods come back, and are accepted or not; money that is due arrives."""
        path = f"/v1/cases/{case['case_id']}"
        self.mall.must("POST", f"{path}/shipment", {"carrier": "sf", "number": f"SF{next(WAYBILLS)}"})
        found = {"accepted": True, "disposition": "sound"} if accepted else {"accepted": False, "note": "worn"}
        self.mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/inspection", found, role="clerk")
        self.mall.pump()
        self.mall.wait(minutes=2)

    def check(self) -> None:
        """Never more than was paid, by our books and by the channel's."""
        assert self.ledger.spent.minor <= self.paid
        assert sum(entry.goods_minor for entry in self.ledger.open_entries()) <= self.paid


@crossing
@given(line=sets(), data=st.data())
def test_cases_about_a_set_cross_and_add_up(line: dict[str, Any], data: st.DataObject) -> None:
    """Asked, withdrawn, refused, approved and sent back in any order: never more than was paid, and with all back exactly that."""
    selling = Selling(line)
    note(str(line))
    for _ in range(data.draw(st.integers(0, 7))):
        step = data.draw(st.sampled_from(["ask", "ask", "back", "back", "withdraw", "reject", "refuse", "approve"]))
        note(step)
        if step == "ask" and (free := selling.free()):
            lines = data.draw(st.lists(st.sampled_from(sorted(free)), min_size=1, max_size=2, unique=True))
            selling.ask({line_id: data.draw(st.integers(1, free[line_id])) for line_id in lines})
        if step in ("back", "refuse", "withdraw") and (approved := selling.cases("approved")):
            case = approved[data.draw(st.integers(0, len(approved) - 1))]
            if step == "withdraw":
                selling.mall.must("POST", f"/v1/cases/{case['case_id']}/withdraw")
            else:
                selling.back(case, accepted=step == "back")
        if step in ("reject", "approve") and (waiting := selling.cases("reviewing")):
            selling.decide(waiting[data.draw(st.integers(0, len(waiting) - 1))], step)
        selling.check()
    finish(selling)
    assert selling.ledger.spent.minor == selling.paid


def finish(selling: Selling) -> None:
    """Everything that is still out comes back: what waits is approved and sent, what is free is asked for."""
    for _ in range(4):
        for case in selling.cases("reviewing"):
            selling.decide(case, "approve")
        for case in selling.cases("approved"):
            selling.back(case)
        selling.check()
        if free := selling.free():
            selling.ask(free)
            note(f"the rest: {free}")
