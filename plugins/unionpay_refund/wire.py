"""One signed call and its verified answer. Whatever cannot be trusted is Unknown: the call may have been carried out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import BadSignature, Unknown
from plugins.unionpay_refund.message import fields_of_answer, form
from plugins.unionpay_refund.setting import Setting
from plugins.unionpay_refund.sign import METHOD, VERSION, Trust, merchant_of, sign

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

log = logging.getLogger(__name__)

#: No answer about a refund is larger; what is, comes from somebody else.
LARGEST = 1 << 20


class Wire:
    """Calls UnionPay over one pool of connections per process. ``now`` is the real time in seconds, for the certificates."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._pool: httpx.Client | None = None

    @cached_property
    def _merchant(self) -> tuple[RSAPrivateKey, str]:
        return merchant_of(self._setting.private_key, self._setting.certificate)

    @cached_property
    def trust(self) -> Trust:
        """Whose messages are believed. Raises BadSettings."""
        return Trust(self._setting.trusted_certs, self._setting.signer_name, allow_sha1=self._setting.allow_sha1)

    def signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The whole message: ``fields``, what every one has, and its signature. Fields without a value are not sent."""
        key, cert_id = self._merchant
        same = {"version": VERSION, "encoding": "UTF-8", "signMethod": METHOD, "certId": cert_id, "merId": self._setting.mer_id}
        said = {name: value for name, value in {**same, "accessType": "0", **fields}.items() if value}
        return {**said, "signature": sign(key, said)}

    def call(self, path: str, fields: Mapping[str, str], *, host: str = "", largest: int = LARGEST) -> dict[str, str]:
        """The verified fields of the answer, of at most ``largest`` bytes. ``host``: another one than the gateway.

        Raises Unknown for silence, and for anything that cannot be believed.
        """
        import httpx

        client, said = self._client(), form(self.signed(fields))
        _ = self.trust  # wrong certificates are found out before anything is sent
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "Accept-Encoding": "identity",
            "User-Agent": "aftersales",
        }
        request = client.build_request("POST", f"{host or self._setting.base_url}{path}", content=said, headers=headers)
        try:
            status, body = self._exchange(client, request, largest)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unknown(f"UnionPay cannot be reached: {type(error).__name__}.", sent=False) from error
        except httpx.TransportError as error:
            raise Unknown(f"UnionPay gave no answer: {type(error).__name__}.", sent=True) from error
        return self._believed(status, body)

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

    def _exchange(self, client: httpx.Client, request: httpx.Request, largest: int) -> tuple[int, bytes]:
        """Status and raw bytes. The whole of it has a limit too: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._setting.total_s, [], 0
        response = client.send(request, stream=True)
        try:
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > largest or time.monotonic() > until:
                    raise Unknown("UnionPay's answer does not end.", sent=True)
        finally:
            response.close()
        return response.status_code, b"".join(parts)

    def _believed(self, status: int, body: bytes) -> dict[str, str]:
        """UnionPay says everything with 200 and signs it, refusals too. What is not signed is nobody's word."""
        about: dict[str, Any] = {"status": status, "sent": True}
        if status != 200:
            raise Unknown(f"UnionPay's server answers {status}.", **about)
        try:
            said = fields_of_answer(body)
        except ValueError as error:
            raise Unknown("UnionPay's answer is not of its form.", **about) from error
        try:
            self.trust.verify(said, self._now())
        except BadSignature as error:
            code = said.get("respCode", "")[:8]
            log.error("an answer with respCode %r is not believed: %s", code, error.message)  # noqa: TRY400 (no trace wanted)
            raise Unknown(f"UnionPay's answer is not believed: {error.message}", channel_code=code, **about) from error
        return said
