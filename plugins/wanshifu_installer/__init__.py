"""Installer: appointment, arrival, installation, inspection of a machine, from a platform of technicians. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.wanshifu_installer.setting import Setting
from plugins.wanshifu_installer.source import WanshifuInstaller


def build(settings: Mapping[str, Any]) -> WanshifuInstaller:
    """The source; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return WanshifuInstaller(Setting.parse(settings))
