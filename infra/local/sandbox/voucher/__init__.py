"""A voucher system as the sandbox plays it: codes, memberships and downloads that are used, locked and made void.

It speaks the contract of ``plugins/voucher_entitlements/README.md``. A fault's ``at`` is ``query``, ``lock``, ``void`` or
``unlock``, its ``key`` the id of the entitlement; ``wrong_number`` signs the answer to another request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from infra.local.sandbox.fault import At, Kind
from infra.local.sandbox.provider import Env, Reply
from infra.local.sandbox.signed import NO_MONEY, Door, Keys, Signer, Things, key_of
from infra.local.sandbox.voucher.book import Book

__all__ = ["Keys", "Voucher", "build"]

ACTS = {"lock": At.LOCK, "void": At.VOID, "unlock": At.UNLOCK}

#: The longest lock that is given, in days.
MOST_DAYS = 90


def build(env: Env) -> Voucher:
    """The provider. Raises LooksReal for keys that could be production."""
    return Voucher(env)


class Voucher:
    """See :class:`~infra.local.sandbox.provider.Provider`. No money moves here: nobody pays, and the truth has no refunds."""

    name = "voucher"
    prefixes = ("/entitlements/",)

    def __init__(self, env: Env) -> None:
        self.keys, self.book = Keys.of(env), Book(env.file("sqlite"), env.now)
        self.signer = Signer("ENTITLEMENTS", "Entitlement", self.keys)
        things = Things("entitlements", "entitlement", ACTS, self.book.shown, self._done)
        self.front = Door(self.signer, things, env)
        self.levers: Mapping[str, Callable[..., Any]] = {
            "issue": self.issue,
            "redeem": lambda entitlement, times=1, at=None: {"done": self.book.redeem(entitlement, times, _seconds(at))},
            "activate": lambda entitlement, at=None: {"done": self.book.activate(entitlement, _seconds(at))},
            "expire": lambda entitlement, at=None: {"done": self.book.expire(entitlement, _seconds(at))},
            "lock": lambda entitlement, key, days=30: self.book.lock(entitlement, key, days),
            "unlock": lambda entitlement, key: self.book.unlock(entitlement, key),  # noqa: PLW0108 (the names are the lever's)
            "rotate": lambda: {"id": self.keys.rotate()[:12]},
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:  # noqa: ARG002 (part of the protocol)
        """Settings for ``plugins.voucher_entitlements.build``."""
        return {**self.keys.settings(), "base_url": base_url}

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays at a voucher system. Raises ValueError."""
        raise ValueError(f"a voucher system takes no payments ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every entitlement with what was done to it, and the calls; the sums are those of a provider that moves no money."""
        return {**NO_MONEY, "entitlements": self.book.all(), "calls": self.front.calls()}

    def wake(self) -> None:
        """The clock was moved: locks are judged by it when they are looked at."""

    def close(self) -> None:
        """Close the books."""
        self.book.close()

    # --- levers -----------------------------------------------------------------------------------------------------------
    def issue(
        self,
        entitlement: str,
        of: int = 1,
        base: str = "",
        begins_at: float | str | None = None,
        expires_at: float | str | None = None,
        **order: str,
    ) -> None:
        """Sell an entitlement with ``of`` uses. ``base`` names the membership that it renews or begins, ``begins_at`` when.

        ``order``: ``merchant``, ``order_id`` and ``line_id``, for notices. The same id again raises ValueError.
        """
        if self.book.shown(entitlement) is not None:
            raise ValueError(f"there is an entitlement {entitlement}")
        if type(of) is not int or of < 1 or set(order) - {"merchant", "order_id", "line_id"}:
            raise ValueError("an entitlement has at least one use, and may name merchant, order_id and line_id")
        begins, expires = _seconds(begins_at), _seconds(expires_at)
        said = {"id": entitlement, "of_uses": of, "base": base, "begins_at": self.book.now() if begins is None else begins}
        self.book.issue({**said, "expires_at": expires, **order})

    def notice_of(self, entitlement: str, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on) and body of a genuine notice of its use, delivered to nobody."""
        row = self.book.rows("select * from entitlement where id = ?", entitlement)[0]
        at = datetime.fromtimestamp(row["used_at"] or self.book.now(), UTC).isoformat(timespec="seconds")
        about = {name: row[name] for name in ("merchant", "order_id", "line_id")}
        left = row["of_uses"] - row["used"]
        body = json.dumps({"event": "redeemed", "at": at, "entitlement": entitlement, "left": left, **about}).encode()
        return self.signer.notice(body, fault), body

    def _done(self, one: str, act: str, said: Mapping[str, Any]) -> dict[str, Any] | None:
        """The entitlement after an act of the contract."""
        key, days = key_of(said), said.get("days", 30)
        if type(days) is not int or not 0 < days <= MOST_DAYS:
            raise ValueError(f"days is a whole number from 1 to {MOST_DAYS}")
        if act == "lock":
            return self.book.lock(one, key, days)
        return self.book.void(one, key) if act == "void" else self.book.unlock(one, key)


def _seconds(at: float | str | None) -> float | None:
    """An instant in seconds since 1970, given so or as ISO 8601."""
    return datetime.fromisoformat(at).timestamp() if isinstance(at, str) else at
