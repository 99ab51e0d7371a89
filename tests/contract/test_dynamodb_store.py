import json
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from aftersales.case import Event
from aftersales.change import Change, PhotoPrint
from aftersales.deadline import Deadline
from aftersales.errors import AllowanceSpent, BadSettings, IdempotencyMismatch, Invalid, StaleVersion
from aftersales.query import (
    NEWEST_CASES,
    DueBy,
    OfMerchant,
    OrdersOfPayment,
    OrdersOfPhone,
    PrintsLike,
    RefundsOf,
    RefundsOn,
    ReportsOf,
    StepsOf,
    TicketNamed,
    TicketsOf,
)
from aftersales.refund import Refund, RefundState
from aftersales.testing.builders import (
    NOW,
    a_case,
    a_ledger,
    a_line,
    a_payment,
    a_refund,
    a_report,
    a_spend,
    a_ticket,
    an_order,
)
from aftersales.testing.store_contract import an_answer, opened, pushed, refused, stored
from plugins.dynamodb_store import build
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.record import item, json_of, value
from plugins.dynamodb_store.store import DynamoStore


class TestCost:
    """What DynamoDB is asked for, counted on the engine, which reports units as AWS does."""

    @pytest.fixture
    def meter(self, engine_store: DynamoStore) -> Meter:
        """Counts what the store asks for from here on."""
        pushed(engine_store)
        opened(engine_store, deadline=None)
        return Meter(engine_store.client)

    def test_an_order_and_a_case_are_one_query_each(self, engine_store: DynamoStore, meter: Meter) -> None:
        """Each is read in one request, and a case with a hundred steps costs no more than one with a single step."""
        assert engine_store.order("m1", "o1")
        assert engine_store.case("c1")
        assert (meter.requests, meter.read_units) == ({"Query": 2}, 2)
        for _ in range(33):
            change = Change(stored(engine_store).case)
            for _ in range(3):
                change = change.then(Event.MESSAGE_SENT, "buyer:b1", NOW, text="很长的话" * 20)
            engine_store.commit(change)
        meter.reset()
        assert engine_store.case("c1")
        assert (meter.requests, meter.read_units) == ({"Query": 1}, 1)

    def test_one_record_needs_no_transaction(self, engine_store: DynamoStore, meter: Meter) -> None:
        """A ledger, a report or an answer alone is one PutItem: half the units of a transaction."""
        file = engine_store.order("m1", "o1")
        assert file
        meter.reset()
        engine_store.commit(Change(ledger=file.ledger))
        engine_store.commit(Change(reports=(a_report(),)))
        engine_store.commit(Change(answer=an_answer()))
        assert (meter.requests, meter.write_units) == ({"PutItem": 3}, 3)

    def test_a_refund_pays_for_its_month_and_its_day_once(self, engine_store: DynamoStore, meter: Meter) -> None:
        """Two units more when it is reserved, none when it moves on; accepted after midnight, two for the day it moves to."""
        leg = a_refund(deadline=None)
        assert self._cost(engine_store, meter, leg) == 1 + 2
        leg = replace(leg, version=1, state=RefundState.PROCESSING, accepted_at=NOW + timedelta(hours=1), channel_id="50")
        assert self._cost(engine_store, meter, leg) == 1
        assert self._cost(engine_store, meter, replace(leg, version=2, state=RefundState.SETTLED)) == 1
        leg = a_refund(number=2, deadline=None)
        assert self._cost(engine_store, meter, leg) == 1 + 2
        assert self._cost(engine_store, meter, replace(leg, version=1, accepted_at=NOW + timedelta(days=1))) == 1 + 2

    def _cost(self, store: DynamoStore, meter: Meter, leg: Refund) -> float:
        meter.reset()
        store.commit(Change(refunds=(leg,)))
        return meter.write_units

    def test_a_fact_costs_no_pointer(self, engine_store: DynamoStore, meter: Meter) -> None:
        """A new order writes itself, its money, and a pointer from each payment; a fact told later is one small item."""
        order = an_order(
            order_id="o2", payments=(a_payment(paid_minor=9000), a_payment(payment_id="p2", transaction_id="2", paid_minor=950))
        )
        meter.reset()
        engine_store.commit(Change(order=order, ledger=a_ledger(order)))
        assert (meter.requests, meter.write_units) == ({"TransactWriteItems": 1}, 4 * 2 + 1)  # and one for the phone's index
        meter.reset()
        engine_store.commit(Change(order=replace(order, version=1, signed_at=NOW)))
        assert (meter.requests, meter.write_units) == ({"PutItem": 1}, 1)

    def test_a_spend_is_one_small_update(self, engine_store: DynamoStore, meter: Meter) -> None:
        """Counting against an allowance takes no request of its own, and two units."""
        engine_store.commit(Change(refunds=(a_refund(),)))
        meter.reset()
        engine_store.commit(Change(refunds=(a_refund(version=1),), spends=(a_spend(),)))
        assert (meter.requests, meter.write_units) == ({"TransactWriteItems": 1}, 2 + 2)

    def test_a_move_is_one_transaction_of_two_small_items(self, engine_store: DynamoStore, meter: Meter) -> None:
        """An ordinary move writes head and steps, under one KB each: four units, and one for the queue it leaves or enters."""
        case = stored(engine_store).case
        meter.reset()
        engine_store.commit(Change(case).then(Event.EDITED, "buyer:b1", NOW, note="x").then(Event.EDITED, "buyer:b1", NOW))
        assert (meter.requests, meter.write_units) == ({"TransactWriteItems": 1}, 4)

    def test_a_page_of_cases_is_a_query_per_shard_and_one_batch(self, engine_store: DynamoStore, meter: Meter) -> None:
        """Listing does not grow with the number of cases shown."""
        for number in range(20):
            opened(engine_store, case_id=f"n{number}")
        meter.reset()
        assert len(engine_store.find(OfMerchant("m1", "draft")).found) == 21
        assert meter.requests == {"Query": 3, "BatchGetItem": 1}

    def test_a_page_of_refunds_is_a_query_per_shard_and_one_batch(self, engine_store: DynamoStore, meter: Meter) -> None:
        """Lists of a month and of a day do not grow with what they show, and a day reads hardly more keys than it gives."""
        engine_store.commit(Change(refunds=tuple(a_refund(case_id=f"c{n}") for n in range(90))))
        scanned: list[int] = []
        engine_store.client.meta.events.register("after-call.dynamodb.Query", lambda parsed, **_: scanned.append(parsed["Count"]))
        meter.reset()
        assert len(engine_store.find(RefundsOf("m1", "2026-11"), None, 90).found) == 90
        assert meter.requests == {"Query": 3, "BatchGetItem": 1}
        meter.reset()
        scanned.clear()
        first = engine_store.find(RefundsOn("wechatpay", date(2026, 11, 20)), None, 10)
        assert meter.requests == {"Query": 1, "BatchGetItem": 1}
        assert scanned == [11]
        assert len(engine_store.find(RefundsOn("wechatpay", date(2026, 11, 20)), first.cursor, 80).found) == 80

    def test_other_lists_are_one_query_and_at_most_one_batch(self, engine_store: DynamoStore, meter: Meter) -> None:
        """Tickets and orders of a payment are read whole in one batch, reports in their query, a ticket by its name."""
        engine_store.commit(Change(tickets=tuple(a_ticket(ticket_id=f"T{n}") for n in range(20)), reports=(a_report(),)))
        meter.reset()
        assert len(engine_store.find(TicketsOf("m1")).found) == 20
        assert engine_store.find(OrdersOfPayment("wechatpay", a_payment().transaction_id)).found
        assert meter.requests == {"Query": 2, "BatchGetItem": 2}
        assert engine_store.find(ReportsOf("m1", date(2026, 1, 1), date(2026, 12, 31))).found
        assert engine_store.find(TicketNamed("T7")).found
        assert meter.requests == {"Query": 3, "BatchGetItem": 2, "GetItem": 1}

    def test_a_sweep_reads_only_what_is_due(self, engine_store: DynamoStore, meter: Meter) -> None:
        """A hundred waiting cases cost a sweep nothing while none is due."""
        for number in range(100):
            opened(engine_store, case_id=f"w{number}")
        scanned: list[int] = []
        engine_store.client.meta.events.register(
            "after-call.dynamodb.Query", lambda parsed, **_: scanned.append(parsed["ScannedCount"])
        )
        for shard in range(engine_store.due_shards):
            assert engine_store.find(DueBy("case", shard, NOW)).found == ()
        assert scanned == [0] * engine_store.due_shards

    def test_a_server_that_tells_no_cost_is_estimated(self, engine_store: DynamoStore, meter: Meter) -> None:
        """Without reported units the meter goes by sizes, and comes to the same for items without indexes."""
        client, table = engine_store.client, engine_store.table
        client.meta.events.register("before-call.dynamodb.*", _ask_no_cost)
        put = {"PK": {"S": "x"}, "SK": {"S": "y"}, "j": {"S": "1" * 1500}}
        client.put_item(TableName=table, Item=put)
        client.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": {**put, "SK": {"S": "z"}}}}])
        client.get_item(TableName=table, Key={"PK": {"S": "x"}, "SK": {"S": "y"}}, ConsistentRead=True)
        assert (meter.write_units, meter.read_units) == (2 + 4, 1)


