"""The warehouse's HTTP: verify, do (or not), answer (or not)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any
from urllib.parse import unquote

from infra.local.sandbox.fault import SIGNATURES, At, Fault, Kind
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.stock.book import DISPOSITIONS, Book, Refusal
from infra.local.sandbox.stock.keys import Keys
from infra.local.sandbox.stock.signature import Seen, answer_headers, why_refused

_PATH = re.compile(r"/stock/([^/?]{1,256})(?:/(hold|consume|release|return))?")
_AT = {"": At.QUERY, "hold": At.LOCK, "consume": At.VOID, "release": At.UNLOCK, "return": At.CREATE}
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"

#: The longest hold that is given, in days.
MOST_DAYS = 90


class Front:
    """One ``answer`` per HTTP request, from any thread. A fault's ``key`` is the sku."""

    def __init__(self, book: Book, keys: Keys, env: Env) -> None:
        self._book, self._keys, self._env = book, keys, env
        self._seen, self._lock, self._calls = Seen(), Lock(), Counter[str]()

    def calls(self) -> dict[str, int]:
        """How often what was called, refusals of signatures included."""
        with self._lock:
            return dict(self._calls)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        asked = headers.get("Stock-Nonce") or ""
        found = _PATH.fullmatch(path)
        wrong = why_refused(self._keys, self._seen, method, path, headers, body)
        if wrong:
            self._count(wrong)
            return self._say(asked, 401, {"error": wrong})
        if found is None or method != ("POST" if found[2] else "GET"):
            return self._say(asked, 404, {"error": "no_such_address"})
        one, act = unquote(found[1]), found[2] or ""
        self._count(act or "query")
        fault = self._env.script.take(_AT[act], one)
        if fault is not None and not fault.executed:
            return self._spoilt(fault, asked, 500, {"error": "not_done"})
        try:
            status, said = self._done(one, act, body)
        except ValueError as error:
            status, said = 400, {"error": "invalid", "message": str(error)}
        except Refusal as refusal:
            status, said = 409, {"error": refusal.error, "stock": self._book.shown(one)}
        return self._spoilt(fault, asked, status, said) if fault is not None else self._say(asked, status, said)

    def _done(self, one: str, act: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if not act:
            found = self._book.shown(one)
        else:
            said = json.loads(body)
            key, pieces, days = said.get("key"), said.get("pieces", 1), said.get("days", 30)
            if not isinstance(key, str) or not 0 < len(key) <= 256:
                raise ValueError("key is a text of 1 to 256 characters")
            if type(days) is not int or not 0 < days <= MOST_DAYS or type(pieces) is not int or pieces < 1:
                raise ValueError(f"days is a whole number from 1 to {MOST_DAYS}, pieces one from 1")
            if act == "return":
                if said.get("disposition") not in DISPOSITIONS or "pieces" not in said:
                    raise ValueError(f"a return has pieces, and a disposition of {', '.join(DISPOSITIONS)}")
                found = self._book.take_back(one, key, pieces, said["disposition"])
            else:
                found = self._book.hold(one, key, pieces, days) if act == "hold" else getattr(self._book, act)(one, key)
        return (404, {"error": "not_found"}) if found is None else (200, found)

    def _spoilt(self, fault: Fault, asked: str, status: int, said: Mapping[str, Any]) -> Reply:
        """The reply with what the script says about it. ERROR is a signed answer with its ``status`` and ``code``."""
        if fault.kind is Kind.ERROR:
            return self._say(asked, fault.status, {"error": fault.code, "message": fault.message})
        if fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        spoils = SIGNATURES | {Kind.WRONG_NUMBER}
        reply = self._say(asked, status, said, fault.kind if fault.kind in spoils else None)
        if fault.kind in (Kind.HANG, Kind.CUT, Kind.TRICKLE):
            return replace(reply, kind=fault.kind, seconds=fault.seconds)
        return reply

    def _say(self, asked: str, status: int, said: Mapping[str, Any], fault: Kind | None = None) -> Reply:
        body = json.dumps(said, separators=(",", ":")).encode()
        signed = answer_headers(self._keys, status, asked, body, fault)
        return Reply(status, body, {"Content-Type": "application/json", **signed})

    def _count(self, what: str) -> None:
        with self._lock:
            self._calls[what] += 1
