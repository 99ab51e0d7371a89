"""The platform's HTTP: verify, look the work order up, answer (or not)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from infra.local.sandbox.fault import SIGNATURES, At, Fault, Kind
from infra.local.sandbox.installer.book import Book
from infra.local.sandbox.installer.keys import Keys
from infra.local.sandbox.installer.signature import signed, why_refused
from infra.local.sandbox.provider import Env, Reply

_RECORD = "/installer/order/serveRecord"
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"


class Front:
    """One ``answer`` per HTTP request, from any thread."""

    def __init__(self, book: Book, keys: Keys, env: Env) -> None:
        self._book, self._keys, self._env = book, keys, env
        self._lock, self._calls = Lock(), Counter[str]()

    def calls(self) -> dict[str, int]:
        """How often what was called, refusals of signatures included."""
        with self._lock:
            return dict(self._calls)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request. The HTTP status is 200 for every answer; ``retCode`` says what it is."""
        asked = headers.get("X-Nonce") or ""
        wrong = why_refused(self._keys, path, headers, body)
        self._count(wrong or "query")
        if wrong:
            return self._say(asked, {"retCode": "401", "retMsg": wrong})
        if (method, path) != ("POST", _RECORD):
            return self._say(asked, {"retCode": "405", "retMsg": "no such address"})
        try:
            number = str(json.loads(body)["thirdOrderId"])
        except (ValueError, KeyError, TypeError):
            return self._say(asked, {"retCode": "400", "retMsg": "thirdOrderId"})
        fault = self._env.script.take(At.QUERY, number)
        said = self._record(number)
        return self._spoilt(fault, asked, said) if fault is not None else self._say(asked, said)

    def _record(self, number: str) -> dict[str, Any]:
        if not self._book.known(number):
            return {"retCode": "404", "retMsg": "no such order"}
        nodes = [{"orderStatus": n["status"], "data": json.loads(n["data"])} for n in self._book.nodes(number)]
        last = nodes[-1]["orderStatus"] if nodes else "user_order_create"
        return {"retCode": "200", "retMsg": "", "retData": {"thirdOrderId": number, "orderStatus": last, "nodes": nodes}}

    def _spoilt(self, fault: Fault, asked: str, said: Mapping[str, Any]) -> Reply:
        if fault.kind is Kind.ERROR:
            return self._say(asked, {"retCode": str(fault.status), "retMsg": fault.message})
        if fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        reply = self._say(asked, said, fault.kind if fault.kind in SIGNATURES | {Kind.WRONG_NUMBER} else None)
        if fault.kind in (Kind.HANG, Kind.CUT, Kind.TRICKLE):
            return replace(reply, kind=fault.kind, seconds=fault.seconds)
        return reply

    def _say(self, asked: str, said: Mapping[str, Any], fault: Kind | None = None) -> Reply:
        body = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
        head = {"Content-Type": "application/json;charset=UTF-8"}
        return Reply(200, body, {**head, **signed(self._keys, "answer", asked, body, fault)})

    def _count(self, what: str) -> None:
        with self._lock:
            self._calls[what] += 1
