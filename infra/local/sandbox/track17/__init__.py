"""17TRACK's tracking interface as the sandbox plays it: numbers are registered, asked about, and told of until somebody has heard.

It speaks version 2.2 as ``plugins/track17_carrier/README.md`` describes it, about the parcels of the sandbox. A fault's ``at`` is
``create`` (register), ``query`` (gettrackinfo), ``void`` (stoptrack) or ``notice``, its ``key`` a number; ``error`` answers with
``status`` and ``code``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.following import UPDATED, Following
from infra.local.sandbox.parcels import Parcels
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.track17.front import NAME, PATH, Front
from infra.local.sandbox.track17.keys import Keys
from infra.local.sandbox.track17.notify import Notifier

__all__ = ["Keys", "Track17", "build"]


def build(env: Env) -> Track17:
    """The provider. Raises LooksReal for keys that could be production."""
    return Track17(env)


class Track17:
    """See :class:`~infra.local.sandbox.provider.Provider`. Nobody pays here, and the truth has no refunds."""

    name = NAME
    prefixes = (PATH,)

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        parcels = env.parcels or Parcels(None, env.now)
        self.book = Following(env.file("sqlite"), env.now, parcels)
        self.front = Front(self.book, self.keys, env, self.wake)
        self.notifier = Notifier(self.book, self.keys, self.front, env)
        parcels.watching.append(self.wake)
        self.notifier.start()
        self.levers: Mapping[str, Callable[..., Any]] = {
            "listen": lambda url: self.book.set("notify_url", url),
            "lag": self.lag,
            "stop": lambda number: self._then(done=self.book.stop(number)),
            "notices": lambda number: self._then(done=self.book.again(number)),
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.track17_carrier.build``; ``notify_url`` is where it tells."""
        if notify_url:
            self.book.set("notify_url", notify_url)
        return {"base_url": f"{base_url}{PATH}".rstrip("/"), "key": self.keys.key}

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays here. Raises ValueError."""
        raise ValueError(f"17TRACK takes no payments ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every number that is followed, the calls with the fullest second and how many broke the limit, and what was told."""
        empty: dict[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}
        told = [
            {"number": d.number, "event": d.event, "fault": d.fault, "status": d.status} for d in list(self.notifier.deliveries)
        ]
        calls = {**self.front.rate.report(), **self.front.calls}
        return {**empty, "followed": {row["number"]: row for row in self.book.all()}, "calls": calls, "deliveries": told}

    def wake(self) -> None:
        """Something happened, or the clock was moved: what is new is told."""
        self.notifier.wake()

    def close(self) -> None:
        """End telling and close the books."""
        self.notifier.stop()
        self.book.close()

    # --- levers -----------------------------------------------------------------------------------------------------------
    def lag(self, seconds: float) -> None:
        """How long nothing is known of a number after it was registered, in the sandbox's time."""
        self.front.lag_s = float(seconds)

    def notice_of(
        self, number: str, what: str = UPDATED, fault: Kind | None = None
    ) -> tuple[dict[str, str], dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on), query and body of a genuine message about the number as it is."""
        row = self.book.find(number)
        assert row is not None
        headers, body = self.notifier.made(row, what, fault)
        return {name.lower(): value for name, value in headers.items()}, {}, body

    def _then(self, *, done: bool) -> dict[str, Any]:
        self.wake()
        return {"done": done}
