"""OpenAPI 3.1, made from the routes themselves: what is served is what is documented."""

from __future__ import annotations

import re
from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

import msgspec

from aftersales import __version__
from functions.body import RepliesBody
from functions.http import Route, parameters
from functions.reply import Problem
from functions.reply_money import File

PROBLEMS = {
    "400": "The request cannot be understood.",
    "401": "There is no valid token.",
    "403": "The caller's role may not do this.",
    "404": "There is no such thing, or it is somebody else's.",
    "409": "The state of things does not allow it; `code` says what.",
    "413": "The body is too large.",
    "415": "The body is no JSON.",
    "422": "Amounts do not add up, or an Idempotency-Key was used for another request.",
    "503": "Something that this needs does not work right now; the same request may succeed later.",
}
TEXT: dict[str, Any] = {"type": "string"}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document as plain values."""
    types = list(dict.fromkeys([t for r in routes for t in (r.body, r.gives) if t not in (None, dict, File)] + [Problem]))
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    known = dict(zip(types, schemas, strict=True))
    for described in components.values():
        if "description" in described:
            described["description"] = cleandoc(described["description"])
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "After-sales", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route, known: dict[Any, Any]) -> dict[str, Any]:
    lines = (route.work.__doc__ or "").strip().splitlines()
    success: dict[str, Any] = {"description": "Done."}
    if route.gives is File:
        success["content"] = {media: {"schema": {"type": "string", "contentMediaType": media}} for media in (route.media,)}
    elif route.gives is not dict:
        success["content"] = {"application/json": {"schema": known[route.gives]}}
    else:
        success["content"] = {"application/json": {"schema": {"type": "object"}}}
    refused = {"content": {"application/problem+json": {"schema": known[Problem]}}}
    answers = {code: {"description": text, **refused} for code, text in PROBLEMS.items()}
    query = parameters(route.work).get("query")
    lines += cleandoc(query.__doc__ or "").splitlines() if query else []
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": lines[0] if lines else "",
        "description": " ".join(line.strip() for line in lines[1:] if line.strip()),
        "parameters": _parameters(route),
        "responses": {str(route.status): success, **(answers if route.roles else {})},
        "security": [{"token": []}] if route.roles else [],
    }
    if route.roles:
        operation["x-roles"] = sorted(route.roles)
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": known[route.body]}}}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in route.places]
    found += [{"name": n, "in": "query", "required": False, "schema": _asked(n, kind)} for n, kind in route.query.items()]
    if route.once:
        schema = {"type": "string", "minLength": 8, "maxLength": 128, "pattern": "^[!-~]+$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": schema})
    if route.method == "PATCH" or route.watched or route.versioned or route.body is RepliesBody:
        found.append({"name": "If-Match", "in": "header", "required": False, "schema": TEXT})
    return found


def _asked(name: str, kind: Any) -> dict[str, Any]:
    """What a query parameter may be; one that may be left out is never null."""
    if name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": 100}
    schema = msgspec.json.schema(kind)
    said: dict[str, Any] = next(s for s in schema.get("anyOf", [schema]) if s.get("type") != "null")
    if "$ref" in said:
        said = schema["$defs"][said["$ref"].rpartition("/")[2]]
    return {word: value for word, value in said.items() if word not in ("$defs", "title")}
