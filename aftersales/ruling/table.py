"""A table that passed the check, as values; and one version of a merchant's rules, which never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aftersales.errors import Invalid
from aftersales.ruling.cell import Cell
from aftersales.ruling.fact import Fact, Figures, Plain
from aftersales.ruling.result import Result, Said
from aftersales.ruling.values import Values, both, steps


@dataclass(frozen=True, slots=True)
class Column:
    """A column on the left: what it is called in the file, and the fact it looks at."""

    id: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Row:
    """A row: one cell per column (None holds for everything), and what follows when all of them hold."""

    cells: tuple[Cell | None, ...]
    result: Result


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in order; the first that holds decides. ``digest`` is the SHA-256 of ``text``, the file as canonical JSON.

    Made by :func:`aftersales.ruling.check.check` alone; the last row holds for everything.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    text: str
    digest: str

    @property
    def names(self) -> tuple[str, ...]:
        """The facts it looks at, each once, in the order of the columns."""
        return tuple(dict.fromkeys(column.fact.name for column in self.columns))

    def seen(self, figures: Figures) -> dict[str, Plain]:
        """What the table sees of a case."""
        return {name: figures[name] for name in self.names}

    def box(self, number: int) -> dict[str, Values]:
        """What row ``number`` (from 0) admits of each fact that it looks at."""
        found: dict[str, Values] = {}
        for column, cell in zip(self.columns, self.rows[number].cells, strict=True):
            if cell is not None:
                name = column.fact.name
                found[name] = both(found[name], cell.values) if name in found else cell.values
        return found

    def first(self, figures: Figures) -> int:
        """The row (from 0) that decides, read here. It is what every engine has to find too."""
        value = {column.fact.name: steps(column.fact, figures[column.fact.name]) for column in self.columns}
        for number, row in enumerate(self.rows):
            if all(c is None or c.values.has(value[k.fact.name]) for k, c in zip(self.columns, row.cells, strict=True)):
                return number
        raise Invalid("No row of the table holds: its last one has conditions.", todo="Check the table before it is run.")


@dataclass(frozen=True, slots=True)
class Fired:
    """What an engine found: the row (from 0), and the outputs it gave for it."""

    row: int
    outputs: Mapping[str, Said]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of a merchant's rules: who wrote it, why, from when it is in force. ``table`` is canonical JSON (JDM).

    Versions count from 1. Nothing of it ever changes; another table is another version.
    """

    merchant: str
    version: int
    author: str
    note: str
    effective_at: datetime
    created_at: datetime
    table: str
    digest: str

    def __post_init__(self) -> None:
        """Raise Invalid where the digest is not the table's, or an instant has no zone."""
        if hashlib.sha256(self.table.encode()).hexdigest() != self.digest:
            raise Invalid("A version of rules is not the table that it was stored with.", version=self.version)
        if self.version < 1 or self.effective_at.tzinfo is None or self.created_at.tzinfo is None:
            raise Invalid("A version counts from 1, and its instants are aware.", version=self.version)

    @classmethod
    def of(
        cls, table: Table, merchant: str, version: int, author: str, note: str, effective_at: datetime, now: datetime
    ) -> RuleSet:
        """The version of a checked table."""
        return cls(merchant, version, author, note, effective_at, now, table.text, table.digest)

    @property
    def name(self) -> str:
        """What a decision says it was decided by: ``rules-3``."""
        return f"rules-{self.version}"
