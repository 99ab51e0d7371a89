"""A mall's membership system as the sandbox plays it: members are given points, once per key.

It speaks the contract of ``plugins/mall_points/README.md``. Whoever has not left is a member. A fault's ``at`` is ``query`` or
``create`` (a gift), its ``key`` the member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.sandbox.fault import At
from infra.local.sandbox.points.book import Book
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.signed import NO_MONEY, Door, Keys, Signer, Things, key_of

__all__ = ["Keys", "Points", "build"]


def build(env: Env) -> Points:
    """The provider. Raises LooksReal for keys that could be production."""
    return Points(env)


class Points:
    """See :class:`~infra.local.sandbox.provider.Provider`. No money moves here: nobody pays, and the truth has no refunds."""

    name = "points"
    prefixes = ("/members/",)

    def __init__(self, env: Env) -> None:
        self.keys, self.book = Keys.of(env), Book(env.file("sqlite"))
        things = Things("members", "member", {"points": At.CREATE}, self.book.shown, self._given)
        self.front = Door(Signer("POINTS", "Points", self.keys), things, env)
        self.levers: Mapping[str, Callable[..., Any]] = {
            "leave": lambda member: self.book.leave(member),  # noqa: PLW0108 (the names are the lever's)
            "rotate": lambda: {"id": self.keys.rotate()[:12]},
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:  # noqa: ARG002 (part of the protocol)
        """Settings for ``plugins.mall_points.build``."""
        return {**self.keys.settings(), "base_url": base_url}

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays with points. Raises ValueError."""
        raise ValueError(f"a membership system takes no payments ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every gift by its key, and the calls; the sums are those of a provider that moves no money."""
        return {**NO_MONEY, "gifts": self.book.all(), "calls": self.front.calls()}

    def wake(self) -> None:
        """The clock was moved: nothing here falls due."""

    def close(self) -> None:
        """Close the books."""
        self.book.close()

    def _given(self, member: str, act: str, said: Mapping[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002 (the door's form)
        """The member after a gift. Raises Refusal for a key that gave something else."""
        key, gift = key_of(said), (said.get("merchant"), said.get("points"), said.get("reason"))
        shop, points, reason = gift
        if not isinstance(shop, str) or not isinstance(reason, str) or type(points) is not int or points < 1:
            raise ValueError("a gift has a merchant, a reason and a whole number of points from 1")
        found = self.book.give(key, member, shop, points, reason)
        return found and {**found, "gift": {"key": key, "merchant": shop, "points": points, "reason": reason}}
