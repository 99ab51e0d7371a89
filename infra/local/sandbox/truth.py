"""The truth port, for tests and developers only: what really was paid, and the levers (payments, faults, account, clock)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from infra.local.sandbox.fault import Fault
from infra.local.sandbox.wechatpay import Reply

if TYPE_CHECKING:
    from infra.local.sandbox import Sandbox


def truth_of(sandbox: Sandbox) -> dict[str, Any]:
    """What the provider's books say; amounts are fen.

    ``executed``: taken from the merchant and not given back (SUCCESS, PROCESSING, ABNORMAL). ``paid``: arrived at the buyer.
    """
    book = sandbox.book
    book.end_due()
    payments = book.rows("select * from payment order by transaction_id")
    refunds = book.rows("select * from refund order by created_at, out_refund_no")
    notices = book.rows("select * from notice order by created_at")
    told = {r["out_refund_no"]: _refund(r) for r in refunds}
    by_payment = {p["transaction_id"]: [r for r in told.values() if r["transaction_id"] == p["transaction_id"]] for p in payments}
    return {
        "payments": {p["transaction_id"]: {**p, **_sums(by_payment[p["transaction_id"]])} for p in payments},
        "refunds": told,
        "total": _sums(list(told.values())),
        "balance": book.setting("balance"),
        "calls": sandbox.provider.rate.report(),
        "notices": notices,
        "deliveries": [asdict(d) for d in sandbox.notifier.deliveries],
        "faults_left": sandbox.script.left,
        "clock_offset_s": sandbox.offset_s,
    }


def _refund(row: dict[str, Any]) -> dict[str, Any]:
    executed = 0 if row["status"] == "CLOSED" else row["minor"]
    kept = {k: row[k] for k in ("refund_id", "transaction_id", "minor", "payer_minor", "status", "created_at", "success_at")}
    return {**kept, "executed": executed, "paid": row["minor"] if row["status"] == "SUCCESS" else 0}


def _sums(refunds: list[dict[str, Any]]) -> dict[str, int]:
    return {"executed": sum(r["executed"] for r in refunds), "paid": sum(r["paid"] for r in refunds), "count": len(refunds)}


class TruthPort:
    """HTTP over the same: ``GET /truth``, the levers by ``POST``, and ``DELETE /faults``.

    The levers are ``/payments``, ``/faults``, ``/balance``, ``/topup``, ``/clock``, ``/rotate``, ``/notices`` and ``/settings``;
    their bodies are JSON objects with the names of :class:`~infra.local.sandbox.Sandbox`'s methods. A wrong one is a 400 with
    the reason.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._does: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "/truth"): lambda _: truth_of(sandbox),
            ("POST", "/payments"): lambda said: sandbox.pay(**said),
            ("POST", "/faults"): self._faults,
            ("DELETE", "/faults"): lambda _: sandbox.script.clear(),
            ("POST", "/balance"): lambda said: sandbox.book.fund(said["minor"]),
            ("POST", "/topup"): lambda said: sandbox.top_up(said["minor"]),
            ("POST", "/clock"): lambda said: sandbox.set_clock(said["offset_s"]),
            ("POST", "/rotate"): lambda _: {"id": sandbox.keys.rotate()},
            ("POST", "/notices"): lambda said: sandbox.resend(said["out_refund_no"]),
            ("POST", "/settings"): lambda said: sandbox.adjust(**said),
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request. One with an ``Origin`` comes from a web page, which has no business here."""
        if "Origin" in headers:
            return _json(403, {"error": "not for browsers"})
        do = self._does.get((method, path))
        if do is None:
            known = [" ".join(k) for k in self._does]
            return _json(404, {"error": f"{method} {path} is not known", "known": known})
        try:
            return _json(200, do(json.loads(body) if body else {}) or {})
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"error": str(error)})

    def _faults(self, said: Any) -> None:
        self._sandbox.script.add(*(Fault.parse(one) for one in (said if isinstance(said, list) else [said])))


def _json(status: int, said: Any) -> Reply:
    return Reply(status, json.dumps(said, ensure_ascii=False).encode(), {"Content-Type": "application/json; charset=utf-8"})
