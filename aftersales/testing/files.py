"""FakeFiles, files in memory, and the kit every Files passes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aftersales.errors import AftersalesError, BadSignature, Invalid
from aftersales.ports import Files, Upload

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xe0 not a real picture"


class FakeFiles:
    """Files in memory. ``accept`` and ``open`` play the server that clients upload to and download from."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}

    def upload(self, key: str, content_type: str, max_bytes: int, now: datetime) -> Upload:
        """A signed upload, valid for a quarter of an hour."""
        expires_at = now + timedelta(minutes=15)
        fields = {"key": key, "Content-Type": content_type, "max": str(max_bytes), "expires": expires_at.isoformat()}
        return Upload("memory://upload", {**fields, "signature": _seal(fields)}, expires_at, max_bytes)

    def url(self, key: str, now: datetime) -> str:
        """A signed download address, valid for five minutes."""
        fields = {"key": key, "expires": (now + timedelta(minutes=5)).isoformat()}
        return "memory://download?" + urlencode({**fields, "signature": _seal(fields)})

    def read(self, key: str, max_bytes: int) -> bytes | None:
        """The bytes, None when nothing was uploaded. Raises Invalid when the file is larger than ``max_bytes``."""
        content = self.kept[key][0] if key in self.kept else None
        if content is not None and len(content) > max_bytes:
            raise Invalid("The file is too large.", expected=f"at most {max_bytes} bytes", found=len(content))
        return content

    def write(self, key: str, content: bytes, content_type: str) -> None:
        """Store what we made ourselves."""
        self.kept[key] = (content, content_type)

    def delete(self, key: str) -> None:
        """Forget the file."""
        self.kept.pop(key, None)

    def accept(self, fields: Mapping[str, str], content: bytes, now: datetime) -> None:
        """Take an upload as the server does. Raises BadSignature or Invalid."""
        self._verify(fields, now)
        if len(content) > int(fields["max"]):
            raise Invalid("The file is too large.", expected=f"at most {fields['max']} bytes", found=len(content))
        self.kept[fields["key"]] = (content, fields["Content-Type"])

    def open(self, query: Mapping[str, str], now: datetime) -> tuple[bytes, str] | None:
        """Give a file and its type as the server does, None when it is not there. Raises BadSignature."""
        self._verify(query, now)
        return self.kept.get(query["key"])

    def _verify(self, fields: Mapping[str, str], now: datetime) -> None:
        if fields.get("signature") != _seal({k: v for k, v in fields.items() if k != "signature"}):
            raise BadSignature("The signature does not fit.")
        if datetime.fromisoformat(fields["expires"]) <= now:
            raise BadSignature("The signature has expired.")


def _seal(fields: Mapping[str, str]) -> str:
    return f"sealed:{sorted(fields.items())!r}"


