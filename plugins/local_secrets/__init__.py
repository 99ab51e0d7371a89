"""Secrets in a folder of this machine as the Secrets port, one file each. Setting: ``folder``. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aftersales.errors import BadSettings
from plugins.local_secrets.folder import LocalSecrets


def build(settings: Mapping[str, Any]) -> LocalSecrets:
    """The secrets of a folder; nothing is touched before first use. Raises BadSettings when the folder is not named."""
    if not settings.get("folder"):
        raise BadSettings("local_secrets needs the setting folder.", lacking=["folder"])
    return LocalSecrets(Path(settings["folder"]))
