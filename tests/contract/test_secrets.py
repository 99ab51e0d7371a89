import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aftersales.errors import BadSettings
from aftersales.ports import Secrets
from aftersales.registry import Registry
from aftersales.testing.secrets import FakeSecrets, SecretsContract
from plugins.aws_secrets import build as build_aws
from plugins.aws_secrets.manager import AwsSecrets
from plugins.local_secrets import build as build_local
from plugins.local_secrets.folder import LARGEST, LocalSecrets

SHOWN_NOWHERE = "hunter2-plain-text"


def refused(secrets: Secrets, name: str) -> BadSettings:
    """The refusal to read this secret, which shows what was read nowhere: not in its text, its details or its causes."""
    with pytest.raises(BadSettings) as refusal:
        secrets.read(name)
    error: BaseException | None = refusal.value
    while error is not None:
        assert SHOWN_NOWHERE not in f"{error!r}{vars(error)}{getattr(error, 'object', '')!r}"
        error = error.__cause__ or error.__context__
    return refusal.value


class TestFake(SecretsContract):
    """The fake that the core is tested with."""

    @pytest.fixture
    def secrets(self) -> FakeSecrets:
        """None yet."""
        return FakeSecrets()

    def put(self, secrets: Any, name: str, value: str) -> None:
        """By hand."""
        secrets.held[name] = value


class TestLocal(SecretsContract):
    """Files of a folder, as `make run` has them."""

    @pytest.fixture
    def secrets(self, tmp_path: Path) -> LocalSecrets:
        """A folder that is its owner's alone."""
        (tmp_path / "secrets").mkdir(mode=0o700)
        return build_local({"folder": str(tmp_path / "secrets")})

    def put(self, secrets: Any, name: str, value: str) -> None:
        """A file that is its owner's alone."""
        file = secrets._folder / name
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as opened:
            opened.write(value)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])
    def test_a_file_that_others_can_get_at_is_refused(self, secrets: LocalSecrets, mode: int) -> None:
        """Any right of the group or of others is one too many; the error says what to run, and running it helps."""
        self.put(secrets, "token", SHOWN_NOWHERE)
        file = secrets._folder / "token"
        file.chmod(mode)
        assert refused(secrets, "token").todo == f"Run: chmod 600 {file}"
        file.chmod(0o600)
        assert secrets.read("token") == SHOWN_NOWHERE

    @pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
    def test_a_folder_that_others_can_write_to_is_refused(self, secrets: LocalSecrets, mode: int) -> None:
        """Who can replace the file can choose the key."""
        self.put(secrets, "token", SHOWN_NOWHERE)
        secrets._folder.chmod(mode)
        assert refused(secrets, "token").todo == f"Run: chmod 700 {secrets._folder}"
        secrets._folder.chmod(0o755)  # to look is allowed: names are no secrets
        assert secrets.read("token") == SHOWN_NOWHERE

    def test_a_link_is_followed_within_the_folder_only(self, secrets: LocalSecrets, tmp_path: Path) -> None:
        """Volumes that change all files at once are links to a folder beside them; a link to anywhere else is refused."""
        outside = tmp_path / "outside"
        outside.write_text(SHOWN_NOWHERE)
        outside.chmod(0o600)
        (secrets._folder / "direct").symlink_to(outside)
        (secrets._folder / "relative").symlink_to("../outside")
        (secrets._folder / "..data").symlink_to(tmp_path)
        (secrets._folder / "folder").symlink_to("..data/outside")
        for name in ("direct", "relative", "folder"):
            assert "leads out" in refused(secrets, name).message
        (secrets._folder / "v1").mkdir()
        self.put(build_local({"folder": str(secrets._folder / "v1")}), "token", "a-token-secret")
        (secrets._folder / "token").symlink_to("v1/token")
        assert secrets.read("token") == "a-token-secret"

    def test_a_folder_may_be_a_link_itself(self, secrets: LocalSecrets, tmp_path: Path) -> None:
        """Where the operator says the folder is, it is."""
        self.put(secrets, "token", "a-token-secret")
        (tmp_path / "link").symlink_to("secrets")
        assert build_local({"folder": str(tmp_path / "link")}).read("token") == "a-token-secret"

    def test_what_is_no_file_is_refused_at_once(self, secrets: LocalSecrets) -> None:
        """A folder, a pipe nobody writes to, a socket, a link to itself: an error that says so, never a wait."""
        folder = secrets._folder
        (folder / "folder").mkdir()
        os.mkfifo(folder / "pipe", 0o600)
        (folder / "circle").symlink_to("circle")
        begun = time.monotonic()
        with closing(socket.socket(socket.AF_UNIX)) as listening:
            listening.bind(str(folder / "socket"))
            for name in ("folder", "pipe", "circle", "socket"):
                assert name in refused(secrets, name).message
        assert time.monotonic() - begun < 5

    @pytest.mark.parametrize("content", [b"", b" \n\t", b"\xff\xfe" + SHOWN_NOWHERE.encode(), b"x" * (LARGEST + 1)])
    def test_what_is_no_secret_is_refused(self, secrets: LocalSecrets, content: bytes) -> None:
        """An empty file, one that is no text and one too large are refused by name, and not shown."""
        self.put(secrets, "token", "")
        (secrets._folder / "token").write_bytes(content)
        assert "token" in refused(secrets, "token").message

    def test_a_folder_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        """Without the folder there is no secret; without its name nothing is built; a file is no folder."""
        assert "chmod 600" in refused(build_local({"folder": str(tmp_path / "none")}), "token").todo
        (tmp_path / "file").write_text("x")
        assert "no folder" in refused(build_local({"folder": str(tmp_path / "file")}), "token").message
        with pytest.raises(BadSettings):
            build_local({})


