"""Entitlements: whether a code, a membership or a download was used, kept as it is while money goes back. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.voucher_entitlements.setting import Setting
from plugins.voucher_entitlements.source import VoucherEntitlements


def build(settings: Mapping[str, Any]) -> VoucherEntitlements:
    """The source; it connects on first use. Raises BadSettings, the setting named and never its value."""
    return VoucherEntitlements(Setting.parse(settings))
