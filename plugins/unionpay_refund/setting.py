"""What the plugin is told: who we are to UnionPay, whom it believes, where to call and how long to wait."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings
from aftersales.refund import Cause

_REQUIRED = ("mer_id", "private_key", "certificate", "trusted_certs", "base_url")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CODE = re.compile(r"[0-9A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Setting:
    """``certificate`` is ours, its serial number is the ``certId``; ``trusted_certs`` may hold several, PEM after PEM.

    ``expired_s``: an order's time that lies further back is certainly refused by UnionPay. ``causes`` adds to or changes what
    response codes mean. Times in seconds: to connect, between two bytes of an answer, for a whole answer.
    """

    mer_id: str
    private_key: str = field(repr=False)
    certificate: str
    trusted_certs: str
    signer_name: str
    allow_sha1: bool
    base_url: str
    file_url: str
    notify_url: str
    biz_type: str
    query_biz_type: str
    channel_type: str
    window_days: int
    expired_s: float
    causes: Mapping[str, Cause]
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings, the setting named and never its value."""
        for name in _REQUIRED:
            if not said.get(name):
                raise BadSettings(f"unionpay_refund: the setting {name} is missing.")
        if "PRIVATE KEY-----" not in str(said["private_key"]):
            raise BadSettings("unionpay_refund: private_key is no PEM text.")
        for name in ("certificate", "trusted_certs"):
            if "BEGIN CERTIFICATE-----" not in str(said[name]):
                raise BadSettings(f"unionpay_refund: {name} is no PEM certificate.")
        return cls(
            mer_id=_text("mer_id", said, "", r"[0-9A-Za-z]{15}", "15 letters and digits"),
            private_key=str(said["private_key"]),
            certificate=str(said["certificate"]),
            trusted_certs=str(said["trusted_certs"]),
            signer_name=_text("signer_name", said, "中国银联股份有限公司", r"[^@]+", "a name without @"),
            allow_sha1=_flag("allow_sha1", said),
            base_url=_url("base_url", said),
            file_url=_url("file_url", {"file_url": said.get("file_url") or _files_of(_url("base_url", said))}),
            notify_url=_notify_url(said),
            biz_type=_text("biz_type", said, "000201", r"[0-9]{6}", "6 digits"),
            query_biz_type=_text("query_biz_type", said, "000000", r"[0-9]{6}", "6 digits"),
            channel_type=_text("channel_type", said, "07", r"[0-9]{2}", "2 digits"),
            window_days=int(_number("window_days", said, 330, 3660)),
            expired_s=_number("expired_s", said, 86400, 31 * 86400),
            causes=_causes(said.get("causes", {})),
            connect_s=_number("connect_s", said, 3, 900),
            read_s=_number("read_s", said, 15, 900),
            total_s=_number("total_s", said, 20, 900),
        )


def _text(name: str, said: Mapping[str, Any], default: str, pattern: str, what: str) -> str:
    value = str(said.get(name) or default).strip()
    if not re.fullmatch(pattern, value):
        raise BadSettings(f"unionpay_refund: {name} is {what}.")
    return value


def _flag(name: str, said: Mapping[str, Any]) -> bool:
    value = str(said.get(name) or "false").strip().lower()
    if value not in ("true", "false"):
        raise BadSettings(f"unionpay_refund: {name} is true or false.")
    return value == "true"


def _number(name: str, said: Mapping[str, Any], default: float, most: float) -> float:
    try:
        number = float(said.get(name) or default)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number <= most:
        raise BadSettings(f"unionpay_refund: {name} is a number above 0 and at most {most:g}.")
    return number


def _url(name: str, said: Mapping[str, Any]) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    value = str(said.get(name) or "")
    to = urlsplit(value)
    if value and not (to.scheme == "https" and to.hostname) and not (to.scheme == "http" and to.hostname in _LOOPBACK):
        raise BadSettings(f"unionpay_refund: {name} is no https address.")
    return value.rstrip("/")


def _files_of(base_url: str) -> str:
    """Where files are unless it is said: UnionPay's other host, or the sandbox that plays both."""
    return f"{base_url}/filedownload" if urlsplit(base_url).hostname in _LOOPBACK else "https://filedownload.95516.com"


def _notify_url(said: Mapping[str, Any]) -> str:
    """UnionPay mixes the fields of a query into the notice, and then its signature does not fit."""
    url = _url("notify_url", said)
    if len(url) > 256 or set("?&#") & set(url):
        raise BadSettings("unionpay_refund: notify_url has at most 256 characters and no query.")
    return url


def _causes(said: Any) -> dict[str, Cause]:
    """A table, or the same as JSON text: response code to the name of a cause."""
    try:
        table = json.loads(said) if isinstance(said, str) and said else said or {}
        return {_CODE.fullmatch(code)[0]: Cause(cause) for code, cause in table.items()}  # type: ignore[index]  # None is an error
    except (ValueError, AttributeError, TypeError) as error:
        raise BadSettings(f"unionpay_refund: causes is a table of response code to one of {', '.join(Cause)}.") from error
