"""The payment providers, played here: their protocols with real signatures, books with money in them, faults on a script.

Some of them offer no test environment, so this is ours. It runs on loopback only, with keys of its own, and belongs to development:
nothing that is deployed may import it. One port plays all providers (each knows its paths, see :mod:`.provider`), another tells the
truth. Where none is named, WeChat Pay is meant.

In a test::

    with Sandbox() as sandbox:
        channel = build(sandbox.settings(notify_url))
        sandbox.pay("4200000000202611200000000001", 9950)
        sandbox.fault(Fault(At.CREATE, Kind.HANG))
        ...
        assert sandbox.truth()["total"]["executed"] == 1990

As a process: ``python -m infra.local.sandbox --port 0 --truth-port 0 --data DIR``; its first line on stdout is a JSON object with
``base_url``, ``truth_url``, the ``providers`` that play, those ``broken``, and WeChat Pay's ``mchid`` and folder of ``keys``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Self

from infra.local.sandbox.database import Database
from infra.local.sandbox.fault import At, Fault, Kind, Script
from infra.local.sandbox.loopback import LooksReal
from infra.local.sandbox.parcels import Parcels
from infra.local.sandbox.provider import DEFAULT, PROVIDERS, Env, NoProvider, Provider, Reply, build
from infra.local.sandbox.server import Server
from infra.local.sandbox.truth import TruthPort, told, truth_of
from infra.local.sandbox.wechatpay import Keys, WechatPay
from infra.local.sandbox.wechatpay.book import Book
from infra.local.sandbox.wechatpay.notify import Notifier

__all__ = ["At", "Fault", "Keys", "Kind", "LooksReal", "NoProvider", "Sandbox"]


class Sandbox:
    """The providers, in this process. ``start`` and ``stop`` it, or use it as a context manager.

    ``data_dir`` keeps keys and books across restarts; without it both are gone at the end. ``delay_s``, ``gap_s``, ``retry_scale``
    and ``limited`` are as in :class:`~infra.local.sandbox.provider.Env` (WeChat Pay asks for a gap of 60). ``keys``
    are WeChat Pay's; ``made`` has those of other providers by name. Raises LooksReal for keys, hosts or surroundings that could be
    production.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        truth_port: int = 0,
        keys: Keys | None = None,
        made: Mapping[str, Any] | None = None,
        delay_s: float = 0.0,
        gap_s: float | None = None,
        retry_scale: float = 1.0,
        limited: bool = False,
    ) -> None:
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
            raise LooksReal("the sandbox does not run in the cloud")
        # The ports first: a host that is refused, or a port that is taken, leaves nothing behind.
        self._api = Server("sandbox-api", host, port, self._answer)
        self._truth = Server("sandbox-truth", host, truth_port, TruthPort(self).answer)
        self._made = {**(made or {}), DEFAULT: keys}
        self._paces: dict[str, Any] = {"delay_s": delay_s, "gap_s": gap_s, "retry_scale": retry_scale, "limited": limited}
        self._data_dir, self._lock = data_dir, RLock()
        self._base = Database(data_dir / "sandbox.sqlite" if data_dir is not None else None, "")
        self.offset_s: float = self._base.setting("clock_offset_s") or 0.0
        self.parcels = Parcels(data_dir / "parcels.sqlite" if data_dir is not None else None, self.now)
        self.envs: dict[str, Env] = {}
        self.playing: dict[str, Provider] = {}
        self.broken: dict[str, str] = {}
        self._load(DEFAULT)
        if self._base.setting("clock_offset_s") is None:  # books from when WeChat Pay was alone here keep the clock themselves
            self.offset_s = self.book.setting("clock_offset_s") or 0.0

    # --- life -------------------------------------------------------------------------------------------------------------
    def start(self) -> Self:
        """Answer on both ports."""
        self._api.start()
        self._truth.start()
        return self

    def stop(self) -> None:
        """End both ports and every provider."""
        self._api.stop()
        self._truth.stop()
        for provider in self.playing.values():
            provider.close()
        self.parcels.close()
        self._base.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    # --- providers --------------------------------------------------------------------------------------------------------
    def provider(self, name: str = DEFAULT) -> Any:
        """The provider of that name, imported on the first call. Raises NoProvider with the reason where it cannot be had.

        It is a :class:`~infra.local.sandbox.provider.Provider`, typed Any for the sake of what each has beyond that.
        """
        found = self.playing.get(name)
        return found if found is not None else self._load(name)

    def all(self) -> dict[str, str]:
        """Import every provider there is. Gives the reasons of those that cannot be had."""
        for name in PROVIDERS:
            if name not in self.playing and name not in self.broken:
                try:
                    self._load(name)
                except NoProvider:
                    continue  # the reason is kept in ``broken``
        return self.broken

    def _load(self, name: str) -> Provider:
        with self._lock:
            if name not in self.playing:
                made = self._made.get(name)
                env = Env(name, self.now, Script(), self._api.url, self._data_dir, made, **self._paces, parcels=self.parcels)
                try:
                    self.playing[name] = build(env)
                except NoProvider as error:
                    self.broken[name] = str(error)
                    raise
                self.envs[name] = env
                self.broken.pop(name, None)
            return self.playing[name]

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        bare = path.partition("?")[0]
        provider = self._at(bare)
        if provider is None:
            self.all()
            provider = self._at(bare)
        if provider is None:
            return told(404, {"error": f"no provider answers {bare}", "providers": sorted(self.playing), "broken": self.broken})
        return provider.answer(method, path, headers, body)

    def _at(self, path: str) -> Provider | None:
        fits = [(len(prefix), p) for p in list(self.playing.values()) for prefix in p.prefixes if path.startswith(prefix)]
        return max(fits, key=lambda fit: fit[0])[1] if fits else None

    # --- addresses --------------------------------------------------------------------------------------------------------
    @property
    def base_url(self) -> str:
        """Where the providers' APIs are."""
        return self._api.url

    @property
    def truth_url(self) -> str:
        """Where the truth and the levers are."""
        return self._truth.url

    def settings(self, notify_url: str = "", provider: str = DEFAULT) -> dict[str, Any]:
        """Settings for ``plugins.<provider>_refund.build``."""
        said: dict[str, Any] = self.provider(provider).settings(self.base_url, notify_url)
        return said

    # --- levers -----------------------------------------------------------------------------------------------------------
    def now(self) -> float:
        """The sandbox's own time: seconds since 1970, moved by :meth:`set_clock`. Signatures use the real time."""
        return time.time() + self.offset_s

    def set_clock(self, offset_s: float) -> None:
        """Let the sandbox's time run this far ahead of the real one; what falls due by it happens now."""
        self._base.set("clock_offset_s", float(offset_s))
        self.offset_s = float(offset_s)
        for provider in list(self.playing.values()):
            provider.wake()

    def pay(
        self,
        transaction_id: str,
        total: int,
        paid_at: datetime | str | float | None = None,
        *,
        provider: str = DEFAULT,
        **more: Any,
    ) -> None:
        """A buyer has paid ``total`` minor units. ``paid_at``: now, if None. ``more``: see the provider's own ``pay``."""
        at = datetime.fromisoformat(paid_at) if isinstance(paid_at, str) else paid_at
        seconds = at.timestamp() if isinstance(at, datetime) else at
        self.provider(provider).pay(transaction_id, total, paid_at=seconds, **more)

    def fault(self, *faults: Fault, provider: str = DEFAULT) -> None:
        """Append to the script of what goes wrong at a provider."""
        self.provider(provider)
        self.envs[provider].script.add(*faults)

    def adjust(self, provider: str | None = None, **paces: Any) -> None:
        """Change ``delay_s``, ``gap_s`` or ``limited`` for what is to come, at one provider or at all; ValueError for others."""
        if set(paces) - {"delay_s", "gap_s", "limited"}:
            raise ValueError("delay_s, gap_s and limited can be changed")
        if provider is None:
            self._paces |= paces
        else:
            self.provider(provider)
        for env in [self.envs[provider]] if provider else list(self.envs.values()):
            for name, value in paces.items():
                setattr(env, name, bool(value) if name == "limited" else float(value))

    def lever(self, name: str, provider: str = DEFAULT, **said: Any) -> Any:
        """Pull one of a provider's own levers. Raises ValueError where it has none of that name."""
        found = getattr(self.provider(provider), "levers", {}).get(name)
        if found is None:
            raise ValueError(f"{provider} has no lever {name}")
        return found(**said)

    def truth(self, provider: str | None = None) -> dict[str, Any]:
        """What really was paid: at one provider, or see :func:`infra.local.sandbox.truth.truth_of`."""
        return truth_of(self, provider)

    # --- WeChat Pay -------------------------------------------------------------------------------------------------------
    @property
    def wechatpay(self) -> WechatPay:
        """WeChat Pay, which always plays."""
        found = self.playing[DEFAULT]
        assert isinstance(found, WechatPay)
        return found

    @property
    def keys(self) -> Keys:
        """WeChat Pay's keys."""
        return self.wechatpay.keys

    @property
    def book(self) -> Book:
        """WeChat Pay's books."""
        return self.wechatpay.book

    @property
    def script(self) -> Script:
        """WeChat Pay's faults."""
        return self.wechatpay.script

    @property
    def notifier(self) -> Notifier:
        """WeChat Pay's notices."""
        return self.wechatpay.notifier

    def top_up(self, minor: int) -> None:
        """Put money on the merchant's account at WeChat Pay."""
        self.wechatpay.top_up(minor)

    def notice_of(self, out_refund_no: str, minor: int | None = None, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """A genuine notice of WeChat Pay's; see :meth:`WechatPay.notice_of`."""
        return self.wechatpay.notice_of(out_refund_no, minor, fault)

    def resend(self, out_refund_no: str) -> None:
        """Deliver WeChat Pay's notices about a refund once more, now."""
        self.wechatpay.resend(out_refund_no)
