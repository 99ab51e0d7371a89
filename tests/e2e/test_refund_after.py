"""Refunds after they were sent, on the durable engine and over WeChat Pay's protocol; judged by the provider's books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from aftersales.testing.builders import a_line, a_payment
from aftersales.testing.clock import START
from functions import sweep
from functions.http import Request, callback
from infra.local.engine import Engine
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox
from plugins.balance_refund import build as build_balance
from plugins.dynamodb_store import build as build_store
from plugins.dynamodb_store.schema import create
from plugins.wechatpay_refund import build as build_channel
from tests.mall import Mall

pytestmark = pytest.mark.e2e

CARD = {"to": "card", "bank": "ICBC_DEBIT", "number": "6222020200112230", "holder": "欧阳娜娜"}
PAID = "42-after"


class Town:
    """A mall on the engine, with WeChat Pay and the balance; its clock is the provider's too."""

    def __init__(self, engine: Engine, sandbox: Sandbox, table: str) -> None:
        settings = {"table": table, "phone_key": "k", "endpoint": engine.endpoint}
        self.store, self.sandbox = build_store(settings), sandbox
        create(self.store.client, table)
        self.mall, self.balance = Mall(store=self.store), build_balance(settings)
        self.channel = build_channel(sandbox.settings())
        self.mall.registry.put("channel:wechatpay", self.channel)
        self.mall.registry.put("channel:balance", self.balance)
        sandbox.pay(PAID, 6_000)
        lines = (a_line(vertical="general", unit_price_minor=3_000, pieces=2),)
        self.mall.push(status="paid", lines=lines, payments=(a_payment(transaction_id=PAID, paid_minor=6_000),))

    def ask(self, pieces: int = 1) -> str:
        """A refund asked for, approved and called by the schedule a minute later; the case's id."""
        items = [{"line_id": "l1", "pieces": pieces}]
        body = {"order_id": "o1", "kind": "refund_only", "reason": "changed_mind", "items": items, "submit": True}
        case_id = str(self.mall.must("POST", "/v1/cases", body)["case_id"])
        self.later(minutes=1)
        return case_id

    def later(self, **length: float) -> None:
        """Time passes for everybody, and the schedules run."""
        self.mall.clock.move(timedelta(**length))
        self.sandbox.set_clock((self.mall.clock.now() - START).total_seconds())
        sweep.sweep(self.mall.registry)
        sweep.poll_refunds(self.mall.registry)

    def hear(self, number: str) -> int:
        """The status that the provider's genuine notice about a number gets."""
        headers, body = self.sandbox.notice_of(number)
        return callback(self.mall.registry, "wechatpay", Request("POST", "/v1/callbacks/wechatpay", headers, {}, body)).status

    def tickets(self, query: str = "") -> list[tuple[str, str]]:
        """Kind and number of the merchant's tickets."""
        found = self.mall.must("GET", f"/v1/merchant/tickets{query}", role="clerk")["tickets"]
        return [(t["kind"], t["key"]) for t in found]

    def executed(self) -> int:
        """Fen that left the merchant through WeChat Pay and did not come back."""
        return int(self.sandbox.truth()["total"]["executed"])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database on disk."""
    with Engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make."""
    return Keys.fresh()


@pytest.fixture
def town(engine: Engine, keys: Keys, request: pytest.FixtureRequest) -> Iterator[Town]:
    """A town on an empty table."""
    with Sandbox(keys=keys) as sandbox:
        town = Town(engine, sandbox, f"after-{abs(hash(request.node.nodeid))}")
        yield town
        town.channel.close()
        town.store.client.close()
        town.balance.client.close()


def ends(town: Town, status: str) -> None:
    """The next refund ends so, a minute and a half after it was accepted."""
    town.sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, seconds=90, status_text=status))


def at_once(work: Callable[[], Any], times: int) -> list[Any]:
    """What each of them gives, all begun at the same moment."""
    gate = Barrier(times)

    def run(_: int) -> Any:
        gate.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_a_closed_refund_is_paid_under_a_new_number(town: Town) -> None:
    """WeChat Pay closes the refund: several pollers at once give it one new number, which is paid once."""
    ends(town, "CLOSED")
    case_id = town.ask()
    town.mall.clock.move(timedelta(minutes=2))
    town.sandbox.set_clock((town.mall.clock.now() - START).total_seconds())
    tallies = at_once(partial(sweep.poll_refunds, town.mall.registry), 3)
    assert [t.failed for t in tallies] == [0, 0, 0]
    for _ in range(3):
        town.later(minutes=2)
    done = town.mall.case(case_id)
    assert [(r["state"], r["replaces"]) for r in done["refunds"]] == [("released", ""), ("settled", f"R{case_id}-1")]
    assert (done["ending"], town.executed(), town.tickets()) == ("refunded", 3_000, [])


