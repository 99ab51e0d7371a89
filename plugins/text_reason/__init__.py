"""What buyers complain of, read from their words on one machine, with the standard library alone.

Importing and building this is cheap: the weights are read with the first text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aftersales.ports import ReasonReader
from plugins.text_reason.reader import MODEL, Reader


def build(settings: Mapping[str, Any]) -> ReasonReader:
    """The reader. Setting: ``folder`` with ``reason.bin`` and ``card.toml`` (default: the one that comes along)."""
    return Reader(Path(settings["folder"]) if settings.get("folder") else MODEL)
