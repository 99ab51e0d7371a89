"""The set that every shop starts with: the seed rules (RV-2) as a table. It says exactly what :mod:`aftersales.rules` says.

A merchant's two limits (what is small, what needs two persons) are facts and not numbers in the rows: they stay the merchant's
setting, which the second approver is asked by too, and the set is one text for all merchants. Who wants other limits per category
writes rows on ``amount``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from aftersales.ruling.check import check
from aftersales.ruling.table import Table

FILE = Path(__file__).parent / "standard.json"
#: What a decision by this set says it was decided by, as :data:`aftersales.rules.VERSION`.
VERSION = "built-in-1"


@cache
def table() -> Table:
    """The table."""
    found = check(FILE.read_bytes()).table
    assert found is not None, "the set that comes along is checked by its test"
    return found