def _ask_no_cost(params: dict[str, Any], **_: object) -> None:
    body = json.loads(params["body"])
    body.pop("ReturnConsumedCapacity", None)
    params["body"] = json.dumps(body).encode()
    params["headers"].pop("Content-Length", None)


class TestLostAnswers:
    """A write was applied and its answer was lost: botocore sends it again."""

    @pytest.fixture
    def loses(self, engine_store: DynamoStore) -> "_LosesOneAnswer":
        """Loses the next answer unless told that it has."""
        return _LosesOneAnswer(engine_store.client)

    @pytest.fixture(params=[True, False], ids=["server-knows-the-token", "server-forgot-the-token"])
    def store(self, engine_store: DynamoStore, loses: "_LosesOneAnswer", request: pytest.FixtureRequest) -> DynamoStore:
        """A store whose next write loses its answer; a restarted engine (and AWS after ten minutes) knows no tokens."""
        pushed(engine_store)
        opened(engine_store)
        events = engine_store.client.meta.events
        if not request.param:
            events.register("before-call.dynamodb.TransactWriteItems", _forget_token)
        events.register("before-send.dynamodb.*", loses)
        return engine_store

    def test_a_transaction_is_applied_once_and_succeeds(self, store: DynamoStore) -> None:
        """The caller never learns of it, and there is one step, not two."""
        change = Change(a_case(version=1, seq=1), claims=("x",), answer=an_answer()).then(Event.WITHDRAWN, "buyer:b1", NOW)
        store.commit(change)
        assert (stored(store).case.version, len(store.find(StepsOf("c1")).found)) == (2, 2)

    def test_a_single_record_is_applied_once_and_succeeds(self, store: DynamoStore) -> None:
        """A PutItem has no token at all: its mark says that it was ours."""
        store.commit(Change(refunds=(a_refund(),)))
        assert store.client.get_item(TableName=store.table, Key={"PK": {"S": "CASE#c1"}, "SK": {"S": "REFUND#01"}})["Item"]

    @pytest.mark.parametrize("minor", [1000, 400, -700], ids=["the-whole-cap", "a-part", "giving-back"])
    def test_an_allowance_is_spent_once(self, store: DynamoStore, minor: int, request: pytest.FixtureRequest) -> None:
        """The counter cannot tell that it has counted; the leg beside it does."""
        if minor < 0:  # there has to be something to give back, and the answer that is lost is that of giving back
            loses = request.getfixturevalue("loses")
            loses.lost = True
            store.commit(Change(refunds=(a_refund(number=1),), spends=(a_spend(1000),)))
            loses.lost = False
        store.commit(Change(refunds=(a_refund(number=2),), spends=(a_spend(minor),)))
        error = refused(store, Change(refunds=(a_refund(number=3),), spends=(a_spend(5000),)), AllowanceSpent)
        assert error.details["left_minor"] == {1000: 0, 400: 600, -700: 700}[minor]

    def test_somebody_elses_write_is_not_taken_for_ours(self, store: DynamoStore) -> None:
        """The very same change of another caller is refused: equal content does not make it ours."""
        change = Change(refunds=(a_refund(),))
        store.commit(change)
        refused(store, change, StaleVersion)
        case = Change(a_case(version=1, seq=1)).then(Event.WITHDRAWN, "buyer:b1", NOW)
        store.commit(case)
        refused(store, case, StaleVersion)

    def test_a_repeated_request_is_still_told(self, store: DynamoStore) -> None:
        """The first commit succeeds though its answer was lost; the client's own repetition is told as such."""
        change = replace(Change.opened(a_case(case_id="c2"), "buyer:b1", NOW), answer=an_answer())
        store.commit(change)
        refused(store, change, IdempotencyMismatch)


