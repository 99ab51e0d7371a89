"""Why it was this row: which rows were looked at before it, and what kept each from holding."""

from __future__ import annotations

from dataclasses import dataclass

from aftersales.ruling.fact import Figures, Plain
from aftersales.ruling.table import Table
from aftersales.ruling.values import steps


@dataclass(frozen=True, slots=True)
class Look:
    """One row, counted from 1. Where it did not hold: the first fact that said no, what its cell asked for, and what was there."""

    row: int
    held: bool
    fact: str = ""
    asked: str = ""
    was: Plain = None


def looks(table: Table, figures: Figures, row: int) -> tuple[Look, ...]:
    """What happened down to row ``row`` (from 0), which held."""
    return tuple(_look(table, figures, number) for number in range(row + 1))


def _look(table: Table, figures: Figures, number: int) -> Look:
    for column, cell in zip(table.columns, table.rows[number].cells, strict=True):
        was = figures[column.fact.name]
        if cell is not None and not cell.values.has(steps(column.fact, was)):
            return Look(number + 1, held=False, fact=column.fact.name, asked=cell.written, was=was)
    return Look(number + 1, held=True)
