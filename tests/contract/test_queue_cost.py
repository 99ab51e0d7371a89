"""What a shop's queue costs: a first page does not grow with what waits behind it, and a filter reads no case that it rules out."""

from __future__ import annotations

from typing import Any

import pytest

from aftersales.case import Lane, State
from aftersales.change import Change
from aftersales.query import OfMerchant
from aftersales.testing.builders import NOW, a_case
from aftersales.testing.store_queue import waiting
from infra.local.engine import seed
from plugins.dynamodb_store import schema
from plugins.dynamodb_store import waiting as places
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.store import DynamoStore

COMMON = OfMerchant("m1", State.REVIEWING, category="fruit", min_minor=100)


def page_cost(store: DynamoStore, query: OfMerchant) -> tuple[dict[str, int], float, int]:
    """Requests, read units and cases of the first page."""
    meter = Meter(store.client)
    found = store.find(query, None, 50)
    return dict(meter.requests), meter.read_units, len(found.found)


def filled(store: DynamoStore, first: int, beyond: int) -> None:
    """Cases in review, every third of them of another category."""
    cases = (
        a_case(case_id=f"c{n:06}", state=State.REVIEWING, category="tea" if n % 3 == 0 else "fruit") for n in range(first, beyond)
    )
    seed(store.client, store.table, (i for c in cases for i in store.items(Change.opened(c, "buyer:b1", NOW))))


def test_a_first_page_costs_the_same_however_many_wait(engine_store: DynamoStore) -> None:
    """Over 400 cases and over 2,000: the same requests and read units, plain and with a filter that most cases fit."""
    filled(engine_store, 0, 400)
    few = [page_cost(engine_store, query) for query in (OfMerchant("m1", State.REVIEWING), COMMON)]
    filled(engine_store, 400, 2_000)
    assert [page_cost(engine_store, query) for query in (OfMerchant("m1", State.REVIEWING), COMMON)] == few
    assert [found for _, _, found in few] == [50, 50]


def test_a_filter_reads_no_case_that_it_rules_out(engine_store: DynamoStore) -> None:
    """Of 300 cases one fits: keys of all are looked at, and one case is read."""
    filled(engine_store, 0, 300)
    waiting(engine_store, "legal", lane=Lane.LEGAL, amount=600_000)
    asked: list[int] = []

    def ask(params: dict[str, Any], **_: object) -> None:
        asked.append(len(params["RequestItems"][engine_store.table]["Keys"]))

    engine_store.client.meta.events.register("provide-client-params.dynamodb.BatchGetItem", ask)
    assert [c.case_id for c in engine_store.find(OfMerchant("m1", State.REVIEWING, lane="legal")).found] == ["legal"]
    assert asked == [1]


def test_a_page_that_looked_long_enough_says_where_to_go_on(engine_store: DynamoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that hardly any case fits gives short pages with a cursor; together they give each case once."""
    monkeypatch.setattr(places, "MOST_LOOKED", 100)
    filled(engine_store, 0, 250)
    waiting(engine_store, "legal", lane=Lane.LEGAL, deadline=None)
    query = OfMerchant("m1", State.REVIEWING, lane="legal")
    pages = [engine_store.find(query)]
    while pages[-1].cursor:
        pages.append(engine_store.find(query, pages[-1].cursor))
    assert [[c.case_id for c in page.found] for page in pages] == [[], [], ["legal"]]


def test_entries_of_earlier_versions_are_found_by_what_their_cases_are(engine_store: DynamoStore) -> None:
    """A queue entry without facets hides nothing: its case is read, and a filter looks at that."""
    for case_id, lane in (("c1", Lane.LEGAL), ("c2", None)):
        change = Change.opened(a_case(case_id=case_id, state=State.REVIEWING, lane=lane), "buyer:b1", NOW)
        items = engine_store.items(change)
        for item in items:
            if "qs" in item:
                item["qs"] = {"S": "2026-11-22T01:00:00.000000Z#2026-11-20T01:00:00.000000Z"}
        seed(engine_store.client, engine_store.table, items)
    assert [c.case_id for c in engine_store.find(OfMerchant("m1", State.REVIEWING, lane="legal")).found] == ["c1"]
    assert len(engine_store.find(OfMerchant("m1", State.REVIEWING)).found) == 2


@pytest.mark.parametrize("kind", ["engine_store", "moto_store"])
def test_a_standing_table_gets_the_index_it_lacks(kind: str, request: pytest.FixtureRequest) -> None:
    """A table made before desks were there is given theirs, with what is in it already."""
    store: DynamoStore = request.getfixturevalue(kind)
    waiting(store, "c1", clerk="li", claimed_at=NOW)
    store.client.update_table(
        TableName=store.table,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("c", "cs")],
        GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "desk"}}],
    )
    assert schema.create(store.client, store.table) is False
    assert [c.case_id for c in store.find(OfMerchant("m1", "", clerk="li")).found] == ["c1"]
