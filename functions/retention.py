"""Retention: how long the files of a case are kept, and which files those are.

A case that is open keeps everything. Once it is closed its files wait for the merchant's ``originals_days``; one that is opened
again waits for nothing, and counts anew when it closes again.
"""

from __future__ import annotations

from datetime import timedelta

from aftersales.change import Change
from aftersales.evidence import Evidence
from aftersales.registry import Registry

#: What is made of a piece beside its original: the copy the other side sees, the one with regions drawn in, what finds it again.
MADE = ("masked", "overlay", "features")


def settled(registry: Registry, change: Change) -> Change:
    """The change with the day its case's files are erased: set when the case closes, taken back when it is open again."""
    case = change.case
    if case is None or not case.has_files or case.terminal == (case.files_until is not None):
        return change
    if not case.terminal:
        return change.with_case(files_until=None)
    return change.with_case(files_until=case.updated_at + timedelta(days=registry.merchant(case.merchant).originals_days))


def key_of(made: str, merchant: str, case_id: str, evidence_id: str) -> str:
    """Where the original (``evidence``) of a piece lies, or what was made of it."""
    return f"{made}/{merchant}/{case_id}/{evidence_id}"


def files_of(merchant: str, case_id: str, piece: Evidence) -> tuple[str, ...]:
    """Every file of one piece of a case. The original of a proof that came with the order is the order's, and not among them."""
    made = tuple(key_of(name, merchant, case_id, piece.evidence_id) for name in MADE)
    original = key_of("evidence", merchant, case_id, piece.evidence_id)
    return (original, *made) if piece.file_key == original else made
