"""Form-encoded parameters as Stripe reads them: nested keys, whole numbers, and a refusal for everything it does not know."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

_PARTS = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


class Refusal(Exception):
    """The answer is an error. ``kept``: Stripe remembers it with the Idempotency-Key (a call that was carried out, and failed)."""

    def __init__(self, status: int, message: str, *, code: str = "", param: str = "", kind: str = "", kept: bool = False) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.kept = status, kept
        said = {"code": code, "doc_url": "", "message": message, "param": param, "type": kind or "invalid_request_error"}
        self.said = {"error": {name: value for name, value in said.items() if value}}


def parse(text: str) -> dict[str, Any]:
    """``a=1&metadata[key]=x&expand[]=y`` as nested objects and lists of texts. Raises Refusal for other keys."""
    made: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        whole = _PARTS.match(name)
        if whole is None:
            raise Refusal(400, f"Invalid parameter name: {name}", code="parameter_unknown", param=name)
        path = [whole[1], *re.findall(r"\[([^\[\]]*)\]", whole[2])]
        _put(made, path, value, name)
    return made


def _put(made: dict[str, Any], path: list[str], value: str, name: str) -> None:
    into: Any = made
    for i, part in enumerate(path[:-1]):
        if not isinstance(into, dict):
            break
        into = into.setdefault(part, [] if path[i + 1] == "" else {})
    if path[-1] == "" and isinstance(into, list):
        into.append(value)
    elif path[-1] != "" and isinstance(into, dict) and path[-1] not in into:
        into[path[-1]] = value
    else:
        raise Refusal(400, f"Invalid parameter: {name}", code="parameter_unknown", param=name)


def known(said: Mapping[str, Any], names: Collection[str]) -> None:
    """Raises Refusal for a parameter that is none of ``names``."""
    for name in said:
        if name not in names:
            raise Refusal(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def whole(said: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """A whole number; None when it is not there. Raises Refusal."""
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,12}", value):
        raise Refusal(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    if not least <= int(value) <= most:
        raise Refusal(400, f"This value must be from {least} to {most}.", code="parameter_invalid_integer", param=name)
    return int(value)


def metadata_of(said: Mapping[str, Any]) -> dict[str, str]:
    """At most 50 names of 40 letters with values of 500. Raises Refusal."""
    found = said.get("metadata", {})
    if found == "":
        return {}
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise Refusal(400, "Invalid hash", code="parameter_invalid_empty", param="metadata")
    if len(found) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in found.items()):
        raise Refusal(400, "Metadata has up to 50 keys of 40 letters, and values of 500.", param="metadata")
    return dict(found)
