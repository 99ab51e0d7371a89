"""FakeStore: a Store and Stream in memory, with the same promises as a real one (``store_contract`` says which)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock
from typing import Any, TypeVar, cast
from zlib import crc32

from aftersales import queue
from aftersales.batch import Batch, Part
from aftersales.case import Case
from aftersales.change import Answer, Change, Notice, PhotoPrint, Step
from aftersales.count import Counted, Counts
from aftersales.delegation import Delegations
from aftersales.errors import AllowanceSpent, ClaimTaken, IdempotencyMismatch, Invalid, StaleVersion
from aftersales.evidence import Evidence, Proof
from aftersales.ledger import Ledger
from aftersales.order import Order, dialled
from aftersales.parcel import Parcel
from aftersales.pickup import Pickup
from aftersales.ports import Seen
from aftersales.query import (
    MOST_PRINTS,
    NEWEST_CASES,
    AnswerTo,
    BatchesOf,
    BatchNamed,
    CaseFile,
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
    OrderFile,
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
from aftersales.testing import store_due
from aftersales.testing.store_page import Row, page_of
from aftersales.ticket import Spend, Ticket, netted
from aftersales.tracking import Trail

T = TypeVar("T")
V = TypeVar(
    "V", Case, Order, Ledger, Parcel, Pickup, Trail, Refund, Ticket, Report, Templates, Delegations, Rulebook, Batch, Part, Counted
)


class FakeStore:
    """Keeps everything in memory, under one lock. ``records`` are what its stream would tell, oldest first."""

    def __init__(self, due_shards: int = 4) -> None:
        self.due_shards = due_shards
        self.records: list[Mapping[str, Any]] = []
        self._lock = RLock()
        self._kept: dict[tuple[Any, ...], Any] = {}  # what has a version, by kind and id
        self._spent: dict[tuple[Any, ...], int] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._evidence: dict[str, dict[str, Evidence]] = {}
        self._proofs: dict[tuple[str, str], dict[str, Proof]] = {}
        self._steps: dict[str, list[Step]] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._claims: set[str] = set()
        self._rules: dict[tuple[str, int], RuleSet] = {}
        self._notices: dict[tuple[str, str, str, str], Notice] = {}
        self._prints: dict[tuple[str, str], PhotoPrint] = {}
        self._refusals: list[Refusal] = []

    # --- reading ------------------------------------------------------------------------------------------------------
    def order(self, merchant: str, order_id: str) -> OrderFile | None:
        """The order with its money, None when it was never pushed."""
        with self._lock:
            order, ledger = self._kept.get(("order", merchant, order_id)), self._kept.get(("ledger", merchant, order_id))
            cases = sorted(c.case_id for c in self._all(Case) if (c.merchant, c.order_id) == (merchant, order_id))
            proofs = list(self._proofs.get((merchant, order_id), {}).values())
        proofs.sort(key=lambda p: (p.piece.added_at, p.piece.evidence_id))
        return OrderFile(order, ledger, tuple(cases), tuple(proofs)) if order and ledger else None

    def case(self, case_id: str) -> CaseFile | None:
        """The case with its records, None when there is none."""
        with self._lock:
            case = self._kept.get(("case", case_id))
            evidence = sorted(self._evidence.get(case_id, {}).values(), key=lambda e: (e.added_at, e.evidence_id))
            refunds = sorted((r for r in self._all(Refund) if r.case_id == case_id), key=lambda r: r.number)
            parcel, pickup, trail = (self._kept.get((kind, case_id)) for kind in ("parcel", "pickup", "trail"))
        return CaseFile(case, tuple(evidence), parcel, tuple(refunds), pickup, trail) if case else None

    def orders(self, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], OrderFile]:
        """Those of these orders that were pushed, with their money."""
        found = {name: self.order(*name) for name in names}
        return {name: OrderFile(file.order, file.ledger) for name, file in found.items() if file}

    def find(self, query: Query[T], cursor: str | None = None, limit: int = 50) -> Page[T]:
        """A page of what ``query`` describes. Raises Invalid for a cursor that is not ours."""
        if isinstance(query, CasesNamed):
            return cast("Page[T]", Page(tuple(f.case for case_id in dict.fromkeys(query.case_ids) if (f := self.case(case_id)))))
        with self._lock:
            if isinstance(query, BatchesOf | BatchNamed | PartsOf | PartNamed):
                rows, newest_first = self._batches(query), True
            else:
                rows, newest_first = self._rows(query)
        return cast("Page[T]", page_of(rows, query, cursor, limit, newest_first=newest_first))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Everything that anybody was told, in order."""
        return tuple(self._notices.values())

    def seen(self, record: Mapping[str, Any]) -> Seen | None:
        """What one of ``records`` says."""
        return cast("Seen", record["seen"])

    def about(self, record: Mapping[str, Any]) -> Mapping[str, str]:
        """Which of ``records`` it is."""
        return {"number": str(record["dynamodb"]["SequenceNumber"])}

    def stored(self, about: Mapping[str, str]) -> Seen | None:
        """The latest that was told of that record, as if it were new."""
        with self._lock:
            told = [cast("Seen", r["seen"]) for r in self.records]
        asked = _same(told[int(about["number"]) - 1])
        return replace(next(s for s in reversed(told) if _same(s) == asked), before=None)

    # --- writing ------------------------------------------------------------------------------------------------------
    def commit(self, change: Change) -> None:
        """Write all of ``change`` or nothing.

        Raises IdempotencyMismatch, StaleVersion, ClaimTaken or AllowanceSpent, in this order.
        """
        _whole(change)
        with self._lock:
            versioned = self._checked(change)
            self._spend(netted(change.spends))
            self._write(change, versioned)

    def commit_all(self, changes: Sequence[Change]) -> None:
        """Write all of these changes or nothing. Raises as ``commit`` does, and Invalid where two of them write one record."""
        for change in changes:
            _whole(change)
        with self._lock:
            checked = [self._checked(change) for change in changes]
            names = [name for versioned in checked for name, _ in versioned]
            claims = [claim for change in changes for claim in change.claims]
            if len({*names}) < len(names) or len({*claims}) < len(claims):
                raise Invalid("Two of these changes write one record.")
            self._spend(netted(spend for change in changes for spend in change.spends))
            for change, versioned in zip(changes, checked, strict=True):
                self._write(change, versioned)

    def _checked(self, change: Change) -> list[tuple[tuple[Any, ...], Any]]:
        """The records that a change writes, by name; raises when one of them is not as it was read."""
        if change.answer:
            self._check_answer(change.answer, change.case)
        versioned = [(name, value) for name, value in _versioned(change) if value is not None]
        for name, value in versioned:
            stored = self._kept[name].version if name in self._kept else 0
            if stored != value.version:
                raise StaleVersion(f"The {name[0]} was changed meanwhile.", todo="Read it again.", version=stored)
        if change.rules and (change.rules.merchant, change.rules.version) in self._rules:
            raise StaleVersion("The rules were changed meanwhile.", todo="Read it again.")
        for claim in change.claims:
            if claim in self._claims:
                raise ClaimTaken(f"{claim} is taken already.", claim=claim)
        return versioned

    def _check_answer(self, answer: Answer, case: Case | None) -> None:
        kept = self._answers.get((answer.caller, answer.key))
        if kept and not (case and kept.expires_at <= case.updated_at):
            raise IdempotencyMismatch("This Idempotency-Key was used before.", key=answer.key)

    def _spend(self, spends: Sequence[Spend]) -> None:
        for spend in spends:
            left = spend.cap_minor - self._spent.get(spend.allowance, 0)
            if spend.minor > max(left, 0):
                of_day = {"day": spend.day} if spend.day else {}
                raise AllowanceSpent("The allowance does not cover this.", left_minor=max(left, 0), **of_day)
        for spend in spends:
            self._spent[spend.allowance] = max(self._spent.get(spend.allowance, 0) + spend.minor, 0)

    def _write(self, change: Change, versioned: Iterable[tuple[tuple[Any, ...], Any]]) -> None:
        for name, value in versioned:
            before, after = self._kept.get(name), replace(value, version=value.version + 1)
            self._kept[name] = after
            if name[0] in ("case", "refund", "order", "pickup", "batch"):
                self._tell(before, after)
        if change.case:
            self._steps.setdefault(change.case.case_id, []).extend(change.steps)
            kept = self._evidence.setdefault(change.case.case_id, {})
            for evidence in change.evidence:
                self._tell(kept.get(evidence.evidence_id), evidence, change.case.case_id)
                kept[evidence.evidence_id] = evidence
        for proof in change.proofs:
            self._proofs.setdefault((proof.merchant, proof.order_id), {})[proof.piece.evidence_id] = proof
        if change.shift:
            self._counts.update({(change.shift.merchant, name): by for name, by in change.shift.moves.items()})
        if change.rules:
            self._rules[change.rules.merchant, change.rules.version] = change.rules
        if change.answer:
            self._answers[change.answer.caller, change.answer.key] = change.answer
        self._refusals.extend(change.refusals)
        self._claims.update(change.claims)
        self._claims.difference_update(change.frees)
        self._notices.update({(n.merchant, n.recipient, _text(n.at), n.key): n for n in change.notices})
        self._prints.update({(p.case_id, p.evidence_id): p for p in change.prints})

    def _tell(self, before: Any, after: Any, case_id: str = "") -> None:
        seen = Seen(before, after, case_id or getattr(after, "case_id", ""))
        self.records.append({"seen": seen, "dynamodb": {"SequenceNumber": str(len(self.records) + 1)}})

    # --- inside -------------------------------------------------------------------------------------------------------
    def _all(self, kind: type[V]) -> list[V]:
        return [value for value in self._kept.values() if isinstance(value, kind)]

    def _rows(self, query: Query[Any]) -> tuple[list[Row], bool]:
        """What ``query`` finds with the key it is sorted by, and whether the greatest comes first."""
        match query:
            case StepsOf():
                return [((f"{s.seq:09}",), s) for s in self._steps.get(query.case_id, ())], False
            case AnswerTo():
                kept = self._answers.get((query.caller, query.key))
                return [(("",), kept)] if kept and kept.expires_at > query.now else [], False
            case ClosedOf():
                ended = (c for c in self._all(Case) if c.merchant == query.merchant and query.has(c))
                return [((_text(c.opened_at), c.case_id), c) for c in ended if _text(c.opened_at)[:7] == query.month], False
            case RuleSetsOf():
                return [((f"{s.version:09}",), s) for s in self._rules.values() if s.merchant == query.merchant], True
            case RuleSetNamed():
                known = self._rules.get((query.merchant, query.version))
                return [((f"{known.version:09}",), known)] if known else [], False
            case RulebookOf():
                return [((b.merchant,), b) for b in self._all(Rulebook) if b.merchant == query.merchant], False
            case OfBuyer():
                cases = [c for c in self._all(Case) if (c.merchant, c.buyer_id) == (query.merchant, query.buyer_id)]
                return [((_text(c.opened_at), c.case_id), c) for c in cases], True
            case OrdersOfPhone():
                phone = dialled(query.phone) or None
                orders = [o for o in self._all(Order) if (o.merchant, dialled(o.buyer.phone)) == (query.merchant, phone)]
                return [((_text(o.paid_at) if o.paid_at else "", o.order_id), o.order_id) for o in orders], True
            case DueBy():
                named = ((d.case_id, f"{d.number:09}", d.merchant, d.order_id, d.evidence_id, d) for d in self._due(query))
                return [((_text(d.due_at), *name), d) for *name, d in named], False
            case NoticesOf() | RefusalsOf():
                return self._told(query), True
            case PrintsLike():
                return [((f"{n:09}",), photo) for n, photo in enumerate(self._photos_like(query))], False
            case OfMerchant() | CountedOf() | CountsOf():
                return self._waiting(query), False
        return self._money(query), False

    def _waiting(self, query: OfMerchant | CountedOf | CountsOf) -> list[Row]:
        """What a shop has before it, most urgent first, and how much of it."""
        if isinstance(query, CountsOf):
            sums = {name: n for (whose, name), n in sorted(self._counts.items()) if whose == query.merchant and n}
            return [(("",), Counts(query.merchant, sums))]
        if isinstance(query, CountedOf):
            return [(("",), c) for c in self._all(Counted) if c.case_id == query.case_id]
        cases = (c for c in self._all(Case) if queue.fits(query, c))
        return [((*queue.urgency(c), _text(c.opened_at), c.case_id), c) for c in cases]

    def _told(self, query: NoticesOf | RefusalsOf) -> list[Row]:
        """What people were told, and what they were refused."""
        if isinstance(query, RefusalsOf):
            return [((_text(r.at), r.refusal_id), r) for r in self._refusals if r.merchant == query.merchant]
        mine = (n for n in self._notices.values() if (n.merchant, n.recipient) == (query.merchant, query.recipient))
        return [((_text(n.at), n.key), n) for n in mine]

    def _money(self, query: Query[Any]) -> list[Row]:
        """The same for what is asked about money, all of it oldest first."""
        match query:
            case OrdersOfPayment():
                paid = (query.channel, query.transaction_id)
                ledgers = (x for x in self._all(Ledger) if paid in ((p.channel, p.transaction_id) for p in x.payments))
                return [((x.merchant, x.order_id),) * 2 for x in ledgers if query.transaction_id]
            case RefundsOf():
                return _by_age(r for r in self._all(Refund) if (r.merchant, r.month) == (query.merchant, query.month))
            case RefundsOn():
                return _by_age(r for r in self._all(Refund) if (r.channel, r.day) == (query.channel, query.day))
            case SpentOf():
                spent = self._spent.get(query.allowance)
                return [] if spent is None else [(("",), spent)]
            case TicketNamed():
                return [((t.ticket_id,), t) for t in self._all(Ticket) if t.ticket_id == query.ticket_id]
            case TicketsOf():
                tickets = (t for t in self._all(Ticket) if (t.merchant, t.is_open) == (query.merchant, query.is_open))
                return [((_text(t.opened_at), t.ticket_id), t) for t in tickets]
            case TemplatesOf() | DelegationsOf():
                kept = self._all(Templates) if isinstance(query, TemplatesOf) else self._all(Delegations)
                return [((k.merchant,), k) for k in kept if k.merchant == query.merchant]
            case ReportsOf():
                reports = (r for r in self._all(Report) if r.merchant == query.merchant and query.first <= r.day <= query.last)
                return [((r.day.isoformat(), r.channel, r.currency), r) for r in reports]
        raise ValueError(f"no such query: {query!r}")

    def _batches(self, query: BatchesOf | BatchNamed | PartsOf | PartNamed) -> list[Row]:
        """What is asked about batches, greatest key first."""
        if isinstance(query, BatchesOf):
            return [((_text(b.opened_at), b.batch_id), b) for b in self._all(Batch) if b.merchant == query.merchant]
        if isinstance(query, BatchNamed):
            return [((b.batch_id,), b) for b in self._all(Batch) if b.batch_id == query.batch_id]
        parts = [p for p in self._all(Part) if p.batch_id == query.batch_id]
        wanted = [p for p in parts if isinstance(query, PartsOf) or p.number == query.number]
        return [((f"{10**9 - 1 - p.number:09}",), p) for p in wanted]

    def _photos_like(self, query: PrintsLike) -> Iterable[PhotoPrint]:
        for word in query.words:
            sharing = [p for p in self._prints.values() if word in p.words]
            newest = sorted(sharing, key=lambda p: (_text(p.at), p.case_id, p.evidence_id), reverse=True)[:MOST_PRINTS]
            cases = [p.case_id for p in newest]
            yield from (replace(p, words=(word,)) for n, p in enumerate(newest) if len(set(cases[:n])) < NEWEST_CASES)

    def _due(self, query: DueBy) -> Iterable[Due]:
        waits: dict[str, Callable[[], Iterable[tuple[str, Due]]]] = {
            "case": lambda: store_due.cases(self._all(Case)),
            "parcel": lambda: store_due.by_deadline("parcel", self._all(Parcel)),
            "pickup": lambda: store_due.by_deadline("pickup", self._all(Pickup)),
            "trail": lambda: store_due.by_deadline("trail", self._all(Trail)),
            "refund": lambda: store_due.by_deadline("refund", self._all(Refund)),
            "files": lambda: store_due.files(self._all(Case)),
            "holds": lambda: store_due.holds(self._all(Case)),
            "proof": lambda: store_due.proofs(p for kept in self._proofs.values() for p in kept.values()),
            "order": lambda: store_due.orders(self._all(Order)),
            "batch": lambda: store_due.batches(self._all(Batch)),
        }
        return [d for about, d in waits[query.kind]() if d.due_at <= query.now and self._shard(about) == query.shard]

    def _shard(self, about: str) -> int:
        return crc32(about.encode()) % self.due_shards


