"""What the plugin is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aftersales.errors import BadSettings

#: A compiled table of 20 rows takes some 25 kB, the largest that the check lets through some 1.2 MB (measured 2026-11).
DEFAULT, MOST = 64, 10_000


@dataclass(frozen=True, slots=True)
class Setting:
    """``tables`` is how many compiled tables one process keeps."""

    tables: int = DEFAULT

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Setting:
        """The settings of the stage file. Raises BadSettings, the wrong one named."""
        unknown = sorted(set(told) - {"tables"})
        if unknown:
            raise BadSettings(f"zen_rules has no setting {unknown[0]}.", todo="It has one: tables.", found=unknown)
        value = told.get("tables", DEFAULT)
        try:
            tables = int(str(value))
        except ValueError:
            tables = 0
        if isinstance(value, bool) or not 1 <= tables <= MOST:
            raise BadSettings(f"The setting tables of zen_rules is a whole number from 1 to {MOST}.", found=str(value)[:20])
        return cls(tables)