class _LosesOneAnswer:
    """Sends the first write itself and then says that the connection broke."""

    def __init__(self, client: Any) -> None:
        self._send = client._endpoint.http_session.send
        self.lost = False

    def __call__(self, request: Any, **_: object) -> None:
        if self.lost or not request.headers["X-Amz-Target"].endswith((b"PutItem", b"TransactWriteItems")):
            return
        self.lost = True
        assert self._send(request).status_code == 200
        raise ConnectionClosedError(endpoint_url=request.url)


def _forget_token(params: dict[str, Any], **_: object) -> None:
    body = json.loads(params["body"])
    del body["ClientRequestToken"]
    params["body"] = json.dumps(body).encode()


def test_no_phone_is_in_a_key(engine_store: DynamoStore) -> None:
    """A phone is stored in the order it came with, and in no key or index."""
    pushed(engine_store)
    for found in engine_store.client.scan(TableName=engine_store.table)["Items"]:
        assert not any("13800000000" in str(v) for name, v in found.items() if name != "j")


def test_too_much_for_one_transaction_is_invalid(engine_store: DynamoStore) -> None:
    """Above a hundred items a change is refused before anything is written."""
    prints = tuple(PhotoPrint(tuple(f"w{n}-{k}" for k in range(4)), "m1", "c1", f"e{n}", NOW) for n in range(25))
    change = replace(Change.opened(a_case(), "buyer:b1", NOW), prints=prints)
    assert refused(engine_store, change, Invalid).details["found"] == 103
    engine_store.commit(replace(change, prints=prints[:24]))


