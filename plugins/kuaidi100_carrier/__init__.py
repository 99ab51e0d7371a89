"""Carrier: couriers of Chinese companies, booked through Kuaidi100's merchant shipping (商家寄件). See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.kuaidi100_carrier.carrier import Kuaidi100Carrier
from plugins.kuaidi100_carrier.setting import Setting


def build(settings: Mapping[str, Any]) -> Kuaidi100Carrier:
    """The carrier; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return Kuaidi100Carrier(Setting.parse(settings))
