"""The agent's HTTP: verify the question, answer with all receipts of the order."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from urllib.parse import parse_qsl

from infra.local.sandbox.customs.book import Book
from infra.local.sandbox.customs.keys import Keys
from infra.local.sandbox.customs.signature import SPOILT, is_ours, signed
from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.provider import Env, Reply

PATH = "/customs/receipts"
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"


class Front:
    """One ``answer`` per HTTP request, from any thread. A fault's ``key`` is the order."""

    def __init__(self, book: Book, keys: Keys, env: Env) -> None:
        self._book, self._keys, self._env = book, keys, env
        self._lock, self._calls = Lock(), Counter[str]()

    def calls(self) -> dict[str, int]:
        """How often what was called, refusals of signatures included."""
        with self._lock:
            return dict(self._calls)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a question."""
        bare, _, query = path.partition("?")
        nonce = headers.get("X-Customs-Nonce") or ""
        if not is_ours(self._keys.secrets, headers, path):
            self._count("refused")
            return _told(401, {"error": "bad_signature"})
        said = dict(parse_qsl(query))
        if method != "GET" or bare != PATH or set(said) != {"ebcCode", "orderNo"} or body:
            return _told(404, {"error": "GET /customs/receipts?ebcCode=&orderNo="})
        self._count("query")
        rows = self._book.of(said["orderNo"], said["ebcCode"])
        content = json.dumps({"receipts": [base64.b64encode(row["content"]).decode() for row in rows]}).encode()
        return self._spoilt(content, nonce, self._env.script.take(At.QUERY, said["orderNo"]))

    def _spoilt(self, content: bytes, nonce: str, fault: Fault | None) -> Reply:
        kind = fault.kind if fault is not None else None
        if fault is not None and kind in (Kind.ERROR, Kind.HTML):
            page = _PAGE % fault.status if kind is Kind.HTML else json.dumps({"error": fault.code}).encode()
            return Reply(fault.status, page, {"Content-Type": "text/html"})
        asked = f"{nonce}x" if kind is Kind.WRONG_NUMBER else nonce  # the answer to another question
        headers = signed(self._keys.secrets[0], "answer", content, asked, kind if kind in SPOILT else None)
        reply = Reply(200, content, {"Content-Type": "application/json", **headers})
        if fault is not None and kind in (Kind.HANG, Kind.CUT, Kind.TRICKLE):
            return replace(reply, kind=kind, seconds=fault.seconds)
        return reply

    def _count(self, what: str) -> None:
        with self._lock:
            self._calls[what] += 1


def _told(status: int, said: Mapping[str, str]) -> Reply:
    return Reply(status, json.dumps(said).encode(), {"Content-Type": "application/json"})
