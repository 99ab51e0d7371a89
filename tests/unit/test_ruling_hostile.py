"""Tables that were made to hurt: each is refused with a reason, quickly, and nobody else's table notices."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import zen
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.errors import BadSettings, Unknown
from aftersales.ruling import standard
from aftersales.ruling.check import check
from aftersales.ruling.jdm import MOST_BYTES, MOST_CELLS
from aftersales.ruling.result import Result
from aftersales.ruling.table import Row, Table
from aftersales.testing.tables import jdm, row, some_figures, table
from functions.sheet import as_jdm, as_xlsx
from plugins.zen_rules import build

RAW: dict[str, Any] = json.loads(standard.FILE.read_text(encoding="utf-8"))
LAST = {"outcome": '"person"'}
#: Seconds of the processor that the check of any file may take, on a slow machine.
BOUND_S = 10.0


def changed(path: str, value: object) -> str:
    """The default set with one value replaced or added: ``nodes.1.content.hitPolicy``."""
    found: Any = deepcopy(RAW)
    *way, last = path.split(".")
    at: Any = found
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if isinstance(at, list):
        at.insert(int(last), value)
    else:
        at[last] = value
    return json.dumps(found)


def node(kind: str, content: object = None) -> dict[str, object]:
    """A node of this type."""
    return {"id": "n", "name": "n", "type": kind, "position": {"x": 0, "y": 0}, "content": content}


LOOP = {"source": "export const handler = async () => { while (true) {} }"}
EDGES = RAW["edges"]

HOSTILE = {
    "nothing": (b"", "not_json"),
    "no text": (b"\xff\xfe\x00", "not_json"),
    "half of a pair": ('{"nodes": "\ud800"}', "not_json"),
    "half of a pair, escaped": ('{"nodes": "\\ud800"}', "not_json"),
    "ten megabytes": (b"[" + b"0," * 5_000_000 + b"0]", "too_large"),
    "deep lists": ("[" * 100_000 + "]" * 100_000, "too_deep"),
    "deep objects": ('{"a":' * 20_000 + "1" + "}" * 20_000, "too_deep"),
    "brackets in a text": (json.dumps({"nodes": "[" * 1000}), "not_jdm"),
    "a name twice": ('{"nodes": [], "nodes": [], "edges": []}', "name_twice"),
    "a number without end": ('{"nodes": ' + "9" * 200_000 + "}", "number_beyond"),
    "a huge power": ('{"nodes": 1e999999999}', "number_beyond"),
    "not a number": ('{"nodes": NaN}', "number_beyond"),
    "infinity": ('{"nodes": -Infinity}', "number_beyond"),
    "a list": ("[]", "not_jdm"),
    "null": ("null", "not_jdm"),
    "a script": (changed("nodes.1", node("functionNode", LOOP)), "node_barred"),
    "an expression": (changed("nodes.1", node("expressionNode", {"expressions": []})), "node_barred"),
    "another table of somebody's": (changed("nodes.1", node("decisionNode", {"key": "../other"})), "node_barred"),
    "a custom node": (changed("nodes.1", node("customNode", {"kind": "shell"})), "node_barred"),
    "a switch": (changed("nodes.1", node("switchNode", {"statements": []})), "node_barred"),
    "a node without a type": (changed("nodes.1", {"id": "n"}), "node_barred"),
    "a second table": (changed("nodes.1", {**RAW["nodes"][1], "id": "n"}), "node_twice"),
    "no table": (changed("nodes", [RAW["nodes"][0]]), "node_missing"),
    "a circle": (changed("edges.2", {"id": "e", "type": "edge", "sourceId": "rules", "targetId": "rules"}), "edges"),
    "a way back": (changed("edges", [*EDGES, {**EDGES[1], "sourceId": "response", "targetId": "request"}]), "edges"),
    "no edges": (changed("edges", []), "edges"),
    "edges of nothing": (changed("edges", [None, 7]), "edges"),
    "two nodes of one id": (changed("nodes.2.id", "rules"), "edges"),
    "every row": (changed("nodes.1.content.hitPolicy", "collect"), "setting"),
    "a loop over a list": (changed("nodes.1.content.executionMode", "loop"), "setting"),
    "another input": (changed("nodes.1.content.inputField", "amount * 0"), "setting"),
    "everything passed on": (changed("nodes.1.content.passThrough", True), "setting"),
    "a setting of tomorrow": (changed("nodes.1.content.turbo", 1), "setting_unknown"),
    "a schema": (changed("nodes.0.content.schema", '{"type": "null"}'), "setting"),
    "a schema for all": (changed("settings", {"validation": {"inputSchema": {}}}), "setting"),
    "a default that is computed": (changed("nodes.1.content.inputs.0.defaultValue", "amount"), "setting"),
    "an odd column": (changed("nodes.1.content.inputs.0", 7), "column_shape"),
    "a column without an id": (changed("nodes.1.content.inputs.0.id", ""), "column_shape"),
    "a column that hides as a note": (changed("nodes.1.content.inputs.0.id", "_id"), "column_shape"),
    "two columns of one id": (changed("nodes.1.content.inputs.0.id", "outcome"), "column_twice"),
    "a field that is computed": (changed("nodes.1.content.inputs.0.field", "kind + kind"), "fact_unknown"),
    "a row that is none": (changed("nodes.1.content.rules.0", 7), "not_jdm"),
    "a cell that is a list": (changed("nodes.1.content.rules.0.kind", ["x"]), "row_shape"),
    "a thousand columns": (jdm([f"f{n}" for n in range(1_000)], [LAST]), "columns_many"),
    "ten thousand rows": (jdm(["pieces"], [{"pieces": "1"}] * 5_000), "rows_many"),
    "a cell without end": (jdm(["pieces"], [{"pieces": "1" * 100_000, **LAST}, LAST]), "cell_long"),
    "backtracking": (jdm(["tier"], [{"tier": '"' + "a" * 240 + "'" * 240, **LAST}, LAST]), "cell_syntax"),
    "deep brackets": (jdm(["pieces"], [{"pieces": "(" * 240 + "1" + ")" * 240, **LAST}, LAST]), "cell_type"),
    "deep minus": (jdm(["pieces"], [{"pieces": "-" * 400 + "1", **LAST}, LAST]), "cell_syntax"),
    "a long loop": (jdm(["pieces"], [{"pieces": "len([1..999999999]) > 0", **LAST}, LAST]), "cell_type"),
    "an output that loops": (jdm(["pieces"], [{"outcome": "map([1..999999999], #)", "pieces": "1"}, LAST]), "output_syntax"),
    "a template": (jdm(["pieces"], [{"outcome": "`${kind}`", "pieces": "1"}, LAST]), "output_syntax"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_reason_and_quickly(name):
    """Whatever it is made of, the check says one thing that is wrong with it, does not raise, and does not take long."""
    content, code = HOSTILE[name]
    begun = time.process_time()
    found = check(content)
    assert time.process_time() - begun < 2.0
    assert found.table is None
    assert found.errors[0].code == code
    assert all(
        f".{code}" not in told
        for locale in ("zh-CN", "en")
        for told in (found.errors[0].what(locale), found.errors[0].todo(locale))
    )


ODD: tuple[object, ...] = ("left out", None, 7, 1.5, True, "", [], {}, ["x"], {"a": 1})


def places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*at, key)
        yield from places(one, (*at, key))


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_stands_in_the_wrong_place_is_told_or_does_no_harm(odd):
    """Any part of a file replaced by anything: the check does not raise, and what it lets through the bare engine loads, too."""
    for place in places(RAW):
        found: Any = deepcopy(RAW)
        at = found
        for key in place[:-1]:
            at = at[key]
        if odd == "left out":
            del at[place[-1]]
        else:
            at[place[-1]] = odd
        text = json.dumps(found)
        checked = check(text)
        assert all(problem.what("en") and problem.todo("zh-CN") for problem in checked.problems)
        if checked.table:
            zen.ZenEngine().create_decision(text).validate()
            assert as_jdm(as_xlsx(text)) == checked.table.text


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.sampled_from([*'{}[]",:0\\-.<>=!()', "", "null", "1e9", '"x":1,', "\u2028", "\ud800"])),
        max_size=6,
    )
)
def test_a_file_that_was_damaged_is_told_or_is_still_a_table(changes):
    """Any characters replaced by any: the check does not raise."""
    text = list(json.dumps(RAW, ensure_ascii=False))
    for at, new in changes:
        text[at % len(text)] = new
    checked = check("".join(text))
    assert checked.table is not None or checked.errors


def knotted(rows: int, columns: tuple[str, ...]) -> str:
    """A table whose rows cut each other into as many pieces as they can."""
    facts = [f for f in columns if f]
    told = [row(str(n), **{f: f"!= {(n * 7 + at) % 97}" for at, f in enumerate(facts)}) for n in range(rows)]
    return jdm(facts, [*told, LAST])


NUMBERS = (
    "pieces",
    "lines",
    "photos",
    "hour",
    "weekday",
    "days_since_paid",
    "days_since_shipping",
    "days_since_signing",
    "buyer_refunds",
)


@pytest.mark.parametrize("columns", [1, 3, 9])
def test_a_table_that_is_all_knots_is_given_up_within_a_bound(columns):
    """Rows that cut each other into ever more pieces: the check ends, and says of which rows it could not tell."""
    begun = time.process_time()
    found = check(knotted(420, NUMBERS[:columns]))
    assert time.process_time() - begun < BOUND_S
    assert all(problem.code in ("row_dead", "row_covered", "row_undecided", "rows_overlap") for problem in found.problems)


def largest() -> Table:
    """The costliest table that passes: as many cells as there may be, lists whose last value holds, the last one does not."""
    columns = (*NUMBERS[5:], "buyer_kept", "buyer_reused_photos", "buyer_rejected", "risk_points")
    long = ", ".join(map(str, range(64, 78)))
    rows = [{**dict.fromkeys(columns, long), columns[-1]: str(n), "outcome": '"approve"'} for n in range(420)]
    return table(columns, rows)


def test_the_costliest_table_that_passes_costs_little():
    """As many cells as the check lets through: compiled within a second of the processor, run within a fifth of one."""
    made, engine = largest(), build({})
    assert len(made.rows) * (len(made.columns) + 5) > MOST_CELLS * 0.85
    assert len(made.text) > MOST_BYTES * 0.75
    figures = some_figures(**dict.fromkeys((column.fact.name for column in made.columns), 77)) | {made.columns[-1].fact.name: 10**9}
    begun = time.process_time()
    first = engine.run(made, figures)
    compiled = time.process_time() - begun
    begun = time.process_time()
    for _ in range(10):
        assert engine.run(made, figures) == first
    each = (time.process_time() - begun) / 10
    print(
        f"{len(made.rows)} rows of {len(made.columns)} columns: compiled and run {compiled * 1e3:.0f} ms, then {each * 1e3:.1f} ms"
    )
    assert first.row == len(made.rows) - 1
    assert compiled < 1.0
    assert each < 0.2


def test_what_was_not_checked_does_not_reach_the_engine():
    """An engine is given what was read from a table, never its text: a text that says otherwise changes nothing."""
    made = table(["pieces"], [row("few", pieces="1")])
    forged = Table(made.columns, made.rows, changed("nodes.1", node("functionNode", LOOP)), "0" * 64)
    assert build({}).run(forged, some_figures(pieces=1)).row == 0


def test_a_table_that_says_otherwise_than_its_rows_is_no_answer():
    """Two tables under one digest: what the engine says is held against the row, and a difference is no answer."""
    engine = build({})
    made = table(["pieces"], [row("few", pieces="1")])
    engine.run(made, some_figures(pieces=1))
    other = Table(
        made.columns, (Row(made.rows[0].cells, Result(made.rows[0].result.outcome, "other")), made.rows[1]), "", made.digest
    )
    with pytest.raises(Unknown):
        engine.run(other, some_figures(pieces=1))


def test_tables_that_come_and_go_leave_no_memory_behind():
    """Ten times as many tables as are kept: the process grows by what is kept, and every answer is right."""
    engine = build({"tables": 8})
    tables = [table(["pieces"], [row(str(n), pieces=str(m)) for m in range(n + 1)]) for n in range(40)]

    def turn() -> int:
        for _ in range(5):
            for n, made in enumerate(tables):
                assert engine.run(made, some_figures(pieces=n)).row == n
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = turn()
    assert turn() - before < 30_000  # kB


@pytest.mark.parametrize("told", [{"tables": 0}, {"tables": True}, {"tables": "many"}, {"tables": 10_001}, {"table": 5}])
def test_a_setting_that_makes_no_sense_is_refused_at_the_start(told):
    """Not with the first table: the setting is named when the plugin is built."""
    with pytest.raises(BadSettings, match="zen_rules"):
        build(told)
