"""What the plugin is told: where the agent answers, the secret shared with it, and whose goods it declares."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_EBC = re.compile(r"[0-9A-Za-z]{4,18}")


@dataclass(frozen=True, slots=True)
class Setting:
    """``secrets``: several while one is being rolled, the first signs. ``merchants``: customs' code of an enterprise → merchant.

    Times in seconds: to connect, between two bytes of an answer, for a whole answer.
    """

    base_url: str
    secrets: tuple[str, ...] = field(repr=False)
    merchants: Mapping[str, str]
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings, the setting named and never its value."""
        return cls(
            base_url=_url(said),
            secrets=_secrets(said.get("secret")),
            merchants=_merchants(said.get("merchants")),
            connect_s=_seconds("connect_s", said, 3),
            read_s=_seconds("read_s", said, 8),
            total_s=_seconds("total_s", said, 12),
        )

    def code_of(self, merchant: str) -> str | None:
        """Customs' code of the enterprise that sells for this merchant, None where there is none."""
        return next((code for code, name in self.merchants.items() if name == merchant), None)


def _url(said: Mapping[str, Any]) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    value = str(said.get("base_url") or "").rstrip("/")
    to = urlsplit(value)
    safe = (to.scheme == "https" and bool(to.hostname)) or (to.scheme == "http" and to.hostname in _LOOPBACK)
    if not safe or to.query or to.fragment or to.username:
        raise BadSettings("ceb_customs: base_url is no https address.")
    return value


def _secrets(said: Any) -> tuple[str, ...]:
    found = tuple(part.strip() for part in str(said or "").split(",") if part.strip())
    if not found or any(len(one) < 32 for one in found):
        raise BadSettings("ceb_customs: secret is one text of at least 32 characters, or several with commas between.")
    return found


def _merchants(said: Any) -> dict[str, str]:
    """A table, or the same as JSON text."""
    try:
        table = json.loads(said) if isinstance(said, str) and said else said
    except ValueError as error:
        raise BadSettings("ceb_customs: merchants is no JSON.") from error
    if not isinstance(table, Mapping) or not table:
        raise BadSettings("ceb_customs: merchants is a table of enterprise code (ebcCode) to merchant.")
    if not all(_EBC.fullmatch(str(code)) and isinstance(name, str) and name for code, name in table.items()):
        raise BadSettings("ceb_customs: merchants is a table of enterprise code (ebcCode) to merchant.")
    return dict(table)


def _seconds(name: str, said: Mapping[str, Any], default: float) -> float:
    try:
        seconds = float(said.get(name) or default)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < 900:
        raise BadSettings(f"ceb_customs: {name} is a number of seconds above 0.")
    return seconds
