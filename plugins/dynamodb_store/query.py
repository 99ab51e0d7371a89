"""Queries: pages over the indexes and partitions, with cursors that only we can make."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aftersales import queue
from aftersales.batch import Batch, Part
from aftersales.case import Case
from aftersales.change import Answer, Notice, PhotoPrint, Step
from aftersales.count import Counted
from aftersales.delegation import Delegations
from aftersales.errors import Invalid
from aftersales.ledger import Ledger
from aftersales.query import (
    MOST_PRINTS,
    MOVING,
    NEWEST_CASES,
    AnswerTo,
    BatchesOf,
    BatchNamed,
    CasesNamed,
    ClosedOf,
    CountedOf,
    CountsOf,
    DelegationsOf,
    Due,
    DueBy,
    NoticesOf,
    OfBuyer,
    OfMerchant,
    OrdersOfPayment,
    OrdersOfPhone,
    Page,
    PartNamed,
    PartsOf,
    PrintsLike,
    Query,
    RefundsOf,
    RefundsOn,
    RefusalsOf,
    ReportsOf,
    RulebookOf,
    RuleSetNamed,
    RuleSetsOf,
    SpentOf,
    StepsOf,
    TemplatesOf,
    TicketNamed,
    TicketsOf,
)
from aftersales.refund import Refund
from aftersales.refusal import Refusal
from aftersales.report import Report
from aftersales.ruling.book import Rulebook
from aftersales.ruling.table import RuleSet
from aftersales.template import Templates
from aftersales.ticket import Ticket
from plugins.dynamodb_store import tally, waiting
from plugins.dynamodb_store.key import (
    allowance_key,
    answer_key,
    batch_key,
    batches_key,
    buyer_key,
    case_key,
    closed_key,
    day_key,
    delegations_key,
    due_key,
    inbox_key,
    month_key,
    order_key,
    part_name,
    payment_key,
    phone_key,
    print_key,
    refused_key,
    reports_key,
    rules_key,
    rules_name,
    templates_key,
    ticket_key,
    tickets_key,
)
from plugins.dynamodb_store.layout import Layout
from plugins.dynamodb_store.record import Item, parts, stamp, value, values
from plugins.dynamodb_store.table import Position, Row, Table, position_of, start_of
from plugins.dynamodb_store.write import spent_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

#: What a merchant has one of, and where.
OWN: dict[type[Query[Any]], tuple[type[Any], Callable[[str], str]]] = {
    TemplatesOf: (Templates, templates_key),
    DelegationsOf: (Delegations, delegations_key),
}


@dataclass(frozen=True, slots=True)
class Finder:
    """One table's queries. ``key`` signs the cursors."""

    client: DynamoDBClient
    table: str
    layout: Layout
    key: bytes

    @property
    def _reads(self) -> Table:
        return Table(self.client, self.table)

    def page(self, query: Query[T], cursor: str | None, limit: int) -> Page[T]:
        """A page of what ``query`` describes. Raises Invalid for a cursor that is not ours, or of another query."""
        if isinstance(query, AnswerTo):
            return cast("Page[T]", Page(self._answer(query)))
        if isinstance(query, TicketNamed):
            return cast("Page[T]", self._one(Ticket, ticket_key(query.ticket_id)))
        if isinstance(query, TemplatesOf | DelegationsOf):
            kind, key = OWN[type(query)]
            return cast("Page[T]", self._one(kind, key(query.merchant)))
        if isinstance(query, RulebookOf):
            return cast("Page[T]", self._one(Rulebook, rules_key(query.merchant), "RULES"))
        if isinstance(query, RuleSetNamed):
            return cast("Page[T]", self._one(RuleSet, rules_key(query.merchant), rules_name(query.version)))
        if isinstance(query, BatchNamed):
            return cast("Page[T]", self._one(Batch, batch_key(query.batch_id)))
        if isinstance(query, PartNamed):
            stored = self._reads.item(batch_key(query.batch_id), part_name(query.number))
            return cast("Page[T]", Page((_part(stored),) if stored else ()))
        if isinstance(query, CasesNamed):
            heads = self._reads.batch([(case_key(case_id), "HEAD") for case_id in query.case_ids], consistent=True)
            return cast("Page[T]", Page(tuple(value(Case, i, case_id=_case_of(i)) for i in heads)))
        if isinstance(query, SpentOf):
            stored = self._reads.item(allowance_key(*query.allowance))
            return cast("Page[T]", Page((spent_of(stored),) if stored else ()))
        if isinstance(query, CountedOf):
            stored = self._reads.item(case_key(query.case_id), "COUNTED")
            return cast("Page[T]", Page((value(Counted, stored, case_id=query.case_id),) if stored else ()))
        if isinstance(query, CountsOf):
            return cast("Page[T]", Page((tally.counts(self._reads, query.merchant),)))
        start = self._opened(query, cursor) if cursor is not None else None
        if isinstance(query, OfMerchant):
            keys, at = waiting.found(self._reads, self.layout.queue_shards, query, start, limit)
            waits = cast("tuple[T, ...]", tuple(self._whole(query, tuple(keys))))
            return Page(waits, self._sealed(query, at) if at is not None else None)
        rows = list(islice(self._rows(query, start, limit + 1), limit + 1))  # one more tells whether another page follows
        found = self._whole(query, tuple(row for _, row in rows[:limit]))
        return Page(tuple(found), self._sealed(query, rows[limit - 1][0]) if len(rows) > limit else None)

    def _one(self, kind: type[Any], partition: str, sort: str = "HEAD") -> Page[Any]:
        stored = self._reads.item(partition, sort)
        return Page((value(kind, stored),) if stored else ())

    def _rows(self, query: Query[Any], start: Position, size: int) -> Iterator[Row]:
        match query:
            case StepsOf():
                return self._steps(query, start, size)
            case ClosedOf():
                shards = range(self.layout.queue_shards)
                return self._reads.merged("queue", [closed_key(query.merchant, query.month, n) for n in shards], start, size)
            case RuleSetsOf():
                return self._versions(query, start, size)
            case PartsOf():
                return self._parts(query, start, size)
            case BatchesOf():
                return self._reads.index("who", batches_key(query.merchant), start, size, newest_first=True)
            case OfBuyer():
                return self._reads.index("who", buyer_key(query.merchant, query.buyer_id), start, size, newest_first=True)
            case OrdersOfPhone():
                who = phone_key(query.merchant, self.layout.phone_hash(query.phone))
                return ((at, parts(pk)[2]) for at, (pk, _) in self._reads.index("who", who, start, size, newest_first=True))
            case DueBy():
                return self._due(query, start, size)
            case NoticesOf():
                return self._newest(inbox_key(query.merchant, query.recipient), Notice, start, size)
            case RefusalsOf():
                return self._newest(refused_key(query.merchant), Refusal, start, size)
            case PrintsLike():
                return self._prints(query, start or [0, None])
        return self._money(query, start, size)

    def _money(self, query: Query[Any], start: Position, size: int) -> Iterator[Row]:
        match query:
            case OrdersOfPayment():
                return self._payers(query, start, size)
            case RefundsOf():
                shards = range(self.layout.queue_shards)
                return self._reads.merged("who", [month_key(query.merchant, query.month, n) for n in shards], start, size)
            case RefundsOn():
                keys = [day_key(query.channel, query.day.isoformat(), n) for n in range(self.layout.due_shards)]
                return self._reads.in_turn("queue", keys, start, size)
            case TicketsOf():
                return self._reads.index("who", tickets_key(query.merchant, is_open=query.is_open), start, size)
            case ReportsOf():
                return self._reports(query, start, size)
        raise ValueError(f"no such query: {query!r}")

    # --- each query ---------------------------------------------------------------------------------------------------
    def _answer(self, query: AnswerTo) -> tuple[Answer, ...]:
        stored = self._reads.item(answer_key(query.caller, query.key))
        kept = value(Answer, stored) if stored else None
        return (kept,) if kept and kept.expires_at > query.now else ()

    def _steps(self, query: StepsOf, start: Position, size: int) -> Iterator[Row]:
        """Steps lie in one item per commit: a position names the item and how many of its steps were given."""
        first, given = start or ["EVENT#", 0]
        asked: dict[str, Any] = {"condition": "PK = :pk AND SK BETWEEN :first AND :last", "ConsistentRead": True}
        keys = {":pk": case_key(query.case_id), ":first": first, ":last": "EVENT~"}
        for item in self._reads.items(size, keys, **asked):
            name = item["SK"]["S"]
            for number, step in enumerate(values(Step, item, case_id=query.case_id), 1):
                if name != first or number > given:
                    yield [name, number], step

    def _due(self, query: DueBy, start: Position, size: int) -> Iterator[Row]:
        keys = {":k": due_key(query.kind, query.shard), ":now": f"{stamp(query.now)}~"}  # after a channel's name, if there is one
        asked: dict[str, Any] = {
            "condition": "d = :k AND ds <= :now",
            "IndexName": "due",
            "ExclusiveStartKey": start_of("due", start),
        }
        for item in self._reads.items(size, keys, **asked):
            yield position_of("due", item), _waiting(query.kind, item)

    def _prints(self, query: PrintsLike, start: Position) -> Iterator[Row]:
        """The partitions of the words in turn, the newest photos of each: one small request, more where a case has many."""
        first, beyond = start
        for number in range(first, len(query.words)):
            keys = {":pk": print_key(query.words[number])}
            newest = self._reads.items(NEWEST_CASES, keys, "PK = :pk", ScanIndexForward=False, ConsistentRead=True)
            cases: set[str] = set()
            for item in islice(newest, MOST_PRINTS):
                photo = value(PhotoPrint, item)
                cases.add(photo.case_id)
                if number > first or not beyond or item["SK"]["S"] < beyond:
                    yield [number, item["SK"]["S"]], photo
                if len(cases) == NEWEST_CASES:
                    break

    def _newest(self, place: str, kind: type[Any], start: Position, size: int) -> Iterator[Row]:
        """What lies in one partition by its instant, newest first."""
        keys = {":pk": place, ":sk": start or "~"}  # every instant sorts before "~"
        for item in self._reads.items(size, keys, condition="PK = :pk AND SK < :sk", ScanIndexForward=False):
            yield item["SK"]["S"], value(kind, item)

    def _versions(self, query: RuleSetsOf, start: Position, size: int) -> Iterator[Row]:
        keys = {":pk": rules_key(query.merchant), ":first": "RULES#", ":sk": start or "RULES#~"}
        asked: dict[str, Any] = {"condition": "PK = :pk AND SK BETWEEN :first AND :sk", "ScanIndexForward": False}
        for item in self._reads.items(size + 1, keys, ConsistentRead=True, **asked):
            if item["SK"]["S"] != start:  # both ends of BETWEEN count
                yield item["SK"]["S"], value(RuleSet, item)

    def _parts(self, query: PartsOf, start: Position, size: int) -> Iterator[Row]:
        place = batch_key(query.batch_id)
        asked: dict[str, Any] = {"condition": "PK = :pk AND SK > :head", "ExclusiveStartKey": _beyond(place, start)}
        for item in self._reads.items(size, {":pk": place, ":head": "PART#"}, ConsistentRead=True, **asked):
            yield item["SK"]["S"], _part(item)

    def _payers(self, query: OrdersOfPayment, start: Position, size: int) -> Iterator[Row]:
        """The money of the orders that ever named this payment."""
        place = payment_key(query.channel, query.transaction_id)
        asked: dict[str, Any] = {"condition": "PK = :pk", "ExclusiveStartKey": _beyond(place, start)}
        for item in self._reads.items(size, {":pk": place}, ConsistentRead=True, **asked):
            merchant, order_id = parts(item["SK"]["S"])
            yield item["SK"]["S"], (order_key(merchant, order_id), "MONEY")

    def _reports(self, query: ReportsOf, start: Position, size: int) -> Iterator[Row]:
        if query.first > query.last:
            return  # DynamoDB refuses to look between two ends in the wrong order
        place = reports_key(query.merchant)
        keys = {":pk": place, ":first": query.first.isoformat(), ":last": f"{query.last}~"}
        between = "PK = :pk AND SK BETWEEN :first AND :last"
        asked: dict[str, Any] = {"condition": between, "ExclusiveStartKey": _beyond(place, start)}
        for item in self._reads.items(size, keys, ConsistentRead=True, **asked):
            yield item["SK"]["S"], value(Report, item)

    # --- whole records ------------------------------------------------------------------------------------------------
    def _whole(self, query: Query[Any], rows: tuple[Any, ...]) -> Iterator[Any]:
        """What rows name that hold keys only: read as it is now, and left out where it is no longer what was asked for."""
        match query:
            case OfMerchant() | OfBuyer() | ClosedOf():
                cases = (value(Case, i, case_id=_case_of(i)) for i in self._reads.batch(rows))
                return (c for c in cases if _is_asked(query, c))
            case RefundsOf() | RefundsOn():
                refunds = (value(Refund, i, case_id=_case_of(i)) for i in self._reads.batch(rows))
                return (r for r in refunds if isinstance(query, RefundsOf) or (r.channel, r.day) == (query.channel, query.day))
            case BatchesOf():
                return (value(Batch, i) for i in self._reads.batch(rows))
            case TicketsOf():
                tickets = (value(Ticket, i) for i in self._reads.batch(rows))
                return (t for t in tickets if (t.merchant, t.is_open) == (query.merchant, query.is_open))
            case OrdersOfPayment():
                paid = (query.channel, query.transaction_id)
                ledgers = (value(Ledger, i) for i in self._reads.batch(rows, consistent=True))
                return ((x.merchant, x.order_id) for x in ledgers if paid in ((p.channel, p.transaction_id) for p in x.payments))
        return iter(rows)

    # --- cursors ------------------------------------------------------------------------------------------------------
    def _seal(self, query: Query[Any], text: bytes) -> bytes:
        """Twelve bytes that bind a position to its query; what is MOVING may differ from page to page."""
        name = json.dumps([type(query).__name__, *(str(getattr(query, f.name)) for f in fields(query) if f.name not in MOVING)])
        return hmac.new(self.key, b"cursor\0" + name.encode() + b"\0" + text, hashlib.sha256).digest()[:12]

    def _sealed(self, query: Query[Any], position: Position) -> str:
        text = json.dumps(position, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._seal(query, text) + text).decode()

    def _opened(self, query: Query[Any], cursor: str) -> Position:
        try:
            raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        if not hmac.compare_digest(raw[:12], self._seal(query, raw[12:])):
            raise Invalid("This cursor is not one of ours.", todo="Start again without a cursor.", found=cursor)
        return json.loads(raw[12:])