def test_a_record_beyond_an_items_size_is_invalid(engine_store: DynamoStore) -> None:
    """An order too large for one item is refused by name, before anything is written."""
    words = "".join(chr(0x4E00 + (n * n * 7919 + n * 104_729) % 20_000) for n in range(250_000))  # does not deflate well
    order = an_order(lines=(a_line(terms={"text": words}),))
    with pytest.raises(Invalid, match="too large"):
        engine_store.commit(Change(order=order, ledger=a_ledger(order)))
    assert engine_store.order("m1", "o1") is None


def test_an_answer_expires_by_the_tables_own_rule(engine_store: DynamoStore) -> None:
    """Time to live is on, and an answer carries its expiry in seconds, never early."""
    engine_store.commit(Change(answer=an_answer(expires_at=NOW + timedelta(microseconds=1))))
    ttl = engine_store.client.describe_time_to_live(TableName=engine_store.table)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires")
    (found,) = engine_store.client.scan(TableName=engine_store.table)["Items"]
    assert found["expires"] == {"N": str(int(NOW.timestamp()) + 1)}


def test_a_batch_answered_in_part_is_asked_for_the_rest(engine_store: DynamoStore) -> None:
    """A page of cases or refunds is whole though DynamoDB gave only a part of the batch at first."""
    for number in range(3):
        opened(engine_store, case_id=f"c{number}")
    held: list[Any] = []

    def hold_back(parsed: dict[str, Any], **_: object) -> None:
        if not held:
            held.append(parsed["Responses"][engine_store.table].pop())
            keys = [{name: held[0][name] for name in ("PK", "SK")}]
            parsed["UnprocessedKeys"] = {engine_store.table: {"Keys": keys}}

    engine_store.client.meta.events.register("after-call.dynamodb.BatchGetItem", hold_back)
    assert len(engine_store.find(OfMerchant("m1", "draft")).found) == 3
    assert held
    held.clear()
    engine_store.commit(Change(refunds=tuple(a_refund(case_id=f"c{n}") for n in range(3))))
    assert len(engine_store.find(RefundsOn("wechatpay", date(2026, 11, 20))).found) == 3
    assert held


