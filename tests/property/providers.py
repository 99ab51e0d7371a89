"""The other side of a refund channel, for the money machine: what really was paid, what it says, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from aftersales.channel import ReceiptStatus
from aftersales.order import Order
from aftersales.ports import RefundChannel
from aftersales.refund import Cause
from aftersales.testing.channel import FakeChannel, Outcome, a_refund_order
from aftersales.testing.clock import START
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox
from plugins.wechatpay_refund import build

Message = tuple[dict[str, str], bytes]

#: How long a refund is in processing at a provider that takes its time.
SLOW_S = 90.0
#: What is on the account of a merchant who is short of money: enough for some refunds, not for all.
SHORT_MINOR = 3_000


class Provider(Protocol):
    """What the machine needs of the other side."""

    channel: RefundChannel
    #: What can go wrong, by name; :meth:`go_wrong` scripts one.
    troubles: tuple[str, ...]

    def pay(self, order: Order) -> None:
        """The buyer has paid this order."""

    def go_wrong(self, trouble: str) -> None:
        """Let this go wrong next."""

    def heal(self) -> None:
        """Nothing goes wrong any more."""

    def time(self, now: datetime) -> None:
        """It is ``now``."""

    def truth(self) -> dict[str, tuple[str, int]]:
        """What really was taken from the merchant: key → (payment's number, minor units)."""

    def doomed(self) -> set[str]:
        """Keys under which nothing will ever be paid: the provider closed them."""

    def notices(self) -> list[Message]:
        """Genuine notices about everything that has ended, in no special order."""

    def forged(self) -> list[Message]:
        """Messages that must not be believed: a wrong signature, another amount, a number that is not ours."""

    def close(self) -> None:
        """The end."""


class FakeProvider:
    """The fake channel. A refund in processing ends when time passes."""

    troubles = (
        "lost_executed",
        "lost_executed",
        "lost",
        "processing",
        "processing",
        "closing",
        "not_enough",
        "too_soon",
        "silent",
        "key",
    )

    def __init__(self) -> None:
        self.channel = FakeChannel()
        self._closing = False
        self._transactions: dict[str, str] = {}

    def pay(self, order: Order) -> None:
        """The fake believes the payment it is told."""

    def go_wrong(self, trouble: str) -> None:
        """The next outcome of the script, or silence when asked, or that the next refund in processing is closed."""
        match trouble:
            case "lost_executed":
                self.channel.then(Outcome.UNKNOWN_EXECUTED)
            case "lost":
                self.channel.then(Outcome.UNKNOWN_NOT_EXECUTED)
            case "processing":
                self.channel.then(Outcome.PROCESSING)
            case "closing":
                self.channel.then(Outcome.PROCESSING)
                self._closing = True
            case "not_enough":
                self.channel.then(Cause.NOT_ENOUGH)
            case "too_soon":
                self.channel.then(Cause.TOO_SOON)
            case "key":
                self.channel.then(Cause.CONFIGURATION)
            case "silent":
                self.channel.silent = not self.channel.silent

    def heal(self) -> None:
        """The script is forgotten."""
        self.channel.script.clear()
        self.channel.silent = self._closing = False

    def time(self, now: datetime) -> None:
        """What is in processing ends."""
        for key, receipt in self.channel.receipts.items():
            if receipt.status is ReceiptStatus.PROCESSING:
                self.channel.conclude(key, Cause.CLOSED if self._closing else None, at=now)
                self._closing = False

    def truth(self) -> dict[str, tuple[str, int]]:
        """The fake's own books."""
        numbers = {o.key: o.transaction_id for o in self.channel.calls}
        return {key: (numbers[key], minor) for key, minor in self.channel.truth.items()}

    def doomed(self) -> set[str]:
        """What failed after it had been accepted."""
        return {key for key, receipt in self.channel.receipts.items() if receipt.status is ReceiptStatus.FAILED}

    def notices(self) -> list[Message]:
        """One per refund that has ended."""
        ended = [k for k, r in self.channel.receipts.items() if r.status is not ReceiptStatus.PROCESSING]
        return [self.channel.notice_of(key) for key in ended]

    def forged(self) -> list[Message]:
        """Made from what is known, and one that a stranger could make."""
        stranger = FakeChannel()
        stranger.refund(a_refund_order("Rnever-1"))
        other = [self.channel.notice_of(key, receipt.amount.minor + 1) for key, receipt in self.channel.receipts.items()]
        unsigned = [({**headers, "fake-signature": "0" * 64}, body) for headers, body in self.notices()]
        return [stranger.notice_of("Rnever-1"), *other, *unsigned, ({}, b"{}")]

    def close(self) -> None:
        """Nothing is open."""


class SandboxProvider:
    """WeChat Pay's protocol with real signatures over loopback. Notices are carried by the machine, not by the sandbox."""

    troubles = (
        "hang_executed", "hang_executed", "hang", "500_executed", "500", "429", "html", "cut", "slow", "slow", "closing", "short",
        "query_500", "query_404", "wrong_amount", "wrong_number", "unsigned", "bad_signature",
    )  # fmt: skip

    def __init__(self, keys: Keys) -> None:
        self.sandbox = Sandbox(keys=keys).start()
        self.channel = build({**self.sandbox.settings(), "read_s": 5})

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
        """The sandbox's books."""
        refunds: dict[str, Any] = self.sandbox.truth()["refunds"]
        return {key: (r["transaction_id"], r["executed"]) for key, r in refunds.items()}

    def doomed(self) -> set[str]:
        """What is closed, or will be."""
        rows = self.sandbox.book.rows("select out_refund_no from refund where ends_as = 'CLOSED'")
        return {row["out_refund_no"] for row in rows}

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
    "wrong_amount": (At.CREATE, Kind.WRONG_AMOUNT, {}),
    "wrong_number": (At.CREATE, Kind.WRONG_NUMBER, {}),
    "unsigned": (At.CREATE, Kind.UNSIGNED, {}),
    "bad_signature": (At.CREATE, Kind.BAD_SIGNATURE, {}),
    "query_500": (At.QUERY, Kind.ERROR, {}),
    "query_404": (At.QUERY, Kind.ERROR, {"status": 404, "code": "RESOURCE_NOT_EXISTS"}),
}
