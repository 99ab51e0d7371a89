"""FakeTables, an engine that reads the rows itself, and the kit every TableEngine passes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from aftersales.case import Kind
from aftersales.decision import Finding, Outcome
from aftersales.money import Money
from aftersales.ports import TableEngine
from aftersales.ruling.check import check
from aftersales.ruling.fact import Figures
from aftersales.ruling.figure import figures
from aftersales.ruling.result import OUTPUTS
from aftersales.ruling.table import Fired, Table
from aftersales.testing.builders import a_merchant, facts


class FakeTables:
    """Reads the table row by row. It keeps nothing."""

    def run(self, table: Table, figures: Figures) -> Fired:
        """See :class:`~aftersales.ports.TableEngine`."""
        row = table.first(figures)
        return Fired(row, table.rows[row].result.outputs())


def jdm(inputs: Sequence[str], rows: Sequence[Mapping[str, str]], outputs: Sequence[str] = OUTPUTS) -> str:
    """A table as its visual editor stores it: a column per fact and output, whose id is its name."""
    content = {
        "hitPolicy": "first",
        "inputs": [{"id": name, "name": name, "field": name} for name in inputs],
        "outputs": [{"id": name, "name": name, "field": name} for name in outputs],
        "rules": [{"_id": f"r{number}", **row} for number, row in enumerate(rows, 1)],
    }
    kinds = ("inputNode", "decisionTableNode", "outputNode")
    nodes = [{"id": kind, "name": kind, "type": kind, "position": {"x": 0, "y": 0}, "content": {}} for kind in kinds]
    nodes[1]["content"] = content
    edges = [{"id": f"e{n}", "type": "edge", "sourceId": kinds[n], "targetId": kinds[n + 1]} for n in (0, 1)]
    return json.dumps({"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}, ensure_ascii=False)


def table(inputs: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Table:
    """A checked table of these rows, and a last one that asks a person. Raises AssertionError for what does not pass."""
    checked = check(jdm(inputs, [*rows, {"outcome": '"person"'}]))
    assert checked.table is not None, checked.problems
    return checked.table


def some_figures(minor: int = 5_000, findings: tuple[Finding, ...] = (), **changes: object) -> dict[str, object]:
    """The facts of a claim over so many fen, one piece of the default order; ``changes`` over them by name."""
    return {**figures(facts(kind=Kind.CLAIM, merchant=a_merchant()), findings, Money(minor, "CNY")), **changes}


def run(engine: TableEngine, made: Table, **changes: object) -> str:
    """The reason of the row that holds, "" for the last one."""
    fired = engine.run(made, some_figures(**changes))  # type: ignore[arg-type]  # a test's own facts
    assert fired.outputs == made.rows[fired.row].result.outputs()
    return made.rows[fired.row].result.reason


def row(reason: str, outcome: Outcome = Outcome.APPROVE, **cells: str) -> dict[str, str]:
    """A row of these conditions."""
    return {**cells, "outcome": f'"{outcome}"', "reason": f'"{reason}"'}


class TableEngineContract:
    """What every TableEngine keeps. A subclass gives the fixture ``tables``."""

    def test_the_first_row_that_holds_decides(self, tables: TableEngine) -> None:
        """Of several rows that hold the upper one wins; where none does, the last one answers."""
        made = table(["pieces"], [row("some", pieces="> 3"), row("few", pieces="> 1")])
        assert [run(tables, made, pieces=pieces) for pieces in (1, 2, 3, 4)] == ["", "few", "few", "some"]

    def test_all_conditions_of_a_row_hold_together(self, tables: TableEngine) -> None:
        """One condition that does not hold is enough, and an empty cell asks for nothing."""
        made = table(["kind", "is_shipped", "tier"], [row("gold claim", kind='"claim"', tier='"gold"')])
        assert run(tables, made, tier="gold", is_shipped=False) == "gold claim"
        assert run(tables, made, tier="gold", kind="repair") == ""
        assert run(tables, made, tier=None) == ""

    def test_amounts_are_compared_to_the_last_digit(self, tables: TableEngine) -> None:
        """No binary fraction comes between an amount and its limit, however large."""
        made = table(["amount"], [row("within", amount="<= 900719925474.09")])
        for told, reason in (("900719925474.09", "within"), ("900719925474.10", ""), ("0.30", "within"), ("900719925474.091", "")):
            assert run(tables, made, amount=Decimal(told)) == reason, told

    def test_both_ends_of_an_interval_count_or_not_as_written(self, tables: TableEngine) -> None:
        """Square brackets include, round ones do not."""
        made = table(["hour"], [row("[)", hour="[1..3)"), row("(]", hour="(5..7]"), row("one of", hour="10, 12, > 20")])
        said = [run(tables, made, hour=hour) for hour in range(24)]
        assert [n for n in range(24) if said[n] == "[)"] == [1, 2]
        assert [n for n in range(24) if said[n] == "(]"] == [6, 7]
        assert [n for n in range(24) if said[n] == "one of"] == [10, 12, 21, 22, 23]

    def test_what_is_not_known_fits_no_comparison(self, tables: TableEngine) -> None:
        """Nothing is guessed: only null, and what is said to be anything but something, hold for it."""
        cells = {"> 0": "", "<= 9": "", "[0..9]": "", "1, 2": "", "null": "yes", "null, > 7": "yes", "!= 3": "yes", "!= null": ""}
        for cell, reason in cells.items():
            made = table(["days_since_signing"], [row("yes", days_since_signing=cell)])
            assert run(tables, made, days_since_signing=None) == reason, cell

    def test_a_row_gives_all_that_stands_in_it(self, tables: TableEngine) -> None:
        """Outcome, reason, name and amounts come back as they were written; what is empty is left out."""
        told = {"outcome": "'approve'", "reason": '"坏了 it\'s"', "rule": '"shop.half"', "up_to": "49.90", "share_percent": "50"}
        made = table(["pieces"], [{**told, "pieces": "1"}])
        fired = tables.run(made, some_figures(pieces=1))  # type: ignore[arg-type]  # a test's own facts
        outputs = {"outcome": "approve", "reason": "坏了 it's", "rule": "shop.half", "up_to": Decimal("49.9"), "share_percent": 50}
        assert (fired.row, fired.outputs) == (0, outputs)
        assert tables.run(made, some_figures(pieces=2)).outputs == {"outcome": "person"}  # type: ignore[arg-type]

    def test_odd_texts_are_texts(self, tables: TableEngine) -> None:
        """Quotes, brackets, commas, templates and words of the language are compared as they stand."""
        odd = ["it's", 'say "x"', "a,b", "]", "${tier}", "null", "true", "1", "> 3", "中文", "é", "not in", " a "]
        for text in odd:
            cell = f"'{text}'" if '"' in text else f'"{text}"'
            made = table(["tier"], [row("same", tier=cell)])
            assert [t for t in odd if run(tables, made, tier=t)] == [text]

    def test_many_at_once_disturb_nobody(self, tables: TableEngine) -> None:
        """Tables and cases of several threads stay apart, and the same question has the same answer."""
        made = [table(["pieces"], [row(str(n), pieces=f"[{n}..{n + 4}]")]) for n in range(12)]
        asked = [(made[n % 12], n % 17) for n in range(400)]
        alone = [run(tables, one, pieces=pieces) for one, pieces in asked]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda ask: run(tables, ask[0], pieces=ask[1]), asked)) == alone
