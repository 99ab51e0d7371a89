"""Gateway: what API Gateway does for the app in the cloud. HTTP requests become its events, answers become responses.

The app is the deployed one, called as Lambda would call it; what it never hears of (unknown paths, wrong methods) is answered
here, in the same shape.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from chalice.app import Chalice
from chalice.local import LambdaContext, LocalChalice, RouteMatcher

from aftersales.change import Change
from aftersales.errors import NotFound
from functions import http

#: What API Gateway takes at most (AWS, quotas of REST APIs, checked 2026-11), in bytes.
LARGEST = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over HTTP."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Gateway:
    """The app behind paths and methods. Safe for threads."""

    def __init__(self, app: Chalice) -> None:
        # Chalice keeps the current request on the app: one per thread, as its own local server does it.
        app.__class__ = type("LocalApp", (LocalChalice, app.__class__), {})
        self._app = app
        self._matcher = RouteMatcher(list(app.routes))

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The app's answer; ``headers`` have lower-case names, ``path`` comes with its query."""
        if len(body) > LARGEST:
            return problem(413, "payload_too_large", f"A request has at most {LARGEST} bytes.")
        try:
            match = self._matcher.match_route(path)
        except ValueError:
            return of(http.problem(NotFound("There is nothing at this address.", todo="Compare with /v1/openapi.json.")))
        known = sorted(self._app.routes[match.route])
        if method not in known:
            said = problem(405, "method_not_allowed", f"{method} is not possible here.", f"Use {' or '.join(known)}.")
            return Reply(said.status, said.body, {**said.headers, "Allow": ", ".join(known)})
        event = {
            "requestContext": {
                "httpMethod": method,
                "resourcePath": match.route,
                "path": urlsplit(path).path,
                "identity": {"sourceIp": "127.0.0.1"},
            },
            "headers": dict(headers),
            "pathParameters": {name: unquote(text) for name, text in match.captured.items()},
            "multiValueQueryStringParameters": parse_qs(urlsplit(path).query, keep_blank_values=True) or None,
            "stageVariables": None,
            **_body(body),
        }
        answer = self._app(event, context("api_handler"))
        plain = base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else str(answer["body"]).encode()
        return Reply(answer["statusCode"], plain, {str(k): str(v) for k, v in answer["headers"].items()})


def build_types(routes: Iterable[http.Route]) -> None:
    """Have everything built that bodies and records are read by; call it before there are threads.

    msgspec builds a type when it is first read, and lets other threads read by the half-built one: the process dies of it (0.22,
    SIGSEGV). In the cloud a process answers one request at a time.
    """
    for kind in (Change, *(route.body for route in routes if route.body)):
        msgspec.json.Decoder(kind)


def _body(body: bytes) -> dict[str, Any]:
    """The body as API Gateway hands it on: text where it is text, else base64."""
    try:
        return {"body": body.decode() or None, "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def context(function: str) -> LambdaContext:
    """What Lambda tells a function about its call."""
    return LambdaContext(function, memory_size=512, max_runtime_ms=30_000)


def of(response: http.Response) -> Reply:
    """The reply that a response of ours is."""
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    return Reply(response.status, body, response.headers)


def problem(status: int, code: str, detail: str, todo: str = "") -> Reply:
    """A problem (RFC 9457) that the app itself never raises, in the app's shape."""
    said = {
        "type": f"urn:aftersales:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "todo": todo,
        "retry": False,
        "details": {},
    }
    return Reply(status, json.dumps(said).encode(), {"Content-Type": "application/problem+json"})
