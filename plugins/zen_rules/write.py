"""A checked table as JDM for the engine, and facts as JSON text: both written from values, so that nothing else gets in."""

from __future__ import annotations

import json
from decimal import Decimal

from aftersales.ruling.cell import quoted
from aftersales.ruling.fact import Figures, Plain
from aftersales.ruling.result import OUTPUTS, Said
from aftersales.ruling.table import Row, Table


def jdm_of(table: Table, row: str) -> str:
    """The table as JDM. The output ``row`` says which row it was, from 0."""
    inputs = [{"id": f"i{number}", "name": c.fact.name, "field": c.fact.name} for number, c in enumerate(table.columns)]
    outputs = [{"id": f"o{number}", "name": name, "field": name} for number, name in enumerate((*OUTPUTS, row))]
    content = {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": outputs,
        "rules": [_row(number, one) for number, one in enumerate(table.rows)],
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode", "content": {}},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": content},
        {"id": "out", "name": "out", "type": "outputNode", "content": {}},
    ]
    edges = [
        {"id": "e1", "type": "edge", "sourceId": "in", "targetId": "table"},
        {"id": "e2", "type": "edge", "sourceId": "table", "targetId": "out"},
    ]
    return json.dumps({"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges})


def context_of(table: Table, figures: Figures) -> str:
    """The facts that the table looks at. A Decimal is written digit by digit; the engine reads it as a decimal, too."""
    return "{" + ",".join(f'"{name}":{_value(value)}' for name, value in table.seen(figures).items()) + "}"


def _value(value: Plain) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)


def _row(number: int, row: Row) -> dict[str, str]:
    cells = {f"i{at}": cell.written if cell else "" for at, cell in enumerate(row.cells)}
    said = row.result.outputs()
    outputs = {f"o{at}": _literal(said[name]) if name in said else "" for at, name in enumerate(OUTPUTS)}
    return {"_id": str(number), **cells, **outputs, f"o{len(OUTPUTS)}": str(number)}


def _literal(value: Said) -> str:
    return quoted(value) if isinstance(value, str) else f"{value:f}" if isinstance(value, Decimal) else str(value)
