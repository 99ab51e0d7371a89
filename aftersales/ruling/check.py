"""The check that a table passes before it is stored or run: every error names its row and column, and says what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from aftersales.ruling import jdm, reach
from aftersales.ruling.cell import Cell, read
from aftersales.ruling.fact import NAMED
from aftersales.ruling.jdm import Document, RawColumn, Refused
from aftersales.ruling.problem import MOST, Problem, Wrong
from aftersales.ruling.result import OUTPUTS, Result, Said, literal, result_of
from aftersales.ruling.table import Column, Row, Table
from aftersales.ruling.values import Names


@dataclass(frozen=True, slots=True)
class Checked:
    """``table`` is None where anything is wrong. ``problems`` are errors and notes in the order of the table, MOST at most."""

    table: Table | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What keeps the table from being stored."""
        return tuple(problem for problem in self.problems if not problem.is_note)


def check(content: bytes | str) -> Checked:
    """The table in a file of JDM, or all that is wrong with it. Never raises, whatever the content; ends within a bound."""
    try:
        document = jdm.parse(content)
    except Refused as refused:
        return Checked(None, refused.problems)
    checking = _Checking(document)
    table = checking.table()
    found = [*checking.problems, *(reach.problems(table) if table else ())]
    errors = [problem for problem in found if not problem.is_note]
    return Checked(None if errors else table, tuple(sorted(found, key=_place)[:MOST]))


def _place(problem: Problem) -> tuple[bool, int]:
    return problem.is_note, problem.row or 0


class _Checking:
    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = []

    def table(self) -> Table | None:
        """The table, None where something is wrong with it that leaves no table."""
        inputs, outputs = self._columns(), self._outputs()
        if not self._document.rows:
            self._wrong("no_rows")
        rows = [self._row(number, raw, inputs, outputs) for number, raw in enumerate(self._document.rows, 1)]
        if rows and rows[-1] is not None and any(cell is not None for cell in rows[-1].cells):
            self._wrong("no_default", len(rows))
        if self.problems and any(not problem.is_note for problem in self.problems):
            return None
        columns = tuple(column for column in inputs if isinstance(column, Column))
        return Table(columns, tuple(row for row in rows if row), self._document.text, self._document.digest)

    def _columns(self) -> list[Column | RawColumn]:
        found: list[Column | RawColumn] = []
        for raw in self._document.inputs:
            fact = NAMED.get(raw.field)
            if fact is None:
                near = get_close_matches(raw.field[:40], NAMED, 3, 0.5)
                self._wrong("fact_unknown", None, raw.field[:40], near=", ".join(near) or "aftersales rules facts")
            found.append(Column(raw.id, fact) if fact else raw)
        return found

    def _outputs(self) -> list[RawColumn]:
        counted = Counter(raw.field for raw in self._document.outputs)
        for name, times in counted.items():
            if name not in OUTPUTS:
                self._wrong("output_unknown", None, name[:40], expected=", ".join(OUTPUTS))
            elif times > 1:
                self._wrong("output_twice", None, name)
        if "outcome" not in counted:
            self._wrong("outcome_missing", None, "outcome")
        return list(self._document.outputs)

    def _row(self, number: int, raw: Mapping[str, str], inputs: list[Column | RawColumn], outputs: list[RawColumn]) -> Row | None:
        known = {column.id for column in (*inputs, *outputs)}
        if any(name not in known and not name.startswith("_") for name in raw):
            self.problems.append(Problem("cell_left", number, is_note=True))
        cells = [self._cell(number, raw.get(c.id, ""), c) for c in inputs if isinstance(c, Column)]
        result = self._result(number, {c.field: raw.get(c.id, "") for c in outputs})
        self._currency(number, [c for c in inputs if isinstance(c, Column)], cells)
        return Row(tuple(cells), result) if result else None

    def _cell(self, number: int, cell: str, column: Column) -> Cell | None:
        try:
            return read(cell, column.fact)
        except Wrong as wrong:
            self._wrong(wrong.code, number, column.fact.name, **wrong.told)
            return None

    def _result(self, number: int, cells: Mapping[str, str]) -> Result | None:
        said: dict[str, Said | None] = {}
        for name, cell in cells.items():
            try:
                said[name] = literal(cell)
            except Wrong as wrong:
                self._wrong(wrong.code, number, name[:40], **wrong.told)
                return None
        try:
            return result_of(said)
        except Wrong as wrong:
            told = dict(wrong.told)
            self._wrong(wrong.code, number, str(told.pop("column")), **told)
            return None

    def _currency(self, number: int, columns: list[Column], cells: list[Cell | None]) -> None:
        used = [(column.fact, cell) for column, cell in zip(columns, cells, strict=True) if cell is not None]
        one = any(
            f.name == "currency" and isinstance(c.values, Names) and len(c.values.names) == 1 and not c.values.but for f, c in used
        )
        for fact, _ in used:
            if fact.with_currency and not one:
                self._wrong("currency_open", number, fact.name)

    def _wrong(self, code: str, row: int | None = None, column: str = "", **told: object) -> None:
        self.problems.append(Problem(code, row, column, told=told))
