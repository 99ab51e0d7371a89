"""What the tests about refunds after they were sent have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aftersales.channel import Card, Limits, Outside, ReceiptStatus, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import Rejected, Unknown
from aftersales.ledger import Ledger
from aftersales.refund import Cause
from aftersales.testing.channel import FakeChannel, Outcome
from functions.http import Request, Response, callback
from tests.mall import Mall

CARD = {"to": "card", "bank": "ICBC_DEBIT", "number": "6222020200112230", "holder": "欧阳娜娜"}


@dataclass(slots=True)
class Holding(FakeChannel):
    """A fake channel that holds what cannot arrive, sends it to another card, and tells of money that moved without us."""

    taken: list[Card] = field(default_factory=list)
    refuses: bool = False
    deaf: bool = False  # to the next card: no answer, and nothing done
    outsides: dict[str, Outside] = field(default_factory=dict)

    def redirect(self, order: RefundOrder, channel_id: str, card: Card) -> RefundReceipt:
        """Send what is held to another card."""
        assert channel_id == self.receipts[order.key].channel_id
        if self.refuses:
            raise Rejected(f"{card.number} of {card.holder} is not taken.", cause=Cause.OTHER, later=False)
        if self.deaf:
            self.deaf = False
            raise Unknown("No answer.", key=order.key)
        self.taken.append(card)
        self.truth[order.key] = order.amount.minor
        done = RefundReceipt(order.key, ReceiptStatus.PROCESSING, order.amount, channel_id, order.amount, "another card")
        self.receipts[order.key] = done
        return done

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:
        """A notice of the fake's own, or the word on what moved without us."""
        if "outside" in headers:
            return RefundNotice(None, headers["outside"], self.outsides[headers["outside"]])
        return super(Holding, self).notice(headers, body, now)


def holding(mall: Mall, **limits: Any) -> Holding:
    """The mall's channel as one that holds, with these limits; and a balance."""
    mall.channel = Holding(limits=Limits(**limits))
    mall.registry.put("channel:wechatpay", mall.channel)
    balance(mall)
    return mall.channel


def balance(mall: Mall) -> FakeChannel:
    """The mall's balance, switched on."""
    channel = FakeChannel()
    mall.registry.put("channel:balance", channel)
    return channel


def refused(mall: Mall, cause: Cause, **body: Any) -> str:
    """A claim whose refund the channel refuses at once; the case's id."""
    mall.channel.then(cause)
    case = mall.claim(**body)
    mall.pump()
    return str(case["case_id"])


def accepted(mall: Mall, **body: Any) -> str:
    """A claim whose refund the channel has accepted; the case's id."""
    mall.channel.then(Outcome.PROCESSING)
    case = mall.claim(**body)
    mall.pump()
    return str(case["case_id"])


def held(mall: Mall, **body: Any) -> str:
    """A claim whose refund the channel accepted and cannot deliver; the case's id."""
    case_id = accepted(mall, **body)
    mall.channel.conclude(f"R{case_id}-1", Cause.ACCOUNT_ABNORMAL)
    mall.wait(minutes=2)
    assert leg(mall, case_id)["cause"] == "account_abnormal"
    return case_id


def leg(mall: Mall, case_id: str, number: int = 1) -> Any:
    """A leg as its buyer reads it."""
    return next(r for r in mall.case(case_id)["refunds"] if r["number"] == number)


def steps(mall: Mall, case_id: str) -> list[Any]:
    """The timeline's steps; its chain is intact."""
    line = mall.must("GET", f"/v1/cases/{case_id}/timeline", role="admin")
    assert line["intact"]
    return list(line["steps"])


def step(mall: Mall, case_id: str, event: str) -> Any:
    """The last step of that event."""
    return next(s for s in reversed(steps(mall, case_id)) if s["event"] == event)


def ledger(mall: Mall, order_id: str = "o1") -> Ledger:
    """The order's money."""
    found: Ledger = mall.store.order("m1", order_id).ledger
    return found


def tickets(mall: Mall, query: str = "", **who: Any) -> list[Any]:
    """The merchant's open tickets."""
    return list(mall.must("GET", f"/v1/merchant/tickets{query}", **{"role": "clerk", **who})["tickets"])


def hear(mall: Mall, headers: Mapping[str, str], body: bytes = b"") -> Response:
    """The answer to a callback."""
    return callback(mall.registry, "wechatpay", Request("POST", "/v1/callbacks/wechatpay", headers, {}, body))


def name_account(mall: Mall, case_id: str, body: Any = None, number: int = 1, **who: Any) -> Any:
    """The buyer names another account, the balance unless one is given."""
    return mall.send("POST", f"/v1/cases/{case_id}/refunds/{number}/account", {"to": "balance"} if body is None else body, **who)


def release(mall: Mall, case_id: str, how: str = "not_owed", number: int = 1, **who: Any) -> Any:
    """Somebody senior gives a refund up."""
    path = f"/v1/merchant/cases/{case_id}/refunds/{number}/release"
    return mall.send("POST", path, {"how": how, "reason": "The buyer was paid in cash."}, **{"role": "admin", **who})


def retry(mall: Mall, case_id: str, number: int = 1) -> Any:
    """Somebody senior sends a refund again."""
    return mall.send("POST", f"/v1/merchant/cases/{case_id}/refunds/{number}/retry", role="admin")
