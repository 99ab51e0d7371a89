"""A refund channel in memory, and the contract every refund channel passes.

The difference between what a channel *says* and what it *did* is the whole matter of refunds, so the fake keeps both apart: the
script decides what it says, ``truth`` holds what really was paid.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from threading import Lock
from typing import Protocol
from unittest import SkipTest

from aftersales.channel import Limits, ReceiptStatus, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import AftersalesError, BadSignature, Rejected, Unknown
from aftersales.money import Money
from aftersales.ports import RefundChannel
from aftersales.refund import LATER, Cause
from aftersales.testing.clock import START


class Outcome(StrEnum):
    """What the fake does with one call of ``refund``; a :class:`~aftersales.refund.Cause` in its place is a final no."""

    SUCCESS = "success"
    PROCESSING = "processing"
    UNKNOWN_EXECUTED = "unknown_executed"  # the money moves, the answer is lost
    UNKNOWN_NOT_EXECUTED = "unknown_not_executed"  # nothing moves, and the caller cannot tell


@dataclass(slots=True)
class FakeChannel:
    """Pays in memory, from any thread. ``script`` is used up call by call; after it, ``otherwise`` (success).

    A repeated key gets its first refund again and uses up nothing of the script, unless the script says Unknown next: that
    answer is lost too. ``silent`` makes ``find`` raise Unknown. ``truth`` is what really went out, in minor units by key.
    """

    script: deque[Outcome | Cause] = field(default_factory=deque)
    otherwise: Outcome | Cause = Outcome.SUCCESS
    silent: bool = False
    secret: bytes = b"fake-channel"
    truth: dict[str, int] = field(default_factory=dict)
    calls: list[RefundOrder] = field(default_factory=list)
    receipts: dict[str, RefundReceipt] = field(default_factory=dict)
    _orders: dict[str, RefundOrder] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    _lock: Lock = field(default_factory=Lock)

    def then(self, *outcomes: Outcome | Cause) -> FakeChannel:
        """The same channel with these outcomes added to its script."""
        self.script.extend(outcomes)
        return self

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """Pay ``order`` as the script says; see :class:`~aftersales.ports.RefundChannel`."""
        with self._lock:
            self.calls.append(order)
            if order.key in self._orders:
                return self._again(order)
            outcome = self.script.popleft() if self.script else self.otherwise
            if isinstance(outcome, Cause):
                raise _no(outcome, "The script says no.")
            if outcome is Outcome.UNKNOWN_NOT_EXECUTED:
                raise Unknown("No answer.", key=order.key)
            spent = sum(self.truth[k] for k, o in self._orders.items() if o.transaction_id == order.transaction_id)
            if order.amount.minor <= 0 or order.amount.currency != order.paid.currency:
                raise _no(Cause.CONFIGURATION, "A refund is more than nothing, in the currency of the payment.")
            if spent + order.amount.minor > order.paid.minor:
                raise _no(Cause.OVER_LIMIT, "More than was paid.")
            self._orders[order.key] = order
            self.truth[order.key] = order.amount.minor
            done = ReceiptStatus.PROCESSING if outcome is Outcome.PROCESSING else ReceiptStatus.SUCCEEDED
            number = f"fake-{order.key}"
            self.receipts[order.key] = RefundReceipt(order.key, done, order.amount, number, order.amount, "fake account")
            if outcome is Outcome.UNKNOWN_EXECUTED:
                raise Unknown("No answer.", key=order.key)
            return self.receipts[order.key]

    def _again(self, order: RefundOrder) -> RefundReceipt:
        if self.script and self.script[0] in (Outcome.UNKNOWN_EXECUTED, Outcome.UNKNOWN_NOT_EXECUTED):
            self.script.popleft()
            raise Unknown("No answer.", key=order.key)
        if order.amount != self._orders[order.key].amount:
            raise _no(Cause.OTHER, "This number was used with another amount.")
        return self.receipts[order.key]

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """What became of ``order``; see :class:`~aftersales.ports.RefundChannel`."""
        if self.silent:
            raise Unknown("No answer.", key=order.key)
        return self.receipts.get(order.key)

    def conclude(self, key: str, cause: Cause | None = None, at: datetime | None = None) -> RefundReceipt:
        """End a refund that is processing: it arrived, or it failed for ``cause`` and the money came back to the merchant."""
        status = ReceiptStatus.SUCCEEDED if cause is None else ReceiptStatus.FAILED
        with self._lock:
            self.receipts[key] = replace(self.receipts[key], status=status, cause=cause, at=at)
            if cause is not None:
                self.truth[key] = 0
            return self.receipts[key]

    def notice_of(self, key: str, minor: int | None = None) -> tuple[dict[str, str], bytes]:
        """Headers and body of a genuine callback about ``key``; ``minor`` puts another amount into it."""
        receipt = self.receipts[key]
        said = {"key": key, "status": receipt.status, "cause": receipt.cause, "channel_id": receipt.channel_id}
        amount = {"minor": receipt.amount.minor if minor is None else minor, "currency": receipt.amount.currency}
        body = json.dumps({**said, **amount, "at": receipt.at.isoformat() if receipt.at else None}).encode()
        return {"fake-signature": self._signature(body)}, body

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:  # noqa: ARG002 (part of the port)
        """A callback made by :meth:`notice_of`. Raises BadSignature for anything else."""
        if not hmac.compare_digest(headers.get("fake-signature", ""), self._signature(body)):
            raise BadSignature("The callback is not from this channel.")
        said = json.loads(body)
        receipt = RefundReceipt(
            said["key"],
            ReceiptStatus(said["status"]),
            Money(said["minor"], said["currency"]),
            said["channel_id"],
            cause=Cause(said["cause"]) if said["cause"] else None,
            at=datetime.fromisoformat(said["at"]) if said["at"] else None,
        )
        return RefundNotice(receipt, f"{receipt.key}/{receipt.status}")

    def _signature(self, body: bytes) -> str:
        return hmac.new(self.secret, body, hashlib.sha256).hexdigest()


def _no(cause: Cause, message: str) -> Rejected:
    return Rejected(message, cause=cause, later=cause in LATER)


# --- the contract -----------------------------------------------------------------------------------------------------
class ChannelBench(Protocol):
    """What a run of the contract needs beside the channel: the other side's view."""

    @property
    def channel(self) -> RefundChannel:
        """The channel under test."""

    def pay(self, order: RefundOrder) -> None:
        """Make the payment of ``order`` known to the other side, before it is refunded."""

    def paid(self, key: str) -> int:
        """Minor units that really went out under ``key``, by the other side's books."""

    def lose_answer(self, *, executed: bool) -> None:
        """Let the answer of the next ``refund`` be lost, after it was carried out or without. SkipTest where that cannot be."""

    def notice_of(self, key: str) -> tuple[dict[str, str], bytes]:
        """A genuine callback about ``key``, as it arrives. SkipTest where the channel has none."""


