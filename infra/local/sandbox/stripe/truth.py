"""What the books say; amounts are minor units of each payment's currency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra.local.sandbox.stripe.book import Book
from infra.local.sandbox.stripe.table import ENDED, Refund


def truth_of(book: Book) -> dict[str, Any]:
    """Payments, refunds by our number, disputes, sums, balances and events.

    ``executed``: taken from the merchant and not given back. ``paid``: arrived at the buyer. A second refund under a number is
    there as ``NUMBER (2)``, and one made elsewhere by its id, so that no payment hides another.
    """
    book.end_due()
    told: dict[str, dict[str, Any]] = {}
    for row in book.rows("select * from refund order by n"):
        one = Refund.of(row)
        name, again = one.number or one.id, 2
        while name in told:
            name, again = f"{one.number or one.id} ({again})", again + 1
        told[name] = _refund(book, one)
    payments = book.rows("select * from payment order by id")
    return {
        "payments": {p["id"]: {**p, **_sums(r for r in told.values() if r["transaction_id"] == p["id"])} for p in payments},
        "refunds": told,
        "disputes": {row["id"]: row for row in book.rows("select * from dispute order by created_at")},
        "total": _sums(told.values()),
        "balance": book.balance("CNY"),
        "balances": {row["name"][8:]: book.balance(row["name"][8:]) for row in _balances(book)},
        "notices": book.rows("select id, type, about, number, created_at, tries, next_at, state from event order by n"),
    }


def _balances(book: Book) -> list[dict[str, Any]]:
    return book.rows("select name from setting where name like 'balance %' order by name")


def _refund(book: Book, one: Refund) -> dict[str, Any]:
    payment = book.paid(one.charge)
    gone = one.taken and one.status not in ENDED
    return {
        "refund_id": one.id,
        "transaction_id": payment.id,
        "minor": one.minor,
        "currency": payment.currency,
        "status": one.status,
        "why": one.why,
        "created_at": one.created_at,
        "executed": one.minor if gone else 0,
        "paid": one.minor if one.status == "succeeded" else 0,
    }


def _sums(refunds: Iterable[dict[str, Any]]) -> dict[str, int]:
    found = list(refunds)
    return {"executed": sum(r["executed"] for r in found), "paid": sum(r["paid"] for r in found), "count": len(found)}
