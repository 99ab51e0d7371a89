"""A store that counts what it is asked, and finds what is due among many thousands without looking at all of them."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aftersales.case import Case
from aftersales.change import Change
from aftersales.query import CaseFile, DueBy, OrderFile, Page
from aftersales.testing.store import FakeStore


class CountingStore(FakeStore):
    """``did`` counts requests: ``case`` and ``order`` reads, ``due`` lists and what they name, ``commit`` and the items written.

    A commit is one write of one item, or one transaction of several. What is due lies in a heap for each kind and shard.
    """

    def __init__(self, due_shards: int = 4) -> None:
        super().__init__(due_shards)
        self.did: Counter[str] = Counter()
        self._heaps: dict[tuple[str, int], list[tuple[datetime, str]]] = defaultdict(list)
        self._of_order: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._kinds: dict[type, dict[Any, Any]] = defaultdict(dict)

    # --- reading ------------------------------------------------------------------------------------------------------
    def case(self, case_id: str) -> CaseFile | None:
        """See :class:`FakeStore`."""
        self.did["case"] += 1
        return super().case(case_id)

    def order(self, merchant: str, order_id: str) -> OrderFile | None:
        """See :class:`FakeStore`."""
        self.did["order"] += 1
        order, ledger = (self._kept.get((kind, merchant, order_id)) for kind in ("order", "ledger"))
        return OrderFile(order, ledger, tuple(self._of_order[merchant, order_id]), ()) if order and ledger else None

    def find(self, query: Any, cursor: str | None = None, limit: int = 50) -> Page[Any]:
        """See :class:`FakeStore`."""
        found = super().find(query, cursor, limit)
        self.did["due" if isinstance(query, DueBy) else "find"] += 1
        self.did["named"] += len(found.found)
        return found

    # --- writing ------------------------------------------------------------------------------------------------------
    def commit(self, change: Change) -> None:
        """See :class:`FakeStore`."""
        super().commit(change)
        written = [change.case, change.parcel, change.trail, change.order, change.ledger, change.answer]
        many = [change.steps, change.refunds, change.notices, change.tickets, change.claims, change.frees]
        self.did["commit"] += 1
        self.did["item"] += sum(one is not None for one in written) + sum(map(len, many))

    # --- inside -------------------------------------------------------------------------------------------------------
    def _write(self, change: Change, versioned: Iterable[tuple[tuple[Any, ...], Any]]) -> None:
        versioned = list(versioned)
        super()._write(change, versioned)
        for name, _ in versioned:
            kept = self._kept[name]
            self._kinds[type(kept)][name] = kept
            if isinstance(kept, Case) and kept.version == 1:
                self._of_order[kept.merchant, kept.order_id].append(kept.case_id)
            waits = getattr(kept, "deadline", None)
            if waits is not None and waits.due_at is not None:
                heapq.heappush(self._heaps[name[0], self._shard(kept.case_id)], (waits.due_at, kept.case_id))

    def _all(self, kind: type[Any]) -> list[Any]:
        return list(self._kinds[kind].values())

    def _due(self, query: DueBy) -> Iterable[Any]:
        if query.kind not in ("case", "parcel", "trail"):
            return super()._due(query)
        heap, found = self._heaps[query.kind, query.shard], {}
        while heap and heap[0][0] <= query.now:
            at, case_id = heapq.heappop(heap)
            kept = self._kept[query.kind, case_id]
            if kept.deadline is not None and kept.deadline.due_at == at:
                found[case_id] = (at, case_id)
        for entry in found.values():
            heapq.heappush(heap, entry)
        return self._named(query.kind, found)

    def _named(self, kind: str, found: Iterable[str]) -> Iterable[Any]:
        from aftersales.query import Due

        return [Due(kind, case_id, self._kept[kind, case_id].deadline.due_at) for case_id in found]
