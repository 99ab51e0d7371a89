"""HTTP: the only place that knows both our errors and their statuses. Requests in, responses out; no framework."""

from __future__ import annotations

import hashlib
import inspect
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from http import HTTPStatus
from typing import Any, get_type_hints
from urllib.parse import quote

import msgspec

from aftersales import errors
from aftersales.caller import Caller, Role
from aftersales.errors import AftersalesError
from aftersales.pickup import case_of_pickup
from aftersales.query import AnswerTo
from aftersales.registry import Registry
from aftersales.text import DEFAULT_LOCALE
from functions import callbacks, collect, failures, refusals, told, track
from functions.body import Private
from functions.context import Context, Once, again
from functions.delegations import DelegationsView
from functions.failures import Audience
from functions.reply import CaseView, Problem
from functions.reply_batch import BatchView
from functions.reply_draft import RepliesView
from functions.reply_money import File
from functions.reply_rules import RulesView
from functions.token import caller_of

log = logging.getLogger(__name__)
MAX_BODY = 1024 * 1024
ANY_TYPE = ["*/*"]  # we answer a wrong Content-Type ourselves, as a problem
#: The first language of an Accept-Language header.
LANGUAGE = re.compile(r"\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2})(?![A-Za-z0-9-])")
KEY = re.compile(r"[\x21-\x7e]{8,128}")
#: Bytes of a name in an address, escaped as it would be in a key; a table's keys hold 2,048 (DynamoDB's limit, checked 2026-11).
LONGEST_NAME = 1_500


class PayloadTooLarge(errors.Invalid):
    """The body is larger than this API takes."""


class UnsupportedMediaType(errors.Invalid):
    """The body is no JSON by its Content-Type."""


class MalformedJson(errors.Invalid):
    """The body is no JSON."""


class IdempotencyKeyRequired(errors.Invalid):
    """A POST says with an Idempotency-Key which request it is, so that sending it twice does one thing."""


