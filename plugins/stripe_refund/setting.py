"""What the plugin is told: whose account, which webhook secrets are believed, where to call, how long and how often."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.channel import Limits
from aftersales.errors import BadSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LIVE = ("sk_live_", "rk_live_")

#: API calls a second of one account, live and in test mode, and calls of one endpoint (Stripe documentation, rate limits, 2026).
LIVE_CALLS, TEST_CALLS, ENDPOINT_CALLS = 100, 25, 25


@dataclass(frozen=True, slots=True)
class Setting:
    """``webhook_secrets``: several while one is being rolled; messages signed with any of them are believed.

    ``payment_names``: what orders call their payment, ``payment_intent`` (``pi_…``) or ``charge`` (``ch_…``). Times in seconds: to
    connect, between two bytes of an answer, for a whole answer. ``calls_per_second`` is Stripe's limit for the whole account.
    """

    api_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    base_url: str
    payment_names: str
    calls_per_second: int
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings, the setting named and never its value."""
        key = str(said.get("api_key") or "").strip()
        if not re.fullmatch(r"[sr]k_[A-Za-z0-9_]{8,}", key):
            raise BadSettings("stripe_refund: api_key is no secret (sk_…) or restricted (rk_…) key.")
        names = str(said.get("payment_names") or "payment_intent")
        if names not in ("payment_intent", "charge"):
            raise BadSettings("stripe_refund: payment_names is payment_intent or charge.")
        return cls(
            api_key=key,
            webhook_secrets=_secrets(said.get("webhook_secrets")),
            base_url=_url(said),
            payment_names=names,
            calls_per_second=_calls(said, LIVE_CALLS if key.startswith(_LIVE) else TEST_CALLS),
            connect_s=_seconds("connect_s", said, 3),
            read_s=_seconds("read_s", said, 8),
            total_s=_seconds("total_s", said, 12),
        )

    @property
    def live(self) -> bool:
        """Whether the key moves real money."""
        return self.api_key.startswith(_LIVE)

    @property
    def limits(self) -> Limits:
        """A refund is two calls (look, then create) of two endpoints, each with a limit of its own."""
        return Limits(per_second=max(1, min(self.calls_per_second // 2, ENDPOINT_CALLS)))


def _url(said: Mapping[str, Any]) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is. A host, without a path: Stripe's library adds it."""
    value = str(said.get("base_url") or "https://api.stripe.com").rstrip("/")
    to = urlsplit(value)
    safe = (to.scheme == "https" and bool(to.hostname)) or (to.scheme == "http" and to.hostname in _LOOPBACK)
    if not safe or to.path or to.query or to.username:
        raise BadSettings("stripe_refund: base_url is no https address of a host.")
    return value


def _secrets(said: Any) -> tuple[str, ...]:
    """A list, or the same as JSON or with commas between, which is what fits into one environment variable or secret."""
    if isinstance(said, str):
        try:
            said = json.loads(said) if said.lstrip().startswith("[") else said.split(",")
        except ValueError as error:
            raise BadSettings("stripe_refund: webhook_secrets is no JSON list.") from error
    found = tuple(str(one).strip() for one in said if str(one).strip()) if isinstance(said, list | tuple) else ()
    if not found or not all(re.fullmatch(r"whsec_[A-Za-z0-9_+/=-]{8,}", one) for one in found):
        raise BadSettings("stripe_refund: webhook_secrets is a list of signing secrets (whsec_…).")
    return found


def _calls(said: Mapping[str, Any], default: int) -> int:
    calls = said.get("calls_per_second", default)
    if isinstance(calls, str) and calls.isdigit():
        calls = int(calls)
    if type(calls) is not int or not 1 <= calls <= 10_000:
        raise BadSettings("stripe_refund: calls_per_second is a whole number from 1.")
    return calls


def _seconds(name: str, said: Mapping[str, Any], default: float) -> float:
    try:
        seconds = float(said.get(name, default))
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < 900:
        raise BadSettings(f"stripe_refund: {name} is a number of seconds above 0.")
    return seconds
