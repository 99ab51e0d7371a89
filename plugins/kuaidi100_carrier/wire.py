"""One signed question and its answer. The platform signs no answers: HTTPS vouches for them. What cannot be read is Unknown."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import Unknown
from plugins.kuaidi100_carrier.setting import Setting
from plugins.kuaidi100_carrier.sign import signature

if TYPE_CHECKING:
    import httpx

#: No answer about one order is larger; what is, comes from somebody else.
LARGEST = 1 << 18


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: whether it was done, the platform's code and sentence, and its data."""

    done: bool
    code: str
    message: str
    data: Mapping[str, Any]


class Wire:
    """Calls the platform over one pool of connections per process. ``now`` is the real time in seconds: signatures."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._pool: httpx.Client | None = None

    def call(self, method: str, said: Mapping[str, Any]) -> Answer:
        """The answer. Raises Unknown for silence, another status than 200, and what is not of its form."""
        import httpx

        param, t = json.dumps(said, separators=(",", ":"), ensure_ascii=False), str(int(self._now() * 1000))
        sign = signature(param, t, self._setting.key, self._setting.secret)
        form = {"method": method, "key": self._setting.key, "t": t, "sign": sign, "param": param}
        client = self._client()
        try:
            body = self._exchange(client, client.build_request("POST", self._setting.base_url, data=form))
        except httpx.TransportError as error:
            raise Unknown(f"Kuaidi100 gave no answer: {type(error).__name__}.") from error
        try:
            found = json.loads(body)
            data = found.get("data") or {}
            return Answer(found["result"] is True, str(found["returnCode"]), str(found.get("message") or ""), dict(data))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Unknown("Kuaidi100's answer is not of its form.") from error

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
                self._pool = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)
            return self._pool

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> bytes:
        """The raw answer. The whole of it has a limit: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._setting.total_s, [], 0
        request.headers["Accept-Encoding"] = "identity"
        response = client.send(request, stream=True)
        try:
            if response.status_code != 200:
                raise Unknown(f"Kuaidi100 answers {response.status_code}.")
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("Kuaidi100's answer does not end.")
        finally:
            response.close()
        return b"".join(parts)
