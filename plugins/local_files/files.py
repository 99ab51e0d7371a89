"""LocalFiles: files under one folder; what a signature covers; writing so that a crash leaves the old file or the new one.

::

    {folder}/{key}           the bytes
    {folder}/.types/{key}    the content type; written first, so that no file is without one
    {folder}/.fresh/         files being written
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import tempfile
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from urllib.parse import urlencode

from aftersales.errors import BadSettings, BadSignature, Invalid
from aftersales.ports import Upload

UPLOAD_FOR = timedelta(minutes=15)
DOWNLOAD_FOR = timedelta(minutes=5)

#: No part begins with a dot: neither ``..`` nor our own folders can be named.
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
CONTENT_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
KEY_MAX = 512


class LocalFiles:
    """The files of one folder. Safe for threads and processes."""

    def __init__(self, folder: Path, base_url: str, key: bytes) -> None:
        self._folder = folder
        self._base_url = base_url.rstrip("/")
        self._key = key

    # --- the port -----------------------------------------------------------------------------------------------------
    def upload(self, key: str, content_type: str, max_bytes: int, now: datetime) -> Upload:
        """A signed upload to ``{base_url}/upload`` for exactly this key, type and at most this size."""
        checked_key(key)
        if not CONTENT_TYPE.fullmatch(content_type):
            raise Invalid("This is no content type.", found=content_type)
        expires_at = now + UPLOAD_FOR
        fields = {"key": key, "Content-Type": content_type, "max": str(max_bytes), "expires": _epoch(expires_at)}
        return Upload(f"{self._base_url}/upload", {**fields, "signature": self._sign("POST", fields)}, expires_at, max_bytes)

    def url(self, key: str, now: datetime) -> str:
        """A signed download address under ``{base_url}/download``."""
        fields = {"key": checked_key(key), "expires": _epoch(now + DOWNLOAD_FOR)}
        return f"{self._base_url}/download?" + urlencode({**fields, "signature": self._sign("GET", fields)})

    def read(self, key: str, max_bytes: int) -> bytes | None:
        """The bytes, None when nothing was uploaded. Raises Invalid when the file is larger than ``max_bytes``."""
        try:
            with self._path(key).open("rb") as file:
                content = file.read(max_bytes + 1)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        if len(content) > max_bytes:
            raise Invalid("The file is too large.", expected=f"at most {max_bytes} bytes")
        return content

    def write(self, key: str, content: bytes, content_type: str) -> None:
        """Store the file; on disk when this returns."""
        self._replace(self._folder / ".types" / checked_key(key), content_type.encode())
        self._replace(self._path(key), content)

    def delete(self, key: str) -> None:
        """Remove the file, then its type."""
        for path in (self._path(key), self._folder / ".types" / key):
            path.unlink(missing_ok=True)

    # --- for the server -----------------------------------------------------------------------------------------------
    def content_type(self, key: str) -> str:
        """The type a file was stored with; plain bytes where it is not known."""
        try:
            return (self._folder / ".types" / checked_key(key)).read_text(encoding="ascii")
        except FileNotFoundError:
            return "application/octet-stream"

    def verify(self, method: str, fields: dict[str, str], now: datetime) -> None:
        """Raise BadSignature unless we signed exactly these fields and they have not expired."""
        signed = {name: text for name, text in fields.items() if name != "signature"}
        given = fields.get("signature", "").encode(errors="backslashreplace")
        if not hmac.compare_digest(self._sign(method, signed).encode(), given):
            raise BadSignature("The signature of this address does not fit.", todo="Ask for a new one.")
        if int(signed["expires"]) <= now.timestamp():
            raise BadSignature("This address has expired.", todo="Ask for a new one.")

    # --- inside -------------------------------------------------------------------------------------------------------
    def _sign(self, method: str, fields: dict[str, str]) -> str:
        """HMAC-SHA256 over the method and every field by name. A line each; no field we sign holds a line break."""
        if not self._key:
            raise BadSettings("local_files signs addresses with the setting key only.", lacking=["key"])
        lines = [method, *(f"{name}={fields[name]}" for name in sorted(fields))]
        return hmac.new(self._key, "\n".join(lines).encode(errors="backslashreplace"), hashlib.sha256).hexdigest()

    def _path(self, key: str) -> Path:
        return self._folder / checked_key(key)

    def _replace(self, path: Path, content: bytes) -> None:
        fresh = self._folder / ".fresh"
        fresh.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=fresh)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)  # the new name is on disk once its folder is
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def checked_key(key: str) -> str:
    """``key`` as it is. Raises Invalid unless it is a plain relative path that cannot leave the folder."""
    if len(key) > KEY_MAX or not KEY.fullmatch(key):
        raise Invalid("This is no file key.", found=key[:80])
    return key


def _epoch(at: datetime) -> str:
    return str(ceil(at.timestamp()))
