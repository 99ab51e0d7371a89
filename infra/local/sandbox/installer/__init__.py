"""A platform of technicians as the sandbox plays it: work orders, their nodes, and call-backs until somebody has heard them.

It speaks the protocol of ``plugins/wanshifu_installer/README.md``. A fault's ``at`` is ``query`` or ``notice``, its ``key`` the
number of the work order (``ORDER/LINE``); ``wrong_number`` signs the answer to another question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.installer.book import Book
from infra.local.sandbox.installer.front import Front
from infra.local.sandbox.installer.keys import Keys
from infra.local.sandbox.installer.notify import Notifier
from infra.local.sandbox.provider import Env, Reply

__all__ = ["Installer", "Keys", "build"]

BEIJING = timezone(timedelta(hours=8))


def build(env: Env) -> Installer:
    """The provider. Raises LooksReal for keys that could be production."""
    return Installer(env)


class Installer:
    """See :class:`~infra.local.sandbox.provider.Provider`. No money moves here: nobody pays, and the truth has no refunds."""

    name = "installer"
    prefixes = ("/installer/",)

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        self.book = Book(env.file("sqlite"), env.now)
        self.front = Front(self.book, self.keys, env)
        self.notifier = Notifier(self.book, self.keys, env)
        self.notifier.start()
        self.levers: Mapping[str, Callable[..., Any]] = {
            "work_order": lambda number: self.book.order(number),  # noqa: PLW0108 (the names are the lever's)
            "node": self.node,
            "listen": lambda url: self.book.set("notify_url", url),
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.wanshifu_installer.build`` but for ``merchant``; ``notify_url`` is where nodes are told."""
        if notify_url:
            self.book.set("notify_url", notify_url)
        return {**self.keys.settings(), "base_url": f"{base_url}/installer"}

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays here. Raises ValueError."""
        raise ValueError(f"technicians take no payments here ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every work order with its nodes and what became of telling them, and the calls."""
        empty: dict[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}
        return {**empty, "work_orders": self.book.all(), "calls": self.front.calls()}

    def wake(self) -> None:
        """The clock was moved: what is due is told."""
        self.notifier.wake()

    def close(self) -> None:
        """End telling and close the books."""
        self.notifier.stop()
        self.book.close()

    # --- levers -----------------------------------------------------------------------------------------------------------
    def node(self, number: str, status: str, at: float | str | None = None, **data: Any) -> dict[str, Any]:
        """Something happened to the work order ``number`` (made if need be), ``at`` an instant or now; it is told by and by."""
        seconds = datetime.fromisoformat(at).timestamp() if isinstance(at, str) else self.book.now() if at is None else at
        local = datetime.fromtimestamp(seconds, BEIJING).isoformat(sep=" ", timespec="seconds")[:19]
        found = self.book.happen(number, status, seconds, {"operateTime": local, **data})
        self.notifier.wake()
        return {"id": found}

    def notice_of(self, number: str, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on) and body of a genuine call-back of its latest node."""
        headers, body = self.notifier.made(self.book.nodes(number)[-1], fault)
        return {name.lower(): value for name, value in headers.items()}, body
