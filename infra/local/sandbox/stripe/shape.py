"""Things as Stripe's API shows them. Source: Stripe API reference, 2026-10-28."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.sandbox.stripe.table import ENDED, Dispute, Payment, Refund

#: The version of the API that events are written in.
VERSION = "2026-10-28.endive"


def refund(found: Refund, payment: Payment) -> dict[str, Any]:
    """A refund object."""
    said: dict[str, Any] = {
        "id": found.id,
        "object": "refund",
        "amount": found.minor,
        "balance_transaction": f"txn_{found.id}" if found.taken else None,
        "charge": payment.charge,
        "created": int(found.created_at),
        "currency": payment.currency.lower(),
        "destination_details": _destination(found, payment),
        "metadata": dict(found.metadata),
        "payment_intent": payment.intent,
        "reason": found.reason or None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": found.status,
        "transfer_reversal": None,
    }
    if found.status == "pending":
        said["pending_reason"] = found.why
    if found.status in ENDED:
        said |= {"failure_reason": found.why, "failure_balance_transaction": f"txn_{found.id}_back"}
    if found.status == "requires_action":
        sent = {"email_sent_at": int(found.created_at), "email_sent_to": "buyer@example.com"}
        details = {"email_sent": sent, "expires_at": int(found.created_at) + 45 * 86400}
        said["next_action"] = {"type": "display_details", "display_details": details}
    return said


def _destination(found: Refund, payment: Payment) -> dict[str, Any]:
    if payment.method != "card":
        return {"type": payment.method, payment.method: {}}
    done = found.status == "succeeded"
    card = {"reference": f"7453{found.n:019d}", "reference_status": "available", "reference_type": "acquirer_reference_number"}
    return {
        "type": "card",
        "card": {**(card if done else {"reference_status": "pending"}), "type": "refund" if done else "pending"},
    }


def charge(payment: Payment, refunds: Sequence[Refund], disputes: Sequence[Dispute]) -> dict[str, Any]:
    """A charge object. Since 2022-11-15 it does not list its refunds."""
    back = sum(one.minor for one in refunds if one.status not in ENDED)
    return {
        "id": payment.charge,
        "object": "charge",
        "amount": payment.minor,
        "amount_captured": payment.minor,
        "amount_refunded": back,
        "captured": True,
        "created": int(payment.paid_at),
        "currency": payment.currency.lower(),
        "description": payment.description or None,
        "disputed": bool(disputes),
        "livemode": False,
        "metadata": {},
        "paid": True,
        "payment_intent": payment.intent,
        "payment_method_details": {"type": payment.method, payment.method: {}},
        "refunded": back == payment.minor,
        "status": "succeeded",
    }


def payment_intent(payment: Payment) -> dict[str, Any]:
    """A PaymentIntent object that has succeeded."""
    return {
        "id": payment.id,
        "object": "payment_intent",
        "amount": payment.minor,
        "amount_received": payment.minor,
        "created": int(payment.paid_at),
        "currency": payment.currency.lower(),
        "description": payment.description or None,
        "latest_charge": payment.charge,
        "livemode": False,
        "metadata": {},
        "payment_method_types": [payment.method],
        "status": "succeeded",
    }


def dispute(found: Dispute, payment: Payment) -> dict[str, Any]:
    """A dispute object."""
    booked = [
        {
            "id": f"txn_{found.id}_{i}",
            "object": "balance_transaction",
            "amount": minor,
            "currency": payment.currency.lower(),
            "type": "adjustment",
        }
        for i, minor in enumerate(found.booked)
    ]
    return {
        "id": found.id,
        "object": "dispute",
        "amount": found.minor,
        "balance_transactions": booked,
        "charge": payment.charge,
        "created": int(found.created_at),
        "currency": payment.currency.lower(),
        "evidence": {},
        "evidence_details": {"due_by": int(found.created_at) + 7 * 86400, "has_evidence": False, "past_due": False},
        "is_charge_refundable": found.status.startswith("warning"),
        "livemode": False,
        "metadata": {},
        "payment_intent": payment.intent,
        "reason": found.reason,
        "status": found.status,
    }


def listed(url: str, found: Sequence[Mapping[str, Any]], *, more: bool) -> dict[str, Any]:
    """A page of a list."""
    return {"object": "list", "url": url, "has_more": more, "data": list(found)}


def event(number: str, kind: str, about: Mapping[str, Any], before: Mapping[str, Any], at: float) -> dict[str, Any]:
    """An event object; ``before``: what the object said in place of what changed."""
    return {
        "id": number,
        "object": "event",
        "api_version": VERSION,
        "created": int(at),
        "data": {"object": dict(about), **({"previous_attributes": dict(before)} if before else {})},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
