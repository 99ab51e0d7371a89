"""A pickup over the real store: many terminals and schedules at the same moment, and what lies in the table afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.case import Fault, Kind, State
from aftersales.change import Change
from aftersales.query import DueBy
from aftersales.testing.builders import a_case, a_parcel
from aftersales.testing.carrier import SENDER, FakeCarrier
from functions import collect, sweep
from infra.local.engine import Engine
from plugins.dynamodb_store import build
from plugins.dynamodb_store.record import json_of
from plugins.dynamodb_store.schema import create
from tests.api.door import Door

pytestmark = pytest.mark.e2e


@pytest.fixture
def door() -> Iterator[Door]:
    """The mall over the embedded engine; what its stream would tell is done by hand."""
    with Engine() as engine:
        store: Any = build({"table": "aftersales-pickups", "phone_key": "k", "endpoint": engine.endpoint, "due_shards": 2})
        create(store.client, store.table)
        store.records = []
        yield Door(FakeCarrier(), store)


def settled(door: Door) -> str:
    """A return that was agreed to."""
    case = a_case(case_id="c8", order_id="o8", kind=Kind.RETURN_REFUND, vertical="general", reason="faulty", state=State.APPROVED)
    door.store.commit(Change(replace(case, fault=Fault.SELLER), parcel=a_parcel(case_id="c8")))
    return "c8"


def test_many_terminals_and_schedules_book_one_courier(door: Door) -> None:
    """Eight requests, eight followers and four schedules at once: one call, one booking; cancelled by all of them, none."""
    case_id = settled(door)
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(r.status for r in pool.map(lambda _: door.ask(case_id), range(8)))
        assert statuses == [201, *[409] * 7]
        list(pool.map(lambda _: collect.look(door.registry, case_id), range(8)))
        assert (door.carrier.booked, door.pickup(case_id)["state"]) == (1, "booked")
        list(pool.map(lambda _: door.send("DELETE", f"/v1/cases/{case_id}/pickup"), range(8)))
        door.clock.move(timedelta(minutes=2))
        list(pool.map(lambda _: sweep.sweep(door.registry), range(4)))
    assert (door.carrier.alive, door.pickup(case_id)["state"]) == ([], "cancelled")


def test_the_table_forgets_the_door_and_waits_for_nothing(door: Door) -> None:
    """Cancelled, the item holds neither name nor phone nor address any more, and the index of what is due has no entry of it."""
    case_id = settled(door)
    assert door.ask(case_id).status == 201
    collect.look(door.registry, case_id)

    def item() -> tuple[str, bool]:
        key = {"PK": {"S": f"CASE#{case_id}"}, "SK": {"S": "PICKUP"}}
        found = door.store.client.get_item(TableName=door.store.table, Key=key)["Item"]
        return json_of(found).decode(), "d" in found

    text, waits = item()
    assert (SENDER.address in text, waits) == (True, True)
    door.must("DELETE", f"/v1/cases/{case_id}/pickup")
    collect.look(door.registry, case_id)
    assert door.store.case(case_id).pickup.sender is None
    text, waits = item()
    assert not any(part in text for part in (SENDER.name, SENDER.phone, SENDER.address))
    assert not waits
    assert not any(door.store.find(DueBy("pickup", shard, door.clock.now().replace(year=2030))).found for shard in range(2))
