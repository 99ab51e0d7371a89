import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

from aftersales.case import Case
from aftersales.change import Change
from aftersales.evidence import Evidence
from aftersales.order import Order
from aftersales.ports import Seen, Store
from aftersales.refund import Refund, RefundState
from aftersales.testing.builders import NOW, a_case, a_finding, a_parcel, a_refund, a_report, a_spend, a_ticket, an_evidence
from aftersales.testing.store import FakeStore
from aftersales.testing.store_contract import an_answer, pushed, stored
from infra.local.engine import streams_client
from plugins.dynamodb_store.record import item
from plugins.dynamodb_store.store import DynamoStore


class TestStream:
    """What the table's stream tells, read by the store's own plugin."""

    def play(self, store: Store) -> None:
        """An order, a case with evidence and refund, and a move of each; tickets, reports and allowances follow from them."""
        file = pushed(store)
        change = Change.opened(a_case(), "buyer:b1", NOW)
        store.commit(replace(change, evidence=(an_evidence(),), refunds=(a_refund(),), parcel=a_parcel(), answer=an_answer()))
        now = stored(store)
        findings = tuple(a_finding(check=f"vision.check_{n}") for n in range(20))
        moved = replace(now.refunds[0], state=RefundState.PROCESSING)
        store.commit(replace(Change(now.case), evidence=(an_evidence(findings=findings),), refunds=(moved,)))
        store.commit(
            Change(order=file.order, ledger=file.ledger, tickets=(a_ticket(),), reports=(a_report(),), spends=(a_spend(),))
        )

    def check(self, seen: list[Seen]) -> None:
        """Each record once before and after; in order per record; nothing follows from the rest."""
        told = [(type(s.after).__name__, s.before is None, s.case_id) for s in seen]
        assert sorted(told) == sorted((kind, new, "" if kind == "Order" else "c1") for kind in KINDS for new in (True, False))
        for s in seen:
            if s.before is not None and not isinstance(s.after, Evidence):
                assert not isinstance(s.before, Evidence)
                assert (s.before.version, s.after.version) == (1, 2)
        (judged,) = (s.after for s in seen if isinstance(s.after, Evidence) and s.before)
        assert isinstance(judged, Evidence)
        assert len(judged.findings) == 20

    def test_the_fake_tells_it(self) -> None:
        """Tests of use cases see what the real stream tells."""
        store = FakeStore()
        self.play(store)
        self.check([seen for record in store.records if (seen := store.seen(record))])

    def test_the_engine_tells_it(self, engine_store: DynamoStore, endpoint: str) -> None:
        """Records of the embedded engine's stream, and the same ones as Lambda's JSON, are read alike."""
        self.play(engine_store)
        records = read_stream(endpoint, engine_store)
        self.check([seen for record in records if (seen := engine_store.seen(record))])
        self.check([seen for record in records if (seen := engine_store.seen(json.loads(json.dumps(record, default=as_lambda))))])

    def test_a_record_can_be_told_again(self, engine_store: DynamoStore, endpoint: str) -> None:
        """What names a record is known without reading it, and gives it as it is stored now; fake and engine alike."""
        self.play(engine_store)
        fake = FakeStore()
        self.play(fake)
        ways: list[tuple[Any, list[Any]]] = [(engine_store, read_stream(endpoint, engine_store)), (fake, list(fake.records))]
        told = list[set[str]]()
        for store, records in ways:
            seen = [s for s in (store.stored(store.about(r)) for r in records) if s]
            assert all(s.before is None for s in seen)
            states = [s.after.state for s in seen if isinstance(s.after, Refund)]
            assert states == [RefundState.PROCESSING] * 2, "both of its records tell it as it is now"
            told.append({type(s.after).__name__ for s in seen})
        assert told == [set(KINDS)] * 2

    def test_what_is_gone_is_not_told_again(self, engine_store: DynamoStore) -> None:
        """An unreadable record has a name all the same; nothing follows from one that is not there."""
        unreadable = {"dynamodb": {"Keys": {"PK": {"S": "CASE#c9"}, "SK": {"S": "REFUND#01"}}, "NewImage": {"PK": {"N": "1"}}}}
        about = engine_store.about(unreadable)
        assert about == {"partition": "CASE#c9", "sort": "REFUND#01"}
        assert engine_store.stored(about) is None

    def test_a_removal_says_nothing(self, engine_store: DynamoStore) -> None:
        """An expired answer that is swept away is no news."""
        old = item(("IDEM#a#b", "HEAD"), an_answer())
        assert engine_store.seen({"eventName": "REMOVE", "dynamodb": {"OldImage": old}}) is None


KINDS = [kind.__name__ for kind in (Case, Evidence, Order, Refund)]


def as_lambda(value: Any) -> Any:
    """Bytes as Lambda sends them in JSON, and instants as numbers."""
    return b64encode(value).decode() if isinstance(value, bytes) else value.timestamp()


def read_stream(endpoint: str, store: DynamoStore) -> list[dict[str, Any]]:
    """All records of the table's stream so far."""
    streams = streams_client(endpoint)
    arn = streams.list_streams(TableName=store.table)["Streams"][0]["StreamArn"]
    shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    found: list[Any] = []
    for shard in shards:
        start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        found += streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
    return found
