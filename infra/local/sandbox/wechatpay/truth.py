"""What WeChat Pay's books say; amounts are fen."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from infra.local.sandbox.wechatpay.book import Book


def truth_of(book: Book) -> dict[str, Any]:
    """Payments, refunds, sums, account and notices.

    ``executed``: taken from the merchant and not given back (SUCCESS, PROCESSING, ABNORMAL). ``paid``: arrived at the buyer.
    """
    book.end_due()
    payments = book.rows("select * from payment order by transaction_id")
    told = {r["out_refund_no"]: _refund(r) for r in book.rows("select * from refund order by created_at, out_refund_no")}
    by_payment: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for refund in told.values():
        by_payment[refund["transaction_id"]].append(refund)
    return {
        "payments": {p["transaction_id"]: {**p, **_sums(by_payment[p["transaction_id"]])} for p in payments},
        "refunds": told,
        "total": _sums(list(told.values())),
        "balance": book.setting("balance"),
        "notices": book.rows("select * from notice order by created_at"),
    }


def _refund(row: dict[str, Any]) -> dict[str, Any]:
    executed = 0 if row["status"] == "CLOSED" else row["minor"]
    kept = {
        k: row[k]
        for k in ("refund_id", "transaction_id", "minor", "payer_minor", "status", "channel", "account", "created_at", "success_at")
    }
    kept |= {"outside": bool(row["outside"]), "redirected": bool(row["card"])}
    return {**kept, "executed": executed, "paid": row["minor"] if row["status"] == "SUCCESS" else 0}


def _sums(refunds: list[dict[str, Any]]) -> dict[str, int]:
    return {"executed": sum(r["executed"] for r in refunds), "paid": sum(r["paid"] for r in refunds), "count": len(refunds)}
