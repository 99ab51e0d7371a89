"""Refunds to the mall balance: an account of our own per buyer, kept with double entry. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.errors import BadSettings
from plugins.balance_refund.account import BalanceRefunds


def build(settings: Mapping[str, Any]) -> BalanceRefunds:
    """The channel; it connects on first use. Raises BadSettings without ``table``."""
    if not settings.get("table"):
        raise BadSettings("balance_refund needs the setting table.", lacking=["table"])
    return BalanceRefunds(str(settings["table"]), str(settings.get("endpoint") or ""), str(settings.get("region") or ""))
