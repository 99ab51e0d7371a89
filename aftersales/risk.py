"""Risk: how unusual a buyer's recent after-sales are, in points anybody can add up. It asks a person; it says no to nobody.

The weights are this project's own choice, not a law or a platform's rule; a merchant sets from how many points on a person looks
(:attr:`aftersales.vertical.Merchant.risk_person`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aftersales.case import Case, Ending, Kind, State
from aftersales.decision import Finding, Source, Verdict

#: What lies further back does not count.
RECENT = timedelta(days=90)

#: Refunds in this time that are nothing unusual, and what each further one weighs.
USUAL_REFUNDS, REFUND_POINTS = 4, 8
#: The same for money back while the goods were kept.
USUAL_KEPT, KEPT_POINTS = 2, 10
#: Each case with a photo that was seen in another matter, unless a person approved it all the same.
REUSED_POINTS = 30
#: Each case that was rejected in the end, beyond the first.
USUAL_REJECTED, REJECTED_POINTS = 1, 10
#: Each rejection that a second person took back.
APPEAL_POINTS = -20

MOST = 100

#: Rules by which nothing was at risk: the goods never left, or were kept from being used. Such refunds do not count.
HARMLESS = frozenset({"merchant.not_shipped", "merchant.kept"})

REUSED = ("vision.reused", "vision.seen_before")


@dataclass(frozen=True, slots=True)
class History:
    """A buyer's cases at a merchant in the last RECENT days, the present one not among them."""

    cases: int = 0
    refunds: int = 0
    kept: int = 0  # of them: the goods were not sent back
    reused: int = 0
    rejected: int = 0
    appeals_won: int = 0

    @property
    def points(self) -> int:
        """0 to MOST."""
        sum_ = (
            max(0, self.refunds - USUAL_REFUNDS) * REFUND_POINTS
            + max(0, self.kept - USUAL_KEPT) * KEPT_POINTS
            + self.reused * REUSED_POINTS
            + max(0, self.rejected - USUAL_REJECTED) * REJECTED_POINTS
            + self.appeals_won * APPEAL_POINTS
        )
        return min(MOST, max(0, sum_))


def history(cases: Iterable[Case], now: datetime) -> History:
    """What these cases say; those that were opened longer ago, or were never handed in, say nothing."""
    recent = [c for c in cases if c.submitted_at is not None and now - c.opened_at <= RECENT]
    paid = [c for c in recent if c.ending is Ending.REFUNDED or c.state is State.SETTLING]
    refunded = [c for c in paid if c.decision is None or c.decision.rule not in HARMLESS]
    return History(
        cases=len(recent),
        refunds=len(refunded),
        kept=sum(c.kind is Kind.CLAIM for c in refunded),
        reused=sum(_reused(c) and not _by_person(c) for c in recent),
        rejected=sum(c.ending is Ending.REJECTED for c in recent),
        appeals_won=sum(c.appealed for c in paid),
    )


def finding(found: History, person_from: int) -> Finding:
    """What the history says of a claim: from ``person_from`` points on a person looks."""
    high = found.points >= person_from
    data = (
        ("kept", found.kept),
        ("points", found.points),
        ("refunds", found.refunds),
        ("rejected", found.rejected),
        ("reused", found.reused),
    )
    return Finding(
        "risk.history", Verdict.UNSURE if high else Verdict.PASS, "risk.high" if high else "risk.usual", Source.FACT, 1.0, data
    )


def _reused(case: Case) -> bool:
    return case.decision is not None and any((f.check, f.reason) == REUSED for f in case.decision.findings)


def _by_person(case: Case) -> bool:
    return any(not a.by.startswith("system") for a in case.approvals)
