"""Triage: how hard a case is, and why: ordinary, difficult, legal (RV-5). A person may say otherwise.

The reasons are this project's own choice, but for the sum: a merchant sets from which amount on a case may end in court
(:attr:`aftersales.vertical.Merchant.legal_minor`).
"""

from __future__ import annotations

from aftersales.case import Case, Lane
from aftersales.complaint import Complaint
from aftersales.decision import Verdict
from aftersales.queue import Shown, evidence_of
from aftersales.ruling.replay import BROKEN
from aftersales.vertical import Merchant

#: From the easiest to the hardest.
LANES = (Lane.ORDINARY, Lane.DIFFICULT, Lane.LEGAL)


def reasons(case: Case, merchant: Merchant) -> dict[str, Lane]:
    """Why the case is harder than an ordinary one: each reason with the lane that it asks for."""
    found = case.decision.findings if case.decision else ()
    speaks = {
        "legal.amount": (Lane.LEGAL, case.amount.currency == merchant.currency and case.amount.minor >= merchant.legal_minor),
        "legal.counterfeit": (Lane.LEGAL, any(_says_fake(f.check, dict(f.data)) for f in found)),
        "difficult.appealed": (Lane.DIFFICULT, case.appealed),
        "difficult.escalated": (Lane.DIFFICULT, case.escalations > 0),
        "difficult.evidence": (Lane.DIFFICULT, evidence_of(case) is Shown.DOUBTFUL),
        "difficult.risk": (Lane.DIFFICULT, any(f.check == "risk.history" and f.verdict is Verdict.UNSURE for f in found)),
        "difficult.rules": (Lane.DIFFICULT, case.decision is not None and case.decision.rule == BROKEN),
    }
    return {reason: lane for reason, (lane, holds) in speaks.items() if holds}


def lane_of(case: Case, merchant: Merchant) -> Lane:
    """The lane that the case belongs in, as it is."""
    return max((Lane.ORDINARY, *reasons(case, merchant).values()), key=LANES.index)


def harder(one: Lane | None, other: Lane) -> Lane:
    """The harder of two lanes: by itself a case never becomes easier."""
    return max(one or Lane.ORDINARY, other, key=LANES.index)


def _says_fake(check: str, data: dict[str, object]) -> bool:
    """Whether the buyer's words surely say that goods are counterfeit or expired."""
    return check == "text.reason" and data.get("sure") is True and data.get("reason") == Complaint.FAKE
