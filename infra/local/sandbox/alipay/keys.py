"""Keys of the sandbox's Alipay: an application's and Alipay's RSA pairs with certificates, made here and worth nothing elsewhere.

Every id and every certificate carries MARK. What does not could be somebody's real key, and is refused.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from infra.local.sandbox.loopback import MARK, LooksReal, write_private

#: What Alipay calls the files it gives to merchants; they have no business beside ours.
ISSUED = ("alipayCertPublicKey_RSA2.crt", "alipayRootCert.crt", "appCertPublicKey_*.crt", "alipayPublicKey_RSA2.txt")


@dataclass(slots=True)
class Keys:
    """One application with its seller and key, and Alipay's keys with their certificates (PEM), oldest first, the last one signs.

    ``roots`` is what Alipay's file of root certificates is: one with RSA, and one with another algorithm that does not count.
    """

    app_id: str
    seller_id: str
    merchant: rsa.RSAPrivateKey
    app_cert: str
    root: rsa.RSAPrivateKey
    roots: str
    alipay: list[tuple[rsa.RSAPrivateKey, str]]
    folder: Path | None = field(default=None)

    @classmethod
    def fresh(cls, folder: Path | None = None) -> Keys:
        """New keys, written to ``folder`` (files 0600, folder 0700) where one is given."""
        root, merchant = _generate(), _generate()
        other = ec.generate_private_key(ec.SECP256R1())
        roots = _certificate("Root RSA", root.public_key(), root) + "\n" + _certificate("Root EC", other.public_key(), other)
        app_id, seller_id = f"2021{MARK}{secrets.randbelow(10**8):08d}", f"2088{MARK}00001"
        app_cert = _certificate(app_id, merchant.public_key(), root)
        keys = cls(app_id, seller_id, merchant, app_cert, root, roots, [], folder)
        keys.rotate()
        return keys

    @classmethod
    def at(cls, folder: Path) -> Keys:
        """The keys in ``folder``, made on the first call. Raises LooksReal for anything that the sandbox did not make."""
        found = [path.name for pattern in ISSUED for path in folder.glob(pattern)]
        if found:
            raise LooksReal(f"{folder.name} holds {found[0]}, a file that Alipay gives to merchants")
        if not (folder / "keys.json").exists():
            return cls.fresh(folder)
        said = json.loads((folder / "keys.json").read_text(encoding="utf-8"))
        private = {name: _private(pem.encode()) for name, pem in said["private"].items()}
        alipay = [(_private(pem.encode()), cert) for pem, cert in said["alipay"]]
        keys = cls(
            said["app_id"], said["seller_id"], private["merchant"], said["app_cert"], private["root"], said["roots"], alipay, folder
        )
        keys.check()
        return keys

    def check(self) -> None:
        """Raises LooksReal unless every id and certificate says that it was made here."""
        for name in (self.app_id, self.seller_id):
            if MARK not in name:
                raise LooksReal(f"{name} was not made by this sandbox: it could be a real merchant's")
        for cert in (self.app_cert, *(cert for _, cert in self.alipay)):
            if MARK not in x509.load_pem_x509_certificate(cert.encode()).issuer.rfc4514_string():
                raise LooksReal("a certificate was not made by this sandbox")

    @property
    def signs_with(self) -> tuple[rsa.RSAPrivateKey, str]:
        """Alipay's key that signs now, and the number of its certificate."""
        key, cert = self.alipay[-1]
        return key, number_of(cert)

    def rotate(self) -> str:
        """A new key of Alipay's signs from now on; the older ones stay known. Gives the number of its certificate."""
        key = _generate()
        self.alipay.append((key, _certificate("Alipay", key.public_key(), self.root)))
        self._save()
        return self.signs_with[1]

    def settings(self, *, certificates: bool = False) -> dict[str, Any]:
        """The settings of ``plugins.alipay_refund`` that belong to keys, as values, for key mode or certificate mode."""
        said = {"app_id": self.app_id, "seller_id": self.seller_id, "private_key": _pem(self.merchant).decode()}
        if certificates:
            certs = "\n".join(cert for _, cert in self.alipay)
            return {**said, "app_cert": self.app_cert, "alipay_cert": certs, "alipay_root_cert": self.roots}
        return {**said, "alipay_public_key": "".join(public_pem(key) for key, _ in self.alipay)}

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, value in self.settings().items():  # one file each, as a stage file's "file:PATH" wants them
            write_private(self.folder / name, value.encode())
        private = {"merchant": _pem(self.merchant).decode(), "root": _pem(self.root).decode()}
        said = {"app_id": self.app_id, "seller_id": self.seller_id, "app_cert": self.app_cert, "roots": self.roots}
        alipay = [(_pem(key).decode(), cert) for key, cert in self.alipay]
        # Last: its presence says that the other files are complete.
        write_private(self.folder / "keys.json", json.dumps({**said, "private": private, "alipay": alipay}, indent=1).encode())


def number_of(cert: str) -> str:
    """A certificate's number by Alipay's rule: MD5 of the issuer's name, most particular part first, and the decimal serial."""
    found = x509.load_pem_x509_certificate(cert.encode())
    name = ",".join(f"{SHORT[part.oid]}={part.value!s}" for part in reversed(list(found.issuer)))
    return md5(f"{name}{found.serial_number}".encode(), usedforsecurity=False).hexdigest()


SHORT = {
    NameOID.COUNTRY_NAME: "C",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COMMON_NAME: "CN",
}


def root_number_of(roots: str) -> str:
    """The numbers of the RSA certificates in a file of roots, joined."""
    blocks = [f"{block}-----END CERTIFICATE-----\n" for block in roots.split("-----END CERTIFICATE-----\n")[:-1]]
    return "_".join(number_of(b.strip()) for b in blocks if isinstance(_public(b), rsa.RSAPublicKey))


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """The public half of a key."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _certificate(
    name: str, public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, by: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> str:
    """A certificate in PEM, its issuer named as Alipay names its own: country, organisation, unit, common name."""
    parts = [
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, f"{MARK} Financial"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification"),
    ]
    issuer = x509.Name([x509.NameAttribute(oid, value) for oid, value in [*parts, (NameOID.COMMON_NAME, f"{MARK} Authority R1")]])
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in [*parts, (NameOID.COMMON_NAME, f"{MARK} {name}")]])
    begin = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), begin, begin + timedelta(days=3650))
    return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _public(cert: str) -> Any:
    return x509.load_pem_x509_certificate(cert.encode()).public_key()


def _generate() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
