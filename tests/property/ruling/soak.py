"""Facts by chance through our seam, through bare zen-engine on the merchant's own file, and through our reading of the rows.

``python -m tests.property.ruling.soak --facts 1000000`` prints how many there were, and each difference.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from decimal import Decimal
from random import Random
from typing import Any

import zen

from aftersales.ports import TableEngine
from aftersales.ruling.fact import Figures
from aftersales.ruling.table import Table
from plugins.zen_rules import build
from tests.property.ruling.drawn import drawn_figures, drawn_table, limits_of

#: Facts for one table.
PER_TABLE = 500


def bare(decision: Any, figures: Figures) -> dict[str, Any]:
    """What the engine alone says to the file as it is, and to all facts."""
    told = ",".join(f'"{n}":{v if isinstance(v, Decimal) else json.dumps(v)}' for n, v in figures.items())
    said: dict[str, Any] = decision.evaluate("{" + told + "}")["result"]
    return {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in said.items()}


def differs(engine: TableEngine, table: Table, decision: Any, figures: Figures) -> str:
    """How the three differ, "" where they do not."""
    fired, alone = engine.run(table, figures), bare(decision, figures)
    if fired.outputs != alone or fired.row != table.first(figures):
        return f"seam {fired}, bare {alone}, read {table.first(figures)}"
    return ""


def main() -> int:
    """Run so many; 1 when there was a difference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--facts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    engine, begun, wrong, rows, done, tables = build({}), time.perf_counter(), 0, set(), 0, 0
    ours = alone = 0.0
    while done < args.facts:
        rng = Random(args.seed * 1_000_003 + tables)
        text, table = drawn_table(rng)
        decision, limits = zen.ZenEngine().create_decision(text), limits_of(table)
        for _ in range(min(PER_TABLE, args.facts - done)):
            figures = drawn_figures(rng, limits)
            first = time.perf_counter()
            fired = engine.run(table, figures)
            second = time.perf_counter()
            said = bare(decision, figures)
            alone, ours = alone + time.perf_counter() - second, ours + second - first
            rows.add((tables, fired.row))
            if fired.outputs != said or fired.row != table.first(figures):
                wrong += 1
                print(
                    f"seed {args.seed}, table {tables}: seam {fired}, bare {said}, read {table.first(figures)}\n{text}\n{figures}"
                )
            done += 1
        tables += 1
    print(
        f"{done:,} facts, {tables:,} tables, {len(rows):,} rows fired; {wrong} differences; "
        f"{ours / done * 1e6:.0f} µs through the seam, {alone / done * 1e6:.0f} µs bare; {time.perf_counter() - begun:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
