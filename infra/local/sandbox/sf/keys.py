"""Keys of the sandbox: a client code, its check word and a monthly account, made here, worth nothing elsewhere."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.sandbox.loopback import MARK, LooksReal, write_private

#: An account of ten digits cannot say that it was made here: it is always this one.
CARD = "9999999999"


@dataclass(slots=True)
class Keys:
    """One client."""

    partner_id: str
    checkword: str
    monthly_card: str = CARD
    folder: Path | None = field(default=None)

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """New keys, written to ``folder`` (files 0600, folder 0700) where one is given."""
        keys = cls(f"{MARK}{secrets.token_hex(4)}", f"{MARK}{secrets.token_hex(16)}", CARD, folder)
        keys._save()
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The keys in ``folder``, made on the first call. Raises LooksReal for anything that the sandbox did not make."""
        if not (folder / "client.json").exists():
            return cls.fresh(folder)
        said = json.loads((folder / "client.json").read_text(encoding="utf-8"))
        keys = cls(said["partner_id"], said["checkword"], said["monthly_card"], folder)
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless every key says that it was made here."""
        if any(MARK not in key for key in (self.partner_id, self.checkword)) or self.monthly_card != CARD:
            raise LooksReal("a key was not made by this sandbox: it could be a real client's")

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        said = {"partner_id": self.partner_id, "checkword": self.checkword, "monthly_card": self.monthly_card}
        # One file each, as a stage file's "file:PATH" or an environment variable wants them.
        for name, value in said.items():
            write_private(self.folder / name, value.encode())
        # Last: its presence says that the other files are complete.
        write_private(self.folder / "client.json", json.dumps(said, indent=1).encode())