class FilesContract:
    """What every Files keeps. A subclass gives the fixture ``files``, :meth:`send` and :meth:`fetch`.

    ``later`` moves the server's time where a test can; a subclass whose server keeps real time sets ``moves_time`` to False.
    """

    moves_time = True

    def send(self, files: Any, upload: Upload, fields: Mapping[str, str], content: bytes, later: timedelta = timedelta(0)) -> None:
        """Upload as a client does, ``later`` than NOON. Raises any AftersalesError when the server refuses."""
        raise NotImplementedError

    def fetch(self, files: Any, url: str, later: timedelta = timedelta(0)) -> tuple[bytes, str]:
        """Download as a client does: the bytes and their type. Raises any AftersalesError when the server refuses."""
        raise NotImplementedError

    def refuses(
        self, files: Any, upload: Upload, fields: Mapping[str, str], content: bytes, later: timedelta = timedelta(0)
    ) -> bool:
        """Whether the server refuses this upload."""
        try:
            self.send(files, upload, fields, content, later)
        except AftersalesError:
            return True
        return False

    def test_an_upload_can_be_read_and_downloaded(self, files: Files) -> None:
        """What a client uploads is what we read and what a signed address gives, with its type."""
        upload = files.upload("m1/c1/e1.jpg", "image/jpeg", 1000, NOON)
        self.send(files, upload, upload.fields, JPEG)
        assert files.read("m1/c1/e1.jpg", 1000) == JPEG
        assert self.fetch(files, files.url("m1/c1/e1.jpg", NOON)) == (JPEG, "image/jpeg")

    def test_an_upload_says_its_limits(self, files: Files) -> None:
        """The client learns how long and how large before it tries."""
        upload = files.upload("m1/c1/e1.jpg", "image/jpeg", 1000, NOON)
        assert (upload.max_bytes, upload.expires_at) == (1000, NOON + timedelta(minutes=15))

    def test_what_was_never_uploaded_is_none(self, files: Files) -> None:
        """A signed upload alone is no file."""
        files.upload("m1/c1/e1.jpg", "image/jpeg", 1000, NOON)
        assert files.read("m1/c1/e1.jpg", 1000) is None

    def test_an_upload_may_be_exactly_as_large_as_allowed(self, files: Files) -> None:
        """The limit is included: one byte more is refused and leaves nothing."""
        upload = files.upload("m1/c1/e1.bin", "image/jpeg", len(JPEG), NOON)
        assert self.refuses(files, upload, upload.fields, JPEG + b"x")
        assert files.read("m1/c1/e1.bin", 1000) is None
        self.send(files, upload, upload.fields, JPEG)
        assert files.read("m1/c1/e1.bin", len(JPEG)) == JPEG

    def test_reading_too_much_is_refused(self, files: Files) -> None:
        """A file above the reader's own limit raises Invalid; at the limit it is read."""
        files.write("m1/c1/o1.jpg", JPEG, "image/jpeg")
        assert files.read("m1/c1/o1.jpg", len(JPEG)) == JPEG
        try:
            files.read("m1/c1/o1.jpg", len(JPEG) - 1)
        except Invalid:
            return
        raise AssertionError("a file above the limit was read")

    def test_another_key_or_type_is_refused(self, files: Files) -> None:
        """The signature is for exactly this key and type."""
        upload = files.upload("m1/c1/e1.jpg", "image/jpeg", 1000, NOON)
        assert self.refuses(files, upload, {**upload.fields, "key": "m1/c2/e1.jpg"}, JPEG)
        assert self.refuses(files, upload, {**upload.fields, "Content-Type": "text/html"}, JPEG)
        assert files.read("m1/c1/e1.jpg", 1000) is None
        assert files.read("m1/c2/e1.jpg", 1000) is None

    def test_an_upload_expires(self, files: Files) -> None:
        """After a quarter of an hour the signature is worth nothing."""
        if not self.moves_time:
            _skip("this server keeps real time")
        upload = files.upload("m1/c1/e1.jpg", "image/jpeg", 1000, NOON)
        assert self.refuses(files, upload, upload.fields, JPEG, timedelta(minutes=15))
        self.send(files, upload, upload.fields, JPEG, timedelta(minutes=14, seconds=59))

    def test_a_download_expires(self, files: Files) -> None:
        """After five minutes the address is worth nothing."""
        if not self.moves_time:
            _skip("this server keeps real time")
        files.write("m1/c1/o1.jpg", JPEG, "image/jpeg")
        url = files.url("m1/c1/o1.jpg", NOON)
        assert self.fetch(files, url, timedelta(minutes=4, seconds=59)) == (JPEG, "image/jpeg")
        try:
            self.fetch(files, url, timedelta(minutes=5))
        except AftersalesError:
            return
        raise AssertionError("an expired address still works")

    def test_what_is_deleted_is_gone(self, files: Files) -> None:
        """A deleted file is none, its old address leads to nothing, others stay, and deleting it again does no harm."""
        for key in ("m1/c1/e1.jpg", "m1/c1/e2.jpg"):
            files.write(key, JPEG, "image/jpeg")
        url = files.url("m1/c1/e1.jpg", NOON)
        for _ in range(2):
            files.delete("m1/c1/e1.jpg")
            assert files.read("m1/c1/e1.jpg", 1000) is None
        assert self.refuses_download(files, url)
        assert files.read("m1/c1/e2.jpg", 1000) == JPEG

    def refuses_download(self, files: Any, url: str) -> bool:
        """Whether the server gives nothing at this address."""
        try:
            return not self.fetch(files, url)
        except Exception:  # noqa: BLE001  # each server refuses in its own way
            return True

    def test_a_second_upload_replaces_the_first(self, files: Files) -> None:
        """Until the signature expires a better photo may replace a bad one; the core keeps the sha256 of what it checked."""
        upload = files.upload("m1/c1/e1.jpg", "image/jpeg", 1000, NOON)
        self.send(files, upload, upload.fields, JPEG)
        self.send(files, upload, upload.fields, JPEG + b"2")
        assert files.read("m1/c1/e1.jpg", 1000) == JPEG + b"2"


def _skip(reason: str) -> None:
    import pytest

    pytest.skip(reason)
