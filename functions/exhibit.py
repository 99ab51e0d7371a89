"""Exhibit: who sees what of a file. Its own side sees the original; the other side a copy without faces and personal data.

=========================  ==================  =======================================  =====================================
piece                      the side it is of   the other side and the platform          its original, for others
=========================  ==================  =======================================  =====================================
photo, video               original            the masked copy, once it was looked at   approver, admin, platform: with a
the shop's own picture     original            the masked copy, once it was looked at   reason, for five minutes, on record in
paper (PDF, text, chat,    original            nothing: only that it is there, and      the case for both sides
payment proof)                                 its hash
=========================  ==================  =======================================  =====================================

A mall's backend acts for its buyers and is of their side.
"""

from __future__ import annotations

from aftersales.caller import Caller, Role
from aftersales.case import Case
from aftersales.decision import Finding
from aftersales.evidence import SHOWING, Evidence, EvidenceState
from aftersales.query import CaseFile
from aftersales.text import text
from aftersales.vertical import Vertical
from functions import question, words
from functions.context import Context
from functions.reply import ComparedView

BUYERS = frozenset({Role.BUYER, Role.INTEGRATOR})
SHOPS = frozenset({Role.CLERK, Role.APPROVER, Role.ADMIN})
DISPATCH = "vision.dispatch"


def is_own(caller: Caller, piece: Evidence) -> bool:
    """Whether the piece is of the caller's own side."""
    return caller.role in (BUYERS if piece.role is None else SHOPS)


def shown(ctx: Context, piece: Evidence) -> tuple[str | None, bool]:
    """The address of what the reader may see of it, and whether that is the masked copy; None where it is nothing."""
    if piece.state is EvidenceState.AWAITING_UPLOAD or piece.erased_at is not None:
        return None, False
    if is_own(ctx.caller, piece):
        return ctx.registry.files.url(piece.file_key, ctx.now), False
    return (ctx.registry.files.url(piece.masked_key, ctx.now), True) if piece.masked_key else (None, False)


def overlay(ctx: Context, piece: Evidence) -> str | None:
    """The address of the copy with regions drawn in. It is drawn on the masked copy: where there is none, only for its own side."""
    if piece.overlay_key is None or piece.erased_at is not None or not (piece.masked_key or is_own(ctx.caller, piece)):
        return None
    return ctx.registry.files.url(piece.overlay_key, ctx.now)


def why_not(ctx: Context, piece: Evidence) -> str:
    """In words, why there is no address; "" where there is one."""
    if piece.erased_at is not None:
        key = "erased"
    elif piece.state is EvidenceState.AWAITING_UPLOAD:
        key = "not_uploaded"
    elif is_own(ctx.caller, piece) or piece.masked_key:
        return ""
    elif not piece.is_looked_at:
        key = "paper"
    else:
        key = "not_looked_at" if piece.state is EvidenceState.UPLOADED else "not_masked"
    at = f"{piece.erased_at:%Y-%m-%d}" if piece.erased_at else ""
    return text("functions", f"evidence.hidden.{key}", ctx.locale, at=at)


def comparison(ctx: Context, vertical: Vertical, file: CaseFile) -> list[ComparedView]:
    """The buyer's photos and videos beside what the shop handed in itself; empty where the shop has nothing to show."""
    handed_in = [e for e in file.evidence if e.state is not EvidenceState.AWAITING_UPLOAD]
    proofs = [e for e in handed_in if e.role is not None]
    if not proofs:
        return []
    return [
        *(_compared(ctx, e, True, _said(ctx, vertical, e)) for e in handed_in if e.role is None and e.kind in SHOWING),
        *(_compared(ctx, e, question.counts(file.case, e), _worth(ctx, file.case, e)) for e in proofs),
    ]


def _compared(ctx: Context, piece: Evidence, counts: bool, said: str) -> ComparedView:
    return ComparedView(
        evidence_id=piece.evidence_id,
        side="buyer" if piece.role is None else "shop",
        kind=piece.kind,
        role=piece.role,
        added_at=piece.added_at,
        url=shown(ctx, piece)[0],
        counts=counts,
        text=said,
    )


def _said(ctx: Context, vertical: Vertical, piece: Evidence) -> str:
    """What the comparison with the dispatch photos found on the buyer's picture."""
    found: list[Finding] = [f for f in piece.findings if f.check == DISPATCH]
    return words.joined(ctx.locale, *(words.of_finding(vertical, f, ctx.locale) for f in found))


def _worth(ctx: Context, case: Case, piece: Evidence) -> str:
    """What kind of proof it is, and whether it is from before the claim."""
    when = "any_time" if piece.role not in question.BEFORE else "before" if question.counts(case, piece) else "after"
    named = text("functions", f"proof.{piece.role}", ctx.locale)
    return words.joined(ctx.locale, named, text("functions", f"proof.{when}", ctx.locale) if when != "any_time" else "")
