"""A form handed in over HTTPS, and the raw answer: whatever does not come whole and in time is Unknown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING

from aftersales.errors import Unknown
from plugins.kuaidi100_carrier.setting import Times

if TYPE_CHECKING:
    import httpx

#: No answer about one order or one parcel is larger; what is, comes from somebody else.
LARGEST = 1 << 18


class Post:
    """One pool of connections per process, opened on first use."""

    def __init__(self, times: Times) -> None:
        self._times, self._lock = times, Lock()
        self._pool: httpx.Client | None = None

    def form(self, url: str, fields: Mapping[str, str]) -> bytes:
        """The body of the answer. Raises Unknown for silence, another status than 200, and what does not end."""
        import httpx

        client = self._client()
        try:
            return self._exchange(client, client.build_request("POST", url, data=dict(fields)))
        except httpx.TransportError as error:
            raise Unknown(f"Kuaidi100 gave no answer: {type(error).__name__}.") from error

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
                times = httpx.Timeout(self._times.read_s, connect=self._times.connect_s)
                self._pool = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)
            return self._pool

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> bytes:
        """The raw answer. The whole of it has a limit: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._times.total_s, [], 0
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