def test_a_lagging_index_names_a_case_once(engine_store: DynamoStore) -> None:
    """An index that shows a case at its old place beside its new one does not break the list, nor show it twice."""
    opened(engine_store)

    def lag(parsed: dict[str, Any], **_: object) -> None:
        parsed["Items"] = [{**found, "qs": {"S": at}} for found in parsed["Items"] for at in ("0", found["qs"]["S"])]

    engine_store.client.meta.events.register("after-call.dynamodb.Query", lag)
    assert [c.case_id for c in engine_store.find(OfMerchant("m1", "draft")).found] == ["c1"]


def test_a_lagging_index_shows_a_refund_on_one_day(engine_store: DynamoStore) -> None:
    """A refund that is still listed on the day it was reserved, and was accepted on the next, is left out there."""
    engine_store.commit(Change(refunds=(a_refund(accepted_at=NOW + timedelta(days=1)),)))
    old, new = (RefundsOn("wechatpay", date(2026, 11, day)) for day in (20, 21))
    assert len(engine_store.find(new).found) == 1

    def lag(params: dict[str, Any], **_: object) -> None:
        values = params["ExpressionAttributeValues"]
        values[":k"] = {"S": values[":k"]["S"].replace("2026-11-20", "2026-11-21")}

    engine_store.client.meta.events.register("provide-client-params.dynamodb.Query", lag)
    assert engine_store.find(old).found == ()
    assert len(engine_store.find(new).found) == 1


def test_shards_can_be_made_more(engine_store: DynamoStore) -> None:
    """What was written to three shards of each kind is found by a store that reads seven."""
    for n in range(20):
        change = Change.opened(a_case(case_id=f"c{n}", deadline=Deadline(NOW, "default")), "buyer:b1", NOW)
        engine_store.commit(replace(change, refunds=(a_refund(case_id=f"c{n}"),)))
    settings = {"table": engine_store.table, "phone_key": "k", "due_shards": 7, "queue_shards": 7}
    store = DynamoStore(settings, engine_store.client)
    for query in (OfMerchant("m1", "draft"), RefundsOf("m1", "2026-11"), RefundsOn("wechatpay", date(2026, 11, 20))):
        assert len(store.find(query).found) == 20, query
    assert sum(len(store.find(DueBy("case", shard, NOW)).found) for shard in range(7)) == 20


def test_giving_back_keeps_to_what_was_asked(engine_store: DynamoStore) -> None:
    """Somebody spends while giving back is fitted to a counter that said too little: what was asked is given back, no more."""
    engine_store.commit(Change(refunds=(a_refund(number=1),), spends=(a_spend(100),)))
    tries: list[int] = []

    def meanwhile(**_: object) -> None:
        tries.append(1)
        if len(tries) == 2:
            engine_store.commit(Change(refunds=(a_refund(number=2),), spends=(a_spend(900),)))

    engine_store.client.meta.events.register("before-call.dynamodb.TransactWriteItems", meanwhile)
    engine_store.commit(Change(refunds=(a_refund(number=3),), spends=(a_spend(-300),)))
    error = refused(engine_store, Change(refunds=(a_refund(number=4),), spends=(a_spend(5000),)), AllowanceSpent)
    assert error.details["left_minor"] == 300


def test_a_bulk_load_counts_nothing(engine_store: DynamoStore) -> None:
    """Items for loading a table are puts alone: a counter is no item of a change."""
    change = Change(refunds=(a_refund(),), spends=(a_spend(),), tickets=(a_ticket(),))
    assert [found["PK"]["S"] for found in engine_store.items(change)] == ["CASE#c1", "TICKET#T-Rc1-1"]


