"""Counting: what a shop is told the number of, kept up by the stream. Told twice, late or not at all, it comes out the same."""

from __future__ import annotations

from dataclasses import replace

from aftersales import count, queue
from aftersales.case import Case
from aftersales.change import Change
from aftersales.count import Counted
from aftersales.query import CountedOf
from aftersales.registry import Registry
from functions.context import again


def follow(registry: Registry, case: Case) -> None:
    """Count the case where it is now. One that never waited for its shop, nor for a buyer's answer, costs nothing."""
    if case.queued or queue.buckets(case):
        again(lambda: _count(registry, case))


def _count(registry: Registry, case: Case) -> None:
    """Newer versions win: each of them is written down, so that an older one that comes late is known to be old."""
    found = registry.store.find(CountedOf(case.case_id)).found
    known = found[0] if found else Counted(case.case_id, case.merchant, 0)
    if known.seen >= case.version:
        return
    buckets = queue.buckets(case)
    seen = replace(known, seen=case.version, buckets=buckets)
    registry.store.commit(Change(counted=seen, shift=count.moved(known, buckets)))
