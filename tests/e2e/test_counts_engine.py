"""Counting over the embedded engine and its own stream: followed twice, by two at once, from the beginning again."""

from collections import Counter
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from aftersales import queue
from aftersales.case import Event, State
from aftersales.change import Change
from aftersales.query import CountsOf
from aftersales.registry import Registry
from aftersales.testing.builders import NOW
from aftersales.testing.store_queue import waiting
from functions.follow import follow
from infra.local.engine import Engine
from infra.local.follower import Follower
from infra.local.home import Home
from plugins.dynamodb_store import build
from plugins.dynamodb_store.schema import create
from plugins.dynamodb_store.store import DynamoStore

pytestmark = pytest.mark.e2e


def changed(store: DynamoStore, case_id: str) -> None:
    """The case is claimed, spoken about, and (every other one) approved."""
    for event, clerk in ((Event.CLAIMED, "li"), (Event.MESSAGE_SENT, "li"), (Event.APPROVED, "")):
        file = store.case(case_id)
        assert file is not None
        if event is not Event.APPROVED or int(case_id[1:]) % 2:
            store.commit(Change(file.case).then(event, "clerk:li", NOW, None).with_case(clerk=clerk, claimed_at=NOW))


def recount(store: DynamoStore, names: list[str]) -> Counter[str]:
    """What the cases as they are stored count in."""
    return Counter(name for case_id in names if (file := store.case(case_id)) for name in queue.buckets(file.case))


def test_counts_are_a_recount_however_the_stream_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two followers at once, and a third from the beginning: the counters stand where a recount puts them."""
    with Engine() as engine:
        monkeypatch.setenv("DYNAMODB_ENDPOINT", engine.endpoint)
        home = Home.made(tmp_path / "home")
        store = build({"table": home.table, "phone_key": "k", "endpoint": engine.endpoint})
        create(store.client, home.table)
        registry = Registry({})
        registry.put("store", store)
        registry.put("stream", store)
        names = [f"c{n}" for n in range(8)]
        for case_id in names:
            waiting(store, case_id, state=State.REVIEWING)
            changed(store, case_id)

        def handle(event: dict[str, Any], _: Any) -> dict[str, Any]:
            return {"batchItemFailures": [{"itemIdentifier": n} for n in follow(registry, event["Records"])]}

        def all_of_it() -> None:
            follower = Follower(home, handle)
            while follower.step():
                pass

        for at_once in (2, 1):
            home.stream_file.unlink(missing_ok=True)
            threads = [Thread(target=all_of_it) for _ in range(at_once)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            found = store.find(CountsOf("m1")).found[0].sums
            assert found == recount(store, names)
            assert (found["reviewing"], found["reviewing/clerk/li"]) == (4, 4)
        store.client.close()
