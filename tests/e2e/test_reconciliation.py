"""Reconciliation in the local system: real bills of two providers over several days, with all that goes wrong between them."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

import app
from aftersales.refund import BEIJING
from infra.local.client import until
from infra.local.mall import KETTLE, LAMP, TOWEL, Goods, Shop
from infra.local.schedule import MINUTE, SELDOM, Scheduler
from infra.local.system import System

pytestmark = pytest.mark.e2e

ALL = {"kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}

#: For the next request: of the days that are left, the oldest is asked for first.
DAMAGED = {"provider": "alipay", "at": "bill", "kind": "wrong_digest"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One running system for this module."""
    with System(tmp_path_factory.mktemp("local") / "home") as running:
        yield running


def go_to(system: System, day: date, hour: int, minute: int = 0, second: int = 0) -> None:
    """Move the local clock to that instant in Beijing; the schedules have run when it returns."""
    at = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=BEIJING)
    system.tick((at - system.now()).total_seconds() / 3600)


def refund(system: System, order_id: str, goods: Goods, channel: str = "wechatpay", state: str = "settled") -> dict[str, Any]:
    """An order paid through the channel, and its refund once it is in that state."""
    Shop(system, "m1").sell(order_id, goods, "b1", channel=channel)
    with system.client("buyer", "b1") as buyer:
        case_id = buyer.post("/cases", {"order_id": order_id, **ALL})["case_id"]

        def there() -> dict[str, Any] | None:
            legs = buyer.get(f"/cases/{case_id}")["refunds"]
            return legs[0] if legs and legs[0]["state"] == state else None

        return until(there, lambda: f"the refund is not {state}", 10)


def statement(system: System, of: str) -> dict[str, Any]:
    """What the shop reads of a day or a month."""
    with system.client("clerk", "anna") as clerk:
        said: dict[str, Any] = clerk.get(f"/merchant/reconciliation/{of}")
        return said


def day_of(system: System, day: date, channel: str) -> tuple[Any, ...] | None:
    """Counts and sums of a day: ours, theirs, matched, differences."""
    for one in statement(system, str(day))["days"]:
        if one["channel"] == channel:
            sums = [(one[name], one[f"{name}_minor"]) for name in ("ours", "theirs", "matched")]
            return (*sums, one["differences"])
    return None


def tickets(system: System, kind: str, *, is_open: bool = True, role: str = "clerk") -> list[dict[str, Any]]:
    """The shop's tickets of a kind, or the operator's."""
    with system.client(role, "anna", "m1" if role == "clerk" else "") as who:
        found: list[dict[str, Any]] = who.get(f"/merchant/tickets?kind={kind}&open={str(is_open).lower()}")["tickets"]
        return found


