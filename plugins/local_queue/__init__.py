"""Jobs in a SQLite file of this machine, as the JobQueue port.

Settings: ``file``, ``visibility_s`` (60).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aftersales.errors import BadSettings
from plugins.local_queue.queue import LocalQueue


def build(settings: Mapping[str, Any]) -> LocalQueue:
    """The queues; the file is made on first use. Raises BadSettings without ``file``."""
    if not settings.get("file"):
        raise BadSettings("local_queue needs the setting file.", lacking=["file"])
    return LocalQueue(Path(settings["file"]), float(settings.get("visibility_s", 60)))
