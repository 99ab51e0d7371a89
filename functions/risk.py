"""Risk: what the buyer's recent cases say, asked where money leaves while the goods stay."""

from __future__ import annotations

from aftersales.case import Case, Kind
from aftersales.decision import Finding
from aftersales.query import OfBuyer
from aftersales.registry import Registry
from aftersales.risk import finding, history
from aftersales.vertical import Facts

#: So many of the buyer's newest cases are looked at.
NEWEST = 50


def findings_of(registry: Registry, case: Case, facts: Facts) -> tuple[Finding, ...]:
    """How unusual the buyer's recent cases are; nothing where the goods never left, come back, or are kept for the case."""
    leaves = facts.kind is Kind.CLAIM or (facts.kind is Kind.REFUND_ONLY and facts.order.is_shipped)
    if not leaves or facts.merchant.risk_person == 0 or any(x.held for x in facts.lookups):
        return ()
    page = registry.store.find(OfBuyer(case.merchant, case.buyer_id), None, NEWEST)
    others = (c for c in page.found if c.case_id != case.case_id)
    return (finding(history(others, facts.now), facts.merchant.risk_person),)
