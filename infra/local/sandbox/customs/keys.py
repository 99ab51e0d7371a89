"""The secret that the sandbox's agent shares with its client, made here, worth nothing elsewhere."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from infra.local.sandbox.loopback import MARK, LooksReal, write_private


@dataclass(slots=True)
class Keys:
    """``secrets``: the newest first; the newest signs, the last two are taken in questions."""

    secrets: list[str]
    folder: Path | None = None

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """A new secret, written to ``folder`` (file 0600, folder 0700) where one is given."""
        keys = cls([_secret()], folder)
        keys._save()
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The secret in ``folder``, made on the first call. Raises LooksReal for one that the sandbox did not make."""
        file = folder / "secret"
        if not file.exists():
            return cls.fresh(folder)
        keys = cls(file.read_text(encoding="utf-8").split(","), folder)
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless every secret says that it was made here."""
        if any(MARK not in one for one in self.secrets):
            raise LooksReal("a secret was not made by this sandbox: it could be a real agent's")

    def rotate(self) -> str:
        """A new secret, which signs from now on; the one before is taken along, those before that no more."""
        self.secrets = [_secret(), *self.secrets][:2]
        self._save()
        return self.secrets[0]

    def _save(self) -> None:
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(self.folder / "secret", ",".join(self.secrets).encode())


def _secret() -> str:
    return f"{MARK}{secrets.token_hex(32)}"