def _waiting(kind: str, item: Item) -> Due:
    """What an entry of the due index names."""
    (_, *ids), name = parts(item["PK"]["S"]), parts(item["SK"]["S"])
    due_at, *channel = parts(item["ds"]["S"])
    at = datetime.fromisoformat(due_at)
    if kind == "proof":
        return Due(kind, "", at, merchant=ids[0], order_id=ids[1], evidence_id=name[1])
    if kind == "order":
        return Due(kind, "", at, merchant=ids[0], order_id=ids[1])
    return Due(kind, ids[0], at, int(name[1]) if name[0] == "REFUND" else 0, *channel)


def _is_asked(query: OfMerchant | OfBuyer | ClosedOf, case: Case) -> bool:
    """Whether the case as it is now is still what was asked for."""
    if isinstance(query, ClosedOf):
        return query.has(case)
    return isinstance(query, OfBuyer) or queue.fits(query, case)


def _part(item: Item) -> Part:
    name = parts(item["PK"]["S"])[1], int(parts(item["SK"]["S"])[1])
    return value(Part, item, batch_id=name[0], number=name[1])


def _case_of(item: Item) -> str:
    return parts(item["PK"]["S"])[1]


def _beyond(partition: str, sort: str | None) -> Item | None:
    return {"PK": {"S": partition}, "SK": {"S": sort}} if sort else None
