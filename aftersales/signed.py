"""Signed: what a small contract with one of a mall's own systems is made of, whatever it is about.

JSON over HTTP, each message signed on both sides with a shared secret: HMAC-SHA256 (RFC 2104, FIPS 180-4) over a few lines of text.
Messages are built from the exact bytes that are sent or came in; nothing is parsed that was not verified. Whatever cannot be
trusted is Unknown: the call may have been carried out, and the same call again finds out.

::

    WORD-1-REQUEST | method | path with query as sent | timestamp | nonce | sha256 hex of the body
    WORD-1-ANSWER  | status | nonce of the request    | timestamp | nonce | sha256 hex of the body
    WORD-1-NOTICE  |                                    timestamp | nonce | sha256 hex of the body
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets as chance
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings, BadSignature, Unknown

log = logging.getLogger(__name__)

#: Seconds from now, either way, in which a message is taken; the other side keeps nonces that long.
FRESH_S = 300

#: Bytes of the shortest secret that is taken (RFC 2104, section 3: an HMAC key is not shorter than the hash).
SHORTEST = 32

#: No answer about one thing is larger; what is, comes from somebody else.
LARGEST = 1 << 16

#: HTTP statuses that are an answer about a thing: done; refused, with what it is now; there is none.
DONE, REFUSED, NOT_THERE = 200, 409, 404

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


# --- what is signed ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Contract:
    """``word`` begins what is signed (``STOCK``), ``header`` the names of the headers (``stock``); ``other`` is the other side."""

    word: str
    header: str
    other: str

    @property
    def nonce(self) -> str:
        """The header of the nonce, in lower case."""
        return f"{self.header}-nonce"

    def request(self, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> bytes:
        """What a request's signature covers; ``path`` with its query, percent-encoded as it is sent."""
        return self._lines("REQUEST", method, path, timestamp, nonce, body)

    def answer(self, status: int, asked: str, timestamp: str, nonce: str, body: bytes) -> bytes:
        """What an answer's signature covers; ``asked`` is the nonce of the request, so that it answers no other one."""
        return self._lines("ANSWER", str(status), asked, timestamp, nonce, body)

    def notice(self, timestamp: str, nonce: str, body: bytes) -> bytes:
        """What the signature of a notice covers."""
        return self._lines("NOTICE", timestamp, nonce, body)

    def headers(self, key_id: str, timestamp: str, nonce: str, signed: str) -> dict[str, str]:
        """The four headers of a message, with lower-case names."""
        return {f"{self.header}-key": key_id, f"{self.header}-timestamp": timestamp, self.nonce: nonce, self._signature: signed}

    def parts(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """Timestamp and nonce of a message, "" where it has none; ``headers`` has lower-case names."""
        return headers.get(f"{self.header}-timestamp", ""), headers.get(self.nonce, "")

    def check(self, secrets: Iterable[str], key_id: str, headers: Mapping[str, str], message: bytes, now_s: float) -> None:
        """Say nothing when the message was signed with one of ``secrets`` and is fresh; raise BadSignature otherwise.

        ``headers`` has lower-case names; ``now_s`` is the real time in seconds since 1970.
        """
        (timestamp, nonce), given = self.parts(headers), headers.get(self._signature, "")
        if not (timestamp and given and nonce):
            raise BadSignature("A header of the signature is missing.")
        if headers.get(f"{self.header}-key", "") != key_id:
            raise BadSignature("The message is signed for another key.")
        if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12 or abs(now_s - int(timestamp)) > FRESH_S:
            raise BadSignature("The signature is not of these five minutes.", found=timestamp[:20])
        if not any(hmac.compare_digest(signature(secret, message).encode(), given.encode()) for secret in secrets):
            raise BadSignature("The signature does not fit the message.")

    @property
    def _signature(self) -> str:
        return f"{self.header}-signature"

    def _lines(self, kind: str, *parts: str | bytes) -> bytes:
        *texts, body = parts
        assert isinstance(body, bytes)
        return "\n".join((f"{self.word}-1-{kind}", *map(str, texts), hashlib.sha256(body).hexdigest())).encode()


def signature(secret: str, message: bytes) -> str:
    """HMAC-SHA256, lower-case hexadecimal."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


# --- settings ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Setting:
    """Where the other side is, who we are to it and how long to wait.

    ``secrets`` has the newest first: it signs, and all of them are believed while one is being changed. Times in seconds: to
    connect, between two pieces of an answer, for a whole answer. ``name`` is what the stage file calls it.
    """

    base_url: str
    key_id: str
    secrets: tuple[str, ...] = field(repr=False)
    name: str
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, plugin: str, said: Mapping[str, Any], name: str = "") -> Setting:
        """The settings of a stage file. Raises BadSettings, the setting named and never its value."""
        for needed in ("base_url", "key_id", "secret"):
            if not said.get(needed):
                raise BadSettings(f"{plugin}: the setting {needed} is missing.")
        if not _KEY_ID.fullmatch(str(said["key_id"]).strip()):
            raise BadSettings(f"{plugin}: key_id is a name of letters, digits, _ . and -.")
        return cls(
            base_url=_url(plugin, str(said["base_url"])),
            key_id=str(said["key_id"]).strip(),
            secrets=_secrets(plugin, str(said["secret"])),
            name=str(said.get("name") or name),
            connect_s=number(plugin, "connect_s", said, 3),
            read_s=number(plugin, "read_s", said, 5),
            total_s=number(plugin, "total_s", said, 8),
        )


def number(plugin: str, name: str, said: Mapping[str, Any], default: float, most: float = 60) -> float:
    """A setting above 0 and below ``most``. Raises BadSettings."""
    try:
        found = float(said.get(name, default))
    except (TypeError, ValueError):
        found = 0.0
    if not 0 < found < most:
        raise BadSettings(f"{plugin}: {name} is a number above 0 and below {most:g}.")
    return found


def _url(plugin: str, value: str) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    plain = value.strip().rstrip("/")
    to = urlsplit(plain)
    local = to.scheme == "http" and to.hostname in _LOOPBACK
    if (not (to.scheme == "https" and to.hostname) and not local) or to.query or to.fragment:
        raise BadSettings(f"{plugin}: base_url is an https address without query and fragment.")
    return plain


def _secrets(plugin: str, value: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    if not found or any(len(secret.encode()) < SHORTEST for secret in found):
        raise BadSettings(f"{plugin}: secret has at least {SHORTEST} bytes; several stand with commas between.")
    return found


# --- one call ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Http:
    """An open HTTP client with the methods of ``httpx.Client``, and its errors: nothing was sent, and something may have been."""

    client: Any
    unreachable: tuple[type[Exception], ...]
    broken: tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A trustworthy answer: ``said`` is its JSON object."""

    status: int
    said: Mapping[str, Any]


class Wire:
    """Signed calls over one pool of connections per process. ``now`` is the real time in seconds: signatures live in it.

    ``opened`` gives the client, once, at the first call. Safe for threads.
    """

    def __init__(self, contract: Contract, setting: Setting, opened: Callable[[Setting], Http], now: Callable[[], float]) -> None:
        self._contract, self._setting, self._opened, self._now = contract, setting, opened, now
        self._http: Http | None = None
        self._lock = Lock()

    def call(self, method: str, path: str, said: Mapping[str, Any] | None = None) -> Answer:
        """The verified answer to a call of ``path``. Raises Unknown for silence, and for anything that cannot be believed."""
        with self._lock:
            http = self._http = self._http or self._opened(self._setting)
        body = json.dumps(said, separators=(",", ":")).encode() if said is not None else b""
        try:
            request, nonce = self._request(http.client, method, f"{self._setting.base_url}{path}", body)
            response = http.client.send(request, stream=True)
            try:
                whole = bounded(response.iter_raw(), self._setting.total_s, LARGEST, self._contract.other)
            finally:
                response.close()
        except http.unreachable as error:
            raise Unknown(f"{self._contract.other} cannot be reached: {type(error).__name__}.", sent=False) from error
        except http.broken as error:
            raise Unknown(f"{self._contract.other} gave no answer: {type(error).__name__}.", sent=True) from error
        return self._believed(response.status_code, {k.lower(): v for k, v in response.headers.items()}, whole, nonce)

    def unknown(self, answer: Answer) -> Unknown:
        """What to raise for an answer of a status that says nothing about the thing."""
        log.warning("%s answers %s %s", self._contract.other, answer.status, str(answer.said.get("error", ""))[:64])
        return Unknown(f"{self._contract.other} answers {answer.status}.", status=answer.status)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            if self._http is not None:
                self._http.client.close()
                self._http = None

    def _request(self, client: Any, method: str, url: str, body: bytes) -> tuple[Any, str]:
        """The signed request and its nonce."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "aftersales"}
        if body:
            headers["Content-Type"] = "application/json"
        request = client.build_request(method, url, content=body or None, headers=headers)
        timestamp, nonce = str(int(self._now())), chance.token_hex(16)
        # What is signed is what will be sent: the path as the HTTP library encoded it, the bytes as they stand.
        message = self._contract.request(method, request.url.raw_path.decode("ascii"), timestamp, nonce, body)
        signed = signature(self._setting.secrets[0], message)
        request.headers.update(self._contract.headers(self._setting.key_id, timestamp, nonce, signed))
        return request, nonce

    def _believed(self, status: int, headers: Mapping[str, str], body: bytes, asked: str) -> Answer:
        """Only what is signed is believed, a refusal too: one that nobody signed may come from anybody on the way."""
        about: dict[str, Any] = {"status": status, "sent": True}
        other, message = self._contract.other, self._contract.answer(status, asked, *self._contract.parts(headers), body)
        try:
            self._contract.check(self._setting.secrets, self._setting.key_id, headers, message, self._now())
        except BadSignature as error:
            log.error("an answer with status %s is not believed: %s", status, error.message)  # noqa: TRY400 (no trace wanted)
            raise Unknown(f"{other}'s answer is not believed: {error.message}", **about) from error
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unknown(f"{other}'s answer ({status}) is no JSON.", **about) from error
        if not isinstance(said, dict):
            raise Unknown(f"{other}'s answer ({status}) is not of its form.", **about)
        return Answer(status, said)


def bounded(parts: Iterable[bytes], total_s: float, largest: int, other: str) -> bytes:
    """All of an answer. Raises Unknown for one that does not end in time or size: a trickle would never run into a read's limit."""
    until, found, size = time.monotonic() + total_s, list[bytes](), 0
    for part in parts:
        found.append(part)
        size += len(part)
        if size > largest or time.monotonic() > until:
            raise Unknown(f"{other}'s answer does not end.", sent=True)
    return b"".join(found)
