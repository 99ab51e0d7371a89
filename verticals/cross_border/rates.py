"""The table of rates beside this file: which taxes a tariff heading had on a day."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files

from verticals.cross_border.duty import Rates


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: the rates of headings that begin with ``hs``, from ``first`` to ``last``, both included."""

    hs: str
    first: date
    last: date
    rates: Rates


@lru_cache(maxsize=1)
def table() -> tuple[Entry, ...]:
    """All rows, the longest headings first."""
    said = tomllib.loads((files(__package__) / "rates.toml").read_text(encoding="utf-8"))["rate"]
    rows = (
        Entry(
            row["hs"],
            row["from"],
            row.get("until", date.max),
            Rates(Fraction(row["vat"]), Fraction(row["consumption"]), Fraction(row["duty"]) if "duty" in row else None),
        )
        for row in said
    )
    return tuple(sorted(rows, key=lambda row: (-len(row.hs), row.hs, row.first)))


def rates_on(hs: str, day: date) -> Rates | None:
    """The rates of a heading (digits; dots and blanks do not count) on that day, None where the table has none."""
    digits = "".join(c for c in hs if c.isdigit())
    fits = (row.rates for row in table() if digits.startswith(row.hs) and row.first <= day <= row.last)
    return next(fits, None)
