"""Stripe's words on a refund, as receipts. Source: Stripe API reference, the refund object (API 2026-10-28)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aftersales.channel import ReceiptStatus, RefundOrder, RefundReceipt
from aftersales.money import EXPONENTS, Money
from aftersales.refund import Cause

#: The metadata under which a refund carries our number: Stripe gives a refund no other number of the caller's.
KEY = "aftersales_key"

STATUS: dict[str, ReceiptStatus] = {
    "pending": ReceiptStatus.PROCESSING,
    "requires_action": ReceiptStatus.PROCESSING,
    "succeeded": ReceiptStatus.SUCCEEDED,
    "failed": ReceiptStatus.FAILED,
    "canceled": ReceiptStatus.FAILED,
}

#: After these Stripe never changes its mind.
FINAL = frozenset({"failed", "canceled"})

#: Why a refund failed. The money is with the merchant again, and the number is used up; BOUNCED: the buyer's bank sent it back.
FAILURES: dict[str, Cause] = {
    "lost_or_stolen_card": Cause.BOUNCED,
    "expired_or_canceled_card": Cause.BOUNCED,
    "declined": Cause.BOUNCED,
    "unknown": Cause.BOUNCED,
    "insufficient_funds": Cause.CLOSED,  # of the merchant's, for payments that Stripe does not hold back until it is topped up
    "merchant_request": Cause.BOUNCED,  # somebody stopped it at Stripe: a person decides here too, not we by ourselves
    "charge_for_pending_refund_disputed": Cause.RISK_CONTROL,  # the buyer's bank takes the money back: no second refund beside it
}

_WAITS = {
    "insufficient_funds": "waits until the Stripe balance covers it",
    "charge_pending": "waits until the payment itself has settled",
}


class Doubtful(Exception):
    """The words are incomplete, contradict themselves, or speak of something else than was asked."""


class Foreign(Doubtful):
    """It is in a currency that no order of ours can have."""


def key_of(said: Mapping[str, Any]) -> str:
    """Our number of the refund; "" when it is not one of ours."""
    metadata = said.get("metadata")
    key = metadata.get(KEY) if isinstance(metadata, Mapping) else None
    return key if isinstance(key, str) else ""


def id_of(said: Any) -> str:
    """The id of something named by its id or shown in full; "" for neither."""
    found = said.get("id") if isinstance(said, Mapping) else said
    return found if isinstance(found, str) else ""


def money_of(said: Mapping[str, Any]) -> Money:
    """``amount`` and ``currency``: Stripe counts minor units as ISO 4217 does, for every currency we know. Raises Doubtful."""
    minor, currency = said.get("amount"), str(said.get("currency", "")).upper()
    if type(minor) is not int or minor <= 0:
        raise Doubtful("the amount is no amount")
    if currency not in EXPONENTS:
        raise Foreign("the currency is unknown")
    return Money(minor, currency)


def receipt_of(said: Mapping[str, Any], at: datetime | None = None) -> RefundReceipt:
    """The receipt in a refund object. ``at``: when it came to that, where it is known. Raises Doubtful."""
    number, status = said.get("id"), said.get("status")
    if said.get("object") != "refund" or not isinstance(number, str) or not number:
        raise Doubtful("it is no refund")
    if not isinstance(status, str) or status not in STATUS:
        raise Doubtful("the status is unknown")
    meant = STATUS[status]
    return RefundReceipt(
        key_of(said),
        meant,
        money_of(said),
        channel_id=number,
        account=_account(said, status),
        cause=_cause(said, status) if meant is ReceiptStatus.FAILED else None,
        at=at,
    )


def check(said: Mapping[str, Any], receipt: RefundReceipt, asked: RefundOrder) -> None:
    """Raises Doubtful unless the words are about this number, its payment and amount."""
    if receipt.key != asked.key:
        raise Doubtful("it is about another refund")
    if asked.transaction_id not in (id_of(said.get("payment_intent")), id_of(said.get("charge"))):
        raise Doubtful("it is about another payment")
    if receipt.amount != asked.amount:
        raise Doubtful("it is about another amount")


def _cause(said: Mapping[str, Any], status: str) -> Cause:
    """``canceled``: nothing moved. A reason that Stripe adds one day is a failure like the others: the money is back."""
    return Cause.CLOSED if status == "canceled" else FAILURES.get(str(said.get("failure_reason")), Cause.BOUNCED)


def _account(said: Mapping[str, Any], status: str) -> str:
    """Where it goes or what it waits for, for people; never an address or a number of a person's."""
    if status == "requires_action":
        return "waits for the buyer, whom Stripe has asked by e-mail where to send it"
    if status == "pending" and str(said.get("pending_reason")) in _WAITS:
        return _WAITS[str(said["pending_reason"])]
    details = said.get("destination_details")
    if not isinstance(details, Mapping) or not isinstance(details.get("type"), str):
        return ""
    kind = details["type"]
    reference = details[kind].get("reference") if isinstance(details.get(kind), Mapping) else None
    return f"{kind}, reference {reference}"[:120] if isinstance(reference, str) and reference else str(kind)[:120]
