"""Stock: whether a thing is there, kept for an exchange until it is sent, at the mall's own warehouse system. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.signed import Setting, number
from plugins.mall_stock.source import MallStock


def build(settings: Mapping[str, Any]) -> MallStock:
    """The source; it connects on first use. ``hold_days`` is how long a hold lasts that nobody ends. Raises BadSettings."""
    hold_days = number("mall_stock", "hold_days", settings, 90, most=91)
    return MallStock(Setting.parse("mall_stock", settings, "stock"), int(hold_days))
