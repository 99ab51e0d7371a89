"""Kuaidi100: couriers of Chinese companies who collect at the door (商家寄件), and where their parcels are. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.kuaidi100_carrier.side import Kuaidi100


def build(settings: Mapping[str, Any]) -> Kuaidi100:
    """The carrier and tracer; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return Kuaidi100(settings)
