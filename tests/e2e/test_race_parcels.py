"""Return parcels over the real store: pushes, polls, people and schedules at once. One winner each, and no scan is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from aftersales.query import StepsOf
from aftersales.testing.builders import a_payment
from aftersales.testing.tracer import HONEST, FakeTracer
from aftersales.tracking import Pace
from functions import sweep, track
from infra.local.engine import Engine
from plugins.dynamodb_store import build
from plugins.dynamodb_store.schema import create
from tests.api.way import NUMBER, Way
from tests.e2e.test_races import at_once
from tests.property.parcels import told_once

pytestmark = pytest.mark.e2e
ROUNDS = 5
OTHER = "YT2222222222222"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database on disk."""
    with Engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def way(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Way]:
    """A mall on an empty table, whose parcels are told of and asked about; what its stream would tell is left undone."""
    table = f"parcels-{abs(hash(request.node.nodeid))}"
    store: Any = build({"table": table, "phone_key": "k", "endpoint": engine.endpoint, "due_shards": 2})
    create(store.client, store.table)
    store.records = []
    yield Way(FakeTracer(pace=Pace(batch=10, gap=timedelta(minutes=30))), store=store)
    store.client.close()


def agreed(way: Way, order_id: str) -> str:
    """A return that was agreed to."""
    way.order(order_id, payments=(a_payment(transaction_id=f"42-{order_id}", paid_minor=9_900),))
    items = [{"line_id": "l1", "pieces": 1}]
    body = {"order_id": order_id, "kind": "return_refund", "reason": "no_reason", "items": items, "submit": True}
    case_id = str(way.must("POST", "/v1/cases", body)["case_id"])
    if way.case(case_id)["state"] == "reviewing":
        told = {"outcome": "approve", "reason": "ok"}
        way.must("POST", f"/v1/merchant/cases/{case_id}/decision", told, role="clerk")
    return case_id


def sent(way: Way, order_id: str) -> str:
    """Its waybill told, subscribed to, and carried and signed for since."""
    case_id = agreed(way, order_id)
    way.ship(case_id)
    way.happens()
    way.looked()
    way.clock.move(timedelta(hours=40))
    return case_id


def word(way: Way, case_id: str, hours: int, turn: int = 1) -> Any:
    """What the carrier tells by itself, as of so many hours ago."""
    told = way.tracer.push(f"{case_id}-parcel-{turn}", way.clock.now() - timedelta(hours=hours))
    return partial(track.receive, way.registry, "eyes", *told)


def looks(way: Way) -> Any:
    """The schedule."""
    return partial(sweep.follow_parcels, way.registry)


def steps(way: Way, case_id: str) -> tuple[Any, ...]:
    """What happened to the case."""
    return tuple(way.store.find(StepsOf(case_id), None, 200).found)


def counted(way: Way, case_id: str) -> Counter[str]:
    """How often each thing happened."""
    return Counter(str(step.event) for step in steps(way, case_id))


@pytest.mark.parametrize("n", range(ROUNDS))
def test_words_and_questions_at_once_lose_no_scan(way: Way, n: int) -> None:
    """Three words, one of them twice, and two schedules meet: every scan is there, and each change is on record once."""
    case_id = sent(way, "o8")
    at_once([word(way, case_id, 30), word(way, case_id, 12), word(way, case_id, 0), word(way, case_id, 0), looks(way), looks(way)])
    file = way.store.case(case_id)
    assert file.trail.scans == way.tracer.known[NUMBER]
    assert file.parcel.state == "delivered"
    told_once(file, steps(way, case_id))
    assert counted(way, case_id)["goods_delivered"] == 1
    assert not way.tracer.too_soon


@pytest.mark.parametrize("n", range(ROUNDS))
def test_many_schedules_ask_once(way: Way, n: int) -> None:
    """Six schedules at the same moment: one call about each number, with an answer or without one."""
    way.tracer.pushes = False
    case_id = sent(way, "o8")
    asked = way.tracer.asked[NUMBER]
    way.tracer.script = ["deaf"] * n
    assert [tally.failed for tally in at_once([looks(way)] * 6)] == [0] * 6
    assert way.tracer.asked[NUMBER] <= asked + 1
    assert not way.tracer.too_soon
    told_once(way.store.case(case_id), steps(way, case_id))


