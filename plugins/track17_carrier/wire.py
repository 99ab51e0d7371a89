"""One call and its answer. 17TRACK signs no answers: HTTPS vouches for them. What cannot be read is Unknown.

It takes three calls a second of an account. This process keeps to that by itself and waits its turn; where others have taken the
second, 17TRACK says so (429), and nothing is repeated here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import ChannelBusy, Unknown
from plugins.track17_carrier.setting import Setting
from plugins.track17_carrier.turn import SECOND_S, Turns
from plugins.track17_carrier.word import TOO_OFTEN

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

#: Calls a second that it takes of an account.
PER_SECOND = 3

#: Forty numbers with all their scans stay far below.
LARGEST = 1 << 22


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, number by number."""

    accepted: tuple[Mapping[str, Any], ...]
    rejected: tuple[Mapping[str, Any], ...]

    def refused(self, code: int) -> frozenset[str]:
        """The numbers that were refused for this reason."""
        return frozenset(str(one.get("number")) for one in self.rejected if code_of(one) == code)


class Wire:
    """Calls 17TRACK over one pool of connections per process. Safe for threads."""

    def __init__(self, setting: Setting) -> None:
        self._setting, self._lock, self._turns = setting, Lock(), Turns(PER_SECOND)
        self._pool: httpx.Client | None = None

    def call(self, what: str, said: Sequence[Mapping[str, Any]], now: datetime) -> Answer:
        """The answer. Raises Unknown for silence and for what is not of its form, ChannelBusy for too many calls a second."""
        import httpx

        client = self._client()
        headers = {"17token": self._setting.key, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        body = json.dumps(list(said), separators=(",", ":")).encode()
        request = client.build_request("POST", f"{self._setting.base_url}/{what}", content=body, headers=headers)
        try:
            with self._turns.turn():
                status, answer = self._exchange(client, request)
        except httpx.TransportError as error:
            raise Unknown(f"17TRACK gave no answer: {type(error).__name__}.") from error
        if status == 429:
            raise _busy(now)
        return _read(status, answer, now)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._pool is None:
                times = httpx.Timeout(self._setting.read_s, connect=self._setting.connect_s)
                # The environment's proxies are not asked: these calls go where the settings say.
                self._pool = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)
            return self._pool

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> tuple[int, bytes]:
        """Status and raw answer. The whole of it has a limit: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._setting.total_s, [], 0
        response = client.send(request, stream=True)
        try:
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("17TRACK's answer does not end.")
        finally:
            response.close()
        return response.status_code, b"".join(parts)


def code_of(refused: Mapping[str, Any]) -> int:
    """Why one number was refused; 0 where that cannot be read."""
    error = refused.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 0


def _read(status: int, body: bytes, now: datetime) -> Answer:
    try:
        found = json.loads(body)
        code, data = found["code"], found.get("data") or {}
        if code == TOO_OFTEN:
            raise _busy(now)
        if status != 200 or code != 0:
            log.error("17TRACK takes no call: %s, %.16s", status, code)
            raise Unknown(f"17TRACK answers {status}, {str(code)[:16]}.")
        return Answer(_tables(data.get("accepted")), _tables(data.get("rejected")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unknown(f"17TRACK's answer ({status}) is not of its form.") from error


def _tables(said: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(one for one in said or () if isinstance(one, dict))


def _busy(now: datetime) -> ChannelBusy:
    return ChannelBusy("17TRACK was asked too often.", until=now + timedelta(seconds=SECOND_S))
