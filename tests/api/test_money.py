"""Plans, fees and compensation through the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.entry import Payout, Turn
from aftersales.order import Freight, Payment
from aftersales.testing.builders import a_line, a_merchant, an_order
from aftersales.testing.channel import FakeChannel
from tests.mall import Mall

SHIRT = a_line(vertical="general", unit_price_minor=10_000, pieces=1)


def bought(
    mall: Mall, order_id: str = "o9", status: str = "paid", paid: tuple[tuple[str, int], ...] = (("wechatpay", 10_000),)
) -> None:
    """A shirt of CNY 100.00, paid like that."""
    mall.registry.put("channel:balance", FakeChannel())
    payments = tuple(Payment(f"p{n}", channel, f"t{n}{order_id}", minor) for n, (channel, minor) in enumerate(paid, 1))
    mall.push(an_order(order_id=order_id, status=status, lines=(SHIRT,), payments=payments))


def opened(mall: Mall, reason: str = "changed_mind", **more: Any) -> Any:
    """A refund of the shirt, opened as a draft unless ``submit``."""
    body = {"order_id": "o9", "kind": "refund_only", "reason": reason, "items": [{"line_id": "l1", "pieces": 1}], **more}
    return mall.must("POST", "/v1/cases", body)


def plan(mall: Mall, case: Any) -> Any:
    """The refund plan of a case."""
    return mall.must("GET", f"/v1/cases/{case['case_id']}/refund-plan")


def compensate(mall: Mall, case: Any, minor: int, role: str = "approver", **more: Any) -> Any:
    """The answer to a compensation."""
    path = f"/v1/merchant/cases/{case['case_id']}/compensation"
    return mall.send("POST", path, {"amount_minor": minor, "reason": "late twice", **more}, role=role)


def test_the_preview_is_what_is_carried_out(mall: Mall) -> None:
    """Before anybody is called the plan names the payments and their parts; the same legs are then sent."""
    mall.registry.put("merchant:m1", a_merchant(turn=Turn.WALLETS_FIRST))
    bought(mall, paid=(("wechatpay", 7_000), ("balance", 3_000)))
    case = opened(mall)
    before = plan(mall, case)
    assert [(leg["channel"], leg["amount_minor"], leg["state"]) for leg in before["legs"]] == [
        ("balance", 3_000, "planned"), ("wechatpay", 7_000, "planned"),
    ]  # fmt: skip
    assert (before["covered"], before["refundable_after_minor"]) == (True, 0)
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    mall.pump()
    after = plan(mall, case)
    assert [(leg["payment_id"], leg["amount_minor"]) for leg in after["legs"]] == [
        (leg["payment_id"], leg["amount_minor"]) for leg in before["legs"]
    ]
    assert {leg["state"] for leg in after["legs"]} == {"settled"}
    assert after["refundable_after_minor"] == 0


@pytest.mark.parametrize(("reason", "fee"), [("changed_mind", 50), ("out_of_stock", 0)])
def test_the_fee_follows_the_fault(mall: Mall, reason: str, fee: int) -> None:
    """Half a percent of the goods is kept back where the buyer changed his mind, and nothing where the shop could not deliver."""
    mall.registry.put("merchant:m1", a_merchant(fee_permille=5))
    bought(mall)
    case = opened(mall, reason, submit=True)
    mall.pump()
    said = plan(mall, case)
    assert (said["fee_minor"], said["components"]["goods"], said["amount_minor"]) == (fee, 10_000 - fee, 10_000 - fee)
    assert mall.channel.truth == {f"R{case['case_id']}-1": 10_000 - fee}


def test_a_fee_takes_no_freight(mall: Mall) -> None:
    """An order that was never shipped is refunded piece by piece: its freight comes with the last one, fee or not."""
    mall.registry.put("merchant:m1", a_merchant(fee_permille=5))
    mall.push(an_order(order_id="o9", status="paid", lines=(replace(SHIRT, pieces=2),), freight=Freight(500)))
    paid = []
    for _ in range(2):
        opened(mall, submit=True)
        mall.pump()
        paid.append(sum(mall.channel.truth.values()))
    assert paid == [9_950, 9_950 + 9_950 + 500]


def test_compensation_goes_beyond_what_was_paid_up_to_its_cap(mall: Mall) -> None:
    """Refund and goodwill together end at 105 % of what was paid; the goodwill goes to the balance, as a payout of its own."""
    bought(mall)
    case = opened(mall, submit=True)
    mall.pump()
    too_much = compensate(mall, case, 501)
    assert (too_much.status, too_much.json["code"]) == (409, "over_refund")
    assert compensate(mall, case, 500).status == 200
    mall.pump()
    balance = mall.registry.channel("balance")
    assert isinstance(balance, FakeChannel)
    assert list(balance.truth.values()) == [500]
    assert compensate(mall, case, 1).status == 409
    done = mall.case(case["case_id"])
    assert (done["state"], done["ending"]) == ("closed", "refunded")
    ledger = mall.store.order("m1", "o9").ledger
    assert ledger.refundable.minor == 0
    assert sum(e.minor for e in ledger.open_entries(Payout.COMPENSATION)) == 500


def test_compensation_before_the_refund_leaves_the_refund_whole(mall: Mall) -> None:
    """Goodwill while a case is open takes nothing from what the case is paid, and both have numbers of their own."""
    bought(mall)
    case = opened(mall)
    assert compensate(mall, case, 300).status == 200
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    mall.pump()
    assert mall.case(case["case_id"])["ending"] == "refunded"
    assert mall.channel.truth == {f"R{case['case_id']}-2": 10_000}


def test_goodwill_before_the_refund_leaves_room_for_the_refund(mall: Mall) -> None:
    """What may still be refunded counts as refunded: goodwill first and the refund afterwards end at 105 % in all, too."""
    bought(mall)
    case = opened(mall)
    assert compensate(mall, case, 501).json["code"] == "over_refund"
    assert compensate(mall, case, 500).status == 200
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    mall.pump()
    ledger = mall.store.order("m1", "o9").ledger
    assert sum(e.minor for e in ledger.open_entries(*Payout)) == 10_500


def test_a_plan_after_a_compensation_names_the_payments(mall: Mall) -> None:
    """Money beside the case is no part of its plan: what will go back is previewed as without it."""
    bought(mall)
    case = opened(mall)
    before = plan(mall, case)
    assert compensate(mall, case, 300).status == 200
    assert plan(mall, case) == before
    assert [(leg["amount_minor"], leg["state"]) for leg in before["legs"]] == [(10_000, "planned")]


def test_a_reopened_case_tells_the_fee_it_pays(mall: Mall) -> None:
    """A case that lapsed is priced afresh when it is reopened, its fee too: parts and fee add up to what the pieces are worth."""
    bought(mall, status="shipped")
    case = opened(mall, submit=True)
    ask = {"outcome": "ask_evidence", "reason": "A photo, please."}
    mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", ask, role="clerk")
    mall.wait(hours=73)
    mall.registry.put("merchant:m1", a_merchant(fee_permille=5))
    mall.must("POST", f"/v1/cases/{case['case_id']}/reopen")
    said = plan(mall, case)
    assert (said["components"]["goods"], said["fee_minor"]) == (9_950, 50)


def test_what_was_rejected_has_no_plan(mall: Mall) -> None:
    """Nothing will go back for a case that the shop rejected: no payment is named, and its money is free for another case."""
    bought(mall, status="shipped")
    case = opened(mall, reason="not_received", submit=True)
    assert [leg["amount_minor"] for leg in plan(mall, case)["legs"]] == [10_000]
    no = {"outcome": "reject", "reason": "It was signed for."}
    mall.must("POST", f"/v1/merchant/cases/{case['case_id']}/decision", no, role="clerk")
    assert (plan(mall, case)["legs"], plan(mall, case)["refundable_after_minor"]) == ([], 10_000)


def test_a_deposit_comes_back_double(mall: Mall) -> None:
    """A double deposit has a cap of its own, twice what was paid in all, and always takes two persons: no order says what it is."""
    bought(mall)
    case = opened(mall, submit=True)
    assert compensate(mall, case, 10_001, why="double_deposit").status == 409
    assert compensate(mall, case, 10_000, why="double_deposit").status == 200
    assert not mall.store.order("m1", "o9").ledger.open_entries(Payout.COMPENSATION)
    assert compensate(mall, case, 10_000, why="double_deposit", role="admin").status == 200
    assert [e.minor for e in mall.store.order("m1", "o9").ledger.open_entries(Payout.COMPENSATION)] == [10_000]


def test_the_year_has_a_cap(mall: Mall) -> None:
    """A merchant's goodwill of one year ends at the merchant's sum; the next year begins anew."""
    mall.registry.put("merchant:m1", a_merchant(compensation_year_minor=400))
    bought(mall)
    case = opened(mall, submit=True)
    assert compensate(mall, case, 300).status == 200
    spent = compensate(mall, case, 101)
    assert (spent.status, spent.json["code"]) == (409, "allowance_spent")
    assert spent.json["details"]["left_minor"] == 100
    mall.clock.move(timedelta(days=60))
    assert compensate(mall, case, 101).status == 200


def test_a_large_compensation_takes_two_persons(mall: Mall) -> None:
    """Above the merchant's limit one yes is only on record; the same sum by somebody else pays it, once."""
    mall.registry.put("merchant:m1", a_merchant(two_persons_above_minor=100))
    bought(mall)
    case = opened(mall, submit=True)
    assert compensate(mall, case, 200).status == 200
    again = compensate(mall, case, 200)
    assert (again.status, again.json["code"]) == (403, "second_person_required")
    assert compensate(mall, case, 201, role="admin").status == 200  # another sum is another first yes
    assert not mall.store.order("m1", "o9").ledger.open_entries(Payout.COMPENSATION)
    assert compensate(mall, case, 201, role="approver").status == 200
    assert [e.minor for e in mall.store.order("m1", "o9").ledger.open_entries(Payout.COMPENSATION)] == [201]


