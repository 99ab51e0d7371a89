"""What is kept back for bringing goods back: sent and kept are what was approved, to the cent, whoever bears how much."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aftersales.order import Payment
from aftersales.testing.builders import NOW, a_line, a_merchant, an_order
from aftersales.testing.carrier import RECEIVER, FakeCarrier
from aftersales.testing.channel import FakeChannel
from tests.api.door import DOOR, Door

#: One return: what its pieces cost, the price that is told, the real one (None: as told), what became of the pickup, whose fault.
RETURN = st.tuples(
    st.integers(1, 30_000),
    st.integers(0, 4_000),
    st.none() | st.integers(0, 6_000),
    st.sampled_from(["courier", "label", "cancelled", "none"]),
    st.sampled_from(["no_reason", "faulty"]),
)


def bought(door: Door, prices: list[int], first_share: int, fee: int) -> None:
    """An order of as many lamps as there are prices, paid in two ways."""
    door.registry.put("channel:balance", FakeChannel())
    shop = a_merchant(
        return_address=RECEIVER.address, return_name=RECEIVER.name, return_phone=RECEIVER.phone, fee_permille=fee,
    )  # fmt: skip
    door.registry.put("merchant:m1", shop)
    lines = tuple(
        a_line(
            line_id=f"l{n}", sku=f"S{n}", title=f"Lamp {n}", vertical="general", category="lamp", unit_price_minor=price, pieces=1
        )
        for n, price in enumerate(prices)
    )
    whole = sum(prices)
    first = whole * first_share // 100
    parts = [("wechatpay", first), ("balance", whole - first)]
    payments = tuple(Payment(f"p{n}", channel, f"t{n}", minor) for n, (channel, minor) in enumerate(parts) if minor)
    signed_at = NOW - timedelta(days=1)
    door.push(
        an_order(order_id="o9", lines=lines, payments=payments, signed_at=signed_at, shipped_at=signed_at - timedelta(days=1))
    )


def approved(door: Door, line: int, reason: str) -> str:
    """A return of one lamp that was agreed to."""
    body = {"order_id": "o9", "kind": "return_refund", "reason": reason, "items": [{"line_id": f"l{line}", "pieces": 1}]}
    case_id = str(door.must("POST", "/v1/cases", body)["case_id"])
    door.photo(case_id)
    door.must("POST", f"/v1/cases/{case_id}/submit")
    door.pump()
    if door.case(case_id)["state"] == "reviewing":
        door.must("POST", f"/v1/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "ok"}, role="clerk")
    door.pump()
    return case_id


def came_back(door: Door, case_id: str, how: str, told: int, real: int | None) -> None:
    """The goods come back that way; what the carrier finally says it cost."""
    carrier, key = door.carrier, f"{case_id}-pickup-1"
    carrier.price_minor = told
    if how != "none":
        body = {"sender": DOOR, "agreed_minor": told} | ({"drop_off": True} if how == "label" else {"slot": door.slot()})
        assert door.send("POST", f"/v1/cases/{case_id}/pickup", body).status == 201
        door.pump()
    if how == "cancelled":
        door.must("DELETE", f"/v1/cases/{case_id}/pickup")
        door.later()
    if how in ("none", "cancelled"):
        door.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": f"SF{abs(hash(case_id)) % 10**13:013}"})
        return
    carrier.bookings[key] = replace(carrier.bookings[key], minor=told if real is None else real)
    carrier.collect(key)
    door.wait(hours=6, minutes=1)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(RETURN, min_size=1, max_size=2), st.integers(0, 100), st.sampled_from([0, 50]))
def test_sent_and_kept_are_what_was_approved(returns: list[tuple[int, int, int | None, str, str]], share: int, fee: int) -> None:
    """One or two returns of an order paid in two ways: nothing is lost or given twice, nobody bears more than was agreed."""
    door = Door(FakeCarrier(labels=True))
    bought(door, [price for price, *_ in returns], share, fee)
    kept_in_all = sent_in_all = 0
    for line, (_, told, real, how, reason) in enumerate(returns):
        case_id = approved(door, line, reason)
        came_back(door, case_id, how, told, real)
        planned = door.must("GET", f"/v1/cases/{case_id}/refund-plan")
        door.must("POST", f"/v1/merchant/cases/{case_id}/inspection", {"accepted": True, "disposition": "sound"}, role="clerk")
        door.pump()
        door.wait(minutes=5)
        file = door.store.case(case_id)
        assert file is not None
        case, sent = file.case, sum(r.amount.minor for r in file.refunds if r.state == "settled")
        assert (case.state, sent) == ("closed", case.amount.minor)
        assert sent + case.pickup_minor == case.approvals[-1].amount.minor
        assert (planned["amount_minor"], planned["pickup_minor"]) == (sent, case.pickup_minor)
        bears = reason == "no_reason" and how in ("courier", "label")
        most = min(told, told if real is None else real, case.approvals[-1].amount.minor)
        assert case.pickup_minor == (most if bears else 0)
        assert sum(r.pickup_minor for r in file.refunds) == (case.pickup_minor if file.refunds else 0)
        kept_in_all, sent_in_all = kept_in_all + case.pickup_minor, sent_in_all + sent
    order = door.store.order("m1", "o9")
    assert order is not None
    ledger = order.ledger
    assert ledger.spent.minor == sent_in_all
    assert sent_in_all + kept_in_all <= ledger.paid.minor
    assert all(ledger.left_of(payment) >= 0 for payment in ledger.payments)
    assert sum(cost.kept_minor for cost in ledger.borne()) == kept_in_all
    served = [(told if real is None else real) for _, told, real, how, _ in returns if how in ("courier", "label")]
    assert sorted(cost.minor for cost in ledger.borne()) == sorted(served)
