"""Tracer: parcels across borders, as 17TRACK's tracking interface knows them. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.track17_carrier.setting import Setting
from plugins.track17_carrier.tracer import Track17Tracer


def build(settings: Mapping[str, Any]) -> Track17Tracer:
    """The tracer; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return Track17Tracer(Setting.parse(settings))
