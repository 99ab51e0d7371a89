"""Keys and certificates of the sandbox: an issuer's, UnionPay's and a merchant's, made here and worth nothing elsewhere."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from infra.local.sandbox.loopback import MARK, LooksReal, write_private

#: In whose name UnionPay's certificate is. The real one's name must not be on a certificate that anybody can make.
SIGNER = f"{MARK} UnionPay"

#: What UnionPay calls the files it hands to merchants; they have no business beside ours.
ISSUED = ("acp_prod_sign.pfx", "acp_prod_root.cer", "acp_prod_middle.cer", "acp_prod_enc.cer")

_KEYS = ("issuer", "signer", "merchant")


@dataclass(slots=True)
class Keys:
    """A merchant, UnionPay, and who certifies both, as in life: every merchant has a certificate by UnionPay's issuer."""

    mer_id: str
    issuer: rsa.RSAPrivateKey
    issuer_cert: x509.Certificate
    signer: rsa.RSAPrivateKey
    signer_cert: x509.Certificate
    merchant: rsa.RSAPrivateKey
    merchant_cert: x509.Certificate
    folder: Path | None = field(default=None)

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """New keys, written to ``folder`` (files 0600, folder 0700) where one is given."""
        issuer, signer, merchant = (generate() for _ in range(3))
        issuer_cert = certificate(f"{MARK} OCA1", issuer, issuer, None)
        keys = cls(
            f"{MARK}00000001",
            issuer,
            issuer_cert,
            signer,
            certificate(f"041@{MARK}0001@{SIGNER}@00000001", signer, issuer, issuer_cert),
            merchant,
            certificate(f"041@{MARK}0002@{MARK} Mall@00000002", merchant, issuer, issuer_cert),
            folder,
        )
        keys._save()
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The keys in ``folder``, made on the first call. Raises LooksReal for anything that the sandbox did not make."""
        found = [name for name in ISSUED if (folder / name).exists()]
        if found:
            raise LooksReal(f"{folder.name} holds {found[0]}, a file that UnionPay issues to merchants")
        if not (folder / "merchant.json").exists():
            return cls.fresh(folder)
        said = json.loads((folder / "merchant.json").read_text(encoding="utf-8"))
        parts: dict[str, Any] = {}
        for name in _KEYS:
            key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), password=None)
            assert isinstance(key, rsa.RSAPrivateKey)
            parts |= {name: key, f"{name}_cert": x509.load_pem_x509_certificate((folder / f"{name}.cer").read_bytes())}
        keys = cls(mer_id=said["mer_id"], folder=folder, **parts)
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless the merchant and every certificate say that they were made here."""
        for name in (self.mer_id, *(c.subject.rfc4514_string() for c in (self.issuer_cert, self.signer_cert, self.merchant_cert))):
            if MARK not in name:
                raise LooksReal(f"{name} was not made by this sandbox: it could be a real merchant's")

    def rotate(self) -> str:
        """UnionPay signs with a new key and certificate from now on, by the same issuer. Gives the serial number."""
        self.signer = generate()
        self.signer_cert = certificate(f"041@{MARK}0001@{SIGNER}@00000001", self.signer, self.issuer, self.issuer_cert)
        self._save()
        return str(self.signer_cert.serial_number)

    def settings(self) -> dict[str, Any]:
        """What a client needs: the settings of ``plugins.unionpay_refund`` that belong to keys, as values."""
        return {
            "mer_id": self.mer_id,
            "private_key": _key_pem(self.merchant).decode(),
            "certificate": pem(self.merchant_cert),
            "trusted_certs": pem(self.issuer_cert),
            "signer_name": SIGNER,
        }

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in _KEYS:
            write_private(self.folder / f"{name}.key", _key_pem(getattr(self, name)))
            write_private(self.folder / f"{name}.cer", pem(getattr(self, f"{name}_cert")).encode())
        for name in ("mer_id", "signer_name"):  # one file each, as a stage file's "file:PATH" wants them
            write_private(self.folder / name, str(self.settings()[name]).encode())
        # Last: its presence says that the other files are complete.
        write_private(self.folder / "merchant.json", json.dumps({"mer_id": self.mer_id}).encode())


def generate() -> rsa.RSAPrivateKey:
    """A key as UnionPay's are."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(
    name: str,
    key: rsa.RSAPrivateKey,
    issuer: rsa.RSAPrivateKey,
    issuer_cert: x509.Certificate | None,
    until: timedelta = timedelta(days=3650),
) -> x509.Certificate:
    """A certificate for ``key`` in ``name``, valid from two days ago ``until`` from now; self-signed without ``issuer_cert``."""
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{MARK} OCA1"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_cert.subject if issuer_cert is not None else subject)
        .public_key(key.public_key())
        .serial_number(secrets.randbelow(1 << 39) + 1)  # five bytes, as the issuer of UnionPay's has them
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + until)
    )
    if issuer_cert is None:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(issuer, hashes.SHA256())


def pem(cert: x509.Certificate) -> str:
    """PEM text, lines ended with LF."""
    return cert.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
