"""WeChat Pay's protocol as the other side of the money machine: real signatures over loopback, and the mall's own balance."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from aftersales.order import Order
from aftersales.testing.channel import FakeChannel
from aftersales.testing.clock import START
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox
from plugins.wechatpay_refund import build
from tests.property.providers import SHORT_MINOR, SLOW_S, Message


class SandboxProvider:
    """WeChat Pay's protocol with real signatures over loopback. Notices are carried by the machine, not by the sandbox."""

    troubles = (
        "hang_executed", "hang_executed", "hang", "500_executed", "500", "429", "html", "cut", "slow", "slow", "closing", "short",
        "query_500", "query_404", "wrong_amount", "wrong_number", "unsigned", "bad_signature", "abnormal", "redirect_lost",
    )  # fmt: skip
    bank = "ICBC_DEBIT"

    def __init__(self, keys: Keys) -> None:
        self.sandbox, self.released = Sandbox(keys=keys).start(), set[str]()
        self.channel, self.balance = build({**self.sandbox.settings(), "read_s": 5}), FakeChannel()

    def pay(self, order: Order) -> None:
        """The provider has the payments in its books."""
        for payment in order.payments:
            if payment.paid_minor:
                self.sandbox.pay(payment.transaction_id, payment.paid_minor)

    def go_wrong(self, trouble: str) -> None:
        """One fault of the script."""
        if trouble == "short":
            self.sandbox.book.fund(SHORT_MINOR)
            return
        executed = not trouble.startswith(("hang", "500", "429")) or trouble.endswith("_executed")
        at, kind, more = _FAULTS[trouble.removesuffix("_executed")]
        self.sandbox.fault(Fault(at, kind, executed=executed, **more))

    def heal(self) -> None:
        """The script is forgotten, and there is money on the account."""
        self.sandbox.script.clear()
        self.sandbox.book.fund(None)

    def time(self, now: datetime) -> None:
        """The sandbox's clock runs along with the mall's."""
        self.sandbox.set_clock((now - START).total_seconds())

    def truth(self) -> dict[str, tuple[str, int]]:
        """The sandbox's books, and those of the balance. What is held because the card is closed has not left for good."""
        refunds: dict[str, Any] = self.sandbox.truth()["refunds"]
        found = {key: (r["transaction_id"], r["executed"]) for key, r in refunds.items()}
        numbers = {o.key: o.transaction_id for o in self.balance.calls}
        return found | {key: (numbers[key], minor) for key, minor in self.balance.truth.items()}

    def once_paid(self) -> set[str]:
        """The sandbox takes nothing back."""
        return {key for key, (_, minor) in self.truth().items() if minor}

    def console(self, transaction_id: str, minor: int, *, back: bool = False) -> Message | None:
        """Nobody sits at the sandbox's console here."""

    def outside(self, transaction_id: str) -> int:
        """Nothing."""
        return 0

    def notices(self) -> list[Message]:
        """One per refund that has ended."""
        ended = [key for key, r in self.sandbox.truth()["refunds"].items() if r["status"] != "PROCESSING"]
        return [self.sandbox.notice_of(key) for key in ended]

    def forged(self) -> list[Message]:
        """Wrongly signed, stale, unsigned, a probe; and genuine ones about another amount or a number that is not ours."""
        made = []
        for key, refund in self.sandbox.truth()["refunds"].items():
            made.append(self.sandbox.notice_of(key, refund["minor"] + 1))
            spoilt = (Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.SIGNTEST)
            made += [self.sandbox.notice_of(key, fault=kind) for kind in spoilt]
            found = self.sandbox.book.find(key)
            assert found is not None
            headers, body = self.sandbox.notifier.made(replace(found, out_refund_no="Rnever-1"))
            made.append(({name.lower(): value for name, value in headers.items()}, body))
            break  # each takes a signature
        return [*made, ({}, b"{}")]

    def close(self) -> None:
        """End both sides."""
        self.channel.close()
        self.sandbox.stop()


_FAULTS: dict[str, tuple[At, Kind, dict[str, Any]]] = {
    "hang": (At.CREATE, Kind.HANG, {}),
    "500": (At.CREATE, Kind.ERROR, {}),
    "429": (At.CREATE, Kind.ERROR, {"status": 429, "code": "FREQUENCY_LIMITED"}),
    "html": (At.CREATE, Kind.HTML, {"status": 502}),
    "cut": (At.CREATE, Kind.CUT, {}),
    "slow": (At.CREATE, Kind.OUTCOME, {"seconds": SLOW_S}),
    "closing": (At.CREATE, Kind.OUTCOME, {"seconds": SLOW_S, "status_text": "CLOSED"}),
    "abnormal": (At.CREATE, Kind.OUTCOME, {"seconds": SLOW_S, "status_text": "ABNORMAL"}),
    "redirect_lost": (At.REDIRECT, Kind.HANG, {}),
    "wrong_amount": (At.CREATE, Kind.WRONG_AMOUNT, {}),
    "wrong_number": (At.CREATE, Kind.WRONG_NUMBER, {}),
    "unsigned": (At.CREATE, Kind.UNSIGNED, {}),
    "bad_signature": (At.CREATE, Kind.BAD_SIGNATURE, {}),
    "query_500": (At.QUERY, Kind.ERROR, {}),
    "query_404": (At.QUERY, Kind.ERROR, {"status": 404, "code": "RESOURCE_NOT_EXISTS"}),
}
