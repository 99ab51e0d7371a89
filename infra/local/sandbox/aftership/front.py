"""AfterShip's HTTP: check the key and the limit of the endpoint, do what is asked, answer (or not)."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from infra.local.sandbox.aftership.keys import Keys
from infra.local.sandbox.aftership.word import SLUGS, tracking_of
from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.following import Following, Row
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.rate import Entry, Rate

NAME = "aftership"
PREFIX = "/aftership/tracking/2026-07"

#: Calls a second of each endpoint (its document on rate limits, read 2026-11), and numbers that one question may name.
LIMITS = {"POST": 20, "GET": 6}
NUMBERS = 50

_AT = {"POST": At.CREATE, "GET": At.QUERY}
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"

Said = Mapping[str, Any]


class Front:
    """One ``answer`` per HTTP request, from any thread. ``lag_s``: how long after it was created nobody has looked for a number."""

    def __init__(self, book: Following, keys: Keys, env: Env, told: Any) -> None:
        self._book, self._keys, self._env, self._told = book, keys, env, told
        self.rate = Rate(LIMITS, sliding=False)
        self.lag_s = 0.0

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request. Every one says how many calls of its kind are left in this second."""
        where, _, query = path.partition("?")
        if where != f"{PREFIX}/trackings" or method not in _AT:
            return _said(404, 404, "The URI requested is invalid.")
        if not hmac.compare_digest((headers.get("as-api-key") or "").encode(), self._keys.key.encode()):
            return _said(401, 401, "The API key is invalid.")
        entry = self.rate.enter(method, limited=self._env.limited)
        if not entry.within:
            self._book.parcels.broke(NAME, "", f"per_second {method}")
            if self._env.limited:
                return _counted(_said(429, 429, "You have exceeded the API call rate limit."), entry)
        return _counted(self._answered(method, query, body), entry)

    def tracking(self, row: Row) -> dict[str, Any]:
        """What is known of a number."""
        parcel, since = self._book.parcels.parcel(row["number"]), self._book.now() - row["since"]
        looked = 0 if since < self.lag_s else 1 + int(max(since, 0) // 10_800)
        scans = self._book.shown(row["number"]) if looked else ()
        slug = SLUGS.get(parcel.carrier if parcel else "") or row["company"]
        return tracking_of(
            row, slug, scans, expired=self._book.expired(scans), looked=looked, weight_g=parcel.weight_g if parcel else None
        )

    # --- inside -------------------------------------------------------------------------------------------------------------
    def _answered(self, method: str, query: str, body: bytes) -> Reply:
        try:
            asked = json.loads(body) if method == "POST" else {}
            numbers = [str(asked["tracking_number"])] if method == "POST" else _numbers(query)
        except (ValueError, KeyError, TypeError):
            return _said(400, 4001, "Invalid JSON data.")
        fault = next((f for n in (numbers or [""]) if (f := self._env.script.take(_AT[method], n)) is not None), None)
        if fault is not None and not fault.executed:
            return _spoilt(fault, _said(200, 200))
        reply = self._create(asked, numbers[0]) if method == "POST" else self._find(numbers)
        return _spoilt(fault, reply) if fault is not None else reply

    def _create(self, asked: Said, number: str) -> Reply:
        if not 4 <= len(number) <= 100:
            return _said(400, 4005, "The value of `tracking_number` is invalid.")
        slug = str(asked.get("slug") or "")
        if slug and slug not in SLUGS.values():
            return _said(400, 4012, "Cannot detect courier.")
        row, fresh = self._book.follow(number, slug, str((asked.get("custom_fields") or {}).get("aftersales_key") or ""))
        if not fresh:
            return _said(400, 4003, "Tracking already exists.", {"id": self.tracking(row)["id"], "tracking_number": number})
        self._told()
        return _said(201, 201, data=self.tracking(row))

    def _find(self, numbers: list[str]) -> Reply:
        if len(numbers) > NUMBERS:
            self._book.parcels.broke(NAME, numbers[0], "batch")
            return _said(400, 4008, "The value of `tracking_numbers` is invalid.")
        rows = [row for row in self._book.all() if not numbers or row["number"] in numbers]
        for row in rows:
            self._book.parcels.ask(NAME, row["number"])
        found = [self.tracking(row) for row in rows]
        pages = {"total": len(found), "next_cursor": None, "has_next_page": False}
        return _said(200, 200, data={"pagination": pages, "trackings": found})


def _numbers(query: str) -> list[str]:
    said = parse_qs(query).get("tracking_numbers", [""])[0]
    return [number for number in said.split(",") if number]


def _said(status: int, code: int, message: str = "", data: Said | None = None) -> Reply:
    meta: dict[str, Any] = {"code": code} | ({"message": message, "type": "BadRequest"} if message else {})
    body = json.dumps({"meta": meta, "data": data or {}}, ensure_ascii=False).encode()
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8", "as-api-version": "2026-07"})


def _counted(reply: Reply, entry: Entry) -> Reply:
    told = {
        "X-RateLimit-Reset": str(entry.reset),
        "X-RateLimit-Limit": str(entry.limit),
        "X-RateLimit-Remaining": str(entry.left),
        "X-Request-Id": uuid.uuid4().hex,
    }
    return Reply(reply.status, reply.body, {**reply.headers, **told}, reply.kind, reply.seconds)


def _spoilt(fault: Fault, reply: Reply) -> Reply:
    if fault.kind is Kind.ERROR:
        return _said(fault.status, int(fault.code) if fault.code.isdigit() else fault.status, fault.message)
    if fault.kind is Kind.HTML:
        return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
    return Reply(reply.status, reply.body, reply.headers, fault.kind, fault.seconds)
