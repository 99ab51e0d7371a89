"""A decision table in the open JDM format, taken apart: one table between one input and one output, and nothing that runs.

What its visual editor keeps beside that (positions, names, descriptions) stays as it is; what would make the editor's simulator say
something else than this system is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

from aftersales.ruling.problem import Problem, Wrong

#: What one stored version may hold. A store's record has 400 KB (DynamoDB, quotas read 2026-11).
MOST_BYTES, MOST_DEPTH, MOST_COLUMNS, MOST_ROWS, MOST_CELLS = 262_144, 12, 30, 500, 6_000
#: No number beside the table (a position, say) is larger.
LARGEST = 10**15
MEDIA = "application/vnd.gorules.decision"

#: The nodes of a graph, in order; the last may be left out.
NODES = ("inputNode", "decisionTableNode", "outputNode")
#: Settings of a table that change nothing, by the values that change nothing.
INNOCENT: dict[str, tuple[object, ...]] = {
    "hitPolicy": ("first",),
    "passThrough": (False,),
    "passThorough": (False,),  # as older editors spell it
    "executionMode": ("single",),
    "inputField": ("", None),
    "outputPath": ("", None),
}
#: Settings of a column that change nothing.
OF_COLUMN: dict[str, tuple[object, ...]] = {"type": ("expression", None), "defaultValue": ("", None)}
SHOWN = ("id", "name", "field", "description")


@dataclass(frozen=True, slots=True)
class RawColumn:
    """A column as it stands in the file."""

    id: str
    field: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file's table. ``text`` is the whole file as canonical JSON, ``digest`` its SHA-256 in hex."""

    text: str
    digest: str
    inputs: tuple[RawColumn, ...]
    outputs: tuple[RawColumn, ...]
    rows: tuple[dict[str, str], ...]


