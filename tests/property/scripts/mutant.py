"""Mutants: systems with one defect each. The judge has to notice every one of them, or its silence means nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from aftersales.change import Change
from aftersales.channel import ReceiptStatus, RefundOrder, RefundReceipt
from aftersales.errors import Unknown
from aftersales.ledger import Ledger
from aftersales.refund import RENUMBER
from aftersales.testing.store import FakeStore
from functions import mend, tickets
from plugins.balance_refund.account import BalanceRefunds
from tests.property.scripts.channel import Channels
from tests.property.scripts.play import Makes
from tests.property.scripts.world import World

Mutates = Callable[[pytest.MonkeyPatch], Makes]


class _Forgetful(FakeStore):
    """A store that does not look at versions: whoever comes last is right."""

    def commit(self, change: Change) -> None:
        def current(name: tuple[Any, ...], value: Any) -> Any:
            return value and replace(value, version=self._kept[name].version if name in self._kept else 0)

        case, ledger = change.case, change.ledger
        super().commit(
            replace(
                change,
                case=current(("case", case.case_id), case) if case else None,
                ledger=current(("ledger", ledger.merchant, ledger.order_id), ledger) if ledger else None,
                refunds=tuple(current(("refund", r.case_id, r.number), r) for r in change.refunds),
                tickets=tuple(current(("ticket", t.ticket_id), t) for t in change.tickets),
            )
        )


class _Losing(FakeStore):
    """A store that now and then leaves out a step of a case's record."""

    def commit(self, change: Change) -> None:
        super().commit(replace(change, steps=change.steps[:-1] if len(change.steps) > 1 else change.steps))


class _Around:
    """A channel with its ``refund`` done another way."""

    def __init__(self, inner: Any, refund: Callable[[Any, RefundOrder], RefundReceipt]) -> None:
        self._inner, self._refund = inner, refund

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def refund(self, order: RefundOrder) -> RefundReceipt:
        return self._refund(self._inner, order)


def _another_number(inner: Any, order: RefundOrder) -> RefundReceipt:
    """No answer: once more, under a new number."""
    try:
        return inner.refund(order)  # type: ignore[no-any-return]  # a channel of any kind
    except Unknown:
        again: RefundReceipt = inner.refund(replace(order, key=f"{order.key}9"))
        return replace(again, key=order.key)


def _hopeful(inner: Any, order: RefundOrder) -> RefundReceipt:
    """No answer: it will have worked."""
    try:
        return inner.refund(order)  # type: ignore[no-any-return]  # see above
    except Unknown:
        return RefundReceipt(order.key, ReceiptStatus.SUCCEEDED, order.amount, channel_id="1")


def _with_store(store: type[FakeStore]) -> Mutates:
    class Mutant(World):
        def make_store(self) -> FakeStore:
            return store(due_shards=1)

    return lambda patch: Mutant


def _with_refund(refund: Callable[[Any, RefundOrder], RefundReceipt]) -> Mutates:
    class Mutant(World):
        def make_channels(self, channels: Channels) -> Mapping[str, Any]:
            return {name: _Around(channel, refund) for name, channel in channels.found.items()}

    return lambda patch: Mutant


def _with(target: Any, name: str, value: Any) -> Mutates:
    def mutate(patch: pytest.MonkeyPatch) -> Makes:
        patch.setattr(target, name, value)
        return World

    return mutate


def _believing(patch: pytest.MonkeyPatch) -> Makes:
    patch.setattr("plugins.wechatpay_refund.client.verify", lambda *given: None)
    return World


def _wallet(patch: pytest.MonkeyPatch) -> Makes:
    usual = BalanceRefunds._transaction

    def forgetful(self: BalanceRefunds, *given: Any) -> list[Any]:
        first, *rest = usual(self, *given)
        return [{"Put": {k: v for k, v in first["Put"].items() if k != "ConditionExpression"}}, *rest]

    patch.setattr(BalanceRefunds, "_transaction", forgetful)
    return World


def _impatient(patch: pytest.MonkeyPatch) -> Makes:
    """Whatever failed gets a new number at once, by the system itself."""
    patch.setattr("functions.renumber.automatic", lambda refunds, leg: leg.cause not in RENUMBER)
    return World


def _resigned(patch: pytest.MonkeyPatch) -> Makes:
    patch.setattr("functions.sweep.refunds.poll", lambda *given: None)
    return World


#: By what each does wrong: how it is made, and words of the judge that say what came of it.
MUTANTS: dict[str, tuple[Mutates, str]] = {
    "a store that forgets the version check": (_with_store(_Forgetful), "is broken|the ledger says|moved"),
    "a store that leaves out a step": (_with_store(_Losing), "is broken"),
    "a client that renumbers when there is no answer": (_with_refund(_another_number), "which is not on record"),
    "a client that takes silence for a yes": (_with_refund(_hopeful), "settled, and never moved"),
    "a ledger without its cap": (_with(Ledger, "left_of", lambda self, payment: payment.minor), "spent"),
    "a ledger that does not hear of a bounce": (_with(Ledger, "bounce", lambda self, key, at: self), "the ledger says settled"),
    "a wallet that forgets its numbers": (_wallet, "its entries say"),
    "a new number for whatever failed": (_impatient, "moved under"),
    "a release that nobody checks": (_with(mend, "nothing_moved", lambda *given: None), "0 spent|given up, and"),
    "a failure without a ticket": (_with(tickets, "opened", lambda *given: ()), "no ticket tells of it"),
    "a notice that is believed unsigned": (_believing, "a forged notice"),
    "a schedule that never looks": (_resigned, "still wait"),
}
