"""Tracer: parcels across borders, as AfterShip's tracking interface knows them. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.aftership_carrier.setting import Setting
from plugins.aftership_carrier.tracer import AftershipTracer


def build(settings: Mapping[str, Any]) -> AftershipTracer:
    """The tracer; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return AftershipTracer(Setting.parse(settings))
