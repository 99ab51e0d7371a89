"""Keys of the sandbox: a merchant's and a platform's RSA pair and an APIv3 key, made here and worth nothing elsewhere.

Every id the sandbox makes carries MARK. Keys without it could be real ones, and are refused: a real merchant's key must never lie
in a folder that a test tool reads and hands out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from infra.local.sandbox.loopback import MARK, LooksReal, write_private

#: What WeChat Pay calls the files it issues to merchants; they have no business beside ours.
ISSUED = ("apiclient_key.pem", "apiclient_cert.pem", "apiclient_cert.p12", "pub_key.pem")


@dataclass(slots=True)
class Keys:
    """One merchant with its key, the platform's keys by id (oldest first, the last one signs), and the APIv3 key (32 letters)."""

    mchid: str
    serial_no: str
    merchant: rsa.RSAPrivateKey
    apiv3_key: str
    platform: dict[str, rsa.RSAPrivateKey]
    folder: Path | None = field(default=None)

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """New keys, written to ``folder`` (files 0600, folder 0700) where one is given."""
        serial = MARK + secrets.token_hex(16).upper()
        platform = {_platform_id(): _generate()}
        keys = cls(f"{MARK}0001", serial, _generate(), secrets.token_hex(16), platform, folder)
        keys._save()
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The keys in ``folder``, made on the first call. Raises LooksReal for anything that the sandbox did not make."""
        found = [name for name in ISSUED if (folder / name).exists()]
        if found:
            raise LooksReal(f"{folder.name} holds {found[0]}, a file that WeChat Pay issues to merchants")
        if not (folder / "merchant.json").exists():
            return cls.fresh(folder)
        said = json.loads((folder / "merchant.json").read_text(encoding="utf-8"))
        platform = {name: _private((folder / f"{name}.pem").read_bytes()) for name in said["platform"]}
        keys = cls(
            said["mchid"], said["serial_no"], _private((folder / "private_key.pem").read_bytes()), said["apiv3_key"], platform
        )
        keys.folder = folder
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless every id says that it was made here."""
        for name in (self.mchid, self.serial_no, *self.platform):
            if MARK not in name:
                raise LooksReal(f"{name} was not made by this sandbox: it could be a real merchant's")

    @property
    def signs_with(self) -> str:
        """The id of the platform key that signs now."""
        return list(self.platform)[-1]

    def rotate(self) -> str:
        """A new platform key signs from now on; the older ones stay known. Gives the new id."""
        name = _platform_id()
        self.platform = {**self.platform, name: _generate()}
        self._save()
        return name

    def digest(self, text: str) -> str:
        """What stands for a secret text in the books: the same for the same text, and of no use to anybody else."""
        return hmac.new(self.apiv3_key.encode(), text.encode(), hashlib.sha256).hexdigest()

    def settings(self) -> dict[str, Any]:
        """What a client needs: the settings of ``plugins.wechatpay_refund`` that belong to keys, as values."""
        return {
            "mchid": self.mchid,
            "serial_no": self.serial_no,
            "private_key": _pem(self.merchant).decode(),
            "apiv3_key": self.apiv3_key,
            "platform_keys": {name: _public_pem(key) for name, key in self.platform.items()},
        }

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, key in self.platform.items():
            write_private(self.folder / f"{name}.pem", _pem(key))
        settings = self.settings()
        write_private(self.folder / "private_key.pem", _pem(self.merchant))
        write_private(self.folder / "platform_keys.json", json.dumps(settings["platform_keys"], indent=1).encode())
        said = {k: settings[k] for k in ("mchid", "serial_no", "apiv3_key")}
        for name, value in said.items():  # one file each, as a stage file's "file:PATH" wants them
            write_private(self.folder / name, value.encode())
        # Last: its presence says that the other files are complete.
        write_private(self.folder / "merchant.json", json.dumps({**said, "platform": list(self.platform)}, indent=1).encode())


def opened(keys: Keys, serial: str, cipher: str) -> str | None:
    """The plain text of a sensitive field (RSA-OAEP with SHA-1, base64); None where it does not open with that key."""
    key = keys.platform.get(serial)
    try:
        raw = base64.b64decode(cipher, validate=True)
        sha1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 (WeChat Pay's scheme)
        return key.decrypt(raw, sha1).decode() if key is not None else None
    except ValueError:
        return None


def _platform_id() -> str:
    return f"PUB_KEY_ID_{MARK}_{secrets.token_hex(8).upper()}"


def _generate() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
