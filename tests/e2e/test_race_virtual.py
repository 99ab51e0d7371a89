"""Somebody hammers on a code while it is refunded: real HTTP, real signatures, real threads, answers lost on the way."""

import logging
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aftersales.testing.builders import a_line, a_payment, an_order
from functions import follow, http, sweep
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from plugins.voucher_entitlements import build
from tests.mall import Mall

pytestmark = pytest.mark.e2e

ROUNDS = 80


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The voucher system."""
    with Sandbox(keys=WechatKeys.fresh()) as sandbox:
        yield sandbox


class Redeemer(threading.Thread):
    """Tries to use a code, from a moment of its own on, until the round is over."""

    def __init__(self, sandbox: Sandbox, code: str, after_s: float) -> None:
        super().__init__(daemon=True)
        self.book, self.code, self.after_s = sandbox.provider("voucher").book, code, after_s
        self.over, self.tries = threading.Event(), 0
        self.start()

    def run(self) -> None:
        """Hammer."""
        self.over.wait(self.after_s)
        while not self.over.is_set() and not self.book.redeem(self.code):
            self.tries += 1
            time.sleep(0.0005)


def refunded(mall: Mall, code: str, order_id: str) -> str:
    """One refund of that code, whatever becomes of it; the case's id. What failed in the stream comes again."""
    line = a_line(vertical="virtual", unit_price_minor=10_000, pieces=1, data={"entitlement": code, "goods": "code"})
    payment = a_payment(transaction_id=f"42{order_id}", paid_minor=10_000)
    mall.push(an_order(order_id=order_id, lines=(line,), payments=(payment,)))
    body = {"order_id": order_id, "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    case_id = str(mall.must("POST", "/v1/cases", {**body, "submit": True})["case_id"])
    waiting: list[object] = []
    for _ in range(12):
        waiting += mall.store.records[mall.told :]
        mall.told = len(mall.store.records)
        waiting = [record for record in waiting if follow.follow(mall.registry, [record])]  # type: ignore[list-item]
        if not waiting and mall.case(case_id)["state"] in ("closed", "rejected"):
            break
        mall.clock.move(timedelta(minutes=1))
        sweep.poll_refunds(mall.registry)
    return case_id


def test_money_or_use_and_never_both(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """In every round either the money went out and the code is void, or it was used and nothing was paid; both happen."""
    caplog.set_level(logging.CRITICAL, logger="functions")
    chance, mall, other = random.Random(20261120), Mall(), sandbox.provider("voucher")
    source = build({**sandbox.settings(provider="voucher"), "read_s": 0.3, "total_s": 0.5})
    mall.registry.put("source:entitlements", source)
    ends = {"paid": 0, "used": 0}
    for number in range(ROUNDS):
        code = f"E{number}"
        other.issue(code)
        for where in chance.sample([At.LOCK, At.VOID, At.QUERY], chance.choice((0, 0, 1))):
            kind = chance.choice([Kind.CUT, Kind.BAD_SIGNATURE, Kind.ERROR])
            sandbox.fault(Fault(where, kind, executed=chance.random() < 0.5, key=code), provider="voucher")
        redeemer = Redeemer(sandbox, code, chance.choice((0.0, 0.002, 0.006, 0.01, 0.02)))
        before = sum(mall.channel.truth.values())
        case_id = refunded(mall, code, f"o{number}")
        time.sleep(0.003)
        redeemer.over.set()
        redeemer.join()
        mall.clock.move(timedelta(minutes=16))  # what could not be made void at once is by then
        sweep.sweep(mall.registry)
        paid, found = sum(mall.channel.truth.values()) - before, other.book.shown(code)
        assert (paid, found["used"]) in ((10_000, 0), (0, 1)), (number, mall.case(case_id)["state"], found)
        assert paid == 0 or found["voided_by"] == f"{case_id}-l1"
        ends["paid" if paid else "used"] += 1
    source.close()
    assert min(ends.values()) > 5, ends


def test_a_use_that_is_told_takes_the_offer_away(sandbox: Sandbox) -> None:
    """The system tells by itself that a code was used: no refund is offered then, with the time; a forgery changes nothing."""
    mall, other = Mall(), sandbox.provider("voucher")
    source = build(sandbox.settings(provider="voucher"))
    mall.registry.put("source:entitlements", source)
    other.issue("T1", merchant="m1", order_id="t1", line_id="l1")
    line = a_line(vertical="virtual", pieces=1, data={"entitlement": "T1", "goods": "code"})
    mall.push(an_order(order_id="t1", lines=(line,)))
    other.book.redeem("T1", at=datetime(2026, 11, 19, 16, 30, tzinfo=UTC).timestamp())
    headers, body = other.notice_of("T1")

    def told(said: bytes) -> int:
        asked = http.Request("POST", "/v1/callbacks/entitlements", headers, {}, said)
        return http.callback(mall.registry, "entitlements", asked).status

    assert (told(body.replace(b"T1", b"T2")), mall.store.order("m1", "t1").order.facts) == (401, ())
    for _ in range(2):  # it may come again
        assert told(body) == 200
    assert len(mall.store.order("m1", "t1").order.facts) == 1
    asked = {"order_id": "t1", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    refused = mall.send("POST", "/v1/cases", asked)
    assert (refused.status, "2026-11-20 00:30" in refused.text) == (409, True)
    source.close()
