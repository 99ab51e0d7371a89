"""One signed question to the agent, and its verified answer. Whatever cannot be trusted is Unknown."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from aftersales.errors import BadSignature, Unknown
from plugins.ceb_customs.setting import Setting
from plugins.ceb_customs.sign import signed, verify

if TYPE_CHECKING:
    import httpx

LARGEST = 4 << 20
PATH = "/customs/receipts"


class Wire:
    """Calls the agent over one pool of connections per process. ``now`` is the real time in seconds since 1970."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._pool: httpx.Client | None = None

    def receipts(self, ebc_code: str, order_no: str) -> tuple[str, ...]:
        """The receipts of an order as base64, in any order; none where nothing was declared. Raises Unknown."""
        import httpx

        query = f"{PATH}?{urlencode({'ebcCode': ebc_code, 'orderNo': order_no})}"
        url, nonce = f"{self._setting.base_url}{query}", secrets.token_hex(16)
        target = url[len("://".join(urlsplit(url)[:2])) :]
        headers = signed(self._setting.secrets[0], "ask", str(int(self._now())), target.encode(), nonce)
        client = self._client()
        request = client.build_request("GET", url, headers={**headers, "Accept-Encoding": "identity", "User-Agent": "aftersales"})
        try:
            status, said, body = self._exchange(client, request)
        except httpx.TransportError as error:
            raise Unknown(f"Customs' agent gave no answer: {type(error).__name__}.") from error
        if status != httpx.codes.OK:
            raise Unknown("Customs' agent did not answer the question.", status=status)
        try:
            verify(self._setting.secrets, "answer", said, body, self._now(), nonce)
        except BadSignature as error:
            raise Unknown(f"The answer of customs' agent is not to be believed: {error.message}") from error
        return _told(body)

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
                # The environment's proxies are not asked: what was bought is told to nobody on the way.
                self._pool = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)
            return self._pool

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and raw body. The whole of it has a limit too: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._setting.total_s, [], 0
        response = client.send(request, stream=True)
        try:
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("The answer of customs' agent does not end.")
        finally:
            response.close()
        return response.status_code, {name.lower(): value for name, value in response.headers.items()}, b"".join(parts)


def _told(body: bytes) -> tuple[str, ...]:
    try:
        found = json.loads(body)["receipts"]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Unknown("The answer of customs' agent is not of its form.")
    return tuple(found)
