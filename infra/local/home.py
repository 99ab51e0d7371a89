"""Home: the folder that holds everything of one local system, and the environment its processes get from it.

::

    home.json      the table's name                             queue.sqlite   jobs for the worker
    ports.json     loopback ports, kept so that addresses last  stream.json    how far the table's stream was followed
    clock          seconds the local clock runs ahead           swept.json     the last pass of the schedules
    engine/        the database                                 files/         evidence
    sandbox/       the provider's keys and books                log/           one file per part
    secrets/       one file per secret, its owner's only: ours made once, a provider's taken over from the sandbox
"""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aftersales.registry import Registry
from infra.local.engine import endpoint_given
from plugins.local_clock import LocalClock
from plugins.local_secrets.folder import LocalSecrets

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / "infra" / "stages" / "local.toml"
DEFAULT = ROOT / ".local"

HOST = "127.0.0.1"
#: Which ports a home remembers. Below the range that the kernel gives to outgoing connections, so that none of them takes one.
PORTS = ("server", "engine", "sandbox", "truth")
PORT_RANGE = range(20_000, 30_000)

#: Secrets of our own, and their names in ``secrets.json`` of earlier homes: what is stored depends on them.
OWN_SECRETS = {"token": "TOKEN_SECRET", "phone_key": "PHONE_KEY", "files_key": "FILES_KEY"}
#: What the sandbox knows of a merchant, below its folder: what is public by its name in the environment, …
SANDBOX_KEYS = {
    "WECHATPAY_MCHID": "keys/mchid",
    "WECHATPAY_PLATFORM_KEYS": "keys/platform_keys.json",
    "ALIPAY_APP_ID": "alipay-keys/app_id",
    "ALIPAY_SELLER_ID": "alipay-keys/seller_id",
    "ALIPAY_PUBLIC_KEY": "alipay-keys/alipay_public_key",
    "UNIONPAY_MER_ID": "unionpay-keys/mer_id",
    "UNIONPAY_TRUSTED_CERTS": "unionpay-keys/issuer.cer",
    "UNIONPAY_SIGNER_NAME": "unionpay-keys/signer_name",
    "VOUCHER_KEY_ID": "voucher-keys/key_id",
    "INSTALLER_LICENSE": "installer-keys/license_id",
    "KUAIDI100_CUSTOMER": "kuaidi100-keys/customer",
    "SF_PARTNER_ID": "sf-keys/partner_id",
    "STOCK_KEY_ID": "stock-keys/key_id",
    "POINTS_KEY_ID": "points-keys/key_id",
}
#: … and secrets by their names, with their fields.
SANDBOX_SECRETS = {
    "wechatpay": {"serial_no": "keys/serial_no", "private_key": "keys/private_key.pem", "apiv3_key": "keys/apiv3_key"},
    "alipay": {"private_key": "alipay-keys/private_key"},
    "stripe": {"api_key": "stripe-keys/api_key", "webhook_secrets": "stripe-keys/webhook_secrets"},
    "unionpay": {"private_key": "unionpay-keys/merchant.key", "certificate": "unionpay-keys/merchant.cer"},
    "voucher": {"secret": "voucher-keys/secret"},
    "customs": {"secret": "customs-keys/secret"},
    "installer": {"secret": "installer-keys/secret"},
    "kuaidi100": {"key": "kuaidi100-keys/key", "secret": "kuaidi100-keys/secret"},
    "sf": {"checkword": "sf-keys/checkword", "monthly_card": "sf-keys/monthly_card"},
    "track17": {"key": "track17-keys/key"},
    "aftership": {"key": "aftership-keys/key", "webhook_secret": "aftership-keys/webhook_secret"},
    "stock": {"secret": "stock-keys/secret"},
    "points": {"secret": "points-keys/secret"},
}


class NoHome(Exception):
    """The folder is no home of a local system, or nothing was ever started in it."""


