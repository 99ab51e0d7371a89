"""FakeSecrets, secrets in memory, and the kit every Secrets passes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from aftersales.errors import BadSettings
from aftersales.ports import Secrets
from aftersales.secret import checked_name


class FakeSecrets:
    """Secrets in memory; ``held`` can be changed, and ``asked`` names each one that was read, in order."""

    def __init__(self, held: Mapping[str, str] | None = None) -> None:
        self.held = dict(held or {})
        self.asked: list[str] = []

    def read(self, name: str) -> str:
        """The secret as it is now."""
        self.asked.append(checked_name(name))
        if not self.held.get(name, "").strip():
            raise BadSettings(f"There is no secret {name}.", name=name)
        return self.held[name]


class SecretsContract:
    """What every Secrets keeps. A subclass gives the fixture ``secrets``, with none in it, and :meth:`put`."""

    def put(self, secrets: Secrets, name: str, value: str) -> None:
        """Keep ``value`` as ``name``, in place of what was there."""
        raise NotImplementedError

    @pytest.mark.parametrize("value", ["a-token-secret", "-----BEGIN X-----\nMII=\n-----END X-----\n", '{"key": "密钥"}'])
    def test_a_secret_is_read_as_it_was_put(self, secrets: Secrets, value: str) -> None:
        """Text comes back as it is, of several lines and in any script; what stands around it may be cut off."""
        self.put(secrets, "wechatpay", value)
        assert secrets.read("wechatpay").strip() == value.strip()

    def test_a_changed_secret_is_read_anew(self, secrets: Secrets) -> None:
        """Each reading gives what is there now: how long it is kept is not the plugin's business."""
        self.put(secrets, "token", "first-secret")
        assert secrets.read("token").strip() == "first-secret"
        self.put(secrets, "token", "second-secret")
        assert secrets.read("token").strip() == "second-secret"

    def test_secrets_are_apart(self, secrets: Secrets) -> None:
        """A name is a name: another one is never given instead, not even one that it begins with."""
        self.put(secrets, "pay", "one-secret")
        self.put(secrets, "pay.old", "other-secret")
        assert (secrets.read("pay").strip(), secrets.read("pay.old").strip()) == ("one-secret", "other-secret")
        with pytest.raises(BadSettings):
            secrets.read("pay.ol")

    def test_a_missing_secret_is_named(self, secrets: Secrets) -> None:
        """Who reads the error knows which secret to make, and how."""
        with pytest.raises(BadSettings, match="wechatpay") as refusal:
            secrets.read("wechatpay")
        assert "wechatpay" in refusal.value.message

    def test_an_empty_secret_is_none(self, secrets: Secrets) -> None:
        """White space signs nothing: it is refused, by its name."""
        self.put(secrets, "token", " \n")
        with pytest.raises(BadSettings, match="token"):
            secrets.read("token")

    @pytest.mark.parametrize(
        "name",
        ["", ".", "..", "../token", "a/b", "/etc/hostname", "a/../token", ".hidden", "a..b", "a\0b", "a#b", "a b", "*", "a" * 129],
    )
    def test_what_is_no_name_is_refused(self, secrets: Secrets, name: str) -> None:
        """A name leads nowhere else: no path, nothing hidden, no wild card."""
        self.put(secrets, "token", "a-token-secret")
        with pytest.raises(BadSettings):
            secrets.read(name)
