"""What the plugin is told: the platform's address, our licence with it, whose orders these are, and how it names its nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings
from plugins.wanshifu_installer.node import NODES, Meaning

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LICENSE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NODE = re.compile(r"[a-z0-9_]{1,64}")

#: Bytes of the shortest secret that is taken.
SHORTEST = 16


@dataclass(frozen=True, slots=True)
class Setting:
    """``license_id`` is ours with the platform, ``merchant`` the one whose orders its work orders belong to.

    ``secrets`` has the newest first: it signs, and all of them are believed while one is being changed. ``nodes`` says what the
    platform's words mean. Times in seconds: to connect, between two pieces of an answer, for a whole answer.
    """

    base_url: str
    license_id: str
    secrets: tuple[str, ...] = field(repr=False)
    merchant: str
    name: str
    nodes: Mapping[str, Meaning]
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings."""
        for name in ("base_url", "license_id", "secret", "merchant"):
            if not said.get(name):
                raise BadSettings(f"wanshifu_installer: the setting {name} is missing.")
        if not _LICENSE.fullmatch(str(said["license_id"]).strip()):
            raise BadSettings("wanshifu_installer: license_id is a name of letters, digits, _ . and -.")
        return cls(
            base_url=_url(str(said["base_url"])),
            license_id=str(said["license_id"]).strip(),
            secrets=_secrets(str(said["secret"])),
            merchant=str(said["merchant"]).strip(),
            name=str(said.get("name") or "installer"),
            nodes={**NODES, **_nodes(str(said.get("nodes") or ""))},
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
        raise BadSettings("wanshifu_installer: base_url is an https address without query and fragment.")
    return plain


def _secrets(value: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    if not found or any(len(secret.encode()) < SHORTEST for secret in found):
        raise BadSettings(f"wanshifu_installer: secret has at least {SHORTEST} bytes; several stand with commas between.")
    return found


def _nodes(value: str) -> dict[str, Meaning]:
    """``sign_in=arrived,serve_complete=installed``: further words of the platform, and what they mean."""
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    try:
        found = {word.strip(): Meaning(meaning.strip()) for word, _, meaning in pairs}
    except ValueError as error:
        known = ", ".join(Meaning)
        raise BadSettings(f"wanshifu_installer: nodes are word=meaning with commas between; meanings: {known}.") from error
    if not all(_NODE.fullmatch(word) for word in found):
        raise BadSettings("wanshifu_installer: nodes names words of small letters, digits and _.")
    return found


def _number(name: str, said: Mapping[str, Any], default: float) -> float:
    try:
        number = float(said.get(name, default))
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < 60:
        raise BadSettings(f"wanshifu_installer: {name} is a number above 0 and below 60.")
    return number
