"""Entitlements: whether a code, a membership or a download was used, kept as it is while money goes back. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.signed import Setting, number
from plugins.voucher_entitlements.source import VoucherEntitlements


def build(settings: Mapping[str, Any]) -> VoucherEntitlements:
    """The source; it connects on first use. ``lock_days`` is how long a lock lasts that nobody renews. Raises BadSettings."""
    lock_days = number("voucher_entitlements", "lock_days", settings, 30, most=91)
    return VoucherEntitlements(Setting.parse("voucher_entitlements", settings, "entitlements"), int(lock_days))
