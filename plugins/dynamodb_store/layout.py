"""Layout: which items a Change writes, and where they lie in the table and its indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Any

from aftersales.case import Case
from aftersales.change import Answer, Change, PhotoPrint
from aftersales.deadline import Deadline
from aftersales.ledger import Ledger
from aftersales.order import Order, dialled
from aftersales.query import ClosedOf
from aftersales.refund import Refund
from aftersales.ticket import netted
from plugins.dynamodb_store import waiting
from plugins.dynamodb_store.key import (
    answer_key,
    batch_key,
    batches_key,
    buyer_key,
    case_key,
    closed_key,
    day_key,
    delegations_key,
    desk_key,
    due_key,
    inbox_key,
    month_key,
    order_key,
    part_name,
    payment_key,
    phone_key,
    print_key,
    queue_key,
    refused_key,
    reports_key,
    rules_key,
    rules_name,
    shard,
    templates_key,
    ticket_key,
    tickets_key,
)
from plugins.dynamodb_store.record import item, part, stamp
from plugins.dynamodb_store.write import FREE, NEW, Count, Tally, Write, versioned

#: Sorts before every instant: an unpaid order is the oldest.
UNPAID = "-"


@dataclass(frozen=True, slots=True)
class Layout:
    """How values are spread: the shards of the queue and due indexes, and the keyed hash of a phone."""

    queue_shards: int
    due_shards: int
    phone_hash: Any  # (phone: str) -> str

    def writes(self, change: Change) -> Iterator[Write | Count | Tally]:
        """Every item that ``change`` writes, the answer's first."""
        _whole(change)
        if change.answer:
            yield _answer(change.answer, change.case)
        if change.order:
            yield self._order(change.order)
        if change.ledger:
            key = (order_key(change.ledger.merchant, change.ledger.order_id), "MONEY")
            yield versioned("ledger", key, change.ledger)
        if change.order and change.ledger:  # payments never change without both
            yield from _payers(change.ledger)
        if change.case:
            yield from self._case(change, change.case)
        yield from self._goods(change)
        for refund in change.refunds:
            yield self._refund(refund)
        for claim in change.claims:
            yield Write(item((f"CLAIM#{claim}", "HEAD"), {}), f"claim {claim}", FREE)
        for claim in change.frees:
            yield Write(item((f"CLAIM#{claim}", "HEAD"), {}, freed=1), f"claim {claim}")
        for proof in change.proofs:
            until = self.waits("proof", proof.order_id, proof.files_until) if proof.files_until else {}
            place = (order_key(proof.merchant, proof.order_id), f"PROOF#{proof.piece.evidence_id}")
            yield Write(item(place, proof, leave_out=("merchant", "order_id"), **until), "proof")
        for photo in change.prints:
            yield from _print(photo)
        for notice in change.notices:
            place = (inbox_key(notice.merchant, notice.recipient), f"{stamp(notice.at)}#{part(notice.key)}")
            yield Write(item(place, notice), "notice")
        yield from self._records(change)

    def _records(self, change: Change) -> Iterator[Write | Count | Tally]:
        """What is kept for people who look after money."""
        for ticket in change.tickets:
            who = {"b": tickets_key(ticket.merchant, is_open=ticket.is_open), "bs": f"{stamp(ticket.opened_at)}#{ticket.ticket_id}"}
            yield versioned("ticket", (ticket_key(ticket.ticket_id), "HEAD"), ticket, (), **who)
        for report in change.reports:
            place = (reports_key(report.merchant), f"{report.day}#{part(report.channel)}#{report.currency}")
            yield versioned("report", place, report)
        if change.templates:
            yield versioned("templates", (templates_key(change.templates.merchant), "HEAD"), change.templates)
        if change.delegations:
            yield versioned("delegations", (delegations_key(change.delegations.merchant), "HEAD"), change.delegations)
        for refusal in change.refusals:
            place = (refused_key(refusal.merchant), f"{stamp(refusal.at)}#{part(refusal.refusal_id)}")
            yield Write(item(place, refusal), "refusal")
        if change.rulebook:
            yield versioned("rulebook", (rules_key(change.rulebook.merchant), "RULES"), change.rulebook)
        if change.rules:
            yield Write(item((rules_key(change.rules.merchant), rules_name(change.rules.version)), change.rules), "rules", NEW)
        yield from self._batch(change)
        yield from map(Count, netted(change.spends))
        if change.counted:
            yield versioned("count", (case_key(change.counted.case_id), "COUNTED"), change.counted, ("case_id",))
        if change.shift:
            yield Tally(change.shift)

    def _batch(self, change: Change) -> Iterator[Write]:
        if batch := change.batch:
            places = {"b": batches_key(batch.merchant), "bs": f"{stamp(batch.opened_at)}#{part(batch.batch_id)}"}
            places |= self.waits("batch", batch.batch_id, batch.look_at) if batch.look_at else {}
            yield versioned("batch", (batch_key(batch.batch_id), "HEAD"), batch, (), **places)
        for piece in change.parts:
            key = (batch_key(piece.batch_id), part_name(piece.number))
            yield versioned("part", key, piece, ("batch_id", "number"))

    def together(self, changes: Iterable[Change]) -> list[Write | Count | Tally]:
        """Every item that these changes write, what they spend of one allowance added up."""
        changes = list(changes)
        writes = [write for change in changes for write in self.writes(replace(change, spends=()))]
        return [*writes, *map(Count, netted(spend for change in changes for spend in change.spends))]

    def _goods(self, change: Change) -> Iterator[Write]:
        """Where the goods of a case are on their way back."""
        for kind, record in (("parcel", change.parcel), ("pickup", change.pickup), ("trail", change.trail)):
            if record:
                due = self.due(kind, record.case_id, record.deadline)
                yield versioned(kind, (case_key(record.case_id), kind.upper()), record, ("case_id",), **due)

    def _refund(self, refund: Refund) -> Write:
        """A leg with its places in its month and its day: keys that stay, so that later writes pay for none of them."""
        number, reserved = shard(refund.case_id, self.queue_shards), stamp(refund.reserved_at)
        places = {"b": month_key(refund.merchant, refund.month, number), "bs": reserved}
        number = shard(refund.case_id, self.due_shards)
        places |= {"q": day_key(refund.channel, refund.day.isoformat(), number), "qs": reserved}
        due = self.due("refund", refund.case_id, refund.deadline)
        if due:  # who looks after refunds passes by those of a channel that takes no calls, unread
            due["ds"] += f"#{part(refund.channel)}"
        key = (case_key(refund.case_id), f"REFUND#{refund.number:02}")
        return versioned("refund", key, refund, ("case_id",), **places, **due)

    def _order(self, order: Order) -> Write:
        who = {}
        if dialled(order.buyer.phone):
            paid = stamp(order.paid_at) if order.paid_at else UNPAID
            who = {"b": phone_key(order.merchant, self.phone_hash(order.buyer.phone)), "bs": paid}
        due = self.waits("order", order.order_id, order.watch_at) if order.watch_at else {}
        return versioned("order", (order_key(order.merchant, order.order_id), "HEAD"), order, (), **who, **due)

    def _case(self, change: Change, case: Case) -> Iterator[Write]:
        opened = stamp(case.opened_at)
        attributes = {"b": buyer_key(case.merchant, case.buyer_id), "bs": opened}
        if case.terminal and case.files_until:
            attributes |= self.waits("files", case.case_id, case.files_until)
        if case.due_at:  # before its files: a closed case may still owe points
            attributes |= self.waits("case", case.case_id, case.due_at)
        if case.holds_until:
            attributes |= self.waits("holds", case.case_id, case.holds_until)
        if not case.terminal:
            attributes["q"] = queue_key(case.merchant, case.state, shard(case.case_id, self.queue_shards))
            attributes["qs"] = waiting.place(case)
            attributes |= {"c": desk_key(case.merchant, case.clerk), "cs": waiting.desk_place(case)} if case.clerk else {}
        elif ClosedOf.has(case):
            attributes["q"] = closed_key(case.merchant, opened[:7], shard(case.case_id, self.queue_shards))
            attributes["qs"] = opened
        key = case_key(case.case_id)
        yield versioned("case", (key, "HEAD"), case, ("case_id",), **attributes)
        if case.version == 0:
            yield Write(item((order_key(case.merchant, case.order_id), f"CASE#{case.case_id}"), {}), "pointer")
        if change.steps:
            steps = item((key, f"EVENT#{change.steps[0].seq:06}"), change.steps, leave_out=("case_id",))
            yield Write(steps, "step", NEW)
        for evidence in change.evidence:
            yield Write(item((key, f"EVIDENCE#{evidence.evidence_id}"), evidence), "evidence")

    def due(self, kind: str, case_id: str, deadline: Deadline | None) -> dict[str, str]:
        """The due index's attributes; none while nothing waits."""
        if deadline is None or deadline.due_at is None:
            return {}
        return self.waits(kind, case_id, deadline.due_at)

    def waits(self, kind: str, about: str, until: datetime) -> dict[str, str]:
        """The due index's attributes of what waits until then; ``about`` says in which shard."""
        return {"d": due_key(kind, shard(about, self.due_shards)), "ds": stamp(until)}


