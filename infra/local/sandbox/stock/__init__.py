"""A mall's warehouse as the sandbox plays it: pieces that are bought, kept, taken for good and let go.

It speaks the contract of ``plugins/mall_stock/README.md``. A fault's ``at`` is ``query``, ``lock`` (hold), ``void`` (consume),
``unlock`` (release) or ``create`` (return), its ``key`` the sku; ``wrong_number`` signs the answer to another request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.sandbox.fault import At
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.signed import NO_MONEY, Door, Keys, Signer, Things, key_of
from infra.local.sandbox.stock.book import DISPOSITIONS, Book

__all__ = ["Keys", "Stock", "build"]

ACTS = {"hold": At.LOCK, "consume": At.VOID, "release": At.UNLOCK, "return": At.CREATE}

#: The longest hold that is given, in days.
MOST_DAYS = 90


def build(env: Env) -> Stock:
    """The provider. Raises LooksReal for keys that could be production."""
    return Stock(env)


class Stock:
    """See :class:`~infra.local.sandbox.provider.Provider`. No money moves here: nobody pays, and the truth has no refunds."""

    name = "stock"
    prefixes = ("/stock/",)

    def __init__(self, env: Env) -> None:
        self.keys, self.book = Keys.of(env), Book(env.file("sqlite"), env.now)
        things = Things("stock", "stock", ACTS, self.book.shown, self._done)
        self.front = Door(Signer("STOCK", "Stock", self.keys), things, env)
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
        return {**NO_MONEY, "stock": self.book.all(), "calls": self.front.calls()}

    def wake(self) -> None:
        """The clock was moved: holds are judged by it when they are looked at."""

    def close(self) -> None:
        """Close the books."""
        self.book.close()

    def _done(self, sku: str, act: str, said: Mapping[str, Any]) -> dict[str, Any] | None:
        """The stock after an act of the contract."""
        key, pieces, days = key_of(said), said.get("pieces", 1), said.get("days", 30)
        if type(days) is not int or not 0 < days <= MOST_DAYS or type(pieces) is not int or pieces < 1:
            raise ValueError(f"days is a whole number from 1 to {MOST_DAYS}, pieces one from 1")
        if act == "return":
            if said.get("disposition") not in DISPOSITIONS or "pieces" not in said:
                raise ValueError(f"a return has pieces, and a disposition of {', '.join(DISPOSITIONS)}")
            return self.book.take_back(sku, key, pieces, said["disposition"])
        if act == "hold":
            return self.book.hold(sku, key, pieces, days)
        return self.book.consume(sku, key) if act == "consume" else self.book.release(sku, key)
