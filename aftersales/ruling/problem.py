"""What is wrong with a table, by row and column, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aftersales.text import text

#: So many are told at once.
MOST = 100


class Wrong(Exception):
    """One thing is wrong; ``code`` and ``told`` make the sentence."""

    def __init__(self, code: str, **told: object) -> None:
        super().__init__(code)
        self.code = code
        self.told = told


@dataclass(frozen=True, slots=True)
class Problem:
    """``row`` counts from 1, None for the whole table; ``column`` is a fact or an output, "" for the whole row.

    An ``is_note`` does not keep a table from being stored.
    """

    code: str
    row: int | None = None
    column: str = ""
    is_note: bool = False
    told: Mapping[str, object] = field(default_factory=dict)

    def what(self, locale: str) -> str:
        """What is wrong."""
        return text("aftersales.ruling", f"wrong.{self.code}", locale, **self.told)

    def todo(self, locale: str) -> str:
        """What to do about it."""
        return text("aftersales.ruling", f"todo.{self.code}", locale, **self.told)