def _whole(change: Change) -> None:
    """Raise ValueError for parts that have no home: a defect of the caller."""
    if change.case is None and (change.steps or change.evidence):
        raise ValueError("steps and evidence belong to a case")
    if change.shift and not change.counted:
        raise ValueError("a shift belongs to what was counted")
    if change.spends and not (change.refunds or change.ledger):
        raise ValueError("a spend belongs to a refund or a ledger")


def _answer(answer: Answer, case: Case | None) -> Write:
    put = item((answer_key(answer.caller, answer.key), "HEAD"), answer, expires=ceil(answer.expires_at.timestamp()))
    if case is None:
        return Write(put, "answer", NEW)
    # AWS deletes expired items late, an embedded engine when it is told to: what has expired must not stand in the way.
    return Write(put, "answer", f"{NEW} OR expires <= :now", {":now": {"N": str(_seconds(case.updated_at))}})


def _seconds(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp())


def _payers(ledger: Ledger) -> Iterator[Write]:
    """A pointer from each payment to the order it paid for; whether it still does, the order's money tells."""
    sort = f"{part(ledger.merchant)}#{part(ledger.order_id)}"
    for channel, number in dict.fromkeys((p.channel, p.transaction_id) for p in ledger.payments if p.transaction_id):
        yield Write(item((payment_key(channel, number), sort), {}), "pointer")


def _print(photo: PhotoPrint) -> Iterator[Write]:
    """One item per word, each alone with its word; the newest are found first."""
    for word in dict.fromkeys(photo.words):
        key = (print_key(word), f"{stamp(photo.at)}#{part(photo.case_id)}#{part(photo.evidence_id)}")
        yield Write(item(key, replace(photo, words=(word,))), "print")
