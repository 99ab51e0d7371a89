"""One signed question and its verified answer. Whatever cannot be trusted is Unknown; asking changes nothing."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import BadSignature, Unknown
from plugins.wanshifu_installer.setting import Setting
from plugins.wanshifu_installer.sign import ANSWER, LICENSE, NONCE, REQUEST, SIGN, TIMESTAMP, check, message, signature

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

#: No record of one work order is larger; what is, comes from somebody else.
LARGEST = 1 << 18


class Wire:
    """Calls the platform over one pool of connections per process. ``now`` is the real time in seconds: signatures."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._pool: httpx.Client | None = None

    def call(self, path: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
        """The verified answer (``retCode``, ``retMsg``, ``retData``). Raises Unknown for silence and what cannot be believed."""
        import httpx

        client, body = self._client(), json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
        signed = {LICENSE: self._setting.license_id, TIMESTAMP: str(int(self._now() * 1000)), NONCE: secrets.token_hex(16)}
        request = client.build_request("POST", f"{self._setting.base_url}{path}", content=body)
        request.headers.update({"Content-Type": "application/json;charset=UTF-8", "Accept-Encoding": "identity"})
        about = message(REQUEST, request.url.raw_path.decode("ascii"), signed, body)
        request.headers.update({**signed, SIGN: signature(self._setting.secrets[0], about)})
        try:
            return self._believed(*self._exchange(client, request), signed[NONCE])
        except httpx.TransportError as error:
            raise Unknown(f"The installers' platform gave no answer: {type(error).__name__}.") from error

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

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> tuple[Mapping[str, str], bytes]:
        """Lower-case headers and raw bytes. The whole of it has a limit: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._setting.total_s, [], 0
        response = client.send(request, stream=True)
        try:
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("The installers' platform's answer does not end.")
        finally:
            response.close()
        return {k.lower(): v for k, v in response.headers.items()}, b"".join(parts)

    def _believed(self, headers: Mapping[str, str], body: bytes, asked: str) -> Mapping[str, Any]:
        try:
            check(self._setting.secrets, self._setting.license_id, headers, message(ANSWER, asked, headers, body), self._now())
        except BadSignature as error:
            log.error("an answer is not believed: %s", error.message)  # noqa: TRY400 (no trace wanted)
            raise Unknown(f"The installers' platform's answer is not believed: {error.message}") from error
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unknown("The installers' platform's answer is no JSON.") from error
        if not isinstance(said, dict):
            raise Unknown("The installers' platform's answer is not of its form.")
        return said
