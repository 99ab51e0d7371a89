"""One signed call and its verified answer. Whatever cannot be trusted is Unknown: the call may have been carried out."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aftersales.errors import BadSignature, Unknown
from plugins.mall_stock.setting import Setting
from plugins.mall_stock.sign import KEY, NONCE, SIGNATURE, TIMESTAMP, answer_message, check, request_message, signature

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

#: No answer about one sku is larger; what is, comes from somebody else.
LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A trustworthy answer: ``said`` is its JSON object."""

    status: int
    said: Mapping[str, Any]


class Wire:
    """Calls the warehouse system over one pool of connections per process. ``now`` is the real time in seconds: signatures."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._pool: httpx.Client | None = None

    def call(self, method: str, sku: str, act: str = "", said: Mapping[str, Any] | None = None) -> Answer:
        """The verified answer about a sku. Raises Unknown for silence, and for anything that cannot be believed."""
        import httpx

        client = self._client()
        body = json.dumps(said, separators=(",", ":")).encode() if said is not None else b""
        where = f"/stock/{quote(sku, safe='')}" + (f"/{act}" if act else "")
        request, nonce = self._request(client, method, f"{self._setting.base_url}{where}", body)
        try:
            return self._believed(*self._exchange(client, request), nonce)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL) as error:
            raise Unknown(f"The warehouse system cannot be reached: {type(error).__name__}.", sent=False) from error
        except httpx.TransportError as error:
            raise Unknown(f"The warehouse system gave no answer: {type(error).__name__}.", sent=True) from error

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

    def _request(self, client: httpx.Client, method: str, url: str, body: bytes) -> tuple[httpx.Request, str]:
        """The signed request and its nonce."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "aftersales"}
        if body:
            headers["Content-Type"] = "application/json"
        request = client.build_request(method, url, content=body or None, headers=headers)
        timestamp, nonce = str(int(self._now())), secrets.token_hex(16)
        # What is signed is what will be sent: the path as the HTTP library encoded it, the bytes as they stand.
        message = request_message(method, request.url.raw_path.decode("ascii"), timestamp, nonce, body)
        signed = {KEY: self._setting.key_id, TIMESTAMP: timestamp, NONCE: nonce}
        request.headers.update({**signed, SIGNATURE: signature(self._setting.secrets[0], message)})
        return request, nonce

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> tuple[int, Mapping[str, str], bytes]:
        """Status, lower-case headers and raw bytes. The whole of it has a limit: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._setting.total_s, [], 0
        response = client.send(request, stream=True)
        try:
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("The warehouse system's answer does not end.", sent=True)
        finally:
            response.close()
        return response.status_code, {k.lower(): v for k, v in response.headers.items()}, b"".join(parts)

    def _believed(self, status: int, headers: Mapping[str, str], body: bytes, asked: str) -> Answer:
        """Only what is signed is believed, a refusal too: one that nobody signed may come from anybody on the way."""
        about: dict[str, Any] = {"status": status, "sent": True}
        message = answer_message(status, asked, headers.get(TIMESTAMP, ""), headers.get(NONCE, ""), body)
        try:
            check(self._setting.secrets, self._setting.key_id, headers, message, self._now())
        except BadSignature as error:
            log.error("an answer with status %s is not believed: %s", status, error.message)  # noqa: TRY400 (no trace wanted)
            raise Unknown(f"The warehouse system's answer is not believed: {error.message}", **about) from error
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unknown(f"The warehouse system's answer ({status}) is no JSON.", **about) from error
        if not isinstance(said, dict):
            raise Unknown(f"The warehouse system's answer ({status}) is not of its form.", **about)
        return Answer(status, said)