STATUS: dict[type[AftersalesError], HTTPStatus] = {
    AftersalesError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnbalancedOrder: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CurrencyMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.BadSignature: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.IdempotencyMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Rejected: HTTPStatus.BAD_GATEWAY,
    errors.Unknown: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LeftOut: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower-case; ``body`` is raw."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One response."""

    status: int
    body: str | bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Route:
    """One thing people do over HTTP: who may, what goes in, what comes out. ``work(ctx, <path>, [body], [query])`` does it."""

    method: str
    path: str
    work: Callable[..., Any]
    body: type | None
    gives: type
    roles: frozenset[Role]
    status: int = 200
    media: str = "application/json"  # of the answer
    watched: bool = False  # it decides about money: who is refused it is put on record
    versioned: bool = False  # it hears If-Match, as all that is watched and every PATCH does

    @property
    def once(self) -> bool:
        """Whether the caller must say which request it is."""
        return self.method == "POST"

    @property
    def places(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def query(self) -> Mapping[str, Any]:
        """The query parameters by name, with their types; those of a ``query`` struct are its fields."""
        found = {name: kind for name, kind in parameters(self.work).items() if name not in self.places}
        struct = found.pop("query", None)
        return found | (get_type_hints(struct, include_extras=True) if struct else {})


@cache
def parameters(work: Callable[..., Any]) -> Mapping[str, Any]:
    """What a use case takes from the address, by name, with types."""
    hints = get_type_hints(work)
    return {name: hints[name] for name in inspect.signature(work).parameters if name not in ("ctx", "_", "body")}


def respond(registry: Registry, route: Route, request: Request, places: Mapping[str, str]) -> Response:
    """The response of a route. Never raises: what goes wrong is a problem, and nothing of it was stored."""
    locale, audience, caller = _locale(request), Audience.BUYER, None
    try:
        caller = _caller(registry, route, request)
        _admit(route, caller)
        once = _once(route, request)
        ctx = Context(registry, caller, registry.clock.now(), locale, once, _if_match(request))
        audience = ctx.audience
        arguments = _arguments(route, request, places)
        return _answered(ctx, route, arguments)
    except AftersalesError as error:
        if route.watched and caller is not None:
            act = f"{route.method} {route.path}"
            refusals.note(registry, caller, act, places.get("case_id", ""), error, _seen(request))
        return problem(error, locale, audience)
    except Exception:
        log.exception("%s %s broke", request.method, route.path)
        return problem(AftersalesError("Something broke on our side.", todo="Send the same request again; it does one thing."))


def callback(registry: Registry, channel: str, request: Request) -> Response:
    """The response to what a channel or source tells: what it wants to hear once it is stored, else a refusal."""
    try:
        if channel in registry.sources:
            heard = told.receive(registry, channel, request.headers, request.body)
            return Response(heard.status, heard.reply.decode(), {"Content-Type": heard.media_type})
        if channel in registry.tracers and not case_of_pickup(request.query.get("key", "")):
            pushed = track.receive(registry, channel, request.headers, request.query, request.body)
            return Response(200, pushed.reply.decode(), {"Content-Type": pushed.media_type})
        if channel in registry.carriers:
            said = collect.receive(registry, channel, request.headers, request.query, request.body)
            return Response(200, said.reply.decode(), {"Content-Type": said.media_type})
        notice = callbacks.receive(registry, channel, request.headers, request.body)
    except AftersalesError as error:
        log.warning("a notice of %s was refused: %s", channel, error.code)
        body = msgspec.json.encode({"code": "FAIL", "message": error.code}).decode()
        return Response(_status(error), body, {"Content-Type": "application/json"})
    except Exception:
        log.exception("a notice of %s broke", channel)
        return Response(500, '{"code":"FAIL","message":"internal_error"}', {"Content-Type": "application/json"})
    return Response(notice.reply_status, notice.reply, {"Content-Type": notice.reply_type} if notice.reply_type else {})


def problem(error: AftersalesError, locale: str = DEFAULT_LOCALE, audience: Audience = Audience.BUYER) -> Response:
    """The error as application/problem+json (RFC 9457); one that tells of a known failure in the reader's words."""
    status = _status(error)
    code = "internal_error" if status == HTTPStatus.INTERNAL_SERVER_ERROR else error.code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s: %s", error.code, error.message, exc_info=error)
    shown = (
        error if status < HTTPStatus.INTERNAL_SERVER_ERROR else AftersalesError("This cannot be done right now.", todo=error.todo)
    )
    told = failures.of_error(error, locale, audience)
    if told:
        detail = shown.message if isinstance(error, errors.NotOffered) else told.text
        shown = AftersalesError(detail, todo=told.next, **{**shown.details, "failure": told.failure})
    view = Problem(
        type=f"urn:aftersales:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=shown.message,
        todo=shown.todo,
        retry=error.retry or status == HTTPStatus.INTERNAL_SERVER_ERROR,
        details=shown.details,
    )
    headers = {"Content-Type": "application/problem+json"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(status, msgspec.json.encode(view, enc_hook=str).decode(), headers)


def _status(error: AftersalesError) -> int:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _answered(ctx: Context, route: Route, arguments: Mapping[str, Any]) -> Response:
    """Do the work; a request that was answered before gets that answer again, word for word."""
    attempts = {} if ctx.if_match is None else {"attempts": 1}
    try:
        view = again(lambda: route.work(ctx, **arguments), **attempts)
    except AftersalesError as error:
        kept = ctx.registry.store.find(AnswerTo(ctx.asker, ctx.once.key, ctx.now)).found if ctx.once else ()
        if not kept:
            raise
        if ctx.once and kept[0].request != ctx.once.request:
            raise errors.IdempotencyMismatch(
                "This Idempotency-Key was used for another request.", todo="Use a new key for a new request."
            ) from error
        return _json(kept[0].status, kept[0].body, {"Idempotency-Replayed": "true"})
    if isinstance(view, File):
        content = view.content.decode() if view.media.startswith("text/") else view.content
        return Response(route.status, content, {"Content-Type": view.media, "Cache-Control": "no-store", **_name(view.name)})
    return _json(route.status, msgspec.json.encode(view).decode(), _tag(view))


def _tag(view: object) -> dict[str, str]:
    """The version of what has one, as an ETag."""
    if isinstance(view, RulesView):
        return {"ETag": f'"{view.latest}"'}
    return {"ETag": f'"{view.version}"'} if isinstance(view, CaseView | RepliesView | DelegationsView | BatchView) else {}


def _name(name: str) -> dict[str, str]:
    """What a browser calls the file it saves (RFC 6266): in letters everybody has, and as it is."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name).lstrip("_")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}


def _json(status: int, body: str, headers: Mapping[str, str]) -> Response:
    return Response(status, body, {"Content-Type": "application/json", "Cache-Control": "no-store", **headers})


def _caller(registry: Registry, route: Route, request: Request) -> Caller:
    if not route.roles:
        return Caller("anyone", Role.BUYER, "")  # of no merchant: nothing exists for such a caller
    return caller_of(registry, request.headers.get("authorization", ""))


def _admit(route: Route, caller: Caller) -> None:
    if route.roles and caller.role not in route.roles:
        raise errors.Forbidden(f"A {caller.role} may not do this.", expected=sorted(route.roles), found=caller.role)


def _once(route: Route, request: Request) -> Once | None:
    if not route.once:
        return None
    key = request.headers.get("idempotency-key", "")
    if not KEY.fullmatch(key):
        raise IdempotencyKeyRequired(
            "A POST carries an Idempotency-Key of 8 to 128 visible characters.",
            todo="Make one up per request (a UUID), and send the same one when you send the request again.",
        )
    private = route.body is not None and issubclass(route.body, Private)
    said = _body(request, route.body).remembered() if private and route.body else request.body
    asked = hashlib.sha256(b"\0".join((request.method.encode(), request.path.encode(), said))).hexdigest()
    return Once(key, asked, route.status)


def _if_match(request: Request) -> int | None:
    value = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if not value:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise errors.Invalid("If-Match names the version you read, as in the ETag.", found=value)
    return int(value)


def _seen(request: Request) -> int | None:
    """The version that a request named, as far as it is one."""
    try:
        return _if_match(request)
    except errors.Invalid:
        return None


def _locale(request: Request) -> str:
    """The language that the reader wants most: what there is of it is looked up text by text."""
    wanted = LANGUAGE.match(request.headers.get("accept-language", ""))
    return wanted[1] if wanted else DEFAULT_LOCALE


def _arguments(route: Route, request: Request, places: Mapping[str, str]) -> dict[str, Any]:
    if any(len(quote(name, safe="", errors="replace")) > LONGEST_NAME for name in places.values()):
        raise errors.NotFound("Nothing has so long a name.", todo="Check the id in the address.")
    given = {**{n: v for n, v in request.query.items() if n in route.query}, **places}
    kinds = parameters(route.work)
    arguments = {
        name: _parsed(partial(msgspec.convert, value, kinds[name], strict=False)) for name, value in given.items() if name in kinds
    }
    if "query" in kinds:
        asked = {name: value for name, value in given.items() if name not in kinds}
        arguments["query"] = _parsed(partial(msgspec.convert, asked, kinds["query"], strict=False))
    if "limit" in arguments and not 1 <= arguments["limit"] <= 100:
        raise errors.Invalid("A page holds 1 to 100.", found=arguments["limit"])
    if route.body is not None:
        arguments["body"] = _body(request, route.body)
    return arguments


def _body(request: Request, kind: type) -> Any:
    if len(request.body) > MAX_BODY:
        raise PayloadTooLarge(f"A body has at most {MAX_BODY} bytes.", todo="Photos go to the upload address, not here.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("The body is JSON.", todo="Send Content-Type: application/json.")
    return _parsed(lambda: msgspec.json.decode(request.body, type=kind))


def _parsed(parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        raise errors.Invalid(what + ".", todo="Compare with /v1/openapi.json.", where=where.strip("`") or "$") from error
    except RecursionError as error:
        raise MalformedJson("The body is nested too deeply.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedJson(f"The body is no JSON: {error}") from error
