"""Money under every kind of trouble: the real use cases, a provider that misbehaves, and a process that dies between any two steps.

What was paid never exceeds what was approved, at any moment; and once the provider is well again and the schedules run, it equals
it. ``make soak`` looks for much longer.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant

from aftersales.case import TIMEOUTS, Case, Ending, Event, State
from aftersales.change import verify_chain
from aftersales.query import CaseFile, StepsOf
from aftersales.refund import LATER, RefundState
from functions.payout import timeouts
from infra.local.sandbox import Keys
from tests.property.after_sending import AfterSending
from tests.property.providers import Provider
from tests.property.sandbox_provider import SandboxProvider

SOAK = "SOAK" in os.environ
#: Long enough for every deadline that silence can pass: a parcel that nobody hears of, then a shop that never looks.
DAYS = 45
#: The turn of the recovery at which money that left by hand is back.
BACK = 25


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Thousands of refused notices and lost answers are no news here."""
    loggers = [logging.getLogger(name) for name in ("functions", "plugins")]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    yield
    for logger in loggers:
        logger.setLevel(logging.NOTSET)


class Money(AfterSending):
    """What has to be true of the money, at every moment and in the end."""

    @invariant()
    def never_more_than_approved(self) -> None:
        """Per case: truth ≤ approved, and nothing under a released number. Per payment: all that left, also by hand, ≤ paid.

        What left through us is spoken for in the ledger, and what the ledger calls settled was paid.
        """
        truth, files, once_paid = self.provider.truth(), self.stored(), self.provider.once_paid()
        self._keys_are_ours(truth, files)
        for case_id, file in files.items():
            sent = sum(truth[r.key][1] for r in file.refunds if r.key in truth)
            assert sent <= approved(file.case), (case_id, sent, self.rest(file))
            released = [r.key for r in file.refunds if r.state is RefundState.RELEASED]
            assert not any(truth[key][1] for key in released if key in truth), self.rest(file)
        for order_id in self.orders:
            order = self._order(order_id)
            ledger, mine = order.ledger, [files[i] for i in order.cases]
            assert sum(approved(f.case) for f in mine) <= ledger.paid.minor
            for payment in ledger.payments:
                sent = sum(minor for number, minor in truth.values() if number == payment.transaction_id)
                spoken = sum(e.minor for e in ledger.open_entries() if e.payment_id == payment.payment_id)
                assert sent <= spoken <= payment.minor
                assert sent + self.provider.outside(payment.transaction_id) <= payment.minor
            settled = {r.key: r.amount.minor for f in mine for r in f.refunds if r.key in once_paid}
            assert ledger.settled.minor <= sum(settled.values()), ([self.rest(f) for f in mine], once_paid)

    def _keys_are_ours(self, truth: dict[str, tuple[str, int]], files: dict[str, CaseFile]) -> None:
        """Nothing was ever paid under a number that is not on record, with its payment and amount."""
        known = {r.key: (r.transaction_id, r.amount.minor) for f in files.values() for r in f.refunds}
        assert all(paid in (known.get(key), (paid[0], 0)) and key in known for key, paid in truth.items())

    def teardown(self) -> None:
        """Recovery: the provider is well, time passes, the schedules run; nobody follows the stream."""
        try:
            if self.orders:
                self._recover()
                self._all_is_paid()
                self._again_changes_nothing()
        finally:
            self.provider.close()
            self.patch.undo()

    def _recover(self) -> None:
        self.provider.heal()
        for turn, minutes in enumerate([1] * 20 + [24 * 60] * DAYS):
            self.time_passes(minutes)
            if turn == BACK:
                self.money_comes_back()
            self._look()
            if turn % 8 == 0:
                self._notices()
            for case_id, file in self.stored().items():
                for refund in file.refunds:
                    if refund.state is RefundState.FAILED and refund.cause not in LATER:
                        self.see_to(case_id, refund)
            self._sweep()
            self._poll()
            self.never_more_than_approved()

    def _all_is_paid(self) -> None:
        """Every approved case is closed as refunded; truth equals approved less what a person gave up, and the ledger agrees."""
        truth = self.provider.truth()
        for file in self.stored().values():
            assert {r.state for r in file.refunds} <= {RefundState.SETTLED, RefundState.RELEASED}, self.rest(file)
            sent = sum(truth[r.key][1] for r in file.refunds if r.state is RefundState.SETTLED)
            assert sent == approved(file.case) - sum(r.amount.minor for r in self.given_up(file)), self.rest(file)
            if file.refunds:
                assert (file.case.state, file.case.ending) == (State.CLOSED, Ending.REFUNDED)
            else:  # nothing was approved, or something worth nothing
                assert file.case.state in (State.CLOSED, State.SECOND_REVIEW)
            self._record_is_sound(file.case)
        for order_id in self.orders:
            ledger = self._order(order_id).ledger
            legs = [r for i in self._order(order_id).cases for r in self.stored()[i].refunds]
            assert ledger.settled.minor == sum(truth[r.key][1] for r in legs if r.key in truth)
            twice = [n for n, times in Counter((e.key, e.step) for e in ledger.entries if e.case_id).items() if times > 1]
            assert twice == [], ([e for e in ledger.entries if e.key == twice[0][0]], [r for r in legs if r.key == twice[0][0]])
            last = ledger.last_steps()
            assert {r.key: last[r.key] for r in legs} == {r.key: r.state for r in legs}

    def _record_is_sound(self, case: Case) -> None:
        """The chain of steps holds from the first to the last, and silence was never heard before its time."""
        steps = self.store.find(StepsOf(case.case_id), None, 1_000).found
        assert verify_chain(steps) is None
        assert steps[-1].chain == case.chain
        waits, since = timeouts(self.mall.registry, case), steps[0].at
        for step in steps:
            if step.event is Event.DEADLINE_PASSED:
                assert step.at - since >= (waits[step.before][0] if step.before in waits else TIMEOUTS[step.before])
            since = step.at if step.after is not step.before else since

    def _again_changes_nothing(self) -> None:
        """Every record of the stream and every notice once more: not one thing is stored."""
        before = len(self.store.records), self.provider.truth()
        self._replay()
        self._notices()
        assert (len(self.store.records), self.provider.truth()) == before


def approved(case: Case) -> int:
    """Minor units that the case has been promised."""
    return case.amount.minor if case.state is State.SETTLING or case.ending is Ending.REFUNDED else 0


class SandboxMoney(Money):
    """The same against WeChat Pay's protocol."""

    def other_side(self) -> Provider:
        """The sandbox, with keys that are made once."""
        return SandboxProvider(_keys())


@cache
def _keys() -> Keys:
    return Keys.fresh()


def _profile(examples: int, steps: int) -> settings:
    """Repeatable in ``make test``; ``make soak`` looks at other examples each time, forty times as many."""
    return settings(
        max_examples=examples * (40 if SOAK else 1),
        stateful_step_count=steps,
        derandomize=not SOAK,
        print_blob=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


TestMoney = Money.TestCase
TestMoney.settings = _profile(300, 40)
TestSandboxMoney = SandboxMoney.TestCase
TestSandboxMoney.settings = _profile(60, 40)
