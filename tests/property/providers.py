"""The other side of a refund channel, for the money machine: what really was paid, what it says, and what goes wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from aftersales.channel import Card, Outside, OutsideKind, OutsideState, ReceiptStatus, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import Rejected, Unknown
from aftersales.money import Money
from aftersales.order import Order
from aftersales.ports import RefundChannel
from aftersales.refund import Cause
from aftersales.testing.channel import FakeChannel, Outcome, a_refund_order

Message = tuple[dict[str, str], bytes]

#: How long a refund is in processing at a provider that takes its time.
SLOW_S = 90.0
#: What is on the account of a merchant who is short of money: enough for some refunds, not for all.
SHORT_MINOR = 3_000


class Provider(Protocol):
    """What the machine needs of the other side."""

    channel: RefundChannel
    balance: FakeChannel
    #: What can go wrong, by name; :meth:`go_wrong` scripts one.
    troubles: tuple[str, ...]
    #: The bank that a card belongs to, as the channel calls it.
    bank: str
    #: Numbers that were given up.
    released: set[str]

    def pay(self, order: Order) -> None:
        """The buyer has paid this order."""

    def go_wrong(self, trouble: str) -> None:
        """Let this go wrong next."""

    def heal(self) -> None:
        """Nothing goes wrong any more."""

    def time(self, now: datetime) -> None:
        """It is ``now``."""

    def truth(self) -> dict[str, tuple[str, int]]:
        """What really was taken from the merchant and not given back: key → (payment's number, minor units)."""

    def once_paid(self) -> set[str]:
        """Keys that were paid at some time, also those whose money came back."""

    def console(self, transaction_id: str, minor: int, *, back: bool = False) -> Message | None:
        """The merchant refunds ``minor`` by hand; or what was sent so comes back. Gives the notice of it, None for nothing."""

    def outside(self, transaction_id: str) -> int:
        """Minor units that left this payment by hand."""

    def notices(self) -> list[Message]:
        """Genuine notices about everything that has ended, old words too, the newest first."""

    def forged(self) -> list[Message]:
        """Messages that must not be believed: a wrong signature, another amount, a number that is not ours."""

    def close(self) -> None:
        """The end."""


@dataclass(slots=True)
class Wallet(FakeChannel):
    """The fake channel, of a provider that never pays more than it took, tells what was paid by hand, and takes another card."""

    by_hand: dict[str, tuple[str, int]] = field(default_factory=dict)
    deaf: bool = False

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """Pay, unless too much of the payment was given back by hand."""
        if order.key not in self.receipts:
            ours = sum(self.truth[k] for k in self.receipts if self._orders[k].transaction_id == order.transaction_id)
            if ours + self.spent_by_hand(order.transaction_id) + order.amount.minor > order.paid.minor:
                self.calls.append(order)
                raise Rejected("More than is left.", cause=Cause.OVER_LIMIT, later=False)
        return super(Wallet, self).refund(order)  # a class with slots is made anew: the bare form would name the old one

    def redirect(self, order: RefundOrder, channel_id: str, card: Card) -> RefundReceipt:
        """Send what is held to another card; the answer may be lost."""
        known = self.receipts[order.key]
        if known.cause is not Cause.ACCOUNT_ABNORMAL or channel_id != known.channel_id or len(card.number) < 12:
            raise Rejected("It is not held.", cause=Cause.OTHER, later=False)
        self.truth[order.key] = order.amount.minor
        self.receipts[order.key] = replace(known, status=ReceiptStatus.PROCESSING, cause=None)
        if self.deaf:
            raise Unknown("No answer.", key=order.key)
        return self.receipts[order.key]

    def spent_by_hand(self, transaction_id: str) -> int:
        """What left this payment by hand."""
        return sum(minor for number, minor in self.by_hand.values() if number == transaction_id)

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:
        """A notice about money that moved by hand, or one of the fake's own."""
        if "by-hand" not in headers:
            return super(Wallet, self).notice(headers, body, now)
        key = headers["by-hand"]
        number, minor = headers["number"], int(headers["minor"])
        outside = Outside(key, number, Money(minor, "CNY"), OutsideKind.REFUND, OutsideState(headers["state"]), now)
        return RefundNotice(None, key, outside)


class FakeProvider:
    """The fake channel. A refund in processing ends when time passes."""

    troubles = (
        "lost_executed", "lost_executed", "lost", "processing", "processing", "closing", "closing", "abnormal", "bounce", "deaf",
        "not_enough", "too_soon", "not_synced", "silent", "key", "no_account", "no_account", "mended",
    )  # fmt: skip
    bank = "ICBC_DEBIT"

    def __init__(self) -> None:
        self.channel, self.balance = Wallet(), FakeChannel()
        self._endings: deque[Cause] = deque()
        self.released: set[str] = set()
        self._told: list[Message] = []
        self._paid: set[str] = set()

    def pay(self, order: Order) -> None:
        """The fake believes the payment it is told."""

    def go_wrong(self, trouble: str) -> None:
        """The next outcome of the script, or silence when asked, or how the next refund in processing ends."""
        at_once = {
            "lost_executed": Outcome.UNKNOWN_EXECUTED, "lost": Outcome.UNKNOWN_NOT_EXECUTED, "processing": Outcome.PROCESSING,
            "not_enough": Cause.NOT_ENOUGH, "too_soon": Cause.TOO_SOON, "key": Cause.CONFIGURATION, "not_synced": Cause.NOT_FOUND,
            "no_account": Cause.ACCOUNT_ABNORMAL,
        }  # fmt: skip
        if trouble in at_once:
            self.channel.then(at_once[trouble])
        elif trouble in ("closing", "abnormal"):
            self.channel.then(Outcome.PROCESSING)
            self._endings.append(Cause.CLOSED if trouble == "closing" else Cause.ACCOUNT_ABNORMAL)
        elif trouble == "bounce":
            self._bounce()
        elif trouble == "mended":
            self._mend()
        else:
            name = {"silent": "silent", "deaf": "deaf"}[trouble]
            setattr(self.channel, name, not getattr(self.channel, name))

    def _bounce(self) -> None:
        arrived = [k for k, r in self.channel.receipts.items() if r.status is ReceiptStatus.SUCCEEDED]
        if arrived:
            self._tell(arrived[0])
            self.channel.conclude(arrived[0], Cause.BOUNCED)
            self._tell(arrived[0])

    def _mend(self) -> None:
        """A refund that was refused is made by hand, under our number: it is paid, and we do not know it yet.

        Nobody does so once it was given up: that would be paying twice by hand.
        """
        script, self.channel.script = self.channel.script, deque()
        refused = [o for o in self.channel.calls if o.key not in self.channel.receipts and o.key not in self.released]
        with suppress(Rejected):
            for order in refused[:1]:
                self.channel.refund(order)
        self.channel.script = script

    def heal(self) -> None:
        """The script is forgotten."""
        self.channel.script.clear()
        self._endings.clear()
        self.channel.silent = self.channel.deaf = False

    def time(self, now: datetime) -> None:
        """What is in processing ends."""
        for key, receipt in self.channel.receipts.items():
            if receipt.status is ReceiptStatus.PROCESSING:
                self._tell(key)
                ended = self.channel.conclude(key, self._endings.popleft() if self._endings else None, at=now)
                if ended.cause is Cause.ACCOUNT_ABNORMAL:  # held by the provider: it has left the merchant
                    self.channel.truth[key] = receipt.amount.minor
                self._tell(key)

    def _tell(self, key: str) -> None:
        self._told.append(self.channel.notice_of(key))

    def truth(self) -> dict[str, tuple[str, int]]:
        """The books of the channel and of the balance."""
        both = (self.channel, self.balance)
        numbers = {o.key: o.transaction_id for books in both for o in books.calls}
        found = {key: (numbers[key], minor) for books in both for key, minor in books.truth.items()}
        self._paid |= {key for key, (_, minor) in found.items() if minor}
        return found

    def once_paid(self) -> set[str]:
        """What was ever seen in the books."""
        self.truth()
        return self._paid

    def console(self, transaction_id: str, minor: int, *, back: bool = False) -> Message | None:
        """By hand, in the provider's own console."""
        mine = [k for k, (number, m) in self.channel.by_hand.items() if number == transaction_id and m]
        if back:
            if not mine:
                return None
            was = self.channel.by_hand[mine[0]][1]
            self.channel.by_hand[mine[0]] = (transaction_id, 0)
            return {"by-hand": mine[0], "number": transaction_id, "minor": str(was), "state": "back"}, b""
        key = f"hand-{len(self.channel.by_hand)}"
        self.channel.by_hand[key] = (transaction_id, minor)
        return {"by-hand": key, "number": transaction_id, "minor": str(minor), "state": "gone"}, b""

    def outside(self, transaction_id: str) -> int:
        """By hand, as it is now."""
        return self.channel.spent_by_hand(transaction_id)

    def notices(self) -> list[Message]:
        """One per refund that has ended, then every older word."""
        ended = [k for k, r in self.channel.receipts.items() if r.status is not ReceiptStatus.PROCESSING]
        return [self.channel.notice_of(key) for key in ended] + self._told[::-1]

    def forged(self) -> list[Message]:
        """Made from what is known, and one that a stranger could make."""
        stranger = FakeChannel()
        stranger.refund(a_refund_order("Rnever-1"))
        other = [self.channel.notice_of(key, receipt.amount.minor + 1) for key, receipt in self.channel.receipts.items()]
        unsigned = [({**headers, "fake-signature": "0" * 64}, body) for headers, body in self.notices()]
        return [stranger.notice_of("Rnever-1"), *other, *unsigned, ({}, b"{}")]

    def close(self) -> None:
        """Nothing is open."""
