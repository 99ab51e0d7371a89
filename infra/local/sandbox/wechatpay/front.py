"""WeChat Pay's refund calls, as the provider answers them: verify, do (or not), answer (or not)."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from infra.local.sandbox.fault import SIGNATURES, At, Fault, Kind, Script
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.wechatpay.book import Book, Refund, Refusal, ask_of, local_time
from infra.local.sandbox.wechatpay.keys import Keys
from infra.local.sandbox.wechatpay.notify import ACCOUNT, Notifier
from infra.local.sandbox.wechatpay.signature import sign, why_refused

REFUNDS = "/v3/refund/domestic/refunds"

#: Calls per second and merchant: with a good answer, and with an error (WeChat Pay APIv3 documentation, refunds).
GOOD_PER_S, BAD_PER_S = 150, 6

_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"


class Rate:
    """Counts calls per second; a test can assert that a limit was never exceeded."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seconds: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
        self.calls: Counter[str] = Counter()

    def count(self, what: str, *, good: bool) -> None:
        """One more call."""
        with self._lock:
            self.calls[what] += 1
            self._seconds[good][int(time.time())] += 1

    def report(self) -> dict[str, Any]:
        """Calls by operation, the fullest second of good and of bad calls, and whether either limit was exceeded."""
        with self._lock:
            good, bad = (max(self._seconds[which].values(), default=0) for which in (True, False))
            totals = {"good": self._seconds[True].total(), "bad": self._seconds[False].total()}
        most = {"most_good_per_s": good, "most_bad_per_s": bad, "exceeded": good > GOOD_PER_S or bad > BAD_PER_S}
        return {**self.calls, **totals, **most}


class Front:
    """The provider's API: one ``answer`` per HTTP request, from any thread."""

    def __init__(self, book: Book, keys: Keys, script: Script, notifier: Notifier) -> None:
        self._book, self._keys, self._script, self._notifier = book, keys, script, notifier
        self.rate = Rate()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request; ``path`` is the path and query exactly as they came."""
        wrong = why_refused(self._keys, method, path, headers.get("Authorization", ""), body)
        operation = _operation(method, path)
        if wrong:
            reply = self._error(401, "SIGN_ERROR", wrong)
        elif operation is None:
            reply = self._error(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")
        elif operation is At.CREATE:
            reply = self._create(body)
        else:
            reply = self._query(unquote(urlsplit(path).path[len(REFUNDS) + 1 :]))
        self.rate.count(str(operation or "other"), good=reply.status < 400)
        return reply

    def _create(self, body: bytes) -> Reply:
        key = _number_in(body)
        outcome = self._script.take(At.CREATE, key, {Kind.OUTCOME})
        early = self._script.take(At.NOTICE, key, {Kind.EARLY})
        fault = self._script.take(At.CREATE, key)
        if fault is not None and not fault.executed:
            return self._spoilt(fault, None, None)
        refusal, refund = None, None
        try:
            said = json.loads(body)
            ask = ask_of(said if isinstance(said, dict) else {}, body.decode())
            delay_s = outcome.seconds if outcome is not None else 3600.0 if early is not None else None
            refund = self._book.refund(ask, outcome.status_text if outcome is not None else "SUCCESS", delay_s)
        except ValueError:
            refusal = Refusal(400, "PARAM_ERROR", "请求体不是合法的JSON")
        except Refusal as error:
            refusal = error
        if early is not None and refund is not None:
            self._book.end(refund.out_refund_no)
            self._notifier.step()  # the receiver hears of it before the caller does
        self._notifier.wake()
        return self._spoilt(fault, refund, refusal)

    def _query(self, key: str) -> Reply:
        fault = self._script.take(At.QUERY, key)
        self._book.end_due()
        self._notifier.wake()
        refund = self._book.find(key)
        refusal = None if refund is not None else Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return self._spoilt(fault, refund, refusal)

    def _spoilt(self, fault: Fault | None, refund: Refund | None, refusal: Refusal | None) -> Reply:
        """The reply with what the script says about it; a refusal that no fault hides stays a refusal."""
        if fault is not None and fault.kind is Kind.HTML:
            page = _PAGE % fault.status
            return Reply(fault.status, page, {"Content-Type": "text/html"})
        if fault is not None and fault.kind is Kind.ERROR:
            return self._error(fault.status, fault.code, fault.message)
        if refusal is not None:
            reply = self._error(refusal.status, refusal.code, refusal.message)
        elif refund is None:  # not executed, and the fault needs no answer of ours
            reply = self._error(500, "SYSTEM_ERROR", "系统错误")
        else:
            reply = self._json(200, _told(refund, fault), fault)
        if fault is not None and fault.kind in (Kind.HANG, Kind.CUT, Kind.TRICKLE):
            return replace(reply, kind=fault.kind, seconds=fault.seconds)
        return reply

    def _error(self, status: int, code: str, message: str) -> Reply:
        return self._json(status, {"code": code, "message": message}, None)

    def _json(self, status: int, said: Mapping[str, Any], fault: Fault | None) -> Reply:
        body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        kind = fault.kind if fault is not None and fault.kind in SIGNATURES else None
        plain = {"Content-Type": "application/json; charset=utf-8", "Request-ID": secrets.token_hex(16).upper()}
        return Reply(status, body, {**plain, **sign(self._keys, body, kind)})


def _operation(method: str, path: str) -> At | None:
    bare = urlsplit(path).path
    if method == "POST" and bare == REFUNDS:
        return At.CREATE
    if method == "GET" and bare.startswith(f"{REFUNDS}/") and "/" not in bare[len(REFUNDS) + 1 :]:
        return At.QUERY
    return None


def _number_in(body: bytes) -> str:
    """The refund number, only to see which fault is meant; what is wrong with the body is said later."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("out_refund_no", "")) if isinstance(said, dict) else ""


def _told(refund: Refund, fault: Fault | None) -> dict[str, Any]:
    """The refund as the API tells it."""
    minor, payer_minor, number = refund.minor, refund.payer_minor, refund.out_refund_no
    if fault is not None and fault.kind is Kind.WRONG_AMOUNT:
        minor = payer_minor = fault.minor
    if fault is not None and fault.kind is Kind.WRONG_NUMBER:
        number = f"{number}X"
    said = {
        "refund_id": refund.refund_id,
        "out_refund_no": number,
        "transaction_id": refund.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": ACCOUNT,
        "create_time": local_time(refund.created_at),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": refund.total,
            "refund": minor,
            "from": [],
            "payer_total": refund.payer_total,
            "payer_refund": payer_minor,
            "settlement_refund": minor,
            "settlement_total": refund.total,
            "discount_refund": minor - payer_minor,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    return said | ({"success_time": local_time(refund.success_at)} if refund.success_at is not None else {})