def test_a_yes_to_goodwill_is_none_to_a_double_deposit(mall: Mall) -> None:
    """The second person agrees to the same thing as the first: another ground has another cap, and is another first yes."""
    mall.registry.put("merchant:m1", a_merchant(two_persons_above_minor=100))
    bought(mall)
    case = opened(mall, submit=True)
    assert compensate(mall, case, 500).status == 200
    assert compensate(mall, case, 500, role="admin", why="double_deposit").status == 200
    assert not mall.store.order("m1", "o9").ledger.open_entries(Payout.COMPENSATION)
    assert compensate(mall, case, 500, why="double_deposit").status == 200
    assert [e.minor for e in mall.store.order("m1", "o9").ledger.open_entries(Payout.COMPENSATION)] == [500]


def test_many_small_compensations_are_a_large_one(mall: Mall) -> None:
    """The limit of one person holds for all compensation of an order together: slices do not get around the second person."""
    mall.registry.put("merchant:m1", a_merchant(two_persons_above_minor=100))
    bought(mall)
    case = opened(mall, submit=True)
    assert compensate(mall, case, 100).status == 200
    assert compensate(mall, case, 1).status == 200
    assert [e.minor for e in mall.store.order("m1", "o9").ledger.open_entries(Payout.COMPENSATION)] == [100]
    assert compensate(mall, case, 1, role="admin").status == 200
    assert [e.minor for e in mall.store.order("m1", "o9").ledger.open_entries(Payout.COMPENSATION)] == [100, 1]
