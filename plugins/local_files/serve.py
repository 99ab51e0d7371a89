"""What the local HTTP server calls for files: take a signed upload, give a signed download. Nothing here knows HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aftersales.errors import BadSignature, Invalid, NotFound
from plugins.local_files.files import LocalFiles

#: What is served at all: more than any evidence may be.
MOST_BYTES = 256 * 1024 * 1024

UPLOAD_FIELDS = frozenset({"key", "Content-Type", "max", "expires", "signature"})
DOWNLOAD_FIELDS = frozenset({"key", "expires", "signature"})


@dataclass(frozen=True, slots=True)
class Download:
    """A file and the type it was uploaded with."""

    content: bytes
    content_type: str


def check_upload(files: LocalFiles, fields: Mapping[str, str], now: datetime) -> int:
    """The most bytes this upload may bring, before its file is read. Raises BadSignature (forged, changed, expired)."""
    if set(fields) != UPLOAD_FIELDS:
        raise BadSignature("This upload has not the fields that were signed.", expected=sorted(UPLOAD_FIELDS), found=sorted(fields))
    files.verify("POST", dict(fields), now)
    return int(fields["max"])


def accept_upload(files: LocalFiles, fields: Mapping[str, str], content: bytes, now: datetime) -> str:
    """Store an upload and give its key. Raises BadSignature, or Invalid when it is too large or empty; then nothing is stored."""
    most = check_upload(files, fields, now)
    if not 0 < len(content) <= most:
        raise Invalid("The file is empty or too large.", expected=f"1 to {most} bytes", found=len(content))
    files.write(fields["key"], content, fields["Content-Type"])
    return fields["key"]


def open_download(files: LocalFiles, query: Mapping[str, str], now: datetime) -> Download:
    """The file a signed address names. Raises BadSignature (forged, changed, expired) or NotFound."""
    if set(query) != DOWNLOAD_FIELDS:
        raise BadSignature(
            "This address has not the fields that were signed.", expected=sorted(DOWNLOAD_FIELDS), found=sorted(query)
        )
    files.verify("GET", dict(query), now)
    content = files.read(query["key"], MOST_BYTES)
    if content is None:
        raise NotFound("There is no such file.")
    return Download(content, files.content_type(query["key"]))
