"""A batch under crashes, lost answers and other workers: every case is decided once, none is forgotten, and the counts add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.batch import Batch, BatchState, Result
from aftersales.case import Event, State
from aftersales.change import Change
from aftersales.entry import Step
from aftersales.query import PartsOf, StepsOf
from aftersales.testing.builders import a_line, a_payment, an_order
from aftersales.testing.store import FakeStore
from functions import batched, batches
from tests.mall import Mall

CALLS = ("case", "orders", "find", "commit", "commit_all")


class Down(Exception):
    """The store does not answer."""


class BreakingStore(FakeStore):
    """Fails at the calls whose numbers are in ``breaks``, ``before`` anything is done or after all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks: dict[int, bool] = {}
        self.asked = 0

    def _call(self, name: str, *args: Any) -> Any:
        self.asked += 1
        before = self.breaks.get(self.asked)
        if before:
            raise Down(name)
        done = getattr(super(), name)(*args)
        if before is False:
            raise Down(name)
        return done

    case, orders, find, commit, commit_all = (
        (lambda self, *args, name=name: self._call(name, *args))
        for name in CALLS  # type: ignore[assignment]
    )


@dataclass
class Shop:
    """Cases that wait: ``orders`` says how many lie on each order; those of ``dear`` need two persons."""

    orders: Sequence[int]
    dear: Sequence[bool]
    mall: Mall = field(default_factory=lambda: Mall(store=BreakingStore()))
    cases: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, count in enumerate(self.orders):
            minor = 60_000 if self.dear[number] else 6_000
            lines = tuple(a_line(line_id=f"l{n}", vertical="general", unit_price_minor=minor, pieces=1) for n in range(count))
            payment = a_payment(transaction_id=f"t{number}", paid_minor=minor * count)
            self.mall.push(an_order(order_id=f"o{number}", status="shipped", lines=lines, payments=(payment,)))
            for n in range(count):
                items = [{"line_id": f"l{n}", "pieces": 1}]
                asked = {"order_id": f"o{number}", "kind": "refund_only", "reason": "not_received", "items": items, "submit": True}
                self.cases.append(self.mall.must("POST", "/v1/cases", asked)["case_id"])

    def begin(self, **body: Any) -> str:
        """A batch over all of them; its id."""
        asked = {"action": "approve", "reason": "lost", **body}
        return str(self.mall.must("POST", "/v1/merchant/batches", asked, role="approver")["batch_id"])

    def batch(self, batch_id: str) -> Batch:
        """The batch as it is."""
        found = batched.stored(self.mall.registry, batch_id)
        assert found is not None
        return found

    def check(self, batch_id: str, changed: set[str]) -> None:
        """Every case was decided once, or says why not; batch, parts, cases and money say the same."""
        batch, store = self.batch(batch_id), self.mall.store
        parts = store.find(PartsOf(batch_id), None, 100).found
        entries = {e.case_id: e for part in parts for e in part.entries}
        assert set(entries) == set(self.cases)
        said = Counter(e.result for e in entries.values())
        assert {t.result: t.cases for t in batch.totals} == said
        assert sum(t.minor for t in batch.totals) == sum(e.amount_minor for e in entries.values())
        for case_id, entry in entries.items():
            case = store.case(case_id).case
            steps = Counter(s.event for s in store.find(StepsOf(case_id), None, 100).found)
            ledger = store.order("m1", case.order_id).ledger
            reserved = sum(e.case_id == case_id and e.step is Step.RESERVED for e in ledger.entries)
            decided = (steps[Event.APPROVED], steps[Event.SECOND_PERSON_ASKED], len(case.approvals), reserved)
            if case_id in changed:
                assert (entry.result, entry.code, decided) == (Result.SKIPPED, "stale_version", (0, 0, 0, 0))
            elif entry.result is Result.SECOND_PERSON:
                assert decided == (0, 1, 1, 0)
            else:
                assert (entry.result, decided) == (Result.DONE, (1, 0, 1, 1)), (entry, case.state)


def resumed(shop: Shop, batch_id: str, work: Callable[[], None]) -> int:
    """Let ``work`` be done again until the batch rests; how often it broke."""
    broke = 0
    for _ in range(200):
        try:
            if shop.batch(batch_id).state not in (BatchState.SELECTING, BatchState.RUNNING):
                return broke
            work()
        except Down:
            broke += 1
    raise AssertionError("the batch does not get on")


ORDERS = st.lists(st.integers(1, 3), min_size=1, max_size=9)


@settings(max_examples=40, deadline=None)
@given(ORDERS, st.data())
def test_a_worker_that_dies_at_any_call_loses_and_repeats_nothing(orders: list[int], data: st.DataObject) -> None:
    """Cut at any calls to its store, before or after their effect, and begun again, a batch ends with each case decided once."""
    shop = Shop(orders, data.draw(st.lists(st.booleans(), min_size=len(orders), max_size=len(orders))))
    store: Any = shop.mall.store
    named = {"ids": shop.cases} if data.draw(st.booleans()) else {"choice": {"state": State.REVIEWING}}
    batch_id = shop.begin(**named)
    while shop.batch(batch_id).state is BatchState.SELECTING:
        batches.work(shop.mall.registry, {"batch_id": batch_id})
    changed = set(data.draw(st.lists(st.sampled_from(shop.cases), max_size=2)))
    for case_id in changed:
        case = store.case(case_id).case
        store.commit(Change(case).then(Event.MESSAGE_SENT, "buyer:b1", shop.mall.clock.now(), text="Wait."))
    breaks = data.draw(st.dictionaries(st.integers(1, 80), st.booleans(), max_size=12))
    store.breaks = {store.asked + at: before for at, before in breaks.items()}
    resumed(shop, batch_id, partial(batches.work, shop.mall.registry, {"batch_id": batch_id}))
    store.breaks = {}
    shop.check(batch_id, changed)


@settings(max_examples=6, deadline=None)
@given(ORDERS)
def test_workers_on_one_batch_at_once_decide_nothing_twice(orders: list[int]) -> None:
    """Three workers with the same job: whichever is faster, each case is decided once."""
    shop = Shop(orders, [False] * len(orders))
    batch_id = shop.begin(choice={"state": State.REVIEWING})

    def together() -> None:
        workers = [Thread(target=batches.work, args=(shop.mall.registry, {"batch_id": batch_id})) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    assert resumed(shop, batch_id, together) == 0
    shop.check(batch_id, set())
