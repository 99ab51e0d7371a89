"""AfterShip's tracking interface as the sandbox plays it: numbers are followed, asked about, and told of until somebody has heard.

It speaks version 2026-07 as ``plugins/aftership_carrier/README.md`` describes it, about the parcels of the sandbox. A fault is
``at`` ``create``, ``query`` or ``notice``, its ``key`` a number; ``error`` answers with ``status`` and ``code``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.sandbox.aftership.front import NAME, PREFIX, Front
from infra.local.sandbox.aftership.keys import Keys
from infra.local.sandbox.aftership.notify import Notifier
from infra.local.sandbox.fault import Kind
from infra.local.sandbox.following import Following
from infra.local.sandbox.parcels import Parcels
from infra.local.sandbox.provider import Env, Reply

__all__ = ["Aftership", "Keys", "build"]


def build(env: Env) -> Aftership:
    """The provider. Raises LooksReal for keys that could be production."""
    return Aftership(env)


class Aftership:
    """See :class:`~infra.local.sandbox.provider.Provider`. Nobody pays here, and the truth has no refunds."""

    name = NAME
    prefixes = (f"{PREFIX}/",)

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
            "notices": lambda number: self._then(done=self.book.again(number)),
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.aftership_carrier.build``; ``notify_url`` is where it tells."""
        if notify_url:
            self.book.set("notify_url", notify_url)
        return {"base_url": f"{base_url}{PREFIX}", "key": self.keys.key, "webhook_secret": self.keys.webhook_secret}

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays here. Raises ValueError."""
        raise ValueError(f"AfterShip takes no payments ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every number that is followed, the calls with the fullest second and how many broke the limit, and what was told."""
        empty: dict[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}
        told = [
            {"number": d.number, "event": d.event, "fault": d.fault, "status": d.status} for d in list(self.notifier.deliveries)
        ]
        followed = {row["number"]: row for row in self.book.all()}
        return {**empty, "followed": followed, "calls": self.front.rate.report(), "deliveries": told}

    def wake(self) -> None:
        """Something happened, or the clock was moved: what is new is told."""
        self.notifier.wake()

    def close(self) -> None:
        """End telling and close the books."""
        self.notifier.stop()
        self.book.close()

    # --- levers -----------------------------------------------------------------------------------------------------------
    def lag(self, seconds: float) -> None:
        """How long nobody has looked for a number that was created, in the sandbox's time."""
        self.front.lag_s = float(seconds)

    def notice_of(self, number: str, fault: Kind | None = None) -> tuple[dict[str, str], dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on), query and body of a genuine message about the number as it is."""
        row = self.book.find(number)
        assert row is not None
        headers, body = self.notifier.made(row, fault)
        return {name.lower(): value for name, value in headers.items()}, {}, body

    def _then(self, *, done: bool) -> dict[str, Any]:
        self.wake()
        return {"done": done}
