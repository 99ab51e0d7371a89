"""The kit for orders that wait: when a trade wants to look at one by itself.

A subclass gives the fixture ``store``: a Store with nothing in it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aftersales.change import Change
from aftersales.ports import Store
from aftersales.query import Due, DueBy
from aftersales.testing.builders import NOW
from aftersales.testing.store_contract import pushed
from aftersales.testing.store_queries import due, everything

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)


class OrderDueContract:
    """How every Store finds the orders that somebody has to look at; a subclass gives the fixture ``store``, empty."""

    def test_an_order_is_due_at_its_instant(self, store: Store) -> None:
        """Not a microsecond before, at the instant itself, named by merchant and order whatever characters these hold."""
        file = pushed(store, merchant="m#1", order_id="o#1", watch_at=NOW)
        assert file.order.watch_at == NOW
        assert due(store, "order", NOW - TICK) == []
        assert due(store, "order", NOW) == [Due("order", "", NOW, merchant="m#1", order_id="o#1")]

    def test_an_order_that_nobody_watches_is_never_due(self, store: Store) -> None:
        """One without an instant is not found, nor one whose instant was taken away or lies later now."""
        pushed(store, order_id="o1")
        gone, later = pushed(store, order_id="o2", watch_at=NOW), pushed(store, order_id="o3", watch_at=NOW)
        store.commit(Change(order=replace(gone.order, watch_at=None)))
        store.commit(Change(order=replace(later.order, watch_at=NOW + TICK)))
        assert due(store, "order", NOW) == []
        assert [d.order_id for d in due(store, "order", NOW + TICK)] == ["o3"]
        assert due(store, "case", NOW + TICK) == []

    def test_orders_come_earliest_first_in_each_shard(self, store: Store) -> None:
        """All shards together hold each due order once, in order within the shard, whatever the page."""
        for number in range(12):
            pushed(store, order_id=f"o{number}", watch_at=NOW - ((number * 5) % 12) * HOUR)
        for limit in (1, 5, 50):
            assert len({d.order_id for d in due(store, "order", NOW, limit)}) == 12
            for shard in range(store.due_shards):
                found = [d.due_at for d in everything(store, DueBy("order", shard, NOW), limit)]
                assert found == sorted(found)
