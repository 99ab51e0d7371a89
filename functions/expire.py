"""Expire: the files of cases that closed long ago, and of proofs that nobody needed, are erased when their day has come.

::

    due ──► written down as erased, on the version that was read ──► every file deleted ──► no longer due
                 │ the case was opened again meanwhile: it keeps all        │ a crash: due again, deleted again

What stays is the hash of each file, what was seen on it, and the steps of the case.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import Case, Event
from aftersales.change import Change
from aftersales.query import Due, OrderFile
from aftersales.registry import Registry
from functions import retention, sweep
from functions.context import commit

#: Records per kind, shard and run; the rest stays due and comes first the next time.
MOST = 200

#: When a proof is looked at again whose order has a case under way.
AGAIN = timedelta(days=30)


def run(registry: Registry) -> sweep.Tally:
    """Erase what is due. Reads one index entry per record that is due, and nothing of what is not."""
    tally = sweep.Tally()
    sweep.each(registry, "files", lambda due, now: files(registry, due, now), tally, MOST)
    sweep.each(registry, "proof", lambda due, now: proof(registry, due, now), tally, MOST)
    return tally


def files(registry: Registry, due: Due, now: datetime) -> bool:
    """Erase the files of one closed case; False when it is not due."""
    file = registry.store.case(due.case_id)
    if file is None or not file.case.terminal or file.case.files_until is None or file.case.files_until > now:
        return False
    case, left = file.case, tuple(replace(e, erased_at=now) for e in file.evidence if e.erased_at is None)
    if left:
        change = Change(case, evidence=left).then(Event.FILES_ERASED, "system", now, pieces=len(left))
        commit(registry, change)  # from here on nobody is given an address
        case = _stored(change)
    for piece in file.evidence:
        for key in retention.files_of(case.merchant, case.case_id, piece):
            registry.files.delete(key)
    commit(registry, Change(case).with_case(has_files=False, files_until=None))
    return True


def proof(registry: Registry, due: Due, now: datetime) -> bool:
    """Erase one proof of an order, or put that off while a case of the order may need it; False when it is not due."""
    order = registry.store.order(due.merchant, due.order_id)
    kept = next((p for p in order.proofs if p.piece.evidence_id == due.evidence_id), None) if order else None
    if order is None or kept is None or kept.files_until is None or kept.files_until > now:
        return False
    needed = _needed(registry, order, now)
    if needed is not None:
        commit(registry, Change(proofs=(replace(kept, files_until=needed),)))
        return True
    if kept.piece.erased_at is None:
        kept = replace(kept, piece=replace(kept.piece, erased_at=now))
        commit(registry, Change(ledger=order.ledger, proofs=(kept,)))  # not while a claim is handed in: that moves the ledger
    registry.files.delete(kept.piece.file_key)
    commit(registry, Change(proofs=(replace(kept, files_until=None),)))
    return True


def _needed(registry: Registry, order: OrderFile, now: datetime) -> datetime | None:
    """Until when cases of the order may need its proofs; None when none does."""
    cases = [file.case for case_id in order.cases if (file := registry.store.case(case_id))]
    until = [_until(case, now) for case in cases]
    return max((at for at in until if at is not None and at > now), default=None)


def _until(case: Case, now: datetime) -> datetime | None:
    return case.files_until if case.terminal else now + AGAIN


def _stored(change: Change) -> Case:
    """The case as a change has just stored it."""
    assert change.case is not None
    return replace(change.case, version=change.case.version + 1)
