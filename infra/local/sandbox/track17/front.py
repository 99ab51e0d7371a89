"""17TRACK's HTTP: check the key and the limits, do what is asked number by number, answer (or not)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.following import Following, Row
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.rate import Rate
from infra.local.sandbox.track17.keys import Keys
from infra.local.sandbox.track17.word import CARRIERS, entry_of, info_of

NAME = "track17"
PATH = "/track17/track/v2.2/"

#: Numbers in one call, and calls a second of an account (its document of version 2.2).
BATCH, PER_SECOND = 40, 3

_AT = {"register": At.CREATE, "gettrackinfo": At.QUERY, "stoptrack": At.VOID}
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"

_TOKEN, _INVALID, _TOO_OFTEN = -18010002, -18010013, -18010014
_ALREADY, _STRANGE, _NO_STOP, _NOTHING, _WRONG_CARRIER = -18019901, -18019902, -18019906, -18019909, -18019910

Said = Mapping[str, Any]


class Front:
    """One ``answer`` per HTTP request, from any thread. ``lag_s``: how long nothing is known of a number that was registered."""

    def __init__(self, book: Following, keys: Keys, env: Env, told: Any) -> None:
        self._book, self._keys, self._env, self._told = book, keys, env, told
        self.rate = Rate({NAME: PER_SECOND}, sliding=True)
        self.calls: dict[str, int] = dict.fromkeys(_AT, 0)
        self.lag_s = 0.0

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        what = path.partition("?")[0].removeprefix(PATH)
        if method != "POST" or what not in _AT:
            return Reply(404)
        if not hmac.compare_digest((headers.get("17token") or "").encode(), self._keys.key.encode()):
            return _refused(401, _TOKEN, "Access token is invalid.")
        if not self._book_call(what):
            return _refused(429, _TOO_OFTEN, "Request limit exceeded.")
        try:
            asked = json.loads(body)
            numbers = [str(one["number"]) for one in asked]
        except (ValueError, KeyError, TypeError):
            return _refused(200, _INVALID, "Submitted data is invalid.")
        if not 0 < len(asked) <= BATCH:
            self._book.parcels.broke(NAME, numbers[0] if numbers else "", "batch")
            return _refused(200, _INVALID, "Submitted data is invalid.")
        fault = next((f for n in numbers if (f := self._env.script.take(_AT[what], n)) is not None), None)
        if fault is not None and not fault.executed:
            return _spoilt(fault, _said([], []))
        reply = self._do(what, asked)
        return _spoilt(fault, reply) if fault is not None else reply

    def entry(self, row: Row) -> dict[str, Any]:
        """What is known of a number."""
        parcel, scans = self._book.parcels.parcel(row["number"]), self._book.shown(row["number"])
        carrier = CARRIERS.get(parcel.carrier if parcel else "") or int(row["company"])
        info = info_of(scans, expired=self._book.expired(scans), carrier=carrier, weight_g=parcel.weight_g if parcel else None)
        return entry_of(row, carrier, info)

    # --- inside -------------------------------------------------------------------------------------------------------------
    def _book_call(self, what: str) -> bool:
        entry = self.rate.enter(NAME, limited=self._env.limited)
        if not entry.within:
            self._book.parcels.broke(NAME, "", "per_second")
        self.calls[what] += 1
        return entry.within or not self._env.limited

    def _do(self, what: str, asked: list[Said]) -> Reply:
        accepted, rejected = [], []
        for one in asked:
            entry, code = {"register": self._register, "gettrackinfo": self._info, "stoptrack": self._stop}[what](one)
            if code:
                rejected.append({**entry, "error": {"code": code, "message": f"number {entry['number']}: {code}"}})
            else:
                accepted.append(entry)
        self._told()
        return _said(accepted, rejected)

    def _register(self, one: Said) -> tuple[dict[str, Any], int]:
        number, carrier = str(one["number"]), one.get("carrier") or 0
        if carrier and carrier not in CARRIERS.values():
            return {"number": number, "carrier": carrier}, _WRONG_CARRIER
        row, fresh = self._book.follow(number, str(carrier), str(one.get("tag") or ""))
        parcel = self._book.parcels.parcel(number)
        found = carrier or CARRIERS.get(parcel.carrier if parcel else "", 0)
        entry = {"origin": 1 if carrier else 2, "number": number, "carrier": found, "tag": row["key"]}
        return entry, 0 if fresh else _ALREADY

    def _info(self, one: Said) -> tuple[dict[str, Any], int]:
        number = str(one["number"])
        row = self._book.find(number, str(one.get("carrier") or "")) or self._book.find(number, "0")
        if row is None:
            return {"number": number, "carrier": one.get("carrier") or 0}, _STRANGE
        self._book.parcels.ask(NAME, number)
        if self._book.now() - row["since"] < self.lag_s:
            return {"number": number, "carrier": int(row["company"]), "tag": row["key"]}, _NOTHING
        return self.entry(row), 0

    def _stop(self, one: Said) -> tuple[dict[str, Any], int]:
        number = str(one["number"])
        if self._book.find(number) is None:
            return {"number": number}, _STRANGE
        return {"number": number}, 0 if self._book.stop(number) else _NO_STOP


def _said(accepted: list[dict[str, Any]], rejected: list[dict[str, Any]]) -> Reply:
    return _json(200, {"code": 0, "data": {"accepted": accepted, "rejected": rejected}})


def _refused(status: int, code: int, message: str) -> Reply:
    return _json(status, {"code": code, "data": {"errors": [{"code": code, "message": message}]}})


def _spoilt(fault: Fault, reply: Reply) -> Reply:
    if fault.kind is Kind.ERROR:
        return _refused(fault.status, int(fault.code) if fault.code.lstrip("-").isdigit() else -18010003, fault.message)
    if fault.kind is Kind.HTML:
        return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
    return Reply(reply.status, reply.body, reply.headers, fault.kind, fault.seconds)


def _json(status: int, said: Said) -> Reply:
    return Reply(status, json.dumps(said, ensure_ascii=False).encode(), {"Content-Type": "application/json; charset=utf-8"})
