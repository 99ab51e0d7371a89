"""Disputes: opened by a buyer's bank, answered by time or a lever, with the money that they take and give back."""

from __future__ import annotations

from dataclasses import replace

from infra.local.sandbox.stripe import shape
from infra.local.sandbox.stripe.book import Book
from infra.local.sandbox.stripe.table import Dispute, made_id

STATUSES = (
    "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review", "won", "lost",
    "prevented", "appeal_needs_response", "appeal_under_review",
)  # fmt: skip
CLOSED = ("warning_closed", "won", "lost", "prevented")


def opened(
    book: Book, payment: str, minor: int | None = None, status: str = "needs_response", reason: str = "fraudulent"
) -> Dispute:
    """A buyer's bank disputes a payment. An inquiry (``warning_needs_response``) takes nothing; anything else takes the amount.

    ``minor`` may exceed the payment: exchange rates. Raises ValueError.
    """
    paid = book.payment(payment)
    if paid is None or status not in STATUSES:
        raise ValueError(f"there is no payment {payment}" if paid is None else f"a dispute is not {status}")
    minor = paid.minor if minor is None else minor
    booked = [] if status.startswith("warning") or status == "prevented" else [-minor]
    made = Dispute(made_id("dp"), paid.charge, minor, reason, status, booked, book.now())
    _put(book, made, ["charge.dispute.created", *(["charge.dispute.funds_withdrawn"] if booked else [])])
    return made


def moved(book: Book, number: str, status: str) -> Dispute:
    """A dispute goes on: an inquiry becomes one that takes money, a won one gives it back. Raises ValueError."""
    found = book.dispute(number)
    if found is None or status not in STATUSES:
        raise ValueError(f"there is no dispute {number}" if found is None else f"a dispute is not {status}")
    kinds = ["charge.dispute.closed" if status in CLOSED else "charge.dispute.updated"]
    booked = list(found.booked)
    if status == "won" and sum(booked) < 0:
        booked.append(-sum(booked))
        kinds.append("charge.dispute.funds_reinstated")
    elif status in ("needs_response", "under_review", "lost") and not booked:
        booked.append(-found.minor)
        kinds.insert(0, "charge.dispute.funds_withdrawn")
    now = replace(found, status=status, booked=booked)
    _put(book, now, kinds)
    return now


def _put(book: Book, found: Dispute, kinds: list[str]) -> None:
    with book.writing() as db:
        book.put_dispute(db, found)
        for kind in kinds:
            book.tell(db, kind, found.id, "", shape.dispute(found, book.paid(found.charge)), {})
