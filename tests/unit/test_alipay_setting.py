"""What the Alipay plugin is told: wrong settings are named early, and keys may come as Alipay's own tools write them."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from aftersales.errors import BadSettings
from plugins.alipay_refund import build
from plugins.alipay_refund.key import certificate_numbers, certified_keys_of, private_key_of, public_keys_of
from plugins.alipay_refund.setting import Setting

DATA = Path(__file__).parents[1] / "data" / "alipay"
PUBLIC = (DATA / "public.pem").read_text(encoding="ascii")
ROOTS = (DATA / "roots.pem").read_text(encoding="ascii")
(KEY,) = public_keys_of(PUBLIC).values()
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = OURS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SETTINGS: dict[str, Any] = {
    "app_id": "2021SANDBOX1",
    "seller_id": "2088SANDBOX1",
    "private_key": PEM,
    "alipay_public_key": PUBLIC,
    "base_url": "http://127.0.0.1:9",
}
CERTS = {"app_cert": ROOTS, "alipay_cert": ROOTS, "alipay_root_cert": ROOTS}


@pytest.mark.parametrize(
    ("named", "change"),
    [
        *((name, {name: ""}) for name in ("app_id", "seller_id", "private_key", "alipay_public_key", "base_url")),
        ("private_key", {"private_key": "secret-but-no-key"}),
        ("alipay_public_key", {"alipay_public_key": "secret-but-no-key"}),
        ("alipay_public_key", CERTS),
        ("app_cert", {"alipay_public_key": "", **CERTS, "app_cert": ""}),
        ("alipay_root_cert", {"alipay_public_key": "", **CERTS, "alipay_root_cert": "secret-but-no-key"}),
        ("base_url", {"base_url": "http://openapi.alipay.example"}),
        ("base_url", {"base_url": "ftp://127.0.0.1"}),
        ("window_days", {"window_days": 0}),
        ("read_s", {"read_s": "soon"}),
        ("total_s", {"total_s": float("nan")}),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused_early(named: str, change: dict[str, Any]) -> None:
    """A wrong setting is named when the channel is built, and no secret is in the message."""
    with pytest.raises(BadSettings) as refused:
        build({**SETTINGS, **change})
    assert named in refused.value.message
    assert "secret-but-no-key" not in f"{refused.value} {refused.value.details}"


def test_keys_may_be_what_alipays_own_tool_writes() -> None:
    """Bare base64 without PEM lines, PKCS#1 or PKCS#8, and line ends written as backslash n are all keys."""
    for kind in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        bare = base64.b64encode(OURS.private_bytes(Encoding.DER, kind, NoEncryption())).decode()
        assert (
            private_key_of(Setting.parse({**SETTINGS, "private_key": bare}).private_key).private_numbers() == OURS.private_numbers()
        )
    escaped = Setting.parse({**SETTINGS, "private_key": PEM.replace("\n", "\\n")}).private_key
    assert private_key_of(escaped).private_numbers() == OURS.private_numbers()
    bare = "".join(PUBLIC.splitlines()[1:-1])
    (key,) = public_keys_of(Setting.parse({**SETTINGS, "alipay_public_key": bare}).alipay_public_key).values()
    assert key.public_numbers() == KEY.public_numbers()


def test_a_broken_key_is_named() -> None:
    """A text without a usable RSA key is a wrong setting, not a crash."""
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", PUBLIC, pem, "A" * 400, "=" * 400):
        with pytest.raises(BadSettings, match="private_key"):
            private_key_of(text)
    for text in ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", public, "A" * 400):
        with pytest.raises(BadSettings, match="alipay_public_key"):
            public_keys_of(text)
    only_curves = ROOTS.split("\n\n")[1]
    with pytest.raises(BadSettings, match="alipay_root_cert"):
        certificate_numbers(ROOTS, only_curves)
    with pytest.raises(BadSettings, match="alipay_cert"):
        certified_keys_of(only_curves)


def test_the_window_is_the_contracts() -> None:
    """How long a payment can be refunded is agreed with Alipay: a year unless the settings say otherwise."""
    assert build(SETTINGS).limits.window == timedelta(days=365)
    limits = build({**SETTINGS, "window_days": "90"}).limits
    assert (limits.window, limits.gap, limits.currencies) == (timedelta(days=90), timedelta(seconds=3), {"CNY"})


def test_secrets_are_not_shown() -> None:
    """The private key does not stand in what a log would print of the settings."""
    assert PEM.splitlines()[1] not in repr(Setting.parse(SETTINGS))
