"""The courses that a refund can take, by the word that a script uses for them."""

from __future__ import annotations

from infra.local.sandbox.fault import Fault
from infra.local.sandbox.stripe.book import Plan

#: Why a refund can fail (Stripe API reference, the refund object).
REASONS = (
    "lost_or_stolen_card",
    "expired_or_canceled_card",
    "charge_for_pending_refund_disputed",
    "insufficient_funds",
    "declined",
    "merchant_request",
    "unknown",
)

#: How a refund can end. ``bounced``: it succeeds, and fails afterwards.
OUTCOMES = frozenset({"succeeded", "failed", "bounced", "canceled", "requires_action"})


def plan_of(outcome: Fault | None, delay_s: float) -> Plan:
    """The course of a new refund: done at once, or after ``delay_s``, unless a script says otherwise (``code``: why it fails)."""
    done: Plan = [(0.0, "succeeded", "")] if delay_s <= 0 else [(0.0, "pending", "processing"), (delay_s, "succeeded", "")]
    if outcome is None:
        return done
    after, why = outcome.seconds, outcome.code if outcome.code in REASONS else "unknown"
    if outcome.status_text == "bounced":
        return [*done, (after, "failed", why if why != "unknown" else "lost_or_stolen_card")]
    if outcome.status_text == "requires_action":
        return [(0.0, "requires_action", ""), *([(after, "succeeded", "")] if after > 0 else [])]
    if outcome.status_text == "canceled":
        return [(0.0, "requires_action", ""), (after, "canceled", "")]
    if outcome.status_text == "failed":
        return [(0.0, "pending", "processing"), (after, "failed", why)]
    return [(0.0, "pending", "processing"), (after, "succeeded", "")] if after > 0 else done
