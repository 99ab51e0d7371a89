"""Stripe's API, as the provider answers it: who asks, what is asked, do (or not), answer (or not)."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from infra.local.sandbox.fault import At, Fault, Kind
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.stripe.book import NUMBER, Book
from infra.local.sandbox.stripe.form import Refusal, parse
from infra.local.sandbox.stripe.keys import Keys
from infra.local.sandbox.stripe.notify import Notifier
from infra.local.sandbox.stripe.rate import Rate
from infra.local.sandbox.stripe.route import Route, Routes
from infra.local.sandbox.stripe.shape import VERSION

_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"

#: What can go wrong with an answer of Stripe's, which carries no signature.
_ANSWERS = frozenset({Kind.HANG, Kind.CUT, Kind.TRICKLE, Kind.ERROR, Kind.HTML, Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER})


class Front:
    """One ``answer`` per HTTP request, from any thread."""

    def __init__(self, env: Env, book: Book, keys: Keys, notifier: Notifier) -> None:
        self._env, self._book, self._keys, self._notifier = env, book, keys, notifier
        self._routes = Routes(env, book, keys)
        self._under_way: set[str] = set()
        self._lock = Lock()
        self.rate = Rate()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request; ``path`` is the path and query exactly as they came."""
        fault: Fault | None = None
        try:
            self._admitted(headers)
            parts = urlsplit(path)
            route = self._counted(self._routes.find(method, unquote(parts.path)))
            said = parse(body.decode() if method == "POST" else parts.query)
            status, told, replayed, fault = self._write(route, said, headers) if method == "POST" else self._read(route, said)
        except UnicodeDecodeError:
            status, told, replayed = 400, Refusal(400, "Invalid request body").said, False
        except Refusal as refusal:
            status, told, replayed = refusal.status, refusal.said, False
        self._notifier.wake()
        return self._spoilt(fault, _json(status, told, headers.get("Idempotency-Key", ""), replayed=replayed), told)

    def _admitted(self, headers: Mapping[str, str]) -> None:
        """Raises Refusal for a key that is not the account's; it comes as a bearer token, or as the user of a basic one."""
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given).decode().partition(":")[0]
            except ValueError:
                given = ""
        if not given or scheme.lower() not in ("basic", "bearer"):
            raise Refusal(401, "You did not provide an API key.")
        if not hmac.compare_digest(given.strip().encode(), self._keys.api_key.encode()):
            raise Refusal(401, f"Invalid API Key provided: {given[:8]}********{given[-4:]}")

    def _counted(self, route: Route) -> Route:
        if not self.rate.count(route.name) and self._env.limited:
            raise Refusal(429, "Too many requests hit the API too quickly.", code="rate_limit")
        return route

    def _read(self, route: Route, said: dict[str, Any]) -> tuple[int, Any, bool, Fault | None]:
        self._book.end_due()
        try:
            status, told = 200, route.do(None, said)
        except Refusal as refusal:
            status, told = refusal.status, refusal.said
        return status, told, False, self._asked_for(told)

    def _write(self, route: Route, said: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, Any, bool, Fault | None]:
        """Do it under its Idempotency-Key, once; at the same time as another call with that key it is a 409."""
        key = headers.get("Idempotency-Key", "")
        if len(key) > 255:
            raise Refusal(400, "The idempotency key has more than 255 characters.")
        number = _number_in(said, key)
        at = At.CREATE if route.name == "POST /v1/refunds" else At.ORDER
        early = self._env.script.take(At.NOTICE, number, {Kind.EARLY}) if at is At.CREATE else None
        fault = self._env.script.take(at, number, _ANSWERS)
        if fault is not None and not fault.executed:
            return self._not_done(fault, key, route, said)
        request = json.dumps([route.name, route.path, said], sort_keys=True)
        with self._lock:
            if key and key in self._under_way:
                message = f"There is currently another in-progress request using this Idempotency Key ({key})."
                raise Refusal(409, message, code="idempotency_key_in_use")
            self._under_way.add(key)
        try:
            status, told, replayed = self._book.once(key, request, lambda db: route.do(db, said))
        finally:
            with self._lock:
                self._under_way.discard(key)
        if early is not None:
            self._notifier.step()  # the receiver hears of it before the caller does
        return status, told, replayed, fault

    def _not_done(self, fault: Fault, key: str, route: Route, said: dict[str, Any]) -> tuple[int, Any, bool, Fault | None]:
        """Nothing is carried out. An ERROR with the code ``api_error`` is the endpoint's own failure, which Stripe remembers."""
        refusal = Refusal(fault.status, fault.message, code="", kind="api_error", kept=True)
        if fault.kind is not Kind.ERROR or fault.code != "api_error":
            return refusal.status, refusal.said, False, fault

        def fail(_: object) -> Mapping[str, Any]:
            raise refusal

        return *self._book.once(key, json.dumps([route.name, route.path, said], sort_keys=True), fail), None

    def _asked_for(self, told: Any) -> Fault | None:
        """The fault of a question: for any, or for one of the refunds in the answer."""
        shown = told.get("data", [told]) if isinstance(told, dict) else []
        numbers = [str(one.get("metadata", {}).get(NUMBER, "")) for one in shown if isinstance(one, dict)]
        for number in [*numbers, ""]:
            fault = self._env.script.take(At.QUERY, number, _ANSWERS)
            if fault is not None:
                return fault
        return None

    def _spoilt(self, fault: Fault | None, reply: Reply, told: Any) -> Reply:
        """The reply with what the script says about it."""
        if fault is None:
            return reply
        if fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        if fault.kind is Kind.ERROR:
            kind = "api_error" if fault.status >= 500 else "invalid_request_error"
            return _json(fault.status, Refusal(fault.status, fault.message, code=fault.code, kind=kind).said, "", replayed=False)
        if fault.kind in (Kind.WRONG_AMOUNT, Kind.WRONG_NUMBER):
            changed = _changed(told, fault)
            return replace(reply, body=json.dumps(changed).encode())
        return replace(reply, kind=fault.kind, seconds=fault.seconds)


def _changed(told: Any, fault: Fault) -> Any:
    """The answer with other amounts, or about the refund of another number."""
    said = json.loads(json.dumps(told))
    for one in said.get("data", [said]):
        if fault.kind is Kind.WRONG_AMOUNT:
            one["amount"] = fault.minor
        else:
            one["metadata"] = {**one.get("metadata", {}), NUMBER: "RNEVER-1"}
    return said


def _json(status: int, said: Any, key: str, *, replayed: bool) -> Reply:
    number = f"req_{secrets.token_hex(7)}"
    headers = {"Content-Type": "application/json", "Request-Id": number, "Stripe-Version": VERSION}
    if key:
        headers["Idempotency-Key"] = key
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Reply(status, json.dumps(said, ensure_ascii=False, indent=2).encode(), headers)


def _number_in(said: Mapping[str, Any], key: str) -> str:
    """Our refund number, only to see which fault is meant."""
    metadata = said.get("metadata")
    return str(metadata.get(NUMBER, key)) if isinstance(metadata, dict) else key
