"""AwsSecrets: the current version of each secret whose name begins with a prefix."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import BadSettings
from aftersales.secret import checked_name

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class AwsSecrets:
    """The secrets ``{prefix}{name}``. The client is made on first use unless given. Safe for threads."""

    def __init__(self, prefix: str, region: str = "", endpoint: str = "", client: SecretsManagerClient | None = None) -> None:
        self._prefix = prefix
        self._region, self._endpoint = region, endpoint
        self._made = client
        self._lock = Lock()

    @property
    def client(self) -> SecretsManagerClient:
        """The client, for set-up."""
        with self._lock:
            if self._made is None:
                self._made = _connect(self._region, self._endpoint)
        return self._made

    def read(self, name: str) -> str:
        """The text of the version AWSCURRENT. Raises BadSettings, with what AWS says of it, and never the text."""
        from botocore.exceptions import BotoCoreError, ClientError

        known = self._prefix + checked_name(name)
        try:
            text = self.client.get_secret_value(SecretId=known).get("SecretString", "")
        except ClientError as error:
            raise _refusal(known, str(error.response.get("Error", {}).get("Code", ""))) from error
        except BotoCoreError as error:  # no connection, no credentials, no region
            raise BadSettings(f"The secret {known} cannot be read: {error}", name=known) from error
        if not text.strip():
            raise BadSettings(f"The secret {known} holds no text.", todo="Store it as a string, not as binary.", name=known)
        return text


def _refusal(known: str, code: str) -> BadSettings:
    if code == "ResourceNotFoundException":
        create = f"aws secretsmanager create-secret --name {known} --secret-string file://FILE"
        return BadSettings(f"There is no secret {known}.", todo=f"Make it: {create}", name=known)
    if code == "AccessDeniedException":
        todo = "Allow secretsmanager:GetSecretValue on it, and kms:Decrypt where it has a key of its own."
        return BadSettings(f"The secret {known} may not be read by this role.", todo=todo, name=known)
    return BadSettings(f"The secret {known} cannot be read: {code or 'AWS gives no reason'}.", name=known)


def _connect(region: str, endpoint: str) -> SecretsManagerClient:
    import boto3
    from botocore.config import Config

    # Bounded: who waits for a secret is a request that a person waits for. Three tries are 18 s at the very most.
    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    config = Config(retries=retries, connect_timeout=2, read_timeout=4)
    return boto3.client("secretsmanager", region_name=region or None, endpoint_url=endpoint or None, config=config)