@pytest.mark.parametrize("n", range(ROUNDS))
def test_an_inspection_and_the_carriers_word_are_both_heard(way: Way, n: int) -> None:
    """The shop accepts while the carrier tells of the delivery and schedules run: one acceptance, one refund, nothing after it."""
    case_id = sent(way, "o8")
    accepts = partial(
        way.send,
        "POST",
        f"/v1/merchant/cases/{case_id}/inspection",
        {"accepted": True, "disposition": "sound"},
        role="clerk",
    )
    tried = at_once(
        [accepts, accepts, word(way, case_id, 0), word(way, case_id, 20), looks(way), partial(sweep.sweep, way.registry)]
    )
    done = [reply.status for reply in tried[:2]]
    if 200 not in done:  # both read what the carrier's word then changed: what people do is told to them, not repeated
        assert accepts().status == 200
    file = way.store.case(case_id)
    assert (file.parcel.state, len(file.refunds), file.refunds[0].amount.minor) == ("accepted", 1, file.case.amount.minor)
    events = counted(way, case_id)
    assert (events["goods_accepted"], events["refund_reserved"]) == (1, 1)
    told_once(file, steps(way, case_id))


@pytest.mark.parametrize("n", range(ROUNDS))
def test_a_corrected_number_and_a_word_about_the_old_one_do_not_mix(way: Way, n: int) -> None:
    """The buyer tells another number while the carrier tells of the first: the parcel is the second one's, without its scans."""
    case_id = sent(way, "o8")
    way.tracer.known[NUMBER] = way.tracer.known[NUMBER][:3]  # not delivered yet
    body = {"carrier": "yto", "number": OTHER}
    corrects = partial(way.send, "POST", f"/v1/cases/{case_id}/shipment", body)
    tried = at_once([corrects, word(way, case_id, 0), word(way, case_id, 0), looks(way)])
    if tried[0].status != 200:
        assert (tried[0].status, corrects().status) == (409, 200)
    assert word(way, case_id, 0)().traces
    file = way.store.case(case_id)
    assert (file.parcel.number, file.trail.number, file.trail.turn, file.trail.scans) == (OTHER, OTHER, 2, ())
    told_once(file, steps(way, case_id))


@pytest.mark.parametrize("n", range(ROUNDS))
def test_one_number_told_in_two_cases_at_once_is_ones(way: Way, n: int) -> None:
    """Two returns name the same parcel at once: one has it, the other is told so, and may say that it travels with it."""
    cases = [agreed(way, "o8"), agreed(way, "o9")]
    body = {"carrier": "yto", "number": NUMBER}
    replies = at_once(partial(way.send, "POST", f"/v1/cases/{case_id}/shipment", body) for case_id in cases)
    assert sorted(reply.status for reply in replies) == [200, 409]
    first, second = (cases[i] for i in ((0, 1) if replies[0].status == 200 else (1, 0)))
    way.ship(second, with_case=first)
    way.happens(HONEST)
    way.looked()
    assert way.store.case(second).trail.lead == first
    assert set(way.tracer.subscribed) == {f"{first}-parcel-1"}


def test_many_that_travel_beside_are_followed_by_one(way: Way) -> None:
    """The case whose parcel it is names another number: of three that travel with it one follows it from then on."""
    way.tracer.pushes = False
    cases = [agreed(way, f"o{n}") for n in (8, 9, 10, 11)]
    way.ship(cases[0])
    for case_id in cases[1:]:
        way.ship(case_id, with_case=cases[0])
    way.happens()
    way.looked()
    way.clock.move(timedelta(minutes=40))
    way.ship(cases[0], OTHER)
    for _ in range(8):
        way.clock.move(timedelta(minutes=31))
        at_once([looks(way)] * 4)
    leads = Counter(way.store.case(case_id).trail.lead for case_id in cases[1:])
    assert leads[""] == 1
    assert len(leads) == 2
    assert not way.tracer.too_soon
