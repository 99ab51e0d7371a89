"""However exchanges, repairs and returns follow one another: never more goes back than came in, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aftersales.case import Item
from aftersales.entry import Paid
from aftersales.errors import Invalid
from aftersales.ledger import Ledger
from aftersales.testing.builders import NOW, a_line, an_order
from tests.api.machine import Kitchen

few = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)

#: What is wanted, and how it ends: as promised, money in its place by a person or by silence, withdrawn before anything was sent.
LIVES = st.tuples(
    st.sampled_from(["", "FRIDGE-100", "FRIDGE-500"]),
    st.sampled_from(["done", "silent", "instead", "withdrawn", "unpaid", "received", "try again"]),
)


def live(kitchen: Kitchen, wanted: str, end: str) -> None:
    """One exchange from beginning to end."""
    kitchen.installer.happen("o9", "inspected", kitchen.clock.now(), verdict="fault")
    case = kitchen.decide(kitchen.ask(wanted=wanted))
    if end == "withdrawn":
        kitchen.must("POST", f"/v1/cases/{case['case_id']}/withdraw")
        kitchen.pump()
        return
    case = kitchen.back(case)
    if case["state"] == "awaiting_payment":
        if end == "unpaid":
            kitchen.wait(hours=72)
            return
        assert kitchen.pay(case, case["remedy"]["extra_minor"], f"x{case['case_id'][:8]}").status == 200
    if end == "silent":
        kitchen.wait(days=15)
        kitchen.wait(days=2)
        return
    if end in ("instead", "try again"):
        kitchen.tell(case, "failed", reason="it fell")
        kitchen.decide(case, **({"instead": "money"} if end == "instead" else {}))
        if end == "instead":
            return
    kitchen.tell(case, "sent", carrier="sf", number=f"SF{case['case_id'][:10]}")
    if end == "received":
        kitchen.must("POST", f"/v1/cases/{case['case_id']}/received", {"received": True})
    else:
        kitchen.tell(case, "done")
    kitchen.pump()


@few
@given(lives=st.lists(LIVES, min_size=1, max_size=4), last=st.booleans())
def test_money_sent_is_never_more_than_money_paid(lives: list[tuple[str, str]], last: bool) -> None:
    """Exchanges in a row, however each ends, and a return: what went back is at most what came in, what is held is the rest."""
    kitchen = Kitchen()
    for sku in ("FRIDGE-300", "FRIDGE-100", "FRIDGE-500"):
        kitchen.stock.put(sku, 10)
    for wanted, end in lives:
        if not kitchen.order()["lines"][0]["pieces_free"]:
            break
        live(kitchen, wanted, end)
        check(kitchen)
    if last and kitchen.order()["lines"][0]["pieces_free"]:
        kitchen.installer.happen("o9", "inspected", kitchen.clock.now(), verdict="fault")
        back = kitchen.must("POST", "/v1/cases", {**ASKED, "kind": "return_refund"})
        kitchen.pump()
        back = kitchen.case(back["case_id"])
        kitchen.back(kitchen.decide(back) if back["state"] == "reviewing" else back)
        check(kitchen)
        assert sum(kitchen.channel.truth.values()) == kitchen.order()["paid_minor"]


ASKED = {"order_id": "o9", "kind": "exchange", "reason": "faulty", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}


def check(kitchen: Kitchen) -> None:
    """The invariants, whatever happened."""
    ledger = kitchen.store.order("m1", "o9").ledger
    sent, paid = sum(kitchen.channel.truth.values()), ledger.paid.minor
    assert sent <= paid
    assert ledger.settled.minor == sent
    assert all(ledger.left_of(payment) >= 0 for payment in ledger.payments)
    free = ledger.free_units("l1")
    if free:
        assert sum(ledger.worth("l1", free)) + ledger.freight_left == paid - sent
    else:
        assert sent == paid
    for shelf in kitchen.stock.shelves.values():
        assert shelf.free + sum(pieces for pieces, _ in shelf.holds.values()) + len(shelf.gone) == 10
        assert not shelf.holds, "nothing stays kept once every case is over"


@few
@given(st.integers(1, 5), st.integers(1, 10**6), st.integers(0, 4))
def test_a_later_payment_is_spread_over_the_pieces_it_is_for(pieces: int, minor: int, others: int) -> None:
    """What is paid on top makes the case's pieces worth exactly that much more, and no other piece; it can go back, once."""
    order = an_order(lines=(a_line(pieces=pieces + others),))
    ledger, (item,) = Ledger.open(order).hold("c1", (Item("l1", pieces),))
    before, rest = ledger.held_value("c1")[0], ledger.free_units("l1")
    fuller = ledger.add("c1", Paid("x1", "wechatpay", "t1", minor))
    assert fuller.held_value("c1")[0] == before + minor
    assert fuller.worth("l1", rest) == ledger.worth("l1", rest)
    assert fuller.paid.minor == ledger.paid.minor + minor
    assert fuller.add("c1", Paid("x1", "wechatpay", "t1", minor)) is fuller
    for number, leg in enumerate(fuller.legs(before + minor, 0, 0), 1):
        fuller = fuller.reserve(f"Rc1-{number}", "c1", leg, NOW)
    assert fuller.spent.minor == before + minor
    assert Ledger.open(order).after(fuller) == fuller
    assert item.units


def test_a_later_payment_needs_pieces_and_a_number_of_its_own() -> None:
    """For no pieces, for nothing, or under the number of another payment it is refused."""
    order = an_order()
    ledger = Ledger.open(order)
    held, _ = ledger.hold("c1", (Item("l1", 1),))
    for into, paid in ((ledger, Paid("x1", "w", "t", 5)), (held, Paid("x1", "w", "t", 0)), (held, Paid("p1", "w", "t", 5))):
        with pytest.raises(Invalid):
            into.add("c1", paid)