def test_an_abnormal_refund_goes_to_the_buyers_card(town: Town) -> None:
    """WeChat Pay holds it, the buyer names a card, which travels encrypted; an answer that is lost is asked for."""
    ends(town, "ABNORMAL")
    case_id = town.ask()
    town.later(minutes=2)
    assert town.mall.case(case_id)["refunds"][0]["cause"] == "account_abnormal"
    assert town.tickets() == [("refund_failed", f"R{case_id}-1")]
    path = f"/v1/cases/{case_id}/refunds/1/account"
    assert town.mall.send("POST", path, {"to": "balance"}).status == 409
    refused = town.mall.send("POST", path, {**CARD, "bank": "NOBANK"})
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    town.sandbox.fault(Fault(At.REDIRECT, Kind.HANG))
    assert town.mall.must("POST", path, CARD)["refunds"][0]["state"] == "sent"
    town.later(minutes=2)
    assert (town.mall.case(case_id)["ending"], town.executed(), town.tickets()) == ("refunded", 3_000, [])
    assert town.mall.case(case_id)["refunds"][0]["account"].endswith("2230")


def test_a_refused_refund_goes_to_the_balance(town: Town) -> None:
    """The payer's account is closed: with the buyer's consent, ten times at once, the balance gets it once."""
    no = {"executed": False, "status": 403, "code": "USER_ACCOUNT_ABNORMAL"}
    town.sandbox.fault(Fault(At.CREATE, Kind.ERROR, **no))
    case_id = town.ask()
    town.mall.clock.move(timedelta(minutes=5))
    path = f"/v1/cases/{case_id}/refunds/1/account"
    replies = at_once(partial(town.mall.send, "POST", path, {"to": "balance"}, key="consent-0001"), 5)
    assert {r.status for r in replies} == {200}
    assert len({r.text for r in replies}) == 1
    assert {r.status for r in at_once(partial(town.mall.send, "POST", path, {"to": "balance"}), 5)} == {409}
    town.later(minutes=1)
    assert (town.mall.case(case_id)["ending"], town.executed()) == ("refunded", 0)
    assert town.balance.balance("m1", "b1").minor == 3_000
    assert (town.tickets(), town.tickets("?open=false")) == ([], [("refund_failed", f"R{case_id}-1")])


def test_a_refund_from_the_console_leaves_no_room(town: Town) -> None:
    """The merchant refunds in the console while ours waits for money: its notice, told again, is booked once; ours is not sent."""
    town.sandbox.book.fund(1_000)
    case_id = town.ask(pieces=2)
    assert town.mall.case(case_id)["refunds"][0]["cause"] == "not_enough"
    town.sandbox.book.fund(None)
    number = town.sandbox.provider("wechatpay").outside(PAID, 4_000)["out_refund_no"]
    assert {town.hear(number) for _ in range(3)} == {204}
    assert town.mall.must("GET", "/v1/orders/o1")["refundable_minor"] == 0
    for _ in range(3):
        town.later(hours=7)
    assert [(r["state"], r["cause"]) for r in town.mall.case(case_id)["refunds"]] == [("failed", "paid_outside")]
    assert (town.executed(), sorted(town.tickets())) == (4_000, [("paid_outside", number), ("refund_failed", f"R{case_id}-1")])
    town.mall.clock.move(timedelta(minutes=5))
    body = {"how": "paid_elsewhere", "reason": "Refunded in the console."}
    town.mall.must("POST", f"/v1/merchant/cases/{case_id}/refunds/1/release", body, role="admin")
    assert (town.mall.case(case_id)["ending"], town.tickets()) == ("refunded", [("paid_outside", number)])
    ticket_id = f"paid_outside:wechatpay:{number}"
    town.mall.must("POST", f"/v1/merchant/tickets/{ticket_id}/close", {"resolution": "Known."}, role="admin")
    assert (town.tickets(), town.tickets("?open=false&kind=paid_outside")) == ([], [("paid_outside", number)])
