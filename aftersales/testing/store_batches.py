"""The kit for batches in a Store: several changes at once, several orders at once, and a batch with its parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.batch import Act, Batch, BatchState, Entry, Part
from aftersales.caller import Role
from aftersales.case import Case, Event
from aftersales.change import Change
from aftersales.errors import AllowanceSpent, ClaimTaken, Invalid, StaleVersion
from aftersales.ports import Store
from aftersales.query import BatchesOf, BatchNamed, CasesNamed, DueBy, PartNamed, PartsOf, StepsOf
from aftersales.testing.builders import NOW, a_ledger, a_spend
from aftersales.testing.store_contract import opened, pushed, stored


def a_batch(batch_id: str = "b1", opened_at: datetime = NOW, merchant: str = "m1") -> Batch:
    """A batch that waits for its worker."""
    batch = Batch(batch_id, merchant, "li", Role.APPROVER, opened_at, opened_at, Act.APPROVE, BatchState.SELECTING)
    return batch.moved(BatchState.SELECTING, opened_at)


def said(case: Case) -> Change:
    """A change of this case."""
    return Change(case).then(Event.MESSAGE_SENT, "clerk:c1", NOW, text="hello")


def is_refused(store: Store, *changes: Change, kind: type[Exception]) -> bool:
    """Whether the store refuses them together with that error."""
    try:
        store.commit_all(changes)
    except kind:
        return True
    return False


class BatchContract:
    """What every Store keeps about batches; a subclass gives the fixture ``store``, empty."""

    def test_several_changes_are_one(self, store: Store) -> None:
        """All of them are written, each on its own version; where one is refused, none is."""
        first, second = opened(store, case_id="c1"), opened(store, case_id="c2")
        store.commit_all([said(first), said(second), Change(batch=a_batch())])
        assert [stored(store, c.case_id).case.version for c in (first, second)] == [2, 2]
        fresh = stored(store, "c1").case
        assert is_refused(store, said(fresh), said(second), kind=StaleVersion)
        assert is_refused(store, said(fresh), Change(batch=a_batch()), kind=StaleVersion)
        assert stored(store, "c1").case.version == 2
        assert len(store.find(StepsOf("c1")).found) == 2

    def test_two_changes_never_write_one_record(self, store: Store) -> None:
        """A case twice, one name claimed twice and a name that is taken are refused, and nothing is written."""
        first, second = opened(store, case_id="c1"), opened(store, case_id="c2")
        assert is_refused(store, said(first), said(first), kind=Invalid)
        one, two = (replace(said(c), claims=("waybill#sf#1",)) for c in (first, second))
        assert is_refused(store, one, two, kind=Invalid)
        store.commit(one)
        assert is_refused(store, two, kind=ClaimTaken)
        assert stored(store, "c2").case.version == 1

    def test_what_several_spend_is_counted_together(self, store: Store) -> None:
        """Two changes that fit under a cap alone and not together are refused together."""
        files = [pushed(store, order_id=f"o{n}") for n in (1, 2, 3)]
        spend = a_spend(minor=60, cap_minor=130)
        changes = [Change(ledger=f.ledger, spends=(spend,)) for f in files]
        assert is_refused(store, *changes, kind=AllowanceSpent)
        store.commit_all(changes[:2])
        assert is_refused(store, changes[2], kind=AllowanceSpent)

    def test_orders_are_read_together(self, store: Store) -> None:
        """Each that was pushed comes with its money, under its own name; an unknown one is left out."""
        one, two = pushed(store, order_id="o#1"), pushed(store, order_id="o2")
        found = store.orders([("m1", "o#1"), ("m1", "o2"), ("m1", "o3"), ("m2", "o2"), ("m1", "o2")])
        assert {name: (f.order, f.ledger) for name, f in found.items()} == {
            ("m1", "o#1"): (one.order, one.ledger),
            ("m1", "o2"): (two.order, two.ledger),
        }
        assert store.orders([]) == {}
        store.commit(Change(ledger=one.ledger))
        assert store.orders([("m1", "o#1")])["m1", "o#1"].ledger == replace(a_ledger(one.order), version=2)

    def test_cases_are_named(self, store: Store) -> None:
        """Cases are given as they are now, in the order they were named in, without those that nobody knows."""
        for case_id in ("c1", "c2"):
            opened(store, case_id=case_id)
        store.commit(said(stored(store, "c2").case))
        found = store.find(CasesNamed(("c2", "c9", "c1"))).found
        assert [(c.case_id, c.version) for c in found] == [("c2", 2), ("c1", 1)]
        assert found[0] == stored(store, "c2").case

    def test_a_batch_and_its_parts_come_back(self, store: Store) -> None:
        """A batch, its parts in order, and one part alone; a part is written on the version that was read."""
        parts = tuple(Part("b1", n, (Entry(f"c{n}", n + 1, 100, "CNY"), Entry("x", code="gone", text="说明"))) for n in range(12))
        store.commit(Change(batch=a_batch(), parts=parts))
        assert store.find(BatchNamed("b1")).found == (replace(a_batch(), version=1),)
        assert store.find(BatchNamed("b2")).found == ()
        assert store.find(PartNamed("b1", 12)).found == ()
        first = store.find(PartsOf("b1"), None, 5)
        rest = store.find(PartsOf("b1"), first.cursor, 50)
        assert (*first.found, *rest.found) == tuple(replace(p, version=1) for p in parts)
        (part,) = store.find(PartNamed("b1", 3)).found
        store.commit(Change(parts=(part.with_entry(Entry("x", code="done")),)))
        assert store.find(PartNamed("b1", 3)).found[0].entries[1].code == "done"
        assert is_refused(store, Change(parts=(part,)), kind=StaleVersion)

    def test_a_merchants_batches_are_listed(self, store: Store) -> None:
        """Newest first, page by page, and no other merchant's."""
        for n in range(3):
            store.commit(Change(batch=a_batch(f"b{n}", NOW + timedelta(seconds=n))))
        store.commit(Change(batch=a_batch("b9", merchant="m2")))
        first = store.find(BatchesOf("m1"), None, 2)
        assert [b.batch_id for b in first.found] == ["b2", "b1"]
        assert [b.batch_id for b in store.find(BatchesOf("m1"), first.cursor, 2).found] == ["b0"]

    def test_a_batch_that_rests_is_not_due(self, store: Store) -> None:
        """A batch that moves is looked after, one that ended is not."""
        store.commit(Change(batch=a_batch()))
        (batch,) = store.find(BatchNamed("b1")).found
        assert batch.look_at
        due = [d for n in range(store.due_shards) for d in store.find(DueBy("batch", n, batch.look_at)).found]
        assert [(d.kind, d.case_id, d.due_at) for d in due] == [("batch", "b1", batch.look_at)]
        store.commit(Change(batch=batch.moved(BatchState.DONE, NOW)))
        assert [d for n in range(store.due_shards) for d in store.find(DueBy("batch", n, batch.look_at)).found] == []
