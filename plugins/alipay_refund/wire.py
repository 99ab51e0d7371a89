"""One signed call and its verified answer. Whatever cannot be trusted is Unknown: the call may have been carried out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aftersales.errors import Unknown
from aftersales.refund import BEIJING
from plugins.alipay_refund.code import OK
from plugins.alipay_refund.key import certificate_numbers, certified_keys_of, private_key_of, public_keys_of
from plugins.alipay_refund.setting import Setting
from plugins.alipay_refund.sign import Doubtful, any_signed, request_message, sign, told

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

log = logging.getLogger(__name__)

GATEWAY = "/gateway.do"

#: No answer about a refund is larger; what is, comes from somebody else.
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A trustworthy answer: ``said`` is its node. ``at`` is the sender's own time in seconds, where it tells one."""

    said: Mapping[str, Any]
    at: float | None = None

    @property
    def code(self) -> str:
        """The gateway's code; 10000 for success."""
        return text_of(self.said, "code")

    @property
    def sub_code(self) -> str:
        """What exactly was refused; empty on success."""
        return text_of(self.said, "sub_code")

    @property
    def is_ok(self) -> bool:
        """Whether the call itself succeeded."""
        return self.code == OK


def text_of(said: Mapping[str, Any], name: str) -> str:
    """A short text of an answer that anybody can print and encode."""
    return str(said.get(name) or "")[:200].encode(errors="replace").decode()


class Wire:
    """Calls Alipay over one pool of connections per process. ``now`` is the real time in seconds, for the timestamps."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._pool: httpx.Client | None = None

    @cached_property
    def _key(self) -> RSAPrivateKey:
        return private_key_of(self._setting.private_key)

    @cached_property
    def keys(self) -> Mapping[str, RSAPublicKey]:
        """Alipay's public keys, parsed. Raises BadSettings."""
        if self._setting.alipay_public_key:
            return public_keys_of(self._setting.alipay_public_key)
        return certified_keys_of(self._setting.alipay_cert)

    @cached_property
    def _certificates(self) -> Mapping[str, str]:
        if self._setting.alipay_public_key:
            return {}
        return certificate_numbers(self._setting.app_cert, self._setting.alipay_root_cert)

    def call(self, method: str, said: Mapping[str, Any]) -> Answer:
        """The verified answer. Raises Unknown for silence, and for anything that cannot be believed."""
        import httpx

        body, until, parts, size = self._form(method, said), time.monotonic() + self._setting.total_s, [], 0
        with self._exchange("POST", self._setting.base_url + GATEWAY, body) as response:
            try:
                # The whole of it has a limit too: a trickle would never run into ``read_s``.
                for part in response.iter_raw():
                    parts.append(part)
                    size += len(part)
                    if size > LARGEST or time.monotonic() > until:
                        raise Unknown("Alipay's answer does not end.", sent=True)
            except httpx.TransportError as error:
                raise Unknown(f"Alipay's answer broke off: {type(error).__name__}.", sent=True) from error
            return self._believed(method, response, b"".join(parts))

    @contextmanager
    def get(self, url: str) -> Iterator[httpx.Response]:
        """A plain, unsigned download; the caller reads it. Raises Unknown unless its status is 200."""
        with self._exchange("GET", url, b"") as response:
            if response.status_code != 200:
                raise Unknown(f"Alipay's file is not there ({response.status_code}).", sent=True)
            yield response

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

    def _form(self, method: str, said: Mapping[str, Any]) -> bytes:
        """The request. All of it is in the body: amounts and numbers in an address end up in the logs of proxies."""
        parameters = {
            "app_id": self._setting.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            # Beijing's time, whatever the machine's zone is.
            "timestamp": datetime.fromtimestamp(self._now(), BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            **self._certificates,
            "biz_content": json.dumps(said, separators=(",", ":")),
        }
        _ = self.keys  # a wrong one is found out before anything is sent
        return urlencode({**parameters, "sign": sign(self._key, request_message(parameters))}).encode()

    @contextmanager
    def _exchange(self, verb: str, url: str, body: bytes) -> Iterator[httpx.Response]:
        import httpx

        client = self._client()
        headers = {"Accept-Encoding": "identity", "User-Agent": "aftersales"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded;charset=utf-8"
        try:
            response = client.send(client.build_request(verb, url, content=body or None, headers=headers), stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL) as error:
            raise Unknown(f"Alipay cannot be reached: {type(error).__name__}.", sent=False) from error
        except httpx.TransportError as error:
            raise Unknown(f"Alipay gave no answer: {type(error).__name__}.", sent=True) from error
        try:
            yield response
        finally:
            response.close()

    def _believed(self, method: str, response: httpx.Response, body: bytes) -> Answer:
        """Only what is signed is believed, an error too: a refusal that nobody signed may come from anybody on the way."""
        about: dict[str, Any] = {"status": response.status_code, "sent": True}
        if response.status_code != 200:
            raise Unknown(f"Alipay's gateway answers {response.status_code}.", **about)
        try:
            answer = told(body, method)
        except Doubtful as error:
            raise Unknown(f"Alipay's answer cannot be read: {error}.", **about) from error
        codes = f"{text_of(answer.said, 'code')} {text_of(answer.said, 'sub_code')}"
        if not answer.sign:
            log.error("%s is answered without a signature: %s", method, codes)
            raise Unknown(f"Alipay's answer is not signed: {codes}.", **about)
        if not any_signed(self.keys, answer.sign, answer.raw, answer.cert_sn):
            log.error("%s is answered with a signature that does not fit", method)
            raise Unknown("Alipay's answer is not believed: the signature does not fit.", **about)
        return Answer(answer.said, _seconds(response.headers.get("date", "")))


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
