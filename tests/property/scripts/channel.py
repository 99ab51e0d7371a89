"""The plugins under test: made once per process, for reading their keys takes long, and pointed at one script's world at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Protocol

import httpx

from aftersales.errors import Unknown
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox.fault import Kind, Script
from infra.local.sandbox.provider import Env, Reply, build
from infra.local.sandbox.server import Server
from plugins import stripe_refund, wechatpay_refund
from plugins.alipay_refund.client import AlipayRefunds
from plugins.alipay_refund.setting import Setting as AlipaySetting
from plugins.unionpay_refund.client import UnionPayRefunds
from plugins.unionpay_refund.setting import Setting as UnionPaySetting
from tests.property.scripts.line import NOWHERE, Line, laid
from tests.property.scripts.side import keys_of

Make = Callable[[dict[str, Any], Callable[[], float]], Any]

_MAKE: dict[str, Make] = {
    "wechatpay": lambda said, now: wechatpay_refund.build(said),  # its signatures live in the real time
    "alipay": lambda said, now: AlipayRefunds(AlipaySetting.parse(said), now),
    "stripe": lambda said, now: stripe_refund.build(said),
    "unionpay": lambda said, now: UnionPayRefunds(UnionPaySetting.parse(said), now),
}


class Played(Protocol):
    """The world of a script, as far as the plugins meet it."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a call."""

    def seconds(self) -> float:
        """Its time."""


class Channels:
    """The channels by name, over a line in this process; with ``real`` over connections to a port of this machine."""

    def __init__(self, *, real: bool = False) -> None:
        self.real = real
        self._world: Played | None = None
        self._line = None if real else Line()
        self._server = Server("scripts", "127.0.0.1", 0, self._answer) if real else None
        if self._server is not None:
            self._server.start()
        self.base_url = NOWHERE if self._server is None else self._server.url
        self.found: dict[str, Any] = {}
        with nullcontext() if self._line is None else laid(self._line):
            for name, make in _MAKE.items():
                self.found[name] = make(_settings(name, self.base_url), self._now)
                if self._line is not None:
                    _warm(self.found[name])

    def join(self, world: Played) -> None:
        """Calls go to this world from now on."""
        self._world = world
        if self._line is not None:
            self._line.answer = world.answer

    def leave(self) -> None:
        """And to none."""
        self._world = None
        if self._line is not None:
            self._line.answer = None

    def close(self) -> None:
        """Close all connections."""
        for channel in self.found.values():
            channel.close()
        if self._server is not None:
            self._server.stop()

    def _now(self) -> float:
        return self._world.seconds() if self._world is not None else 0.0

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply over a real connection. Where nobody is there, it is taken and closed without an answer."""
        assert self._world is not None
        try:
            return self._world.answer(method, path, headers, body)
        except httpx.ConnectError:
            return Reply(503, kind=Kind.HANG)


def _settings(name: str, base_url: str) -> dict[str, Any]:
    provider: Any = build(Env(name, float, Script(), base_url, keys=keys_of(name)))
    try:
        return dict(provider.settings(base_url))
    finally:
        provider.close()


def _warm(channel: Any) -> None:
    """Let it make its client and read its keys."""
    try:
        channel.find(a_refund_order())
    except Unknown:
        return
    raise AssertionError("nobody was there, and yet somebody answered")
