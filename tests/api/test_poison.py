"""Poison: one record or one plugin that breaks in a way nobody foresaw stops nothing else, and is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from functions import follow, sweep
from tests.mall import Mall


def test_one_broken_record_does_not_hold_up_the_others_of_a_sweep(mall: Mall) -> None:
    """A case whose trade breaks stays due and is counted; every other due case is advanced in the same sweep."""
    first, second = mall.claim(submit=False), mall.claim(submit=False)

    class Halting:
        def __getattr__(self, name: str) -> Any:
            return getattr(mall.store, name)

        def case(self, case_id: str) -> Any:
            if case_id == first["case_id"]:
                raise ValueError("an item nobody can read")
            return mall.store.case(case_id)

    mall.registry.put("store", Halting())
    mall.clock.move(timedelta(days=31))
    tally = sweep.sweep(mall.registry)
    assert (tally.advanced, tally.failed) == (1, 1)
    assert mall.store.case(second["case_id"]).case.ending == "lapsed"


def test_one_broken_record_does_not_hold_up_the_others_of_a_stream(mall: Mall) -> None:
    """A record that cannot be read is sent again alone; the rest of its batch is worked off."""
    case = mall.claim()

    class Picky:
        def seen(self, record: Mapping[str, Any]) -> Any:
            if record["dynamodb"].get("SequenceNumber") == "bad":
                raise ValueError("an image nobody can read")
            return mall.store.seen(record)

    mall.registry.put("stream", Picky())
    bad = {"dynamodb": {"SequenceNumber": "bad", "NewImage": {}}}
    assert follow.follow(mall.registry, [bad, *mall.store.records]) == ["bad"]
    assert mall.queue.receive(follow.PHOTO_QUEUE), case["case_id"]
