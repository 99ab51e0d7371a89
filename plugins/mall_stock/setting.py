"""What the plugin is told: where the mall's stock is, who we are to it, how long a hold lasts and how long to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")

#: Bytes of the shortest secret that is taken (RFC 2104, section 3: an HMAC key is not shorter than the hash).
SHORTEST = 32


@dataclass(frozen=True, slots=True)
class Setting:
    """``secrets`` has the newest first: it signs, and all of them are believed while one is being changed.

    ``hold_days`` is how long a hold lasts that nobody ends. Times in seconds: to connect, between two pieces of an answer, for a
    whole answer. ``name`` is the source's name in the stage file.
    """

    base_url: str
    key_id: str
    secrets: tuple[str, ...] = field(repr=False)
    name: str
    hold_days: int
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings."""
        for name in ("base_url", "key_id", "secret"):
            if not said.get(name):
                raise BadSettings(f"mall_stock: the setting {name} is missing.")
        if not _KEY_ID.fullmatch(str(said["key_id"]).strip()):
            raise BadSettings("mall_stock: key_id is a name of letters, digits, _ . and -.")
        return cls(
            base_url=_url(str(said["base_url"])),
            key_id=str(said["key_id"]).strip(),
            secrets=_secrets(str(said["secret"])),
            name=str(said.get("name") or "stock"),
            hold_days=int(_number("hold_days", said, 90, most=91)),
            connect_s=_number("connect_s", said, 3),
            read_s=_number("read_s", said, 5),
            total_s=_number("total_s", said, 8),
        )


def _url(value: str) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    plain = value.strip().rstrip("/")
    to = urlsplit(plain)
    local = to.scheme == "http" and to.hostname in _LOOPBACK
    if (not (to.scheme == "https" and to.hostname) and not local) or to.query or to.fragment:
        raise BadSettings("mall_stock: base_url is an https address without query and fragment.")
    return plain


def _secrets(value: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    if not found or any(len(secret.encode()) < SHORTEST for secret in found):
        raise BadSettings(f"mall_stock: secret has at least {SHORTEST} bytes; several stand with commas between.")
    return found


def _number(name: str, said: Mapping[str, Any], default: float, most: float = 60) -> float:
    try:
        number = float(said.get(name, default))
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < most:
        raise BadSettings(f"mall_stock: {name} is a number above 0 and below {most:g}.")
    return number
