"""Question: what is asked about a photo, from what the order, its case and the merchant's own proofs say."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from functools import partial

from aftersales.case import Case
from aftersales.evidence import Evidence, EvidenceState, ProofRole
from aftersales.order import Line
from aftersales.photo import PhotoQuestion, Reference
from aftersales.query import CaseFile, OrderFile
from aftersales.registry import Registry

PHOTO_BYTES = 10 * 1024 * 1024

#: Of the merchant's photos taken at dispatch, this many are compared with: the newest.
MOST_DISPATCHED = 3

#: Proofs of how things were before anybody complained: handed in afterwards they are shown, and prove nothing.
BEFORE = frozenset({ProofRole.DISPATCH, ProofRole.PACKING_LIST, ProofRole.CATALOGUE})

#: Line terms that begin like this are further names of the goods: ``title_en``.
TITLE = "title_"


def asked(registry: Registry, file: CaseFile, order: OrderFile | None, now: datetime) -> PhotoQuestion:
    """The question about a photo of this case. Nothing is known of an order that is gone.

    No picture of the merchant's is read for it: whoever looks at the photo reads those that are needed.
    """
    case = file.case
    if order is None:
        return PhotoQuestion("", "", _trade(case), case.reason)
    lines = [order.order.line(i.line_id) for i in case.items] or list(order.order.lines[:1])
    return PhotoQuestion(
        title=" / ".join(dict.fromkeys(name for line in lines for name in _names(line))),
        category=lines[0].category,
        vertical=_trade(case),
        reason=case.reason,
        pieces=sum(line.pieces for line in lines),
        written=_written(order, lines),
        since=order.order.paid_at,
        until=now,
        catalogue=next(iter(_references(registry, file, ProofRole.CATALOGUE, 1)), None),
        dispatched=_references(registry, file, ProofRole.DISPATCH, MOST_DISPATCHED),
        label_with_flaw=registry.merchant(case.merchant).label_with_flaw,
    )


def _trade(case: Case) -> str:
    """The trade whose goods are looked at: of ``outer:inner`` the inner one."""
    return case.vertical.rpartition(":")[2]


def about_proof(question: PhotoQuestion) -> PhotoQuestion:
    """What is asked about a picture of the merchant's own: whether it can be read, and what has to be masked in it."""
    return replace(question, reason="", catalogue=None, dispatched=(), label_with_flaw=False)


def counts(case: Case, piece: Evidence) -> bool:
    """Whether a proof was handed in early enough to say something about this case."""
    return piece.role not in BEFORE or piece.added_at <= case.opened_at


def _names(line: Line) -> list[str]:
    further = [str(value) for name, value in sorted(line.terms.items()) if name.startswith(TITLE)]
    return [line.title, *further]


def _written(order: OrderFile, lines: list[Line]) -> tuple[tuple[str, str], ...]:
    """What may be read on the picture and would belong to this order."""
    number = [("tracking", order.order.shipment.number)] if order.order.shipment else []
    return (("order_id", order.order.order_id), *number, *(("sku", line.sku) for line in lines if line.sku))


def _references(registry: Registry, file: CaseFile, role: ProofRole, most: int) -> tuple[Reference, ...]:
    """The merchant's pictures of that role that count, newest first; each reads as None unless it is what was handed in."""
    proofs = (e for e in reversed(file.evidence) if e.role is role and e.is_looked_at)
    usable = [e for e in proofs if e.state is not EvidenceState.AWAITING_UPLOAD and not e.erased_at and counts(file.case, e)]
    return tuple(Reference(e.sha256 or "", partial(unchanged, registry, e, PHOTO_BYTES)) for e in usable[:most])


def unchanged(registry: Registry, piece: Evidence, most: int) -> bytes | None:
    """The bytes that were handed in; None when they are gone or others lie in their place."""
    content = registry.files.read(piece.file_key, most)
    return content if content is not None and hashlib.sha256(content).hexdigest() == piece.sha256 else None
