"""One call and its answer. AfterShip signs no answers: HTTPS vouches for them. What cannot be read is Unknown.

Every answer says how many calls of its kind are left in this second (``X-RateLimit-*``). Where none is, the next one waits for the
next second; a refusal (429) is ChannelBusy until then, and nothing is repeated here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import ChannelBusy, Unknown
from plugins.aftership_carrier.setting import Setting

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

#: Twenty numbers with all their checkpoints stay far below.
LARGEST = 1 << 22

#: Limits are by the second: whoever is told to wait much longer has another clock, and a minute is the longest that is believed.
LONGEST_S, SOON_S, LATER_S = 60.0, 1.1, 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``code`` is AfterShip's own (200, 201, 4003 …)."""

    code: int
    data: Mapping[str, Any]


class Wire:
    """Calls AfterShip over one pool of connections per process. ``now`` is the real time in seconds: limits. Safe for threads."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._free_at: dict[str, float] = {}
        self._pool: httpx.Client | None = None

    def create(self, said: Mapping[str, Any], now: datetime) -> Answer:
        """Have a number followed. Raises like :meth:`find`; what is wrong with the number itself is in the code."""
        return self._call("POST", {"content": json.dumps(said).encode()}, now)

    def find(self, numbers: str, now: datetime) -> Answer:
        """All about these numbers. Raises Unknown for silence and what is not of its form, ChannelBusy for too many calls."""
        return self._call("GET", {"params": {"tracking_numbers": numbers, "limit": "200"}}, now)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _call(self, method: str, what: Mapping[str, Any], now: datetime) -> Answer:
        import httpx

        client = self._client()
        headers = {"as-api-key": self._setting.key, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        request = client.build_request(method, f"{self._setting.base_url}/trackings", headers=headers, **what)
        self._wait(method)
        try:
            status, told, body = self._exchange(client, request)
        except httpx.TransportError as error:
            raise Unknown(f"AfterShip gave no answer: {type(error).__name__}.") from error
        wait_s = self._noted(method, told)
        if status == 429:
            raise ChannelBusy("AfterShip was asked too often.", until=now + timedelta(seconds=wait_s))
        return _read(status, body)

    def _wait(self, method: str) -> None:
        """Until there are calls of this kind again."""
        with self._lock:
            wait_s = self._free_at.get(method, 0.0) - self._now()
        if wait_s > 0:
            time.sleep(min(wait_s, SOON_S))

    def _noted(self, method: str, told: Mapping[str, str]) -> float:
        """Keep what an answer says about the limit; gives the seconds until there are calls again."""
        try:
            left, reset = int(told.get("x-ratelimit-remaining", "1")), float(told.get("x-ratelimit-reset", "0"))
        except ValueError:
            left, reset = 1, 0.0
        wait_s = min(max(reset - self._now(), 0.0) + LATER_S, LONGEST_S) if reset else SOON_S
        with self._lock:
            self._free_at[method] = self._now() + wait_s if left <= 0 else 0.0
        return wait_s

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._pool is None:
                times = httpx.Timeout(self._setting.read_s, connect=self._setting.connect_s)
                # The environment's proxies are not asked: these calls go where the settings say.
                self._pool = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)
            return self._pool

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> tuple[int, Mapping[str, str], bytes]:
        """Status, lower-case headers and raw answer. The whole of it has a limit: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._setting.total_s, [], 0
        response = client.send(request, stream=True)
        try:
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("AfterShip's answer does not end.")
        finally:
            response.close()
        return response.status_code, {name.lower(): value for name, value in response.headers.items()}, b"".join(parts)


def _read(status: int, body: bytes) -> Answer:
    try:
        found = json.loads(body)
        code, data = int(found["meta"]["code"]), found.get("data") or {}
        if status >= 500 or status in (401, 403):
            log.error("AfterShip takes no call: %s, %s", status, code)
            raise Unknown(f"AfterShip answers {status}.")
        return Answer(code, data if isinstance(data, dict) else {})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Unknown(f"AfterShip's answer ({status}) is not of its form.") from error
