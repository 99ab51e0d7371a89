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
from aftersales.ledger import Step
from aftersales.ports import CaseFile, StepsOf
from aftersales.refund import LATER, RefundState
from functions.payout import timeouts
from infra.local.sandbox import Keys
from tests.property.mall_machine import MallMachine
from tests.property.providers import Provider, SandboxProvider

SOAK = "SOAK" in os.environ
#: Long enough for every deadline that silence can pass: a parcel that nobody hears of, then a shop that never looks.
DAYS = 45


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Thousands of refused notices and lost answers are no news here."""
    loggers = [logging.getLogger(name) for name in ("functions", "plugins")]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    yield
    for logger in loggers:
        logger.setLevel(logging.NOTSET)


class Money(MallMachine):
    """What has to be true of the money, at every moment and in the end."""

    @invariant()
    def never_more_than_approved(self) -> None:
        """Per case: truth ≤ approved. Per order and payment: truth ≤ what the ledger calls spent ≤ paid, and settled ≤ truth."""
        truth, files = self.provider.truth(), self.stored()
        self._keys_are_ours(truth, files)
        for case_id, file in files.items():
            sent = sum(truth[r.key][1] for r in file.refunds if r.key in truth)
            assert sent <= approved(file.case), (case_id, sent, file.case.state)
        for order_id in self.orders:
            ledger = self._order(order_id).ledger
            mine = [files[i] for i in self._order(order_id).cases]
            assert sum(approved(f.case) for f in mine) <= ledger.paid.minor
            for payment in ledger.payments:
                sent = sum(minor for number, minor in truth.values() if number == payment.transaction_id)
                assert sent <= payment.minor - ledger.left_of(payment) <= payment.minor
            keys = [r.key for f in mine for r in f.refunds]
            assert ledger.settled.minor <= sum(truth[k][1] for k in keys if k in truth)

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
        for minutes in [1] * 20 + [24 * 60] * DAYS:
            self.time_passes(minutes)
            self._look()
            for case_id, file in self.stored().items():
                for refund in file.refunds:
                    if (
                        refund.state is RefundState.FAILED
                        and refund.cause not in LATER
                        and refund.key not in self.provider.doomed()
                    ):
                        self.post(f"/v1/merchant/cases/{case_id}/refunds/{refund.number}/retry", None, [], role="admin")
            self._sweep()
            self._poll()
            self.never_more_than_approved()

    def _all_is_paid(self) -> None:
        """Truth equals approved, every approved case is closed as refunded, and the ledger says the same. A closed refund waits."""
        truth, doomed = self.provider.truth(), self.provider.doomed()
        for file in self.stored().values():
            lost = [r for r in file.refunds if r.key in doomed]
            assert {r.state for r in lost} <= {RefundState.FAILED}
            assert {r.state for r in file.refunds if r not in lost} <= {RefundState.SETTLED}, file.refunds
            sent = sum(truth[r.key][1] for r in file.refunds if r not in lost)
            assert sent == approved(file.case) - sum(r.amount.minor for r in lost)
            if file.refunds:
                assert (file.case.state, file.case.ending) == ((State.SETTLING, None) if lost else (State.CLOSED, Ending.REFUNDED))
            else:  # nothing was approved, or something worth nothing
                assert file.case.state in (State.CLOSED, State.SECOND_REVIEW)
            self._record_is_sound(file.case)
        for order_id in self.orders:
            ledger = self._order(order_id).ledger
            keys = [r.key for i in self._order(order_id).cases for r in self.stored()[i].refunds]
            assert ledger.settled.minor == sum(truth[k][1] for k in keys)
            assert max(Counter((e.key, e.step) for e in ledger.entries).values(), default=1) == 1
            assert {e.key for e in ledger.entries if e.step is Step.SETTLED} == set(keys) - doomed

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