def a_refund_order(key: str = "Rc1-1", minor: int = 1990, **changes: object) -> RefundOrder:
    """CNY 19.90 of a payment of CNY 99.50. The payment's number follows the order's, so that orders do not share one."""
    order_id = str(changes.pop("order_id", "o1"))
    amount, paid = Money(minor, "CNY"), Money(9950, "CNY")
    order = RefundOrder(key, "m1", order_id, "b1", "p1", f"42000000{order_id}", amount, paid, START, "spoiled")
    return replace(order, **changes)  # type: ignore[arg-type]  # the test names the fields


class RefundChannelContract:
    """What every refund channel keeps. A subclass gives a fixture ``bench`` (:class:`ChannelBench`), fresh for every test.

    The class asks for no test library; pytest collects a subclass whose name starts with ``Test``.
    """

    def test_a_refund_is_paid_in_full_and_once(self, bench: ChannelBench) -> None:
        """One call pays exactly what was asked, and says so."""
        order = self._known(bench)
        receipt = bench.channel.refund(order)
        assert (receipt.key, receipt.amount) == (order.key, order.amount)
        assert receipt.status is not ReceiptStatus.FAILED
        assert bench.paid(order.key) == order.amount.minor

    def test_the_same_key_is_paid_once(self, bench: ChannelBench) -> None:
        """Repeating a refund pays nothing more and gives the same refund."""
        order = self._known(bench)
        first, second = bench.channel.refund(order), bench.channel.refund(order)
        assert (first.key, first.amount, first.channel_id) == (second.key, second.amount, second.channel_id)
        assert bench.paid(order.key) == order.amount.minor

    def test_another_amount_under_the_same_key_is_refused(self, bench: ChannelBench) -> None:
        """A key stands for one amount: another one is no success, and moves nothing."""
        order = self._known(bench)
        bench.channel.refund(order)
        refuses(lambda: bench.channel.refund(replace(order, amount=Money(500, "CNY"))), Rejected, Unknown)
        assert bench.paid(order.key) == order.amount.minor

    def test_more_than_was_paid_is_refused(self, bench: ChannelBench) -> None:
        """One fen above the payment is a final no."""
        order = self._known(bench, minor=9951)
        error = refuses(lambda: bench.channel.refund(order), Rejected)
        assert error.details["cause"] is Cause.OVER_LIMIT
        assert bench.paid(order.key) == 0

    def test_several_refunds_stay_within_the_payment(self, bench: ChannelBench) -> None:
        """Parts may use up the payment to the last fen, and not one fen more."""
        first, last = self._known(bench, key="Rc1-1", minor=9949), a_refund_order("Rc1-2", 1)
        bench.channel.refund(first)
        refuses(lambda: bench.channel.refund(a_refund_order("Rc1-3", 2)), Rejected)
        bench.channel.refund(last)
        assert [bench.paid(k) for k in ("Rc1-1", "Rc1-2", "Rc1-3")] == [9949, 1, 0]

    def test_nothing_is_not_a_refund(self, bench: ChannelBench) -> None:
        """A refund of zero is refused."""
        order = self._known(bench, minor=0)
        refuses(lambda: bench.channel.refund(order), Rejected)

    def test_an_unknown_key_is_not_found(self, bench: ChannelBench) -> None:
        """``find`` gives None for a number the channel never saw."""
        assert bench.channel.find(self._known(bench, key="Rnever-1")) is None

    def test_a_paid_refund_is_found(self, bench: ChannelBench) -> None:
        """``find`` tells key, amount and the channel's own number of a refund that was made."""
        order = self._known(bench)
        made = bench.channel.refund(order)
        found = bench.channel.find(order)
        assert found is not None
        assert (found.key, found.amount, found.channel_id) == (order.key, order.amount, made.channel_id)

    def test_a_lost_answer_may_hide_a_payment(self, bench: ChannelBench) -> None:
        """After Unknown the money may have moved: the same key again reports it and moves nothing more."""
        order = self._known(bench)
        bench.lose_answer(executed=True)
        refuses(lambda: bench.channel.refund(order), Unknown)
        assert bench.paid(order.key) == order.amount.minor
        found = bench.channel.find(order)
        assert found is not None
        assert found.amount == order.amount
        assert bench.channel.refund(order).amount == order.amount
        assert bench.paid(order.key) == order.amount.minor

    def test_a_lost_request_is_made_good_with_the_same_key(self, bench: ChannelBench) -> None:
        """After Unknown nothing may have moved either: the same key again pays, once."""
        order = self._known(bench)
        bench.lose_answer(executed=False)
        refuses(lambda: bench.channel.refund(order), Unknown)
        assert bench.paid(order.key) == 0
        bench.channel.refund(order)
        assert bench.paid(order.key) == order.amount.minor

    def test_a_genuine_notice_is_read(self, bench: ChannelBench) -> None:
        """A callback gives the key, the amount and how it ended, and changes nothing."""
        order = self._known(bench)
        bench.channel.refund(order)
        headers, body = bench.notice_of(order.key)
        notice = bench.channel.notice(headers, body, datetime.now(UTC))
        assert notice.receipt is not None
        assert (notice.receipt.key, notice.receipt.amount) == (order.key, order.amount)
        assert notice.notice_id
        assert bench.paid(order.key) == order.amount.minor

    def test_a_changed_notice_is_refused(self, bench: ChannelBench) -> None:
        """One changed byte, or a missing header, and the callback is not believed."""
        order = self._known(bench)
        bench.channel.refund(order)
        headers, body = bench.notice_of(order.key)
        now = datetime.now(UTC)
        refuses(lambda: bench.channel.notice(headers, body[:-1] + bytes([body[-1] ^ 1]), now), BadSignature)
        refuses(lambda: bench.channel.notice({}, body, now), BadSignature)

    def test_a_forged_notice_is_refused(self, bench: ChannelBench) -> None:
        """Nobody without the channel's key can make a callback, whatever they send."""
        for body in (b"", b"{}", b'{"key": "Rc1-1", "status": "succeeded"}', b"\xff\xfe"):
            call = partial(bench.channel.notice, {"content-type": "application/json"}, body, datetime.now(UTC))
            refuses(call, BadSignature)

    @staticmethod
    def _known(bench: ChannelBench, key: str = "Rc1-1", minor: int = 1990) -> RefundOrder:
        order = a_refund_order(key, minor)
        bench.pay(order)
        return order


def refuses(call: Callable[[], object], *kinds: type[AftersalesError]) -> AftersalesError:
    """The error of one of ``kinds`` that ``call`` raises; AssertionError when it succeeds."""
    try:
        answer = call()
    except kinds as error:
        return error
    raise AssertionError(f"expected {' or '.join(k.__name__ for k in kinds)}, found {answer!r}")


def cannot(what: str) -> SkipTest:
    """The skip a bench raises for what its channel does not have, so that the gap stays visible in the test report."""
    return SkipTest(what)
