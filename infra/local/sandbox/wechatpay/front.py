"""WeChat Pay's calls, as the provider answers them: verify, do (or not), answer (or not)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from infra.local.sandbox.fault import SIGNATURES, At, Fault, Kind, Script
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.wechatpay.ask import Refusal, ask_of, object_of, redirect_of
from infra.local.sandbox.wechatpay.bill import DOWNLOAD, Bills
from infra.local.sandbox.wechatpay.book import Book
from infra.local.sandbox.wechatpay.keys import Keys
from infra.local.sandbox.wechatpay.notify import Notifier
from infra.local.sandbox.wechatpay.rate import Rate
from infra.local.sandbox.wechatpay.signature import sign, why_refused
from infra.local.sandbox.wechatpay.told import order_told, refund_told

REFUNDS = "/v3/refund/domestic/refunds"
ORDERS = "/v3/pay/transactions"
BILLS = "/v3/bill/tradebill"

#: Of the requests refused with 429, every so many is carried out all the same: the code proves nothing.
CARRIED_OUT_ALL_THE_SAME = 4

_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"

#: What a call gives back: how it is told, once it is known what goes wrong with the telling.
Told = Callable[[Fault | None], dict[str, Any]]


class Front:
    """The provider's API: one ``answer`` per HTTP request, from any thread."""

    def __init__(self, env: Env, book: Book, keys: Keys, notifier: Notifier) -> None:
        self._env, self._book, self._keys, self._notifier = env, book, keys, notifier
        self._script: Script = env.script
        self._bills = Bills(book, keys.mchid)
        self.rate = Rate()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request; ``path`` is the path and query exactly as they came."""
        at, about = _operation(method, path)
        asks = at in (At.CREATE, At.REDIRECT)
        admitted = not asks or self.rate.admit(limited=self._env.limited)
        wrong = why_refused(self._keys, method, path, headers.get("Authorization", ""), body)
        if wrong:
            reply = self._error(401, "SIGN_ERROR", wrong)
        elif at is None:
            reply = self._error(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")
        elif not admitted:
            reply = self._too_many(at, about, headers, body)
        else:
            reply = self._do(at, about, headers, body)
        if asks and admitted and reply.status >= 400:
            self.rate.fail()
        self.rate.count(str(at or "other"), good=reply.status < 400)
        return reply

    def _do(self, at: At, about: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if at is At.CREATE:
            return self._create(body)
        if at is At.FILE:
            return self._file(about)
        if at is At.REDIRECT:
            return self._changing(at, _number_in(body), lambda outcome: self._redirect(about, headers, body, outcome))
        if at is At.BILL:
            key, telling = self._bills.day_of(about), self._bill(about)
        elif at is At.ORDER:
            key, telling = about.partition("?")[0].rpartition("/")[2], self._order(about)
        else:
            key, telling = about, self._query(about)
        return self._telling(self._script.take(at, key), telling)

    def _too_many(self, at: At, about: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if self.rate.over % CARRIED_OUT_ALL_THE_SAME == 0:
            self._do(at, about, headers, body)
        return self._error(429, "FREQUENCY_LIMITED", "频率限制，请降低频率后重试")

    # --- what changes something ---------------------------------------------------------------------------------------
    def _create(self, body: bytes) -> Reply:
        key = _number_in(body)
        early = self._script.take(At.NOTICE, key, {Kind.EARLY})

        def create(outcome: Fault | None) -> Told:
            delay_s = outcome.seconds if outcome is not None else 3600.0 if early is not None else None
            refund = self._book.refund(ask_of(object_of(body)), outcome.status_text if outcome else "SUCCESS", delay_s)
            if early is not None:
                self._book.end(refund.out_refund_no)
                self._notifier.deliver(refund.out_refund_no)  # the receiver hears of it before the caller does
            return lambda fault: refund_told(refund, fault)

        return self._changing(At.CREATE, key, create)

    def _redirect(self, refund_id: str, headers: Mapping[str, str], body: bytes, outcome: Fault | None) -> Told:
        ask = redirect_of(refund_id, object_of(body), self._keys, headers.get("Wechatpay-Serial", ""))
        delay_s = outcome.seconds if outcome is not None else None
        refund = self._book.redirect(ask, outcome.status_text if outcome else "SUCCESS", delay_s)
        return lambda fault: refund_told(refund, fault)

    def _changing(self, at: At, key: str, change: Callable[[Fault | None], Told]) -> Reply:
        """Carry out a change unless the script says that it goes wrong before."""
        outcome = self._script.take(at, key, {Kind.OUTCOME})
        fault = self._script.take(at, key)
        if fault is not None and not fault.executed:
            return self._spoilt(fault, None, None)
        told, refusal = None, None
        try:
            told = change(outcome)
        except Refusal as error:
            refusal = error
        self._notifier.wake()
        return self._spoilt(fault, told, refusal)

    # --- what only tells ----------------------------------------------------------------------------------------------
    def _telling(self, fault: Fault | None, telling: Told) -> Reply:
        try:
            said = telling(fault)
        except Refusal as error:
            return self._spoilt(fault, None, error)
        return self._spoilt(fault, lambda _: said, None)

    def _query(self, key: str) -> Told:
        def telling(fault: Fault | None) -> dict[str, Any]:
            refund = self._book.find(key)
            if refund is None:
                raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
            if refund.status == "PROCESSING" and self._book.end_if_due(key):
                self._notifier.wake()
                refund = self._book.find(key) or refund
            return refund_told(refund, fault)

        return telling

    def _order(self, about: str) -> Told:
        def telling(fault: Fault | None) -> dict[str, Any]:
            where, _, query = about.partition("?")
            way, _, number = where.partition("/")
            if dict(parse_qsl(query)).get("mchid") != self._keys.mchid:
                raise Refusal(400, "PARAM_ERROR", "商户号 mchid 不合法")
            paid = self._book.payment("transaction_id" if way == "id" else "out_trade_no", unquote(number))
            if paid is None:
                raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")
            return order_told(paid, self._keys.mchid, fault)

        return telling

    def _bill(self, query: str) -> Told:
        return lambda fault: self._bills.link(query, self._env.base_url, fault)

    def _file(self, query: str) -> Reply:
        """The file itself; its answer is not signed."""
        fault = self._script.take(At.FILE, self._bills.day_of(query))
        if fault is not None and fault.kind in (Kind.HTML, Kind.ERROR):
            return self._spoilt(fault, None, None)
        try:
            text = self._bills.file(query, expired=fault is not None and fault.kind is Kind.EXPIRED)
        except Refusal as error:
            return self._spoilt(None, None, error)
        reply = Reply(200, text, {"Content-Type": "application/octet-stream"})
        return reply if fault is None else replace(reply, kind=fault.kind, seconds=fault.seconds)

    # --- answers ------------------------------------------------------------------------------------------------------
    def _spoilt(self, fault: Fault | None, told: Told | None, refusal: Refusal | None) -> Reply:
        """The reply with what the script says about it; a refusal that no fault hides stays a refusal."""
        if fault is not None and fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        if fault is not None and fault.kind is Kind.ERROR:
            return self._error(fault.status, fault.code, fault.message)
        if refusal is not None:
            reply = self._error(refusal.status, refusal.code, refusal.message)
        elif told is None:  # not executed, and the fault needs no answer of ours
            reply = self._error(500, "SYSTEM_ERROR", "系统错误")
        else:
            reply = self._json(200, told(fault), fault)
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


def _operation(method: str, path: str) -> tuple[At | None, str]:
    """What is asked for, and about what: a number, or what stands behind the operation's own path."""
    to = urlsplit(path)
    below = to.path.removeprefix(f"{REFUNDS}/")
    parts = below.split("/")
    if method == "POST" and to.path == REFUNDS:
        return At.CREATE, ""
    if method == "POST" and below != to.path and len(parts) == 2 and parts[1] == "apply-abnormal-refund":
        return At.REDIRECT, unquote(parts[0])
    if method == "GET" and below != to.path and len(parts) == 1:
        return At.QUERY, unquote(below)
    if method == "GET" and to.path == BILLS:
        return At.BILL, to.query
    if method == "GET" and to.path == DOWNLOAD:
        return At.FILE, to.query
    if method == "GET" and to.path.startswith((f"{ORDERS}/id/", f"{ORDERS}/out-trade-no/")):
        return At.ORDER, path[len(ORDERS) + 1 :]
    return None, ""


def _number_in(body: bytes) -> str:
    """The refund number, only to see which fault is meant; what is wrong with the body is said later."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("out_refund_no", "")) if isinstance(said, dict) else ""
