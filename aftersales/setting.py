"""Settings: what a stage file tells each plugin, and where a value that it does not hold itself comes from.

::

    region = "eu-central-1"                   # as it is
    table = "env:TABLE"                       # from the environment; "" when it is not set
    prefix = "env:PREFIX|shop-"               # … or this
    key = "file:/etc/shop/key.pem"            # the text of a file
    private_key = "secret:wechatpay#private_key"   # from the port ``secrets``; has no default: a made-up secret is none
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aftersales import redaction
from aftersales.caller import Role
from aftersales.case import Lane, State
from aftersales.entry import Turn
from aftersales.errors import BadSettings
from aftersales.parcel import ParcelState
from aftersales.vertical import HANDLERS, Merchant

SECRET = "secret:"
#: Settings that are secrets by their names, wherever they come from: what the environment says of them is not logged either.
_SOUNDS_SECRET = re.compile(r"\w*(?<!public_)(?:key|secret|password) of ")


class Settings:
    """The tables ``[settings.*]`` of a stage file, resolved when they are asked for; ``secret`` reads a secret by its address.

    Without ``secret`` the settings that are secrets are not there at all: a process that needs none cannot lose any.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, Any]], secret: Callable[[str], str] | None) -> None:
        self._tables, self._secret = tables, secret

    def of(self, plugin: str) -> dict[str, Any]:
        """All settings of a plugin. Raises BadSettings when a file or secret cannot be read."""
        return {name: self._resolved(value, f"{name} of {plugin}") for name, value in self._told(plugin)}

    def one(self, plugin: str, name: str, default: str | None) -> str:
        """One setting of a plugin; no other one is read. Raises BadSettings when it is missing and has no default."""
        value = dict(self._told(plugin)).get(name, default)
        if value is None:
            raise BadSettings(f"The setting {name} of {plugin} is missing in the stage file.")
        return str(self._resolved(value, f"{name} of {plugin}"))

    def secrets_of(self, plugin: str) -> dict[str, str]:
        """The settings of a plugin that are secrets, as they are now."""
        return {n: self._resolved(v, f"{n} of {plugin}") for n, v in self._told(plugin) if _is_secret(v)}

    def has_secrets(self, plugin: str) -> bool:
        """Whether a setting of the plugin is a secret."""
        return any(_is_secret(value) for _, value in self._told(plugin))

    def _told(self, plugin: str) -> list[tuple[str, Any]]:
        table = self._tables.get(plugin, {})
        return [(name, value) for name, value in table.items() if self._secret is not None or not _is_secret(value)]

    def _resolved(self, value: Any, which: str) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith(SECRET) and self._secret is not None:
            return self._read(value.removeprefix(SECRET), which, self._secret)
        found = _found(value, which)
        if found is not value and _SOUNDS_SECRET.match(which):
            redaction.learn(found)
        return found

    def _read(self, address: str, which: str, secret: Callable[[str], str]) -> str:
        if "|" in address:
            raise BadSettings(f"The setting {which} gives a secret a default: a secret that everybody can read is none.")
        try:
            return secret(address)
        except BadSettings as error:
            raise BadSettings(f"The setting {which} cannot be read: {error.message}", todo=error.todo, **error.details) from error


def merchant_of(tables: Mapping[str, Mapping[str, Any]], name: str) -> Merchant:
    """What ``[merchants.<name>]`` sets over ``[merchants.default]``. Raises BadSettings for a name or value nobody knows."""
    values: dict[str, Any] = {**tables.get("default", {}), **tables.get(name, {})}
    try:
        if "turn" in values:
            values["turn"] = Turn(values["turn"])
        if "neighbours" in values:
            values["neighbours"] = {city: tuple(near) for city, near in values["neighbours"].items()}
        for listed in {"tiers", "one_click_reasons"} & set(values):
            values[listed] = tuple(values[listed])
        if "handlers" in values:
            roles_of = {Lane(lane): tuple(Role(role) for role in roles) for lane, roles in values["handlers"].items()}
            values["handlers"] = {**HANDLERS, **roles_of}
        if "zone" in values:
            values["zone"] = ZoneInfo(values["zone"])
        for told, states in (("timeout_hours", State), ("parcel_timeout_hours", ParcelState)):
            hours = values.pop(told, {})
            values[told.replace("_hours", "s")] = {states(k): timedelta(hours=v) for k, v in hours.items()}
        return Merchant(name, **values)
    except (TypeError, ValueError, KeyError) as error:  # an unknown name, state or zone
        raise BadSettings(f"The settings of the merchant {name} are wrong: {error}", name=name) from error


def _found(value: str, which: str) -> str:
    if value.startswith("env:"):
        name, _, default = value[4:].partition("|")
        return os.environ.get(name, default)
    if value.startswith("file:"):
        try:
            return Path(value[5:]).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise BadSettings(f"The file for {which} cannot be read: {error}") from error
    return value


def _is_secret(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(SECRET)
