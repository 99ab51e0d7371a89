"""What waits in a fake store: everything of a kind that has an instant, each with what its shard follows from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aftersales.batch import Batch
from aftersales.case import Case
from aftersales.evidence import Proof
from aftersales.order import Order
from aftersales.parcel import Parcel
from aftersales.pickup import Pickup
from aftersales.query import Due
from aftersales.refund import Refund
from aftersales.tracking import Trail


def cases(kept: Iterable[Case]) -> Iterator[tuple[str, Due]]:
    """Cases that wait, or owe an answer or points."""
    for case in kept:
        if case.due_at and not case.holds_until:
            yield case.case_id, Due("case", case.case_id, case.due_at)


def by_deadline(kind: str, records: Iterable[Parcel | Pickup | Refund | Trail]) -> Iterator[tuple[str, Due]]:
    """Records that wait for their own deadline."""
    for waiting in records:
        due_at = waiting.deadline.due_at if waiting.deadline else None
        if due_at:
            whose = (waiting.number, waiting.channel) if isinstance(waiting, Refund) else (0, "")
            yield waiting.case_id, Due(kind, waiting.case_id, due_at, *whose)


def files(cases: Iterable[Case]) -> Iterator[tuple[str, Due]]:
    """The files of closed cases."""
    for case in cases:
        if case.terminal and case.files_until and not (case.due_at or case.holds_until):  # one at a time: what is kept first
            yield case.case_id, Due("files", case.case_id, case.files_until)


def proofs(kept: Iterable[Proof]) -> Iterator[tuple[str, Due]]:
    """The proofs of orders."""
    for p in kept:
        if p.files_until:
            proof = Due("proof", "", p.files_until, merchant=p.merchant, order_id=p.order_id, evidence_id=p.piece.evidence_id)
            yield p.order_id, proof


def orders(kept: Iterable[Order]) -> Iterator[tuple[str, Due]]:
    """The orders that a trade wants to look at."""
    for order in kept:
        if order.watch_at:
            yield order.order_id, Due("order", "", order.watch_at, merchant=order.merchant, order_id=order.order_id)


def holds(cases: Iterable[Case]) -> Iterator[tuple[str, Due]]:
    """The closed cases for which outside systems may still keep something."""
    for case in cases:
        if case.holds_until:
            yield case.case_id, Due("holds", case.case_id, case.holds_until)


def batches(kept: Iterable[Batch]) -> Iterator[tuple[str, Due]]:
    """The batches that somebody has to look after."""
    for batch in kept:
        if batch.look_at:
            yield batch.batch_id, Due("batch", batch.batch_id, batch.look_at)