class Refused(Exception):
    """The file is no table of ours; ``problems`` says why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = problems


def parse(content: bytes | str) -> Document:
    """The table in a file of at most MOST_BYTES. Raises Refused."""
    try:
        raw = _json(content)
        text = canonical(raw)
        table = _table(raw)
        inputs, outputs = _columns(table, "inputs"), _columns(table, "outputs")
        rows = _rows(table, inputs, outputs)
    except Wrong as wrong:
        raise Refused(_problem(wrong)) from wrong
    return Document(text, hashlib.sha256(text.encode()).hexdigest(), inputs, outputs, rows)


def canonical(raw: object) -> str:
    """The same value always as the same text: sorted names, no blanks, characters as they are."""
    return json.dumps(raw, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


# --- JSON ---------------------------------------------------------------------------------------------------------------
def _json(content: bytes | str) -> dict[str, Any]:
    size = len(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    if size > MOST_BYTES:
        raise Wrong("too_large", most=MOST_BYTES, found=size)
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        text.encode()
        _shallow(text)
        raw = json.loads(
            text, object_pairs_hook=_unique, parse_float=_number(float), parse_int=_number(int), parse_constant=_no_constant
        )
        canonical(raw).encode()
    except (UnicodeError, ValueError, RecursionError) as error:
        raise Wrong("not_json", why=str(error)[:200]) from error
    if not isinstance(raw, dict):
        raise Wrong("not_jdm")
    return raw


def _shallow(text: str) -> None:
    """Raise Wrong for a text that is nested too deep, before anybody recurses into it."""
    depth, inside, escaped = 0, False, False
    for character in text:
        if inside:
            inside, escaped = escaped or character != '"', not escaped and character == "\\"
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise Wrong("too_deep", most=MOST_DEPTH)
        elif character in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Wrong("name_twice", name=next(name for name in names if names.count(name) > 1))
    return found


def _number(kind: Callable[[str], int | float]) -> Callable[[str], int | float]:
    def read(told: str) -> int | float:
        value = kind(told) if len(told) < 400 else math.inf
        if not abs(value) < LARGEST:
            raise Wrong("number_beyond", found=told[:30])
        return value

    return read


def _no_constant(told: str) -> NoReturn:
    raise Wrong("number_beyond", found=told)


# --- the graph ----------------------------------------------------------------------------------------------------------
def _table(raw: dict[str, Any]) -> dict[str, Any]:
    nodes, edges = raw.get("nodes"), raw.get("edges")
    lists = isinstance(nodes, list) and isinstance(edges, list)
    settings = raw.get("settings") or {}
    if raw.get("contentType", MEDIA) != MEDIA or not lists or not isinstance(settings, dict):
        raise Wrong("not_jdm")
    assert isinstance(nodes, list)
    assert isinstance(edges, list)
    by_type: dict[str, dict[str, Any]] = {}
    for node in nodes:
        kind = node.get("type") if isinstance(node, dict) else None
        if kind not in NODES:
            raise Wrong("node_barred", found=str(kind)[:40])
        if kind in by_type:
            raise Wrong("node_twice", found=kind)
        if not all(isinstance(node.get(name), str) for name in ("id", "name")) or not isinstance(node.get("content", {}), dict):
            raise Wrong("not_jdm")
        by_type[str(kind)] = node
    if not set(by_type) >= {"inputNode", "decisionTableNode"}:
        raise Wrong("node_missing", found=", ".join(sorted(by_type)) or "-")
    _connected([by_type[kind]["id"] for kind in NODES if kind in by_type], edges)
    content = by_type["decisionTableNode"].get("content")
    if not isinstance(content, dict):
        raise Wrong("not_jdm")
    _innocent({"hitPolicy": "-", **content}, INNOCENT, ("inputs", "outputs", "rules"))
    for kind in set(by_type) - {"decisionTableNode"}:
        _innocent(by_type[kind].get("content") or {}, {"schema": ("", None)}, ())
    validation = settings.get("validation") or {}
    _innocent(
        validation if isinstance(validation, dict) else {"validation": 1}, {"inputSchema": (None,), "outputSchema": (None,)}, ()
    )
    return content


def _connected(ids: list[str], edges: list[Any]) -> None:
    """Raise Wrong unless the edges lead from the input through the table to the output, once each."""
    if not all(isinstance(edge, dict) and isinstance(edge.get("id"), str) for edge in edges):
        raise Wrong("edges")
    found = [(edge.get("sourceId"), edge.get("targetId")) for edge in edges]
    wanted = list(pairwise(ids))
    if len(set(ids)) != len(ids) or found not in (wanted, wanted[::-1]):
        raise Wrong("edges")


def _innocent(told: dict[str, Any], settings: dict[str, tuple[object, ...]], known: tuple[str, ...]) -> None:
    """Raise Wrong for a setting that has a meaning here."""
    for name, value in told.items():
        if name in known:
            continue
        if name not in settings:
            raise Wrong("setting_unknown", name=name[:40])
        if not any(type(value) is type(fine) and value == fine for fine in settings[name]):
            raise Wrong("setting", name=name, found=str(value)[:40], expected=str(settings[name][0]) or "-")


# --- the table ----------------------------------------------------------------------------------------------------------
def _columns(table: dict[str, Any], which: str) -> tuple[RawColumn, ...]:
    told = table.get(which)
    if not isinstance(told, list):
        raise Wrong("not_jdm")
    if len(told) > MOST_COLUMNS:
        raise Wrong("columns_many", most=MOST_COLUMNS, found=len(told))
    found = []
    for column in told:
        named = isinstance(column, dict) and isinstance(column.get("id"), str) and not column["id"].startswith("_")
        if not named or not column["id"] or not isinstance(column.get("field"), str) or not isinstance(column.get("name", ""), str):
            raise Wrong("column_shape")
        _innocent(column, OF_COLUMN, SHOWN)
        found.append(RawColumn(column["id"], column["field"].strip()))
    return tuple(found)


def _rows(table: dict[str, Any], inputs: tuple[RawColumn, ...], outputs: tuple[RawColumn, ...]) -> tuple[dict[str, str], ...]:
    ids = [column.id for column in (*inputs, *outputs)]
    if len(set(ids)) != len(ids):
        raise Wrong("column_twice", found=next(one for one in ids if ids.count(one) > 1))
    rows = table.get("rules")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Wrong("not_jdm")
    if len(rows) > MOST_ROWS or len(rows) * len(ids) > MOST_CELLS:
        raise Wrong("rows_many", most=MOST_ROWS, cells=MOST_CELLS, found=len(rows))
    for number, row in enumerate(rows, 1):
        if not all(isinstance(value, str) for value in row.values()):
            raise Refused(Problem("row_shape", row=number))
    return tuple(rows)


def _problem(wrong: Wrong) -> Problem:
    return Problem(wrong.code, told=wrong.told)
