"""Carrier and tracer: SF Express (顺丰速运) over its open platform (丰桥): orders, labels, prices, routes. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.sf_carrier.carrier import SfCarrier
from plugins.sf_carrier.setting import Setting


def build(settings: Mapping[str, Any]) -> SfCarrier:
    """The carrier and tracer; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return SfCarrier(Setting.parse(settings))
