"""A mall's warehouse as the sandbox plays it: pieces that are bought, kept, taken for good and let go.

It speaks the contract of ``plugins/mall_stock/README.md``. A fault's ``at`` is ``query``, ``lock`` (hold), ``void`` (consume),
``unlock`` (release) or ``create`` (return), its ``key`` the sku; ``wrong_number`` signs the answer to another request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.stock.book import Book
from infra.local.sandbox.stock.front import Front
from infra.local.sandbox.stock.keys import Keys

__all__ = ["Keys", "Stock", "build"]


def build(env: Env) -> Stock:
    """The provider. Raises LooksReal for keys that could be production."""
    return Stock(env)


class Stock:
    """See :class:`~infra.local.sandbox.provider.Provider`. No money moves here: nobody pays, and the truth has no refunds."""

    name = "stock"
    prefixes = ("/stock/",)

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        self.book = Book(env.file("sqlite"), env.now)
        self.front = Front(self.book, self.keys, env)
        self.levers: Mapping[str, Callable[..., Any]] = {
            "stock": lambda sku, pieces: self.book.put(sku, pieces),  # noqa: PLW0108 (the names are the lever's)
            "sells": lambda skus: self.book.sells(skus),  # noqa: PLW0108 (likewise)
            "buy": lambda sku: {"done": self.book.buy(sku)},
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:  # noqa: ARG002 (part of the protocol)
        """Settings for ``plugins.mall_stock.build``."""
        return {**self.keys.settings(), "base_url": base_url}

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays at a warehouse. Raises ValueError."""
        raise ValueError(f"a warehouse takes no payments ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every sku with what is free, kept and gone, and the calls; the sums are those of a provider that moves no money."""
        empty: dict[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}
        return {**empty, "stock": self.book.all(), "calls": self.front.calls()}

    def wake(self) -> None:
        """The clock was moved: holds are judged by it when they are looked at."""

    def close(self) -> None:
        """Close the books."""
        self.book.close()
