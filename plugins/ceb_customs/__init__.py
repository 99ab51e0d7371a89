"""Customs: what China's customs said of a parcel, through the receipts that the declaring agent hands on. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.ceb_customs.setting import Setting
from plugins.ceb_customs.source import CebCustoms


def build(settings: Mapping[str, Any]) -> CebCustoms:
    """The source; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return CebCustoms(Setting.parse(settings))