@dataclass(frozen=True)
class Home:
    """One local system's folder. Use :meth:`made` to make it, :meth:`there` to use one that is there."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Home:
        """The home in ``folder``, with its secrets and ports; made where it is new."""
        home = cls._at(folder)
        home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.log.mkdir(exist_ok=True)
        home.secrets.mkdir(exist_ok=True, mode=0o700)
        before = read(home.folder / "secrets.json")
        for name, older in OWN_SECRETS.items():
            if not (home.secrets / name).exists():
                write_text(home.secrets / name, str(before.get(older) or secrets.token_hex(24)))
        if not home._file.exists():
            write(home._file, {"table": before.get("TABLE") or f"aftersales-{secrets.token_hex(4)}"})
        (home.folder / "secrets.json").unlink(missing_ok=True)
        if not home._ports_file.exists():
            write(home._ports_file, dict(zip(PORTS, _free_ports(len(PORTS)), strict=True)))
        return home

    @classmethod
    def there(cls, folder: Path) -> Home:
        """The home in ``folder``. Raises NoHome when nothing was ever started there."""
        home = cls._at(folder)
        if not home._file.exists() or not home._ports_file.exists():
            raise NoHome(f"{folder} holds no local system: start one with `make run` first")
        return home

    @classmethod
    def _at(cls, folder: Path) -> Home:
        """The home, with this process and its children told to reach this machine without a proxy in between."""
        for name in ("NO_PROXY", "no_proxy"):
            known = os.environ.get(name, "")
            if HOST not in known:
                os.environ[name] = f"{known},{HOST},localhost".lstrip(",")
        return cls(folder.resolve())

    # --- places -------------------------------------------------------------------------------------------------------
    @property
    def log(self) -> Path:
        """The folder of the parts' logs."""
        return self.folder / "log"

    @property
    def clock_file(self) -> Path:
        """What the local clock reads."""
        return self.folder / "clock"

    @property
    def swept_file(self) -> Path:
        """What the scheduler writes after each pass."""
        return self.folder / "swept.json"

    @property
    def stream_file(self) -> Path:
        """How far the follower is."""
        return self.folder / "stream.json"

    @property
    def queue_file(self) -> Path:
        """The jobs."""
        return self.folder / "queue.sqlite"

    @property
    def sandbox(self) -> Path:
        """The sandbox's keys and books."""
        return self.folder / "sandbox"

    @property
    def secrets(self) -> Path:
        """The folder that plugins.local_secrets reads."""
        return self.folder / "secrets"

    @property
    def _file(self) -> Path:
        return self.folder / "home.json"

    @property
    def _ports_file(self) -> Path:
        return self.folder / "ports.json"

    # --- addresses ----------------------------------------------------------------------------------------------------
    @property
    def ports(self) -> Mapping[str, int]:
        """The ports by part."""
        return {name: int(port) for name, port in read(self._ports_file).items()}

    def move_ports(self, names: list[str]) -> Mapping[str, int]:
        """Choose other ports for these parts, and give all of them."""
        write(self._ports_file, {**self.ports, **dict(zip(names, _free_ports(len(names)), strict=True))})
        return self.ports

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://{HOST}:{self.ports['server']}"

    @property
    def engine_url(self) -> str:
        """Where the database answers: ours, or what DYNAMODB_ENDPOINT names."""
        return endpoint_given() or f"http://{HOST}:{self.ports['engine']}"

    @property
    def sandbox_url(self) -> str:
        """Where WeChat Pay's API answers."""
        return f"http://{HOST}:{self.ports['sandbox']}"

    @property
    def truth_url(self) -> str:
        """Where the sandbox tells what really was paid."""
        return f"http://{HOST}:{self.ports['truth']}"

    @cached_property
    def table(self) -> str:
        """The table's name."""
        return str(read(self._file)["table"])

    # --- what others need ---------------------------------------------------------------------------------------------
    def secret(self, name: str) -> str:
        """A secret, as the system itself reads it. Raises BadSettings when others could read it too."""
        return LocalSecrets(self.secrets).read(name)

    def take_over_secrets(self) -> None:
        """Keep the sandbox's keys as secrets, as an operator keeps the ones that a provider has issued. It has run before."""
        for name, fields in SANDBOX_SECRETS.items():
            files = {field: self.sandbox / file for field, file in fields.items()}
            if all(file.exists() for file in files.values()):
                write(self.secrets / name, {field: file.read_text(encoding="utf-8").strip() for field, file in files.items()})

    def environment(self) -> dict[str, str]:
        """What the stage file asks the environment for: no secrets. What the sandbox knows is part of it once it has run."""
        made = {name: self.sandbox / file for name, file in SANDBOX_KEYS.items()}
        return {
            "TABLE": self.table,
            "SECRETS_FOLDER": str(self.secrets),
            "AFTERSALES_STAGE": str(STAGE),
            "AFTERSALES_HOME": str(self.folder),
            "DYNAMODB_ENDPOINT": self.engine_url,
            "FILES_FOLDER": str(self.folder / "files"),
            "FILES_URL": f"{self.url}/files",
            "QUEUE_FILE": str(self.queue_file),
            "CLOCK_FILE": str(self.clock_file),
            "WECHATPAY_URL": self.sandbox_url,
            "WECHATPAY_NOTIFY_URL": f"{self.url}/v1/callbacks/wechatpay",
            "ALIPAY_URL": self.sandbox_url,
            "STRIPE_URL": self.sandbox_url,
            "UNIONPAY_URL": self.sandbox_url,
            "VOUCHER_URL": self.sandbox_url,
            "CUSTOMS_URL": self.sandbox_url,
            "INSTALLER_URL": f"{self.sandbox_url}/installer",
            "SF_URL": f"{self.sandbox_url}/sf/std/service",
            "KUAIDI100_URL": f"{self.sandbox_url}/kuaidi100/order/borderapi.do",
            "KUAIDI100_NOTIFY_URL": f"{self.url}/v1/callbacks/kuaidi100",
            "KUAIDI100_QUERY_URL": f"{self.sandbox_url}/kuaidi100/poll/query.do",
            "KUAIDI100_SUBSCRIBE_URL": f"{self.sandbox_url}/kuaidi100/poll",
            "TRACK17_URL": f"{self.sandbox_url}/track17/track/v2.2",
            "AFTERSHIP_URL": f"{self.sandbox_url}/aftership/tracking/2026-07",
            "STOCK_URL": self.sandbox_url,
            "POINTS_URL": self.sandbox_url,
            "UNIONPAY_NOTIFY_URL": f"{self.url}/v1/callbacks/card",
            **{name: file.read_text(encoding="utf-8") for name, file in made.items() if file.exists()},
        }

    def registry(self) -> Registry:
        """What is switched on, for tools that read the same state as the server does; the process's environment stays as it is."""
        known = self.environment()

        def filled(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: filled(each) for name, each in value.items()}
            return known.get(value[4:], "") if isinstance(value, str) and value.startswith("env:") else value

        return Registry(filled(tomllib.loads(STAGE.read_text(encoding="utf-8"))))

    def clock(self) -> LocalClock:
        """The local clock."""
        return LocalClock(self.clock_file)


def read(file: Path) -> dict[str, Any]:
    """The JSON object in ``file``, {} when there is none."""
    try:
        said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return said


def write(file: Path, said: Mapping[str, Any]) -> None:
    """Replace ``file`` by this as JSON, see :func:`write_text`."""
    write_text(file, json.dumps(said, indent=1))


def write_text(file: Path, text: str) -> None:
    """Replace ``file`` in one step, on disk when this returns, readable by its owner only."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as draft:
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
    fresh.replace(file)


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in random.sample(PORT_RANGE, len(PORT_RANGE)):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError("there is no free port on this machine")
