"""Stock: whether a thing is there, kept for an exchange until it is sent, at the mall's own warehouse system. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.mall_stock.setting import Setting
from plugins.mall_stock.source import MallStock


def build(settings: Mapping[str, Any]) -> MallStock:
    """The source; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return MallStock(Setting.parse(settings))