def test_settings_are_checked_at_once() -> None:
    """Without a table, or with an empty key, nothing is built; a store that is built has not connected."""
    for settings in ({}, {"phone_key": "k"}, {"table": "", "phone_key": "k"}, {"table": "t", "phone_key": ""}):
        with pytest.raises(BadSettings):
            build(settings)
    assert build({"table": "t", "phone_key": "k", "due_shards": "7"}).due_shards == 7


def test_without_the_phone_key_only_orders_are_out_of_reach(engine_store: DynamoStore) -> None:
    """The process that looks at photos holds no key: it reads cases and pages through its own queries; orders it cannot keep."""
    store = DynamoStore({"table": engine_store.table}, engine_store.client)
    opened(engine_store)
    store.commit(Change(prints=tuple(PhotoPrint(("w",), "m1", f"c{n}", "e1", NOW) for n in range(3))))
    pages, cursor = [], None
    while not pages or cursor:
        page = store.find(PrintsLike(("w",)), cursor, 2)
        pages, cursor = [*pages, [found.case_id for found in page.found]], page.cursor
    assert pages == [["c2", "c1"], ["c0"]]
    order = an_order(order_id="o2")
    with pytest.raises(BadSettings, match="phone_key"):
        store.commit(Change(order=order, ledger=a_ledger(order)))
    with pytest.raises(BadSettings, match="phone_key"):
        store.find(OrdersOfPhone("m1", "13800000000"))
    first = engine_store.find(PrintsLike(("w",)), None, 2)
    with pytest.raises(Invalid):
        store.find(PrintsLike(("w",)), first.cursor, 2)  # somebody else's cursor


def test_a_photo_costs_sixteen_small_writes_and_as_many_small_reads(engine_store: DynamoStore) -> None:
    """A photo of sixteen words is one request to keep, of items below 1 KB, and sixteen requests of one read unit to look up."""
    words = tuple(f"{n:07x}" for n in range(16))
    for n in range(30):  # more photos with every word than are ever looked up
        engine_store.commit(Change(prints=(PhotoPrint(words, "merchant-of-some-length", f"{n:032x}", f"{n:012x}", NOW),)))
    meter = Meter(engine_store.client)
    engine_store.commit(Change(prints=(PhotoPrint(words, "merchant-of-some-length", "f" * 32, "f" * 12, NOW),)))
    assert (sum(meter.requests.values()), meter.write_units) == (1, 32)  # in a transaction each counts twice
    meter.reset()
    found = engine_store.find(PrintsLike(words), None, NEWEST_CASES * 16).found
    assert len(found) == NEWEST_CASES * 16
    assert dict(meter.requests) == {"Query": 16}
    assert meter.read_units <= 2 * 16


def test_money_is_never_a_float(engine_store: DynamoStore) -> None:
    """What is stored of an order and its ledger holds no number with a point."""
    store = engine_store
    order = an_order()
    store.commit(Change(order=order, ledger=a_ledger(order)))
    texts = [json_of(found) for found in store.client.scan(TableName=store.table)["Items"]]
    assert len(texts) == 3  # with the pointer from its payment
    for text in texts:
        json.loads(text, parse_float=lambda number: pytest.fail(f"{number} is stored"))


def test_building_imports_no_client() -> None:
    """boto3 takes a third of a second to import: a store that was built has not asked for it yet."""
    script = (
        "import sys; from plugins.dynamodb_store import build; build({'table': 't', 'phone_key': 'k'});"
        "from plugins import s3_files, sqs_queue, local_queue, local_files, local_clock, system_clock;"
        "print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_sure_deadline_costs_no_bytes() -> None:
    """What is not provisional is stored as it was before there was such a word, and read back from then."""
    sure, unsure = a_case(deadline=Deadline(NOW, "default")), a_case(deadline=Deadline(NOW, "default", provisional=True))
    plain, told = (json_of(item(("CASE#c1", "HEAD"), case)).decode() for case in (sure, unsure))
    assert '"deadline":{"due_at":"2026-11-20T04:00:00Z","cause":"default"}' in plain
    assert '"provisional":true' in told
    assert value(type(sure), item(("CASE#c1", "HEAD"), sure)) == sure
    assert value(type(unsure), item(("CASE#c1", "HEAD"), unsure)) == unsure
