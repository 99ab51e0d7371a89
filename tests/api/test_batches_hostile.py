"""Batches over what breaks: a part, or a case, that cannot be written holds up no other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aftersales.change import Change
from aftersales.testing.store import FakeStore
from functions import batches
from tests.api.test_batches import results, states, waiting
from tests.mall import Mall


class Choking(FakeStore):
    """Breaks at every write of the cases in ``chokes``, and at those of several changes where ``small`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.chokes: set[str] = set()
        self.small = False

    def commit(self, change: Change) -> None:
        """Write one change."""
        if change.case and change.case.case_id in self.chokes:
            raise RuntimeError("no item can hold this")
        super().commit(change)

    def commit_all(self, changes: Sequence[Change]) -> None:
        """Write several changes."""
        if self.small or any(c.case and c.case.case_id in self.chokes for c in changes):
            raise RuntimeError("no transaction can hold this")
        super().commit_all(changes)


@pytest.mark.parametrize("poisoned", [0, 1])
def test_a_part_that_cannot_be_written_whole_goes_one_by_one(poisoned: int) -> None:
    """However its store breaks at a part, or at one case, the batch ends: that case says so, and all others are decided."""
    mall = Mall(store=Choking())
    cases = [waiting(mall, n) for n in range(3)]
    mall.store.small, mall.store.chokes = True, set(cases[:poisoned])
    made = mall.must("POST", "/v1/merchant/batches", {"action": "reject", "reason": "no", "ids": cases}, role="approver")
    for _ in range(3):
        batches.work(mall.registry, {"batch_id": made["batch_id"]})
    wrong, done = [("failed", "internal_error")] * poisoned, [("done", "")] * (3 - poisoned)
    assert list(results(mall, made).values()) == wrong + done
    assert states(mall, *cases) == ["reviewing"] * poisoned + ["rejected"] * (3 - poisoned)
    assert mall.must("GET", f"/v1/merchant/batches/{made['batch_id']}", role="clerk")["state"] == "done"
