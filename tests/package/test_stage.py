"""The deployed stage file fits the plugins that it names, also those that are made for and not switched on."""

import json
import tomllib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aftersales.registry import Registry
from aftersales.testing.secrets import FakeSecrets
from infra.bundle import ROOT

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

#: What an operator gives, in the shapes of infra/README.md.
PARAMETERS = {
    "WECHATPAY_MCHID": "1900000001",
    "WECHATPAY_PLATFORM_KEYS": json.dumps({"PUB_KEY_ID_1": PUBLIC}),
    "WECHATPAY_NOTIFY_URL": "https://mall.example/v1/callbacks/wechatpay",
    "ALIPAY_APP_ID": "2021000000000000",
    "ALIPAY_SELLER_ID": "2088000000000000",
    "ALIPAY_PUBLIC_KEY": PUBLIC,
    "UNIONPAY_MER_ID": "777290058110048",
    "UNIONPAY_TRUSTED_CERTS": CERTIFICATE,
    "UNIONPAY_NOTIFY_URL": "https://mall.example/v1/callbacks/unionpay",
    "VOUCHER_URL": "https://vouchers.example",
    "VOUCHER_KEY_ID": "mall-1",
    "CUSTOMS_URL": "https://agent.example",
    "INSTALLER_URL": "https://platform.example",
    "INSTALLER_LICENSE": "license-1",
    "INSTALLER_MERCHANT": "m1",
    "KUAIDI100_NOTIFY_URL": "https://mall.example/v1/callbacks/kuaidi100",
    "KUAIDI100_COMPANIES": "jtexpress,debangkuaidi",
    "KUAIDI100_CUSTOMER": "A" * 32,
    "STOCK_URL": "https://warehouse.example",
    "STOCK_KEY_ID": "shop-1",
    "POINTS_URL": "https://members.example",
    "POINTS_KEY_ID": "shop-1",
    "CUSTOMS_MERCHANTS": json.dumps({"3301964J31": "m1"}),
}
SECRETS = {
    "wechatpay": {"serial_no": "A" * 40, "private_key": PRIVATE, "apiv3_key": "k" * 32},
    "alipay": {"private_key": PRIVATE},
    "stripe": {"api_key": "sk_test_abcdefghijkl", "webhook_secrets": "whsec_abcdefghijkl"},
    "unionpay": {"private_key": PRIVATE, "certificate": CERTIFICATE},
}


@pytest.mark.parametrize("channel", sorted(SECRETS))
def test_a_channel_is_built_from_parameters_and_one_secret(channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on, each channel finds its keys where the guide says to put them, in one request to Secrets Manager."""
    for name, value in PARAMETERS.items():
        monkeypatch.setenv(name, value)
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, "channels": {name: f"{name}_refund" for name in SECRETS}})
    secrets = FakeSecrets({name: json.dumps(fields) for name, fields in SECRETS.items()})
    registry.put("secrets", secrets)
    assert registry.channel(channel).limits is not None
    assert secrets.asked == [channel]


def test_the_declaring_agent_is_reached_from_parameters_and_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on, the source of customs finds address and enterprises in parameters and its secret in Secrets Manager."""
    for name, value in PARAMETERS.items():
        monkeypatch.setenv(name, value)
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, "sources": {"customs": "ceb_customs"}})
    secrets = FakeSecrets({"customs": json.dumps({"secret": "s" * 32})})
    registry.put("secrets", secrets)
    assert callable(registry.source("customs").ask)
    assert secrets.asked == ["customs"]