def test_three_days_of_two_channels(system: System) -> None:
    """Every sum is right to the fen, every difference has its ticket, and what the next day explains closes by itself."""
    first = (system.now() + timedelta(days=1)).astimezone(BEIJING).date()
    second, third = first + timedelta(days=1), first + timedelta(days=2)

    # the first day: one agreed, one whose answer is lost, one made in the console; and one that midnight parts from its bill
    go_to(system, first, 12)
    refund(system, "w-1", LAMP)
    refund(system, "a-1", LAMP, "alipay")
    system.lever("faults", {"at": "create", "kind": "hang", "executed": True})
    lost = refund(system, "w-2", TOWEL, state="sent")
    order = Shop(system, "m1").sell("w-out", KETTLE, "b1")
    system.lever("outside", {"transaction_id": order["payments"][0]["transaction_id"], "minor": 500})
    go_to(system, first, 23, 59, 20)
    ahead = (system.now() - datetime.now().astimezone()).total_seconds() + 60
    system.lever("clock", {"offset_s": ahead})  # the provider's clock is a minute ahead of ours
    night = refund(system, "w-3", KETTLE)
    assert system.now().astimezone(BEIJING).date() == first

    # the second morning: the checksum of the first bill is wrong once
    system.lever("faults", {"at": "bill", "kind": "wrong_digest", "key": str(first)})
    go_to(system, second, 11)
    assert day_of(system, first, "wechatpay") is None
    assert {"channel": "wechatpay", "date": str(first)} in statement(system, str(first))["missing"]
    go_to(system, second, 11, 45)
    lamps, towels, kettles = LAMP.minor, TOWEL.minor, KETTLE.minor
    theirs = (3, lamps + towels + 500)
    assert day_of(system, first, "wechatpay") == (
        (3, lamps + towels + kettles), theirs, (2, lamps + towels), {"theirs_only": 1},
    )  # fmt: skip
    assert day_of(system, first, "alipay") == ((1, lamps), (1, lamps), (1, lamps), {})
    (outside,) = tickets(system, "paid_outside")
    assert (outside["order_id"], outside["amount_minor"]) == ("w-out", 500)
    with system.client("integrator", "mall") as mall:
        assert mall.get("/orders/w-out")["refundable_minor"] == kettles - 500
    (opened,) = tickets(system, "difference")
    assert (opened["key"], opened["about"]["class"], opened["about"]["date"]) == (night["key"], "ours_only", str(first))
    with system.client("buyer", "b1") as buyer:
        (case,) = [c for c in buyer.get("/cases")["cases"] if c["order_id"] == "w-2"]
        (leg,) = buyer.get(f"/cases/{case['case_id']}")["refunds"]
    assert (leg["key"], leg["state"]) == (lost["key"], "settled")

    # the second day: its last row is missing at one provider, its bill at the other
    missed = refund(system, "w-4", TOWEL)
    refund(system, "a-2", TOWEL, "alipay")
    system.lever("faults", {"at": "bill", "kind": "missing_row", "key": str(second)})
    system.lever("faults", DAMAGED)
    go_to(system, third, 11)
    assert day_of(system, first, "wechatpay") == ((2, lamps + towels), theirs, (2, lamps + towels), {"theirs_only": 1})
    assert day_of(system, second, "wechatpay") == ((2, kettles + towels), (1, kettles), (1, kettles), {"ours_only": 1})
    assert [t["key"] for t in tickets(system, "difference")] == [missed["key"]]
    (closed,) = tickets(system, "difference", is_open=False)
    assert (closed["key"], closed["resolution"], closed["closed_by"]) == (night["key"], f"The bill of {second} has it.", "system")
    assert day_of(system, second, "alipay") is None

    # the third day, and the bill that does not come: the others go on, and after three days somebody is told
    refund(system, "a-3", KETTLE, "alipay")
    system.lever("faults", DAMAGED)
    go_to(system, third + timedelta(days=1), 11)
    assert day_of(system, third, "alipay") == ((1, kettles), (1, kettles), (1, kettles), {})
    assert tickets(system, "bill_missing", role="platform") == []
    system.lever("faults", DAMAGED)
    go_to(system, second + timedelta(days=4), 11)
    (missing,) = tickets(system, "bill_missing", role="platform")
    assert (missing["channel"], missing["about"]["date"]) == ("alipay", str(second))
    go_to(system, second + timedelta(days=4), 12)
    assert tickets(system, "bill_missing", role="platform") == []
    assert day_of(system, second, "alipay") == ((1, towels), (1, towels), (1, towels), {})

    # together: what the months say is what the export of the same refunds says
    months = [statement(system, of) for of in sorted({f"{d:%Y-%m}" for d in (first, second, third)})]
    totals = {"wechatpay": 0, "alipay": 0}
    for total in (total for month in months for total in month["totals"] if total["channel"] in totals):
        totals[total["channel"]] += total["ours_minor"]
    with system.client("clerk", "anna") as clerk:
        rows = clerk.get(f"/merchant/refunds?since={first}&until={third}")["refunds"]
    assert totals == {
        name: sum(r["amount_minor"] for r in rows if r["channel"] == name and r["accepted_at"]) for name in totals
    } == {"wechatpay": lamps + 2 * towels + kettles, "alipay": lamps + towels + kettles}  # fmt: skip


def test_the_clock_takes_reconciliation_along(system: System) -> None:
    """Two days on, the day between is reconciled before the clock's mover goes on."""
    day = system.now().astimezone(BEIJING).date()
    begun = time.monotonic()
    system.tick(48)
    assert {d["date"] for d in whole(system, f"{day:%Y-%m}")["days"]} >= {str(day)}
    assert time.monotonic() - begun < 30


def test_the_local_schedule_is_the_clouds(system: System) -> None:
    """Each scheduled function is called here as often as its rate in the app says, of the local clock."""
    rates = {e.name: e.schedule_expression.to_string() for e in app.app.event_sources if hasattr(e, "schedule_expression")}
    told = {f"rate({n} minute{'s' * (n > 1)})": timedelta(minutes=n) for n in (1, 5, 30)}
    told |= {"rate(1 hour)": timedelta(hours=1)}
    assert {name: told[rate] for name, rate in rates.items()} == {name: SELDOM.get(name, MINUTE) for name in rates}
    calls: list[str] = []
    handlers = {name: lambda _event, context: calls.append(context.function_name) for name in rates}
    scheduler = Scheduler(system.home, handlers)
    for hours in (0, 0.1, 0.1, 0.35):
        if hours:
            system.tick(hours)
        assert scheduler.step()
    seldom = {"reconcile_bills": 2, "expire_originals": 1}
    assert {name: calls.count(name) for name in rates} == {name: seldom.get(name, 4) for name in rates}


def whole(system: System, of: str) -> dict[str, Any]:
    """What the platform reads of the whole accounts."""
    with system.client("platform", "p", "") as platform:
        said: dict[str, Any] = platform.get(f"/merchant/reconciliation/{of}")
        return said
