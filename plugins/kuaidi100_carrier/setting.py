"""What the plugin is told: the platform's addresses, our keys with it, where it tells us, and who drives.

Booking and tracing are told apart: a shop may use either, and then says nothing of the other.
"""

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
class Times:
    """Seconds: to connect, between two pieces of an answer, for a whole answer."""

    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Times:
        """The times of a stage file. Raises BadSettings."""
        return cls(_number("connect_s", said, 3), _number("read_s", said, 5), _number("total_s", said, 8))


@dataclass(frozen=True, slots=True)
class Setting:
    """Booking. ``key`` and ``secret`` are ours. ``find_by_number``: whether the platform finds an order by our own number."""

    base_url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    notify_url: str
    companies: tuple[str, ...]
    find_by_number: bool
    times: Times

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings."""
        _all_there(said, "base_url", "key", "secret", "notify_url")
        companies = tuple(part.strip().lower() for part in str(said.get("companies") or "").split(",") if part.strip())
        if not companies or not all(_COMPANY.fullmatch(name) for name in companies):
            raise BadSettings("kuaidi100_carrier: companies are the platform's codes with commas between, the usual one first.")
        return cls(
            base_url=_url("base_url", str(said["base_url"])),
            key=str(said["key"]).strip(),
            secret=str(said["secret"]).strip(),
            notify_url=_told_at("notify_url", said),
            companies=companies,
            find_by_number=str(said.get("find_by_number", "")).lower() in ("true", "1", "yes"),
            times=Times.parse(said),
        )


@dataclass(frozen=True, slots=True)
class Tracing:
    """Tracing. ``customer`` is our number with the platform, ``key`` its authorisation key; ``push_url`` is where it tells us."""

    query_url: str
    subscribe_url: str
    customer: str
    key: str = field(repr=False)
    push_url: str
    times: Times

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Tracing:
        """The settings of a stage file. Raises BadSettings."""
        _all_there(said, "query_url", "subscribe_url", "customer", "trace_key", "push_url")
        return cls(
            query_url=_url("query_url", str(said["query_url"])),
            subscribe_url=_url("subscribe_url", str(said["subscribe_url"])),
            customer=str(said["customer"]).strip(),
            key=str(said["trace_key"]).strip(),
            push_url=_told_at("push_url", said),
            times=Times.parse(said),
        )


def _all_there(said: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not str(said.get(name) or "").strip():
            raise BadSettings(f"kuaidi100_carrier: the setting {name} is missing.")


def _told_at(name: str, said: Mapping[str, Any]) -> str:
    """An address for call-backs, which leaves room for our key."""
    url = _url(name, str(said[name]))
    if len(url.encode()) > CALLBACK_BYTES - 60:
        raise BadSettings(f"kuaidi100_carrier: {name} has at most {CALLBACK_BYTES - 60} bytes.")
    return url


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
