"""Files over HTTP: signed uploads (multipart forms, as browsers post them to S3) and signed downloads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from aftersales.errors import AftersalesError, Invalid
from aftersales.ports import Clock
from functions import http
from infra.local.gateway import Reply, of, problem
from plugins.local_files.files import LocalFiles
from plugins.local_files.serve import accept_upload, check_upload, open_download

UPLOAD, DOWNLOAD = "/files/upload", "/files/download"
#: A form holds at most this many bytes beside its file, in at most this many parts.
FORM_BYTES, FORM_PARTS = 64 * 1024, 20

_NAME = re.compile(rb'content-disposition:\s*form-data;.*?\bname="([^"]*)"', re.IGNORECASE)

#: A buyer's file is shown, never run.
HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
}


class FileServer:
    """What answers under ``/files``."""

    def __init__(self, files: LocalFiles, clock: Clock) -> None:
        self._files, self._clock = files, clock

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request; whatever is wrong with it is a problem."""
        to = urlsplit(path)
        try:
            if to.path == UPLOAD and method == "POST":
                fields, file = form(headers.get("content-type", ""), body)
                check_upload(self._files, fields, self._clock.now())
                accept_upload(self._files, fields, file, self._clock.now())
                return Reply(204)
            if to.path == DOWNLOAD and method == "GET":
                found = open_download(self._files, dict(parse_qsl(to.query)), self._clock.now())
                return Reply(200, found.content, {**HARMLESS, "Content-Type": found.content_type})
        except AftersalesError as error:
            return of(http.problem(error))
        if to.path in (UPLOAD, DOWNLOAD):
            return problem(405, "method_not_allowed", f"{method} is not possible here.")
        return problem(404, "not_found", "There is nothing at this address.")


def form(content_type: str, body: bytes) -> tuple[dict[str, str], bytes]:
    """The fields and the file of a multipart form. The file is its part ``file``, which comes last. Raises Invalid."""
    kind, _, rest = content_type.partition(";")
    boundary = re.search(r'boundary="?([^";,\s]{1,70})"?', rest)
    if kind.strip().lower() != "multipart/form-data" or boundary is None:
        raise Invalid("An upload is a multipart form.", todo="Send the fields first, then the file as `file`.", found=kind[:80])
    mark = b"\r\n--" + boundary[1].encode("latin-1")
    parts = (b"\r\n" + body).split(mark, FORM_PARTS + 1)
    fields: dict[str, str] = {}
    for part in parts[1:]:
        head, blank, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if part.startswith(b"--") or not blank or name is None:
            break
        if name[1] == b"file":
            return fields, content
        if len(content) > FORM_BYTES:
            break
        fields[name[1].decode("utf-8", "replace")] = content.decode("utf-8", "replace")
    raise Invalid("The form has no part `file`, or cannot be read.", todo="Send the fields first, then the file as `file`.")
