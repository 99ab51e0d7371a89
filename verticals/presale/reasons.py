"""The reasons a buyer chooses from, who answers for each, and which of them break the contract."""

from __future__ import annotations

from aftersales.case import Fault
from aftersales.vertical import Facts, Reason

REFUND_REASONS = (
    Reason("changed_mind", Fault.BUYER),
    Reason("balance_unpaid", Fault.BUYER),
    Reason("not_shipped_in_time", Fault.SELLER),
    Reason("cannot_deliver", Fault.SELLER),
)
FAULTY = (
    Reason("faulty", Fault.SELLER),
    Reason("not_as_described", Fault.SELLER),
    Reason("wrong_goods", Fault.SELLER),
    Reason("damaged", Fault.CARRIER),
)
RETURN_REASONS = (Reason("no_reason", Fault.BUYER), *FAULTY)
CLAIM_REASONS = (*FAULTY, Reason("pieces_missing", Fault.SELLER))

FAULTS = {reason.code: reason.fault for reason in (*REFUND_REASONS, *RETURN_REASONS, *CLAIM_REASONS)}

#: The buyer does not go through with it: who gave the deposit loses it (Civil Code, art. 587).
GIVEN_UP = frozenset({"changed_mind", "balance_unpaid"})
#: The shop does not go through with it: who took the deposit returns it double (the same).
BROKEN = frozenset({"not_shipped_in_time", "cannot_deliver"})


def fault(facts: Facts) -> Fault:
    """Who answers for the reason; nobody while none is given."""
    return FAULTS.get(facts.reason, Fault.NONE)
