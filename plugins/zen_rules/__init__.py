"""Merchants' decision tables, run by zen-engine. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.zen_rules.engine import ZenTables
from plugins.zen_rules.setting import Setting


def build(settings: Mapping[str, Any]) -> ZenTables:
    """The engine; its library is loaded with the first table. Raises BadSettings."""
    return ZenTables(Setting.parse(settings))
