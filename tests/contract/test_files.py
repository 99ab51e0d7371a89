import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from aftersales.errors import BadSettings, BadSignature, Invalid, NotFound
from aftersales.ports import Files, Upload
from aftersales.testing.files import JPEG, NOON, FakeFiles, FilesContract
from plugins.local_files import build as build_local
from plugins.local_files.files import LocalFiles
from plugins.local_files.serve import accept_upload, check_upload, open_download
from plugins.s3_files import build as build_s3
from plugins.s3_files.files import S3Files

MINUTE = timedelta(minutes=1)


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


class TestFake(FilesContract):
    """The fake that use cases are tested with."""

    @pytest.fixture
    def files(self) -> Files:
        """Files in memory."""
        return FakeFiles()

    def send(self, files: Any, upload: Upload, fields: Mapping[str, str], content: bytes, later: timedelta = timedelta(0)) -> None:
        """Upload."""
        files.accept(fields, content, NOON + later)

    def fetch(self, files: Any, url: str, later: timedelta = timedelta(0)) -> tuple[bytes, str]:
        """Download."""
        found: tuple[bytes, str] = files.open(query_of(url), NOON + later)
        return found


class TestLocal(FilesContract):
    """Files in a folder, as `make run` has them."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> LocalFiles:
        """An empty folder."""
        return build_local({"folder": str(tmp_path / "files"), "base_url": "http://127.0.0.1:8000/files/", "key": "secret"})

    def send(self, files: Any, upload: Upload, fields: Mapping[str, str], content: bytes, later: timedelta = timedelta(0)) -> None:
        """What the local server does with a form."""
        accept_upload(files, fields, content, NOON + later)

    def fetch(self, files: Any, url: str, later: timedelta = timedelta(0)) -> tuple[bytes, str]:
        """What the local server does with a query."""
        found = open_download(files, query_of(url), NOON + later)
        return found.content, found.content_type

    def test_addresses_lead_to_the_server(self, files: LocalFiles) -> None:
        """Uploads and downloads go to two paths below the server's address."""
        assert files.upload("a", "image/jpeg", 10, NOON).url == "http://127.0.0.1:8000/files/upload"
        assert files.url("a", NOON).startswith("http://127.0.0.1:8000/files/download?key=a&")

    @pytest.mark.parametrize("name", ["key", "Content-Type", "max", "expires", "signature"])
    def test_every_field_is_signed(self, files: LocalFiles, name: str) -> None:
        """A changed, missing or additional field is a bad signature, and nothing is stored."""
        fields = dict(files.upload("m1/c1/e1.jpg", "image/jpeg", 1000, NOON).fields)
        changed = {**fields, name: {"key": "m1/c1/e2.jpg", "Content-Type": "text/html"}.get(name, "9" + fields[name])}
        missing = {k: v for k, v in fields.items() if k != name}
        for wrong in (changed, missing, {**fields, name + "2": "x"}, {**fields, name: ""}, {**fields, name: "坏\n\ud800"}):
            with pytest.raises(BadSignature):
                accept_upload(files, wrong, JPEG, NOON)
        assert files.read("m1/c1/e1.jpg", 1000) is None
        assert accept_upload(files, fields, JPEG, NOON) == "m1/c1/e1.jpg"

    def test_a_download_signature_is_for_this_file_only(self, files: LocalFiles) -> None:
        """The address of one file opens no other, and an upload's signature opens none."""
        for key in ("m1/a.jpg", "m1/b.jpg"):
            files.write(key, JPEG, "image/jpeg")
        query = query_of(files.url("m1/a.jpg", NOON))
        with pytest.raises(BadSignature):
            open_download(files, {**query, "key": "m1/b.jpg"}, NOON)
        with pytest.raises(BadSignature):
            open_download(files, {**query, "expires": str(int(query["expires"]) + 1)}, NOON)
        upload = files.upload("m1/a.jpg", "image/jpeg", 10, NOON).fields
        with pytest.raises(BadSignature):
            open_download(files, {name: upload[name] for name in ("key", "expires", "signature")}, NOON)

    def test_another_key_signs_nothing_here(self, files: LocalFiles, tmp_path: Path) -> None:
        """What another server signed is worth nothing."""
        other = build_local({"folder": str(tmp_path / "files"), "base_url": "http://127.0.0.1:8000/files", "key": "other"})
        with pytest.raises(BadSignature):
            accept_upload(files, other.upload("a", "image/jpeg", 10, NOON).fields, b"x", NOON)

    @pytest.mark.parametrize(
        "key", ["../a", "a/../../b", "/etc/passwd", "a//b", "a/./b", ".types/a", "a/.b", "", "a/", "a\\b", "a\0b", "a\n", "a" * 513]
    )
    def test_no_key_leaves_the_folder(self, files: LocalFiles, key: str) -> None:
        """A key that is no plain relative path is Invalid, whatever is done with it."""
        for work in (lambda: files.upload(key, "image/jpeg", 9, NOON), lambda: files.url(key, NOON), lambda: files.read(key, 9)):
            with pytest.raises(Invalid):
                work()
        with pytest.raises(Invalid):
            files.write(key, b"x", "image/jpeg")

    def test_a_content_type_is_one_line(self, files: LocalFiles) -> None:
        """What would become another header is refused before it is signed."""
        with pytest.raises(Invalid):
            files.upload("a", "image/jpeg\r\nSet-Cookie: x", 9, NOON)

    def test_an_empty_file_is_refused(self, files: LocalFiles) -> None:
        """Nothing is no evidence."""
        with pytest.raises(Invalid):
            accept_upload(files, files.upload("a", "image/jpeg", 9, NOON).fields, b"", NOON)

    def test_a_server_learns_the_limit_before_it_reads(self, files: LocalFiles) -> None:
        """The most bytes are told from the fields alone, to whoever has a good signature."""
        fields = files.upload("a", "image/jpeg", 9, NOON).fields
        assert check_upload(files, fields, NOON) == 9
        with pytest.raises(BadSignature):
            check_upload(files, fields, NOON + 15 * MINUTE)

    def test_a_missing_file_is_not_found(self, files: LocalFiles) -> None:
        """A good signature for a file that is not there yet, or for a folder, is NotFound."""
        files.write("m1/c1/e1.jpg", JPEG, "image/jpeg")
        for key in ("m1/c1/e2.jpg", "m1/c1", "m1/c1/e1.jpg/x"):
            with pytest.raises(NotFound):
                open_download(files, query_of(files.url(key, NOON)), NOON)

    def test_a_failed_write_leaves_the_old_file(self, files: LocalFiles, tmp_path: Path) -> None:
        """Where the disk refuses, the file that was there stays, and no rest of the new one."""
        files.write("m1/a.jpg", JPEG, "image/jpeg")
        with pytest.raises(TypeError):
            files.write("m1/a.jpg", "no bytes", "image/jpeg")  # type: ignore[arg-type]  # stands for any failure while writing
        assert files.read("m1/a.jpg", 1000) == JPEG
        assert list((tmp_path / "files" / ".fresh").iterdir()) == []

    def test_settings_are_checked_at_once(self) -> None:
        """Without a folder or an address nothing is built, nor with an empty key."""
        for settings in ({}, {"folder": "f", "key": "k"}, {"base_url": "u"}, {"folder": "f", "base_url": "u", "key": ""}):
            with pytest.raises(BadSettings):
                build_local(settings)

    def test_without_the_key_files_are_read_and_written_and_no_address_is_given(self, tmp_path: Path) -> None:
        """The process that looks at photos signs nothing and believes no signature: it holds no key."""
        files = build_local({"folder": str(tmp_path), "base_url": "http://127.0.0.1:1"})
        files.write("overlay/c1/e1", JPEG, "image/jpeg")
        assert files.read("overlay/c1/e1", len(JPEG)) == JPEG
        for use in (
            lambda: files.url("overlay/c1/e1", NOON),
            lambda: files.upload("evidence/c1/e1", "image/jpeg", 10, NOON),
            lambda: files.verify("GET", {"key": "overlay/c1/e1", "expires": "9999999999", "signature": ""}, NOON),
        ):
            with pytest.raises(BadSettings, match="key"):
                use()


