"""The truth port, for tests and developers only: what really was paid, and the levers (payments, faults, account, clock)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from infra.local.sandbox.fault import Fault
from infra.local.sandbox.provider import DEFAULT, NoProvider, Reply

if TYPE_CHECKING:
    from infra.local.sandbox import Sandbox


def truth_of(sandbox: Sandbox, name: str | None = None) -> dict[str, Any]:
    """What one provider's books say; without a name WeChat Pay's, and beside them ``providers``, ``broken`` and ``grand``.

    ``providers`` has the truth of each that plays, ``grand`` the sums over all of them by currency.
    """
    common = {"clock_offset_s": sandbox.offset_s}
    if name is not None:
        told_by: dict[str, Any] = sandbox.provider(name).truth()
        return {**told_by, "faults_left": sandbox.envs[name].script.left, **common}
    each = {n: {**p.truth(), "faults_left": sandbox.envs[n].script.left} for n, p in list(sandbox.playing.items())}
    return {**each[DEFAULT], **common, "providers": each, "broken": sandbox.broken, "grand": _grand(each)}


def _grand(each: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    sums: dict[str, Counter[str]] = {}
    for truth in each.values():
        for refund in truth["refunds"].values():
            one = {"executed": refund["executed"], "paid": refund["paid"], "count": 1}
            sums.setdefault(str(refund.get("currency", "CNY")).upper(), Counter()).update(one)
    return {currency: dict(found) for currency, found in sums.items()}


class TruthPort:
    """HTTP over the same: ``GET /truth``, ``GET /truth/NAME``, the levers by ``POST``, and ``DELETE /faults``.

    The levers are ``/payments``, ``/faults``, ``/clock``, ``/settings`` and the provider's own (``/balance``, ``/topup``,
    ``/outside``, ``/rotate``, ``/notices``, …); their bodies are JSON objects with the names of
    :class:`~infra.local.sandbox.Sandbox`'s methods, and ``provider`` where it is not WeChat Pay. A wrong one is a 400 with the
    reason.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._does: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("POST", "/payments"): self._pay,
            ("POST", "/faults"): self._faults,
            ("DELETE", "/faults"): self._heal,
            ("POST", "/clock"): lambda said: sandbox.set_clock(said["offset_s"]),
            ("POST", "/settings"): lambda said: sandbox.adjust(**said),
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request. One with an ``Origin`` comes from a web page, which has no business here."""
        if "Origin" in headers:
            return told(403, {"error": "not for browsers"})
        try:
            if method == "GET" and (path == "/truth" or path.startswith("/truth/")):
                return told(200, truth_of(self._sandbox, path[len("/truth/") :] or None))
            do = self._does.get((method, path)) or self._lever(method, path)
            if do is None:
                known = ["GET /truth", *(" ".join(k) for k in self._does), *(f"POST /{n}" for n in self._levers())]
                return told(404, {"error": f"{method} {path} is not known", "known": known})
            return told(200, do(json.loads(body) if body else {}) or {})
        except NoProvider as error:
            return told(404, {"error": str(error)})
        except (ValueError, KeyError, TypeError) as error:
            return told(400, {"error": str(error)})

    def _levers(self) -> set[str]:
        return {name for p in list(self._sandbox.playing.values()) for name in getattr(p, "levers", {})}

    def _lever(self, method: str, path: str) -> Callable[[dict[str, Any]], Any] | None:
        self._sandbox.all()
        name = path.removeprefix("/")
        return (lambda said: self._sandbox.lever(name, **said)) if method == "POST" and name in self._levers() else None

    def _pay(self, said: dict[str, Any]) -> None:
        total = {"total": said["minor"]} if "minor" in said else {}
        self._sandbox.pay(**{k: v for k, v in said.items() if k != "minor"}, **total)

    def _faults(self, said: Any) -> None:
        for one in said if isinstance(said, list) else [said]:
            provider = one.get("provider", DEFAULT)
            self._sandbox.fault(Fault.parse({k: v for k, v in one.items() if k != "provider"}), provider=provider)

    def _heal(self, said: dict[str, Any]) -> None:
        for name, env in list(self._sandbox.envs.items()):
            if said.get("provider", name) == name:
                env.script.clear()


def told(status: int, said: Any) -> Reply:
    """A plain JSON answer."""
    return Reply(status, json.dumps(said, ensure_ascii=False).encode(), {"Content-Type": "application/json; charset=utf-8"})
