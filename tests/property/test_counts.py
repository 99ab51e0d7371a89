"""Counting by adding: whatever the stream does to its records, the sums are what a recount gives."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales import queue
from aftersales.case import TRANSITIONS, WAITS, Case, Event, Lane, State
from aftersales.change import Change
from aftersales.query import CountsOf
from aftersales.registry import Registry
from aftersales.testing.builders import NOW, a_case
from aftersales.testing.store import FakeStore
from functions import counting

#: What may happen to a case in a state, but for what closes it: most histories shall be long.
ENDS = {(State.CLOSED, Event.REFUND_BOUNCED), (State.CLOSED, Event.REOPENED)}
ROWS = {s: sorted(e for of, e in TRANSITIONS.keys() - ENDS if of is s and e is not Event.WITHDRAWN) for s in State}


def moved(store: FakeStore, case_id: str, data: st.DataObject) -> None:
    """One thing happens to the stored case: an event of its table, a claim, another lane, files."""
    file = store.case(case_id)
    assert file is not None
    case = file.case
    what = data.draw(st.sampled_from(["event", "event", "event", "claim", "lane", "files"]))
    if what == "event" and ROWS[case.state]:
        change = Change(case).then(data.draw(st.sampled_from(ROWS[case.state])), "system", NOW)
    elif what == "claim" and case.state in WAITS:
        change = Change(replace(case, clerk=data.draw(st.sampled_from(["", "li", "wu/1"])), claimed_at=NOW))
    elif what == "lane" and case.state in WAITS:
        change = Change(replace(case, lane=data.draw(st.sampled_from([*Lane]))))
    else:
        change = Change(replace(case, has_files=not case.has_files, updated_at=case.updated_at + timedelta(seconds=1)))
    store.commit(change)


def told(store: FakeStore, data: st.DataObject) -> list[Case]:
    """The stream's records out of order, some twice and some never; a case's latest is never lost for good."""
    cases = [seen.after for record in store.records if isinstance((seen := record["seen"]).after, Case)]
    latest = {c.case_id: c.version for c in cases}
    copies = [data.draw(st.integers(int(c.version == latest[c.case_id]), 2)) for c in cases]
    return data.draw(st.permutations([c for c, times in zip(cases, copies, strict=True) for _ in range(times)]))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_sums_are_what_a_recount_gives(data: st.DataObject) -> None:
    """Repeated, late and lost records: nothing counts twice, and nothing that is gone still counts."""
    store = FakeStore()
    registry = Registry({})
    registry.put("store", store)
    names = ["c1", "c2", "c3"]
    for case_id in names:
        store.commit(Change.opened(a_case(case_id=case_id), "buyer:b1", NOW))
    for _ in range(data.draw(st.integers(0, 25))):
        moved(store, data.draw(st.sampled_from(names)), data)
    for case in told(store, data):
        counting.follow(registry, case)
    stored = [file.case for case_id in names if (file := store.case(case_id))]
    recount = Counter(name for case in stored for name in queue.buckets(case))
    assert store.find(CountsOf("m1")).found[0].sums == recount


def test_a_case_that_waited_for_nobody_is_never_looked_up() -> None:
    """What rules pay at once costs the counters nothing: no read, no write."""
    registry = Registry({})  # which has no store: any use of it would raise
    change = Change(a_case()).then(Event.SUBMITTED, "buyer:b1", NOW).then(Event.APPROVED, "system", NOW)
    assert change.case is not None
    counting.follow(registry, change.case)
