"""What the plugin is told: who we are to WeChat Pay, which keys are whose, where to call and how long to wait."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings

_REQUIRED = ("mchid", "serial_no", "private_key", "platform_keys", "apiv3_key", "base_url")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Setting:
    """``platform_keys``: serial or ``PUB_KEY_ID_…`` to PEM, several while WeChat Pay changes keys, the newest last.

    ``apiv3_key`` has 32 bytes. Times in seconds: to connect, between two bytes of an answer, for a whole answer, for a whole bill.
    """

    mchid: str
    serial_no: str
    private_key: str = field(repr=False)
    platform_keys: Mapping[str, str]
    apiv3_key: bytes = field(repr=False)
    base_url: str
    standby_url: str
    notify_url: str
    connect_s: float
    read_s: float
    total_s: float
    bill_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings, the setting named and never its value."""
        for name in _REQUIRED:
            if not said.get(name):
                raise BadSettings(f"wechatpay_refund: the setting {name} is missing.")
        key = str(said["apiv3_key"]).strip().encode()
        if len(key) != 32:
            raise BadSettings("wechatpay_refund: apiv3_key is not 32 bytes long.", found=len(key))
        if "PRIVATE KEY-----" not in str(said["private_key"]):
            raise BadSettings("wechatpay_refund: private_key is no PEM text.")
        notify_url = _url("notify_url", said)
        if "?" in notify_url or len(notify_url) > 256:
            raise BadSettings("wechatpay_refund: notify_url has at most 256 characters and no query.")
        return cls(
            mchid=str(said["mchid"]).strip(),
            serial_no=str(said["serial_no"]).strip(),
            private_key=str(said["private_key"]),
            platform_keys=_platform_keys(said["platform_keys"]),
            apiv3_key=key,
            base_url=_url("base_url", said),
            standby_url=_url("standby_url", said),
            notify_url=notify_url,
            connect_s=_seconds("connect_s", said, 3),
            read_s=_seconds("read_s", said, 8),
            total_s=_seconds("total_s", said, 12),
            bill_s=_seconds("bill_s", said, 240),
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where to call, in order."""
        return tuple(url for url in (self.base_url, self.standby_url) if url)

    @property
    def newest(self) -> str:
        """The platform key that WeChat Pay signs with from now on, and that secrets for it are encrypted with."""
        return list(self.platform_keys)[-1]


def is_safe(url: str) -> bool:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    to = urlsplit(url)
    return (to.scheme == "https" and bool(to.hostname)) or (to.scheme == "http" and to.hostname in _LOOPBACK)


def _url(name: str, said: Mapping[str, Any]) -> str:
    value = str(said.get(name) or "")
    if value and not is_safe(value):
        raise BadSettings(f"wechatpay_refund: {name} is no https address.")
    return value.rstrip("/")


def _seconds(name: str, said: Mapping[str, Any], default: float) -> float:
    try:
        seconds = float(said.get(name, default))
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < 900:
        raise BadSettings(f"wechatpay_refund: {name} is a number of seconds above 0.")
    return seconds


def _platform_keys(said: Any) -> dict[str, str]:
    """A table, or the same as JSON text, which is what fits into one environment variable or file."""
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError as error:
            raise BadSettings("wechatpay_refund: platform_keys is neither a table nor JSON.") from error
    if not isinstance(said, Mapping) or not said or not all(isinstance(v, str) and "-----BEGIN" in v for v in said.values()):
        raise BadSettings("wechatpay_refund: platform_keys is a table of serial or PUB_KEY_ID to PEM text.")
    return {str(k): str(v) for k, v in said.items()}