class TestS3(FilesContract):
    """S3's own signatures, on moto."""

    moves_time = False

    @pytest.fixture
    def files(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Files]:
        """An empty bucket."""
        from moto import mock_aws

        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        with mock_aws():
            files = build_s3({"bucket": "evidence", "region": "us-east-1"})
            files.client.create_bucket(Bucket="evidence")
            yield files

    def send(self, files: Any, upload: Upload, fields: Mapping[str, str], content: bytes, later: timedelta = timedelta(0)) -> None:
        """A browser's form."""
        requests.post(upload.url, data=fields, files={"file": content}, timeout=5).raise_for_status()

    def fetch(self, files: Any, url: str, later: timedelta = timedelta(0)) -> tuple[bytes, str]:
        """A browser's GET."""
        answer = requests.get(url, timeout=5)
        answer.raise_for_status()
        return answer.content, answer.headers["Content-Type"]

    @pytest.mark.skip(reason="moto does not enforce the policy of a POST; what the policy says is tested below")
    def test_an_upload_may_be_exactly_as_large_as_allowed(self) -> None:  # type: ignore[override]  # skipped
        """What moto cannot show."""

    @pytest.mark.skip(reason="moto does not enforce the policy of a POST; what the policy says is tested below")
    def test_another_key_or_type_is_refused(self) -> None:  # type: ignore[override]  # skipped
        """What moto cannot show."""

    def test_the_policy_fixes_everything(self, files: S3Files) -> None:
        """Key, bucket and type are exact, the size has a limit, and all of it is under a version 4 signature."""
        fields = files.upload("m1/c1/e1.jpg", "image/jpeg", 1000, NOON).fields
        conditions = json.loads(b64decode(fields["policy"]))["conditions"]
        exact = [{"Content-Type": "image/jpeg"}, {"key": "m1/c1/e1.jpg"}, {"bucket": "evidence"}]
        for condition in (*exact, ["content-length-range", 1, 1000]):
            assert condition in conditions
        assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"

    def test_a_download_is_valid_for_five_minutes(self, files: S3Files) -> None:
        """The address says so itself, under its signature."""
        query = query_of(files.url("m1/c1/e1.jpg", NOON))
        assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == ("300", "AWS4-HMAC-SHA256")

    def test_settings_are_checked_at_once(self) -> None:
        """Without a bucket nothing is built."""
        with pytest.raises(BadSettings):
            build_s3({})
