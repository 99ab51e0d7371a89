"""Keys of the sandbox: one access key, made here, worth nothing elsewhere."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.sandbox.loopback import MARK, LooksReal, write_private


@dataclass(slots=True)
class Keys:
    """One account."""

    key: str
    folder: Path | None = field(default=None)

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """A new key, written to ``folder`` (file 0600, folder 0700) where one is given."""
        keys = cls(f"{MARK}{secrets.token_hex(16).upper()}", folder)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(folder / "key", keys.key.encode())
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The key in ``folder``, made on the first call. Raises LooksReal for anything that the sandbox did not make."""
        if not (folder / "key").exists():
            return cls.fresh(folder)
        keys = cls((folder / "key").read_text(encoding="utf-8"), folder)
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless the key says that it was made here."""
        if MARK not in self.key:
            raise LooksReal("a key was not made by this sandbox: it could be a real account's")
