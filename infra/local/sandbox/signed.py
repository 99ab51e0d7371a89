"""The sandbox's side of the signed contracts: keys, signatures and the door of a mall's own systems.

Written by the contracts and apart from ``aftersales.signed``, so that each side holds the other to them. A fault's ``wrong_number``
signs the answer to another request; ``error`` is a signed answer with its ``status`` and ``code``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote

from infra.local.sandbox.fault import SIGNATURES, At, Fault, Kind
from infra.local.sandbox.loopback import MARK, LooksReal, write_private
from infra.local.sandbox.provider import Env, Reply

FRESH_S = 300

_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1><hr>proxy</body></html>"

#: What a provider gives that moves no money.
NO_MONEY: Mapping[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}


class Refusal(Exception):
    """The answer is this error, with the thing as it is."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


# --- keys -------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Keys:
    """A key id and its shared secrets, made here, worth nothing elsewhere. The newest signs answers, all are taken in requests."""

    key_id: str
    secrets: list[str]
    folder: Path | None = field(default=None)

    @classmethod
    def of(cls, env: Env) -> Keys:
        """A provider's keys. Raises LooksReal for anything that the sandbox did not make."""
        folder = env.file("keys")
        keys: Keys = env.keys or (cls.at(folder) if folder is not None else cls.fresh())
        keys.check()
        return keys

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """New keys, written to ``folder`` (files 0600, folder 0700) where one is given."""
        keys = cls(f"{MARK}-shop", [_secret()], folder)
        keys._save()
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The keys in ``folder``, made on the first call. Raises LooksReal for anything that the sandbox did not make."""
        if not (folder / "client.json").exists():
            return cls.fresh(folder)
        said = json.loads((folder / "client.json").read_text(encoding="utf-8"))
        keys = cls(said["key_id"], said["secrets"], folder)
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless every key says that it was made here."""
        if any(MARK not in key for key in (self.key_id, *self.secrets)):
            raise LooksReal("a key was not made by this sandbox: it could be a real client's")

    def rotate(self) -> str:
        """A new secret, which signs from now on; the one before is taken along, those before that no more."""
        self.secrets = [_secret(), *self.secrets][:2]
        self._save()
        return self.secrets[0]

    def settings(self) -> dict[str, Any]:
        """The settings of the plugin that belong to keys."""
        return {"key_id": self.key_id, "secret": ",".join(self.secrets)}

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One file each, as a stage file's "file:PATH" or an environment variable wants them.
        write_private(self.folder / "key_id", self.key_id.encode())
        write_private(self.folder / "secret", ",".join(self.secrets).encode())
        # Last: its presence says that the other files are complete.
        write_private(self.folder / "client.json", json.dumps({"key_id": self.key_id, "secrets": self.secrets}, indent=1).encode())


def _secret() -> str:
    return f"{MARK}{secrets.token_hex(32)}"


# --- signatures -------------------------------------------------------------------------------------------------------
class Seen:
    """Nonces of the last minutes: a request that comes again is refused."""

    def __init__(self) -> None:
        self._lock, self._until = Lock(), dict[str, float]()

    def is_new(self, nonce: str) -> bool:
        """Whether it was not seen yet; it is from now on."""
        now = time.time()
        with self._lock:
            if len(self._until) > 10_000:
                self._until = {known: until for known, until in self._until.items() if until > now}
            is_new = self._until.get(nonce, 0.0) <= now
            self._until[nonce] = now + 2 * FRESH_S
            return is_new


