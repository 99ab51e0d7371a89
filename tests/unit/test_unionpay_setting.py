"""UnionPay's settings: wrong ones are found before anything is called, by name, and never shown."""

from typing import Any

import pytest

from aftersales.errors import BadSettings
from infra.local.sandbox.unionpay import Keys
from plugins.unionpay_refund import build

KEYS = Keys.fresh()

WRONG: dict[str, dict[str, Any]] = {
    "mer_id": {"mer_id": "123"},
    "private_key": {"private_key": "none"},
    "certificate": {"certificate": "none"},
    "trusted_certs": {"trusted_certs": ""},
    "signer_name": {"signer_name": "a@b"},
    "allow_sha1": {"allow_sha1": "perhaps"},
    "base_url": {"base_url": "http://gateway.example"},
    "notify_url": {"notify_url": "https://mall.example/a?b=c"},
    "biz_type": {"biz_type": "1"},
    "channel_type": {"channel_type": "PC"},
    "window_days": {"window_days": "eleven"},
    "expired_s": {"expired_s": -1},
    "causes": {"causes": '{"77": "nonsense"}'},
    "read_s": {"read_s": "soon"},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_named_and_not_shown(name: str) -> None:
    """Settings that cannot work are found when the channel is built, by name, and their values stay out of the message."""
    settings = {**KEYS.settings(), "base_url": "https://gateway.example", **WRONG[name]}
    with pytest.raises(BadSettings, match=name) as wrong:
        build(settings)
    value = str(WRONG[name][name])
    assert not value or len(value) < 4 or value not in str(wrong.value)


@pytest.mark.parametrize("causes", ["[1]", "{", '{"7": "other"}', {"77": 1}, [("77", "other")], '{"777": "other"}'])
def test_a_table_of_causes_is_checked(causes: Any) -> None:
    """Only two-letter codes and our own causes make a table of causes."""
    with pytest.raises(BadSettings, match="causes"):
        build({**KEYS.settings(), "base_url": "https://gateway.example", "causes": causes})
