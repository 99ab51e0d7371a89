"""Evidence files in a folder of this machine, with signed uploads and downloads, as the Files port.

Settings: ``folder``, ``base_url`` (where the local server answers for files), ``key`` (secret that signs; without it files are
read and written, and no address is given).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aftersales.errors import BadSettings
from plugins.local_files.files import LocalFiles


def build(settings: Mapping[str, Any]) -> LocalFiles:
    """The files; nothing is touched before first use. Raises BadSettings when a setting is missing."""
    lacking = [name for name in ("folder", "base_url") if not settings.get(name)]
    lacking += ["key"] if "key" in settings and not settings["key"] else []
    if lacking:
        raise BadSettings(f"local_files needs the settings {', '.join(lacking)}.", lacking=lacking)
    return LocalFiles(Path(settings["folder"]), str(settings["base_url"]), str(settings.get("key", "")).encode())
