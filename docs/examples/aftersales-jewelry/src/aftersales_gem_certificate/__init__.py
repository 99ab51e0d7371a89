"""A laboratory's certificates: ``build(settings)`` is all that the core knows of it."""

from collections.abc import Mapping
from typing import Any

from aftersales.errors import BadSettings

from aftersales_gem_certificate.client import Client
from aftersales_gem_certificate.source import SOURCE, GemCertificate


def build(settings: Mapping[str, Any]) -> GemCertificate:
    """The port, from its table in the stage file. Raises BadSettings for what is missing. Nobody is called."""
    for name in ("base_url", "key"):
        if not settings.get(name):
            raise BadSettings(f"{SOURCE} has no {name}.", todo=f"Set {name} in [settings.{SOURCE}].")
    client = Client(str(settings["base_url"]), str(settings["key"]).encode(), float(settings.get("timeout_s", 3.0)))
    return GemCertificate(client)
