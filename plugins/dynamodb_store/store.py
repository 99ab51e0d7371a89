"""DynamoStore: the Store and Stream ports on one table."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from aftersales.batch import Batch
from aftersales.case import Case
from aftersales.change import Change
from aftersales.errors import BadSettings, Invalid, StaleVersion
from aftersales.evidence import Evidence, Proof
from aftersales.ledger import Ledger
from aftersales.order import Order, dialled
from aftersales.parcel import Parcel
from aftersales.pickup import Pickup
from aftersales.ports import Seen
from aftersales.query import CaseFile, OrderFile, Page, Query
from aftersales.refund import Refund
from aftersales.tracking import Trail
from plugins.dynamodb_store.key import case_key, order_key
from plugins.dynamodb_store.layout import Layout
from plugins.dynamodb_store.query import Finder
from plugins.dynamodb_store.record import Item, bytes_of, parts, value
from plugins.dynamodb_store.table import Table
from plugins.dynamodb_store.write import Count, Tally, Write, refusal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

#: The most items one transaction may hold (DynamoDB's limit, checked 2026-11).
MOST_WRITES = 100

#: The most bytes of a packed value: an item holds 400 KB (DynamoDB's limit, checked 2026-11) with its keys and attributes.
MOST_BYTES = 390_000

#: How often giving back is fitted to a counter that others move at the same time.
MOST_TRIES = 8

#: Reasons of a cancelled transaction that say nothing about our conditions: somebody else was at the same items just then.
BUSY = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class DynamoStore:
    """One table behind one client, made on first use unless ``client`` is given. Safe for threads."""

    def __init__(self, settings: Mapping[str, Any], client: DynamoDBClient | None = None) -> None:
        self.table = str(settings.get("table", ""))
        self._phone_key = str(settings.get("phone_key", "")).encode()
        if not self.table or ("phone_key" in settings and not self._phone_key):
            raise BadSettings("dynamodb_store needs the setting table, and a phone_key that is not empty.")
        # A process that knows no secrets pages through its own queries only: its cursors are good for nobody else.
        self._cursor_key = self._phone_key or secrets.token_bytes(32)
        self.due_shards = int(settings.get("due_shards", 4))
        self._layout = Layout(int(settings.get("queue_shards", 2)), self.due_shards, self._phone_hash)
        self._endpoint = str(settings.get("endpoint", ""))
        self._region = str(settings.get("region", "")) or None
        self._made = client
        self._lock = Lock()

    @property
    def client(self) -> DynamoDBClient:
        """The client, for set-up and for a meter."""
        with self._lock:
            if self._made is None:
                self._made = _connect(self._endpoint, self._region)
        return self._made

    # --- reading ------------------------------------------------------------------------------------------------------
    def order(self, merchant: str, order_id: str) -> OrderFile | None:
        """The order with its money, proofs and cases' ids, in one strongly consistent Query; None when it was never pushed."""
        items = {i["SK"]["S"]: i for i in self._partition(order_key(merchant, order_id), "")}
        if "HEAD" not in items or "MONEY" not in items:
            return None
        cases = tuple(parts(name)[1] for name in items if name.startswith("CASE#"))
        whose = {"merchant": merchant, "order_id": order_id}
        proofs = [value(Proof, i, **whose) for name, i in items.items() if name.startswith("PROOF#")]
        proofs.sort(key=lambda p: (p.piece.added_at, p.piece.evidence_id))
        return OrderFile(value(Order, items["HEAD"]), value(Ledger, items["MONEY"]), cases, tuple(proofs))

    def case(self, case_id: str) -> CaseFile | None:
        """The case with its records, in one strongly consistent Query that passes its events by; None when there is none."""
        items = {i["SK"]["S"]: i for i in self._partition(case_key(case_id), "EVENT~")}  # EVENT#… < EVENT~ < everything else
        if "HEAD" not in items:
            return None
        evidence = [value(Evidence, i) for name, i in items.items() if name.startswith("EVIDENCE#")]
        refunds = tuple(value(Refund, i, case_id=case_id) for name, i in items.items() if name.startswith("REFUND#"))
        parcel = value(Parcel, items["PARCEL"], case_id=case_id) if "PARCEL" in items else None
        pickup = value(Pickup, items["PICKUP"], case_id=case_id) if "PICKUP" in items else None
        trail = value(Trail, items["TRAIL"], case_id=case_id) if "TRAIL" in items else None
        evidence.sort(key=lambda e: (e.added_at, e.evidence_id))
        return CaseFile(value(Case, items["HEAD"], case_id=case_id), tuple(evidence), parcel, refunds, pickup, trail)

    def orders(self, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], OrderFile]:
        """Those of these orders that were pushed, with their money: one strongly consistent BatchGetItem for every fifty."""
        keys = [(order_key(*name), item) for name in names for item in ("HEAD", "MONEY")]
        items = {(i["PK"]["S"], i["SK"]["S"]): i for i in Table(self.client, self.table).batch(keys, consistent=True)}
        found: dict[tuple[str, str], OrderFile] = {}
        for name in names:
            head, money = (items.get((order_key(*name), item)) for item in ("HEAD", "MONEY"))
            if head and money:
                found[name] = OrderFile(value(Order, head), value(Ledger, money))
        return found

    def find(self, query: Query[T], cursor: str | None = None, limit: int = 50) -> Page[T]:
        """A page of what ``query`` describes. Raises Invalid for a cursor that is not ours."""
        return Finder(self.client, self.table, self._layout, self._cursor_key).page(query, cursor, limit)

    def seen(self, record: Mapping[str, Any]) -> Seen | None:
        """What a stream record (as Lambda or the streams client gives it) says; None when nothing follows from it."""
        images = record["dynamodb"]
        if "NewImage" not in images:
            return None  # a removal
        after, case_id = _told(images["NewImage"])
        if after is None:
            return None
        before, _ = _told(images["OldImage"]) if images.get("OldImage") else (None, "")
        return Seen(before, after, case_id)

    def about(self, record: Mapping[str, Any]) -> Mapping[str, str]:
        """The key of the item that a stream record is about: ids of ours."""
        keys = record["dynamodb"]["Keys"]
        return {"partition": keys["PK"]["S"], "sort": keys["SK"]["S"]}

    def stored(self, about: Mapping[str, str]) -> Seen | None:
        """That item as it is stored now, told as if it were new."""
        item = Table(self.client, self.table).item(about["partition"], about["sort"])
        after, case_id = _told(item) if item else (None, "")
        return Seen(None, after, case_id) if after is not None else None

    def _partition(self, key: str, beyond: str) -> Iterator[Item]:
        condition = "PK = :pk AND SK > :sk" if beyond else "PK = :pk"
        values = {":pk": {"S": key}} | ({":sk": {"S": beyond}} if beyond else {})
        asked: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }
        while True:  # once, unless the partition holds more than 1 MB
            answer = self.client.query(**asked)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # --- writing ------------------------------------------------------------------------------------------------------
    def commit(self, change: Change) -> None:
        """Write all of ``change`` or nothing: one PutItem where one will do (half the write units), else one transaction.

        Raises IdempotencyMismatch, StaleVersion, ClaimTaken or AllowanceSpent, in this order, and Invalid above a hundred items
        or for a record that no item can hold.
        """
        self._commit(list(self._layout.writes(change)))

    def commit_all(self, changes: Sequence[Change]) -> None:
        """Write all of several changes or nothing. Raises as :meth:`commit` does, and Invalid where two of them write one item."""
        writes = self._layout.together(changes)
        keys = {(w.item["PK"]["S"], w.item["SK"]["S"]) for w in writes if isinstance(w, Write)}
        if len(keys) < sum(isinstance(w, Write) for w in writes):
            raise Invalid("Two of these changes write one item.")
        self._commit(writes)

    def _commit(self, writes: list[Write | Count | Tally]) -> None:
        if len(writes) > MOST_WRITES:
            raise Invalid("This is too much for one step.", expected=f"at most {MOST_WRITES} items", found=len(writes))
        for write in writes:
            if isinstance(write, Write) and (size := bytes_of(write.item)) > MOST_BYTES:
                raise Invalid(f"The {write.about} is too large to be kept.", expected=f"at most {MOST_BYTES} bytes", found=size)
        for _ in range(MOST_TRIES):
            failed = self._write(writes)
            if not failed:
                return
            back = {n: w.lessened(stored) for n, stored in failed.items() if isinstance(w := writes[n], Count) and w.gives_back}
            if refused := [(writes[n], stored) for n, stored in failed.items() if n not in back]:
                raise refusal(refused)
            fitted = (back.get(n, write) for n, write in enumerate(writes))  # less can be given back than was asked
            writes = [write for write in fitted if write is not None]
        raise _busy()

    def items(self, change: Change) -> list[Item]:
        """The items a commit of ``change`` would put, for loading a table in bulk; nothing is written, checked or counted."""
        return [write.item for write in self._layout.writes(change) if isinstance(write, Write)]

    def _write(self, writes: Sequence[Write | Count | Tally]) -> dict[int, Item]:
        """Apply all of them or none. By its place, each whose condition failed with what is stored; nothing when it is done."""
        if not writes:
            return {}
        mark = secrets.token_urlsafe(9)
        first = writes[0]
        failed = self._put(first, mark) if len(writes) == 1 and isinstance(first, Write) else self._transact(writes, mark)
        ours = any(stored.get("w", {}).get("S") == mark for stored in failed.values())  # applied before, and its answer lost
        return {} if ours else failed

    def _put(self, write: Write, mark: str) -> dict[int, Item]:
        """Put one item; what is stored when its condition failed."""
        try:
            self.client.put_item(**write.put(self.table, mark))
        except self.client.exceptions.ConditionalCheckFailedException as error:
            response: Any = error.response
            return {0: response.get("Item", {})}
        except self.client.exceptions.TransactionConflictException as error:
            raise _busy() from error
        return {}

    def _transact(self, writes: Sequence[Write | Count | Tally], mark: str) -> dict[int, Item]:
        """Write all items or none; what is stored where a condition failed."""
        parts: Any = [write.part(self.table, mark) for write in writes]
        try:
            self.client.transact_write_items(TransactItems=parts, ClientRequestToken=mark)
        except self.client.exceptions.TransactionCanceledException as error:
            response: Any = error.response
            reasons = response.get("CancellationReasons", [])
            codes = [reason.get("Code") for reason in reasons]
            failed = {n: reasons[n].get("Item", {}) for n, code in enumerate(codes) if code == "ConditionalCheckFailed"}
            if not failed and BUSY.isdisjoint(codes):
                raise  # a malformed or too large item: our defect, not the caller's
            if not failed:
                raise _busy() from error
            return failed
        return {}

    def _phone_hash(self, phone: str) -> str:
        if not self._phone_key:
            raise BadSettings("dynamodb_store keeps and finds orders with the setting phone_key only.", lacking=["phone_key"])
        return hmac.new(self._phone_key, b"phone\0" + dialled(phone).encode(), hashlib.sha256).hexdigest()[:32]