class TestAws(SecretsContract):
    """Secrets Manager, on moto."""

    @pytest.fixture
    def secrets(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsSecrets]:
        """None yet; somebody else's lies beside the prefix."""
        from moto import mock_aws

        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        with mock_aws():
            secrets = build_aws({"prefix": "shop/", "region": "us-east-1"})
            for other in ("wechatpay", "other/token", "shoptoken"):
                secrets.client.create_secret(Name=other, SecretString="somebody-elses")
            yield secrets

    def put(self, secrets: Any, name: str, value: str) -> None:
        """A new version, of a new secret where there is none."""
        try:
            secrets.client.put_secret_value(SecretId=f"shop/{name}", SecretString=value)
        except secrets.client.exceptions.ResourceNotFoundException:
            secrets.client.create_secret(Name=f"shop/{name}", SecretString=value)

    def test_a_secret_that_is_being_deleted_is_gone(self, secrets: AwsSecrets) -> None:
        """What an operator deleted is not used while it can still be restored."""
        self.put(secrets, "token", SHOWN_NOWHERE)
        secrets.client.delete_secret(SecretId="shop/token")
        assert "shop/token" in refused(secrets, "token").message

    def test_a_binary_secret_is_refused(self, secrets: AwsSecrets) -> None:
        """Bytes are no text: the error says how to store it."""
        secrets.client.create_secret(Name="shop/token", SecretBinary=SHOWN_NOWHERE.encode())
        assert "string" in refused(secrets, "token").todo

    def test_a_missing_secret_comes_with_the_command_that_makes_it(self, secrets: AwsSecrets) -> None:
        """The operator copies the line; it has the whole name and no value."""
        assert "create-secret --name shop/token --secret-string file://" in refused(secrets, "token").todo

    @pytest.mark.parametrize(("code", "says"), [("AccessDeniedException", "role"), ("InternalServiceError", "InternalService")])
    def test_what_aws_refuses_is_told_in_words(self, secrets: AwsSecrets, code: str, says: str) -> None:
        """A right that is missing and a failure of AWS's are settings that do not work, by the secret's name."""
        from botocore.exceptions import ClientError

        def fail(**_: object) -> None:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetSecretValue")

        secrets.client.meta.events.register("before-call.secretsmanager.GetSecretValue", fail)
        refusal = refused(secrets, "token")
        assert says in refusal.message
        assert "shop/token" in refusal.message

    def test_no_answer_is_told_in_bounded_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Secrets Manager that cannot be reached is an error within seconds, never a hang."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        with closing(socket.socket()) as closed:
            closed.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
            secrets = build_aws({"region": "us-east-1", "endpoint": f"http://127.0.0.1:{closed.getsockname()[1]}"})
            begun = time.monotonic()
            assert "token" in refused(secrets, "token").message
        assert time.monotonic() - begun < 15
        config = secrets.client.meta.config
        assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (2, 4, 3)

    def test_a_stage_reads_fields_in_one_request(self, secrets: AwsSecrets) -> None:
        """``secret:wechatpay#key`` and ``#serial`` of a stage file come from one call."""
        self.put(secrets, "wechatpay", '{"key": "a-private-key", "serial": "a-serial-no"}')
        calls: list[object] = []
        secrets.client.meta.events.register("before-call.secretsmanager.GetSecretValue", lambda **_: calls.append(1))
        registry = Registry({"settings": {"x": {"a": "secret:wechatpay#key", "b": "secret:wechatpay#serial"}}})
        registry.put("secrets", secrets)
        assert (registry.setting("x", "a"), registry.setting("x", "b")) == ("a-private-key", "a-serial-no")
        assert len(calls) == 1
