"""What every provider of the sandbox keeps to: this machine only, and nothing that could be taken for the real thing."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

#: Every id the sandbox makes carries it. What does not could be somebody's real key, and is refused.
MARK = "SANDBOX"

#: A receiver of a notice that takes longer has not answered.
ANSWER_WITHIN_S = 5.0


class LooksReal(Exception):
    """Keys, hosts or an environment that could be production: the sandbox does not start."""


def is_loopback(host: str | None) -> bool:
    """Whether the host is this machine and nothing else."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def deliver(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float = ANSWER_WITHIN_S) -> tuple[int, bytes]:
    """Post a notice: the receiver's status and the beginning of its answer; (0, b"") without one, or off this machine."""
    to = urlsplit(url)
    if to.scheme != "http" or not is_loopback(to.hostname):
        return 0, b""
    connection = HTTPConnection(to.hostname or "", to.port, timeout=timeout_s)
    place = f"{to.path or '/'}?{to.query}".rstrip("?")
    try:
        connection.request("POST", place, body, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(1 << 16)
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()


def write_private(path: Path, content: bytes) -> None:
    """Replace ``path`` as a whole, readable by its owner only, on the disk when this returns."""
    draft = path.with_suffix(path.suffix + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
