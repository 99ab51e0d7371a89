"""What a promised answer costs in the cloud: counted on the engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions import sweep
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.store import DynamoStore
from tests.api.test_pledges import Shop


@pytest.fixture
def shop(engine_store: DynamoStore) -> Shop:
    """The shop on the engine: diamond members are promised an hour, silver ones nothing."""
    shop = Shop()
    shop.store = engine_store
    shop.registry.put("store", engine_store)
    return shop


def test_a_kept_promise_costs_nothing(shop: Shop) -> None:
    """A case with a promise that is kept takes as many requests and write units as one without: it goes where the case goes."""
    meter, costs = Meter(shop.store.client), dict[str, set[tuple[int, float]]]()
    for number, tier in enumerate(("bronze", "silver", "diamond", "silver")):  # the first one reads what a process keeps a while
        shop.sells(tier, f"o{number}")
        meter.reset()
        case = shop.hands_in(f"o{number}")
        shop.decides(case, "reject")
        costs.setdefault(tier, set()).add((meter.requests.total(), meter.write_units))
    assert len(costs["silver"]) == 1, "the same every time"
    assert costs["diamond"] == costs["silver"]


def test_a_late_answer_is_two_writes_more(shop: Shop) -> None:
    """Found late, a case is written twice, with one notice: that points are owed before they are given, and that they were."""
    case = shop.asks()
    sweep.sweep(shop.registry)
    shop.clock.move(timedelta(hours=1))
    meter = Meter(shop.store.client)
    sweep.sweep(shop.registry)
    assert shop.pledge(case).given_at is not None
    assert meter.requests["TransactWriteItems"] == 2
    meter.reset()
    sweep.sweep(shop.registry)
    assert meter.write_units == 0