def _told(image: Mapping[str, Any]) -> tuple[Case | Refund | Evidence | Order | Pickup | Batch | None, str]:
    """The value a stream image holds, and the case it belongs to; None for kinds that nothing follows from."""
    (kind, *ids), name = parts(image["PK"]["S"]), image["SK"]["S"]
    if kind == "ORDER":
        return (value(Order, image) if name == "HEAD" else None), ""
    if kind == "BATCH":
        return (value(Batch, image) if name == "HEAD" else None), ""
    if kind != "CASE":
        return None, ""
    if name == "HEAD":
        return value(Case, image, case_id=ids[0]), ids[0]
    if name.startswith("REFUND#"):
        return value(Refund, image, case_id=ids[0]), ids[0]
    if name == "PICKUP":
        return value(Pickup, image, case_id=ids[0]), ids[0]
    return (value(Evidence, image) if name.startswith("EVIDENCE#") else None), ids[0]


def _busy() -> StaleVersion:
    return StaleVersion("Somebody else is changing it right now.", todo="Read it again.")


def _connect(endpoint: str, region: str | None) -> DynamoDBClient:
    import boto3
    from botocore.config import Config

    # Bounded: a Lambda that serves a person gives up before its caller does. Standard mode backs off on throttling.
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=2, read_timeout=6, max_pool_connections=32
    )
    if not endpoint:
        return boto3.client("dynamodb", region_name=region, config=config)
    return boto3.client(
        "dynamodb",
        region_name=region or "us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="local",  # made up: an embedded engine asks for some, and real ones must never go there
        aws_secret_access_key="local",  # see above
        config=config,
    )