@dataclass(frozen=True, slots=True)
class Signer:
    """Both directions of one contract: ``word`` as in ``STOCK-1-REQUEST``, ``header`` as in ``Stock-Key``."""

    word: str
    header: str
    keys: Keys
    seen: Seen = field(default_factory=Seen)

    def why_refused(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """Why a request is not believed, "" when it is."""
        at, nonce, given = (headers.get(f"{self.header}-{name}") or "" for name in ("Timestamp", "Nonce", "Signature"))
        if headers.get(f"{self.header}-Key") != self.keys.key_id:
            return "unknown_key"
        if not (at.isdigit() and abs(time.time() - int(at)) <= FRESH_S):
            return "stale"
        right = (_mac(secret, f"{self.word}-1-REQUEST", method, path, at, nonce, _digest(body)) for secret in self.keys.secrets)
        if not any(hmac.compare_digest(one, given) for one in right):
            return "bad_signature"
        return "" if nonce and self.seen.is_new(nonce) else "replayed"

    def answer(self, status: int, asked: str, body: bytes, fault: Kind | None = None) -> dict[str, str]:
        """The headers that sign an answer to the request with the nonce ``asked``, spoilt as the script says."""
        if fault is Kind.UNSIGNED:
            return {}
        return self._headers(("ANSWER", str(status), "0" * 32 if fault is Kind.WRONG_NUMBER else asked), body, fault)

    def notice(self, body: bytes, fault: Kind | None = None) -> dict[str, str]:
        """The headers of a notice, with lower-case names, as a web server hands them on."""
        return {name.lower(): value for name, value in self._headers(("NOTICE",), body, fault).items()}

    def _headers(self, about: tuple[str, ...], body: bytes, fault: Kind | None) -> dict[str, str]:
        at = str(int(time.time()) - (2 * FRESH_S if fault is Kind.STALE else 0))
        nonce, secret = secrets.token_hex(16), "another" if fault is Kind.BAD_SIGNATURE else self.keys.secrets[0]
        made = _mac(secret, f"{self.word}-1-{about[0]}", *about[1:], at, nonce, _digest(body))
        key_id = f"{self.keys.key_id}{'X' if fault is Kind.UNKNOWN_SERIAL else ''}"
        said = {"Key": key_id, "Timestamp": at, "Nonce": nonce, "Signature": made}
        return {f"{self.header}-{name}": value for name, value in said.items()}


def _mac(secret: str, *lines: str) -> str:
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


# --- the door ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Things:
    """What a door leads to: ``/<folder>/<id>`` and what can be done to it, each act with where a fault strikes it.

    ``shown`` gives a thing, None when there is none; ``done`` what it is after an act with a body. It raises ValueError for a body
    that makes no sense and Refusal. ``called`` is what a refusal calls the thing.
    """

    folder: str
    called: str
    acts: Mapping[str, At]
    shown: Callable[[str], dict[str, Any] | None]
    done: Callable[[str, str, Mapping[str, Any]], dict[str, Any] | None]


class Door:
    """HTTP: verify, do (or not), answer (or not). One ``answer`` per request, from any thread. A fault's ``key`` is the id."""

    def __init__(self, signer: Signer, things: Things, env: Env) -> None:
        self._signer, self._things, self._env = signer, things, env
        self._path = re.compile(rf"/{things.folder}/([^/?]{{1,768}})(?:/({'|'.join(things.acts)}))?")
        self._lock, self._calls = Lock(), Counter[str]()

    def calls(self) -> dict[str, int]:
        """How often what was called, refusals of signatures included."""
        with self._lock:
            return dict(self._calls)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        asked = headers.get(f"{self._signer.header}-Nonce") or ""
        found = self._path.fullmatch(path)
        wrong = self._signer.why_refused(method, path, headers, body)
        if wrong:
            self._count(wrong)
            return self._say(asked, 401, {"error": wrong})
        if found is None or method != ("POST" if found[2] else "GET"):
            return self._say(asked, 404, {"error": "no_such_address"})
        one, act = unquote(found[1]), found[2] or ""
        self._count(act or "query")
        fault = self._env.script.take(self._things.acts.get(act, At.QUERY), one)
        if fault is not None and not fault.executed:
            return self._spoilt(fault, asked, 500, {"error": "not_done"})
        status, said = self._done(one, act, body)
        return self._spoilt(fault, asked, status, said) if fault is not None else self._say(asked, status, said)

    def _done(self, one: str, act: str, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            found = self._things.done(one, act, json.loads(body)) if act else self._things.shown(one)
        except ValueError as error:
            return 400, {"error": "invalid", "message": str(error)}
        except Refusal as refusal:
            return 409, {"error": refusal.error, self._things.called: self._things.shown(one)}
        return (404, {"error": "not_found"}) if found is None else (200, found)

    def _spoilt(self, fault: Fault, asked: str, status: int, said: Mapping[str, Any]) -> Reply:
        """The reply with what the script says about it."""
        if fault.kind is Kind.ERROR:
            return self._say(asked, fault.status, {"error": fault.code, "message": fault.message})
        if fault.kind is Kind.HTML:
            return Reply(fault.status, _PAGE % fault.status, {"Content-Type": "text/html"})
        spoils = SIGNATURES | {Kind.WRONG_NUMBER}
        reply = self._say(asked, status, said, fault.kind if fault.kind in spoils else None)
        if fault.kind in (Kind.HANG, Kind.CUT, Kind.TRICKLE):
            return replace(reply, kind=fault.kind, seconds=fault.seconds)
        return reply

    def _say(self, asked: str, status: int, said: Mapping[str, Any], fault: Kind | None = None) -> Reply:
        body = json.dumps(said, separators=(",", ":")).encode()
        tag = {"ETag": f'"{said["version"]}"'} if "version" in said else {}
        signed = self._signer.answer(status, asked, body, fault)
        return Reply(status, body, {"Content-Type": "application/json", **tag, **signed})

    def _count(self, what: str) -> None:
        with self._lock:
            self._calls[what] += 1


def key_of(said: Mapping[str, Any]) -> str:
    """The key in a body. Raises ValueError."""
    key = said.get("key") if isinstance(said, dict) else None
    if not isinstance(key, str) or not 0 < len(key) <= 256:
        raise ValueError("key is a text of 1 to 256 characters")
    return key
