"""What the plugin is told: who we are to Alipay, which keys are whose, where to call and how long to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings

_REQUIRED = ("app_id", "seller_id", "private_key", "base_url")
_CERTIFICATES = ("app_cert", "alipay_cert", "alipay_root_cert")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]{200,}")


@dataclass(frozen=True, slots=True)
class Setting:
    """Who signs how: ``alipay_public_key`` (key mode), or the three certificates (certificate mode), the other one empty.

    Keys are PEM texts, or the bare base64 that Alipay's key tool writes. ``alipay_public_key`` and ``alipay_cert`` may hold several
    PEM blocks while Alipay changes keys. Times in seconds: to connect, between two pieces of an answer, for a whole answer, for a
    whole bill.
    """

    app_id: str
    seller_id: str
    private_key: str = field(repr=False)
    alipay_public_key: str
    app_cert: str
    alipay_cert: str
    alipay_root_cert: str
    base_url: str
    window: timedelta
    connect_s: float
    read_s: float
    total_s: float
    download_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings, the setting named and never its value."""
        for name in _REQUIRED:
            if not said.get(name):
                raise BadSettings(f"alipay_refund: the setting {name} is missing.")
        certificates = [name for name in _CERTIFICATES if said.get(name)]
        if bool(certificates) == bool(said.get("alipay_public_key")) or len(certificates) not in (0, len(_CERTIFICATES)):
            raise BadSettings(
                "alipay_refund: either alipay_public_key is set, or app_cert, alipay_cert and alipay_root_cert all are.",
                found=certificates,
            )
        return cls(
            app_id=str(said["app_id"]).strip(),
            seller_id=str(said["seller_id"]).strip(),
            private_key=_key("private_key", said, "PRIVATE KEY-----"),
            alipay_public_key=_key("alipay_public_key", said, "PUBLIC KEY-----"),
            app_cert=_key("app_cert", said, "CERTIFICATE-----"),
            alipay_cert=_key("alipay_cert", said, "CERTIFICATE-----"),
            alipay_root_cert=_key("alipay_root_cert", said, "CERTIFICATE-----"),
            base_url=_url(said),
            window=timedelta(days=_number("window_days", said, 365, most=3650)),
            connect_s=_number("connect_s", said, 3),
            read_s=_number("read_s", said, 8),
            total_s=_number("total_s", said, 12),
            download_s=_number("download_s", said, 300),
        )


def _key(name: str, said: Mapping[str, Any], mark: str) -> str:
    text = str(said.get(name) or "").replace("\\n", "\n").strip()
    if text and mark not in text and (mark == "CERTIFICATE-----" or not _BASE64.fullmatch(text)):
        raise BadSettings(f"alipay_refund: {name} is no PEM text" + (" and no base64." if mark != "CERTIFICATE-----" else "."))
    return text


def _url(said: Mapping[str, Any]) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    value = str(said["base_url"]).strip().removesuffix("/gateway.do").rstrip("/")
    to = urlsplit(value)
    if not (to.scheme == "https" and to.hostname) and not is_loopback(value):
        raise BadSettings("alipay_refund: base_url is no https address.")
    return value


def is_loopback(url: str) -> bool:
    """Whether it is a plain HTTP address of this machine."""
    to = urlsplit(url)
    return to.scheme == "http" and to.hostname in _LOOPBACK


def _number(name: str, said: Mapping[str, Any], default: float, most: float = 900) -> float:
    try:
        number = float(said.get(name, default))
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < most:
        raise BadSettings(f"alipay_refund: {name} is a number above 0 and below {most:g}.")
    return number