def test_the_voucher_system_is_reached_from_parameters_and_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on, the source of entitlements finds its address in parameters and its secret where the guide says to put it."""
    for name, value in PARAMETERS.items():
        monkeypatch.setenv(name, value)
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, "sources": {"entitlements": "voucher_entitlements"}})
    secrets = FakeSecrets({"voucher": json.dumps({"secret": "s" * 32})})
    registry.put("secrets", secrets)
    assert callable(registry.source("entitlements").ask)
    assert secrets.asked == ["voucher"]


@pytest.mark.parametrize(("source", "plugin"), [("installer", "wanshifu_installer"), ("stock", "mall_stock")])
def test_technicians_and_warehouse_are_reached_from_parameters_and_one_secret(
    source: str, plugin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched on, the sources of the trade of appliances find their addresses in parameters and one secret each."""
    for name, value in PARAMETERS.items():
        monkeypatch.setenv(name, value)
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, "sources": {source: plugin}})
    secrets = FakeSecrets({source: json.dumps({"secret": "s" * 32})})
    registry.put("secrets", secrets)
    assert callable(registry.source(source).ask)
    assert secrets.asked == [source]


def test_members_points_are_reached_from_parameters_and_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on, the membership system finds its address in parameters and its secret where the guide says to put it."""
    for name, value in PARAMETERS.items():
        monkeypatch.setenv(name, value)
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, "ports": {**stage["ports"], "points": "mall_points"}})
    secrets = FakeSecrets({"points": json.dumps({"secret": "s" * 32})})
    registry.put("secrets", secrets)
    assert callable(registry.points.give)
    assert secrets.asked == ["points"]
    assert Registry(stage).points is None


def test_couriers_are_reached_from_parameters_and_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on, the carrier finds who drives and where to tell in parameters, and both parts of its key in one secret."""
    for name, value in PARAMETERS.items():
        monkeypatch.setenv(name, value)
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, "carriers": {"kuaidi100": "kuaidi100_carrier"}})
    secrets = FakeSecrets({"kuaidi100": json.dumps({"key": "k", "secret": "s" * 32})})
    registry.put("secrets", secrets)
    assert registry.carrier("kuaidi100").companies == ("jtexpress", "debangkuaidi")
    assert secrets.asked == ["kuaidi100"]


def test_parcels_are_traced_with_parameters_and_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on, the tracer needs the account's number and its secret, and no word about who drives to doors."""
    for name in ("KUAIDI100_CUSTOMER", "KUAIDI100_NOTIFY_URL"):
        monkeypatch.setenv(name, PARAMETERS[name])
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, "tracers": {"kuaidi100": "kuaidi100_carrier"}})
    registry.put("secrets", FakeSecrets({"kuaidi100": json.dumps({"key": "k", "secret": "s" * 32})}))
    assert registry.tracer("kuaidi100").follows("yto")


@pytest.mark.parametrize("table", ["carriers", "tracers"])
def test_sf_is_reached_from_one_parameter_and_one_secret(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    """Switched on to fetch goods, to tell where parcels are, or for both: one parameter, and both keys in one secret."""
    monkeypatch.setenv("SF_PARTNER_ID", "P")
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, table: {"sf": "sf_carrier"}})
    secrets = FakeSecrets({"sf": json.dumps({"checkword": "c" * 32, "monthly_card": "1234567890"})})
    registry.put("secrets", secrets)
    assert registry.carrier("sf").companies == ("sf",) if table == "carriers" else registry.tracer("sf").follows("sf")
    assert secrets.asked == ["sf"]


@pytest.mark.parametrize("tracer", ["track17", "aftership"])
def test_parcels_across_borders_are_asked_about_with_one_secret(tracer: str) -> None:
    """Switched on, each tracer has its platform's address in the stage file, and all of its keys in one secret."""
    stage = tomllib.loads((ROOT / "infra" / "stages" / "aws.toml").read_text(encoding="utf-8"))
    registry = Registry({**stage, "tracers": {tracer: f"{tracer}_carrier"}})
    secrets = FakeSecrets({tracer: json.dumps({"key": "k" * 32, "webhook_secret": "s" * 32})})
    registry.put("secrets", secrets)
    assert registry.tracer(tracer).follows("usps")
    assert secrets.asked == [tracer]
