"""Keys of the sandbox: an account with a secret API key and signing secrets of its webhook, made here, worth nothing elsewhere."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.sandbox.loopback import MARK, LooksReal, write_private

#: How many of the newest secrets sign: while one is rolled, Stripe signs with both.
SIGNING = 2


@dataclass(slots=True)
class Keys:
    """One account. ``webhook_secrets``: the newest last; the last two sign."""

    account: str
    api_key: str
    webhook_secrets: list[str]
    folder: Path | None = field(default=None)

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """New keys, written to ``folder`` (files 0600, folder 0700) where one is given."""
        keys = cls(f"acct_{MARK}0001", f"sk_test_{MARK}{secrets.token_hex(24)}", [_secret()], folder)
        keys._save()
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The keys in ``folder``, made on the first call. Raises LooksReal for anything that the sandbox did not make."""
        if not (folder / "account.json").exists():
            return cls.fresh(folder)
        said = json.loads((folder / "account.json").read_text(encoding="utf-8"))
        keys = cls(said["account"], said["api_key"], said["webhook_secrets"], folder)
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless every key says that it was made here, and none is for real money."""
        for key in (self.account, self.api_key, *self.webhook_secrets):
            if MARK not in key:
                raise LooksReal(f"a key that begins with {key[:8]} was not made by this sandbox: it could be a real account's")
        if not self.api_key.startswith("sk_test_"):
            raise LooksReal("the API key is not one of test mode")

    @property
    def signing(self) -> list[str]:
        """The secrets that sign now, the newest first."""
        return self.webhook_secrets[-SIGNING:][::-1]

    def rotate(self) -> str:
        """A new signing secret; the one before signs along, those before that no more. Gives the new one."""
        self.webhook_secrets = [*self.webhook_secrets, _secret()]
        self._save()
        return self.webhook_secrets[-1]

    def settings(self) -> dict[str, Any]:
        """The settings of ``plugins.stripe_refund`` that belong to keys."""
        return {"api_key": self.api_key, "webhook_secrets": list(self.webhook_secrets[-SIGNING:])}

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        said = self.settings()
        # One file each, as a stage file's "file:PATH" or an environment variable wants them.
        write_private(self.folder / "api_key", self.api_key.encode())
        write_private(self.folder / "webhook_secrets", ",".join(said["webhook_secrets"]).encode())
        # Last: its presence says that the other files are complete.
        whole = {"account": self.account, "api_key": self.api_key, "webhook_secrets": self.webhook_secrets}
        write_private(self.folder / "account.json", json.dumps(whole, indent=1).encode())


def _secret() -> str:
    return f"whsec_{MARK}{secrets.token_hex(16)}"