def _same(seen: Seen) -> tuple[object, ...]:
    """What a record is, whatever it says."""
    after = seen.after
    name = getattr(after, "number", None) or getattr(after, "evidence_id", None) or getattr(after, "order_id", None)
    return type(after), seen.case_id, name or getattr(after, "batch_id", None)


def _whole(change: Change) -> None:
    if change.case is None and (change.steps or change.evidence):
        raise ValueError("steps and evidence belong to a case")
    if change.spends and not (change.refunds or change.ledger):
        raise ValueError("a spend belongs to a refund or a ledger")
    if change.shift and not change.counted:
        raise ValueError("a shift belongs to what was counted")


def _versioned(change: Change) -> Iterable[tuple[tuple[Any, ...], Any]]:
    if change.order:
        yield ("order", change.order.merchant, change.order.order_id), change.order
    if change.ledger:
        yield ("ledger", change.ledger.merchant, change.ledger.order_id), change.ledger
    if change.case:
        yield ("case", change.case.case_id), change.case
    for kind in ("parcel", "pickup", "trail", "counted"):
        if of_case := getattr(change, kind):
            yield (kind, of_case.case_id), of_case
    for refund in change.refunds:
        yield ("refund", refund.case_id, refund.number), refund
    for ticket in change.tickets:
        yield ("ticket", ticket.ticket_id), ticket
    for report in change.reports:
        yield ("report", report.merchant, report.channel, report.day, report.currency), report
    for name in ("templates", "delegations", "rulebook"):
        if own := getattr(change, name):
            yield (name, own.merchant), own
    if change.batch:
        yield ("batch", change.batch.batch_id), change.batch
    for part in change.parts:
        yield ("part", part.batch_id, part.number), part


def _by_age(refunds: Iterable[Refund]) -> list[Row]:
    return [((_text(r.reserved_at), r.case_id, f"{r.number:09}"), r) for r in refunds]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
