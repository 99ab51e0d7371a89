"""What the plugin is told: AfterShip's address, our key with it, and the secret of what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Setting:
    """``key`` is the account's key. AfterShip signs with ``webhook_secret`` what it tells by itself.

    Times in seconds: to connect, between two pieces of an answer, for a whole answer.
    """

    base_url: str
    key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings."""
        for name in ("base_url", "key", "webhook_secret"):
            if not str(said.get(name) or "").strip():
                raise BadSettings(f"aftership_carrier: the setting {name} is missing.")
        key = str(said["key"]).strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise BadSettings("aftership_carrier: key is what a header can carry: letters, digits and signs, in one piece.")
        return cls(
            base_url=_url("base_url", str(said["base_url"])),
            key=key,
            webhook_secret=str(said["webhook_secret"]).strip(),
            connect_s=_number("connect_s", said, 3),
            read_s=_number("read_s", said, 5),
            total_s=_number("total_s", said, 10),
        )


def _url(name: str, value: str) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    plain = value.strip().rstrip("/")
    try:
        to = urlsplit(plain)
        local = to.scheme == "http" and to.hostname in _LOOPBACK
        good = ((to.scheme == "https" and bool(to.hostname)) or local) and not (to.query or to.fragment or to.username)
    except ValueError:
        good = False
    if not good:
        raise BadSettings(f"aftership_carrier: {name} is an https address without query, fragment and user.")
    return plain


def _number(name: str, said: Mapping[str, Any], default: float) -> float:
    try:
        number = float(said.get(name, default))
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < 60:
        raise BadSettings(f"aftership_carrier: {name} is a number above 0 and below 60.")
    return number
