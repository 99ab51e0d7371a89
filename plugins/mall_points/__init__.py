"""Points: what a buyer is given for an answer that came late, at the mall's own membership system. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.signed import Setting
from plugins.mall_points.points import MallPoints


def build(settings: Mapping[str, Any]) -> MallPoints:
    """The membership system; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return MallPoints(Setting.parse("mall_points", settings, "points"))
