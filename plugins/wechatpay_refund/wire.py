"""One signed call and its verified answer. Whatever cannot be trusted is Unknown: the call may have been carried out."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import BadSignature, Unknown
from plugins.wechatpay_refund.setting import Setting
from plugins.wechatpay_refund.sign import authorization, private_key_of, public_key_of, request_message, sign, verify

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

log = logging.getLogger(__name__)

#: No answer about a refund is larger; what is, comes from somebody else.
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A trustworthy answer: ``said`` is its JSON object; an error has ``code`` and ``message`` in it."""

    status: int
    said: Mapping[str, Any]
    request_id: str

    @property
    def code(self) -> str:
        """WeChat Pay's error code; empty on success."""
        return str(self.said.get("code", "")) if self.status >= 300 else ""


class Wire:
    """Calls WeChat Pay over one pool of connections per process. ``now`` is the real time in seconds, for the signatures."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._pool: httpx.Client | None = None

    @cached_property
    def _key(self) -> RSAPrivateKey:
        return private_key_of(self._setting.private_key)

    @cached_property
    def platform_keys(self) -> Mapping[str, RSAPublicKey]:
        """WeChat Pay's public keys, parsed. Raises BadSettings."""
        return {serial: public_key_of(serial, pem) for serial, pem in self._setting.platform_keys.items()}

    def call(self, method: str, path: str, body: bytes = b"") -> Answer:
        """The verified answer. ``path`` is percent-encoded. Raises Unknown for silence, and for anything that cannot be believed.

        The standby host is tried when the first could not even be connected to: then nothing was sent.
        """
        import httpx

        client, trouble = self._client(), "there is no host"
        _ = self._key, self.platform_keys  # wrong ones are found out before anything is sent
        for host in self._setting.hosts:
            try:
                return self._believed(*self._exchange(client, self._request(client, method, f"{host}{path}", body)))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                trouble = type(error).__name__
            except httpx.TransportError as error:
                raise Unknown(f"WeChat Pay gave no answer: {type(error).__name__}.", sent=True) from error
        raise Unknown(f"WeChat Pay cannot be reached: {trouble}.", sent=False)

    def download(self, url: str, into: Path, largest: int) -> None:
        """Put what is behind an address that WeChat Pay gave us into a file. The request is signed, the answer is not.

        Raises Unknown unless all of it came with 200.
        """
        import httpx

        client = self._client()
        try:
            with into.open("wb") as file:
                request = self._request(client, "GET", url, b"")
                status, _ = self._stream(client, request, file.write, largest, self._setting.bill_s)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unknown(f"WeChat Pay's file cannot be fetched: {type(error).__name__}.") from error
        if status != 200:
            raise Unknown(f"WeChat Pay answers {status} where a file should be.", status=status)

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
                # The environment's proxies are not asked: payment calls go where the settings say.
                self._pool = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)
            return self._pool

    def _request(self, client: httpx.Client, method: str, url: str, body: bytes) -> httpx.Request:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "aftersales"}
        headers["Wechatpay-Serial"] = self._setting.newest  # the key we would like it to sign with, and sealed secrets for
        if body:
            headers["Content-Type"] = "application/json"
        request = client.build_request(method, url, content=body or None, headers=headers)
        timestamp, nonce = str(int(self._now())), secrets.token_hex(16)
        # What is signed is what will be sent: the path as the HTTP library encoded it, the bytes as they stand.
        signature = sign(self._key, request_message(method, request.url.raw_path.decode("ascii"), timestamp, nonce, body))
        request.headers["Authorization"] = authorization(self._setting.mchid, self._setting.serial_no, timestamp, nonce, signature)
        return request

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> tuple[int, Mapping[str, str], bytes]:
        """Status, lower-case headers and raw bytes."""
        parts: list[bytes] = []
        status, headers = self._stream(client, request, parts.append, LARGEST, self._setting.total_s)
        return status, headers, b"".join(parts)

    @staticmethod
    def _stream(
        client: httpx.Client, request: httpx.Request, take: Callable[[bytes], object], largest: int, total_s: float
    ) -> tuple[int, Mapping[str, str]]:
        """Status and lower-case headers, the raw bytes to ``take``. All of it has a limit: a trickle never runs into ``read_s``."""
        until, size = time.monotonic() + total_s, 0
        response = client.send(request, stream=True)
        try:
            for part in response.iter_raw():
                take(part)
                size += len(part)
                if size > largest or time.monotonic() > until:
                    raise Unknown("WeChat Pay's answer does not end.", sent=True)
        finally:
            response.close()
        return response.status_code, {k.lower(): v for k, v in response.headers.items()}

    def _believed(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """A success must be signed. An error is believed unsigned (WeChat Pay signs not all), but not with a wrong signature."""
        request_id = headers.get("request-id", "")
        about: dict[str, Any] = {"status": status, "request_id": request_id, "sent": True}
        if status < 300 or "wechatpay-signature" in headers:
            try:
                verify(self.platform_keys, headers, body, self._now())
            except BadSignature as error:
                level = logging.INFO if error.details.get("probe") else logging.ERROR
                log.log(level, "answer %s with status %s is not believed: %s", request_id, status, error.message)
                raise Unknown(f"WeChat Pay's answer is not believed: {error.message}", **about) from error
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unknown(f"WeChat Pay's answer ({status}) is no JSON.", **about) from error
        if not isinstance(said, dict):
            raise Unknown(f"WeChat Pay's answer ({status}) is not of its form.", **about)
        return Answer(status, said, request_id)
