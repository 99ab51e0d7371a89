"""Keys of the sandbox: an account's key and the secret of its webhooks, made here, worth nothing elsewhere."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.sandbox.loopback import MARK, LooksReal, write_private


@dataclass(slots=True)
class Keys:
    """One account."""

    key: str
    webhook_secret: str
    folder: Path | None = field(default=None)

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """New keys, written to ``folder`` (files 0600, folder 0700) where one is given."""
        keys = cls(f"asat_{MARK}{secrets.token_hex(16)}", f"{MARK}{secrets.token_hex(16)}", folder)
        keys._save()
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The keys in ``folder``, made on the first call. Raises LooksReal for anything that the sandbox did not make."""
        if not (folder / "account.json").exists():
            return cls.fresh(folder)
        said = json.loads((folder / "account.json").read_text(encoding="utf-8"))
        keys = cls(said["key"], said["webhook_secret"], folder)
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless every key says that it was made here."""
        if any(MARK not in key for key in (self.key, self.webhook_secret)):
            raise LooksReal("a key was not made by this sandbox: it could be a real account's")

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One file each, as a stage file's "file:PATH" or an environment variable wants them.
        write_private(self.folder / "key", self.key.encode())
        write_private(self.folder / "webhook_secret", self.webhook_secret.encode())
        # Last: its presence says that the other files are complete.
        said = {"key": self.key, "webhook_secret": self.webhook_secret}
        write_private(self.folder / "account.json", json.dumps(said, indent=1).encode())
