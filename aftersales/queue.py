"""Queue: in which order a shop's cases are looked at, what they are filtered by, and in which buckets they are counted.

::

    promised hour ─► buyer's tier ─► amount ─► oldest        what of two cases comes first
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from aftersales.case import QUEUED, UNANSWERED, Case, Lane, State
from aftersales.decision import Source, Verdict
from aftersales.query import OfMerchant

#: Of a case that nobody promised to answer by any time.
NEVER = "9999"

#: What rank and amount are taken from, so that the larger sorts first as text.
MOST_RANK, MOST_MINOR = 99, 10**15 - 1

#: Whoever claimed it, where nobody did.
NOBODY = "-"

ARRIVING = frozenset({State.DRAFT, State.SUBMITTED, State.VERIFYING, State.AWAITING_EVIDENCE})


class Shown(StrEnum):
    """How it stands with a case's evidence."""

    NONE = "none"  # no file was handed in
    WAITING = "waiting"  # the buyer is at it, or verification is
    FINE = "fine"
    DOUBTFUL = "doubtful"  # something of it has to be looked at by a person


def promised_at(case: Case) -> datetime | None:
    """Until when an answer is promised: the pledge while it is not kept, late or not, or the deadline where that comes first."""
    pledged = case.pledge.by if case.pledge and case.pledge.kept_at is None else None
    waits = (pledged, case.deadline.due_at if case.deadline else None)
    return min((at for at in waits if at is not None), default=None)


def urgency(case: Case) -> tuple[str, str, str]:
    """Hour (UTC) of the promise, tier and amount as texts that sort the most urgent first."""
    at = promised_at(case)
    hour = at.astimezone(UTC).isoformat()[:13] if at else NEVER
    amount = max(0, min(case.amount.minor, MOST_MINOR))
    return hour, f"{MOST_RANK - max(0, min(case.rank, MOST_RANK)):02}", f"{MOST_MINOR - amount:015}"


def is_late(case: Case) -> bool:
    """Whether the buyer waits although the time that was promised for an answer has passed."""
    return case.pledge is not None and case.pledge.late_at is not None and case.state in UNANSWERED


def evidence_of(case: Case) -> Shown:
    """How it stands with the evidence, as far as the case itself tells."""
    if not case.has_files:
        return Shown.NONE
    if case.state in ARRIVING:
        return Shown.WAITING
    found = case.decision.findings if case.decision else ()
    looked = [f for f in found if f.evidence_id is not None]
    wrong = any(f.verdict in (Verdict.UNSURE, Verdict.MISSING, Verdict.FAIL) for f in looked)
    doubted = any(f.source is Source.MODEL and f.verdict in (Verdict.UNSURE, Verdict.FAIL) for f in found)
    return Shown.DOUBTFUL if wrong or doubted else Shown.FINE


def lane_of(case: Case) -> Lane:
    """Its lane; what no person was asked about yet is ordinary."""
    return case.lane or Lane.ORDINARY


def clerk_of(case: Case, since: datetime | None) -> str:
    """Who has claimed it later than ``since``, "" for nobody."""
    counts = since is None or (case.claimed_at is not None and case.claimed_at > since)
    return case.clerk if counts else ""


def fits(query: OfMerchant, case: Case) -> bool:
    """Whether this is one of the cases that are asked for."""
    if case.terminal or case.merchant != query.merchant or (query.state and case.state != query.state):
        return False
    has = {"kind": case.kind, "vertical": case.vertical, "category": case.category}
    has |= {"evidence": evidence_of(case), "lane": lane_of(case), "clerk": clerk_of(case, query.claims_since) or NOBODY}
    if any(getattr(query, name) not in ("", value) for name, value in has.items()):
        return False
    if query.late and not is_late(case):
        return False
    return query.min_minor <= case.amount.minor and (query.max_minor is None or case.amount.minor <= query.max_minor)


def buckets(case: Case) -> tuple[str, ...]:
    """What it counts in: its state, and each of its facets within that; nothing where it waits for nobody.

    A claim counts for its clerk until it is given back or taken over, however old it is.
    """
    if case.state not in QUEUED:
        return ()
    facets = {"kind": case.kind, "vertical": case.vertical, "evidence": evidence_of(case), "lane": lane_of(case)}
    late = ("late",) if is_late(case) else ()
    clerk = (f"clerk/{case.clerk}",) if case.clerk else ()
    named = (*(f"{name}/{value}" for name, value in facets.items()), *clerk, *late)
    return (str(case.state), *(f"{case.state}/{name}" for name in named))
