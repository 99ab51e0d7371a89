"""What the plugin is told: the platform's address, our key with it, where it tells us, and who drives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_COMPANY = re.compile(r"[a-z0-9_]{2,32}")

#: Bytes of a call-back's address that the platform takes (its document of the order interface, read 2026-11); our key needs 60.
CALLBACK_BYTES = 200


@dataclass(frozen=True, slots=True)
class Setting:
    """``key`` and ``secret`` are ours with the platform. ``find_by_number``: whether it finds an order by our own number.

    Times in seconds: to connect, between two pieces of an answer, for a whole answer.
    """

    base_url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    notify_url: str
    companies: tuple[str, ...]
    find_by_number: bool
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings."""
        for name in ("base_url", "key", "secret", "notify_url"):
            if not said.get(name):
                raise BadSettings(f"kuaidi100_carrier: the setting {name} is missing.")
        notify_url = _url("notify_url", str(said["notify_url"]))
        if len(notify_url.encode()) > CALLBACK_BYTES - 60:
            raise BadSettings(f"kuaidi100_carrier: notify_url has at most {CALLBACK_BYTES - 60} bytes.")
        companies = tuple(part.strip().lower() for part in str(said.get("companies") or "").split(",") if part.strip())
        if not companies or not all(_COMPANY.fullmatch(name) for name in companies):
            raise BadSettings("kuaidi100_carrier: companies are the platform's codes with commas between, the usual one first.")
        return cls(
            base_url=_url("base_url", str(said["base_url"])),
            key=str(said["key"]).strip(),
            secret=str(said["secret"]).strip(),
            notify_url=notify_url,
            companies=companies,
            find_by_number=str(said.get("find_by_number", "")).lower() in ("true", "1", "yes"),
            connect_s=_number("connect_s", said, 3),
            read_s=_number("read_s", said, 5),
            total_s=_number("total_s", said, 8),
        )


def _url(name: str, value: str) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    plain = value.strip().rstrip("/")
    to = urlsplit(plain)
    local = to.scheme == "http" and to.hostname in _LOOPBACK
    if (not (to.scheme == "https" and to.hostname) and not local) or to.query or to.fragment:
        raise BadSettings(f"kuaidi100_carrier: {name} is an https address without query and fragment.")
    return plain


def _number(name: str, said: Mapping[str, Any], default: float) -> float:
    try:
        number = float(said.get(name, default))
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < 60:
        raise BadSettings(f"kuaidi100_carrier: {name} is a number above 0 and below 60.")
    return number
