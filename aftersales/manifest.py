"""Manifest: what a plugin or trade says about itself, read from ``manifest.toml`` beside its code without importing it.

::

    kind = "vertical"        # or "plugin"
    port = "source"          # of a plugin: which port of the stage file it is for
    level = "silver"         # what it claims: bronze, silver, gold; `aftersales check` says what it reaches
    summary = "what it is for, in a line"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aftersales.errors import BadPlugin

FILE = "manifest.toml"
FIELDS = ("kind", "port", "level", "summary")


class Kind(StrEnum):
    """What a package offers."""

    VERTICAL = "vertical"
    PLUGIN = "plugin"


class Level(StrEnum):
    """How far it has come; ``docs/quality.md`` says what each asks."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"

    @property
    def rank(self) -> int:
        """0 for none, 3 for gold."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is claimed. ``port`` is "" for a vertical."""

    kind: Kind
    level: Level
    port: str = ""
    summary: str = ""


def read(folder: Path) -> Manifest | None:
    """The manifest in ``folder``, None where there is none. Raises BadPlugin for one that is not understood."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadPlugin(f"{FILE} cannot be read: {error}") from error
    for name in sorted(set(table) - set(FIELDS)):
        raise BadPlugin(f"{FILE} knows no {name}.", found=name, expected=list(FIELDS))
    try:
        kind, level = Kind(table.get("kind", "")), Level(table.get("level", Level.NONE))
    except ValueError as error:
        raise BadPlugin(f"{FILE} is not understood: {error}", expected=[*Kind, *Level]) from error
    port, summary = table.get("port", ""), table.get("summary", "")
    if not isinstance(port, str) or not isinstance(summary, str) or (kind is Kind.PLUGIN) != bool(port):
        raise BadPlugin(f"{FILE}: port is the name of a plugin's port, and a vertical has none.", found=port)
    return Manifest(kind, level, port, summary)
