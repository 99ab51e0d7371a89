"""Refunds to the mall balance: an account of our own per buyer, kept with double entry. See README.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aftersales.errors import BadSettings
from plugins.balance_refund.account import BalanceRefunds


def build(settings: Mapping[str, Any]) -> BalanceRefunds:
    """The channel; it connects on first use. Raises BadSettings without ``table``, and for a ``kind`` that is no name."""
    if not settings.get("table"):
        raise BadSettings("balance_refund needs the setting table.", lacking=["table"])
    kind = str(settings.get("kind") or "balance")
    if not re.fullmatch(r"[a-z][a-z_]{0,30}", kind):
        raise BadSettings("balance_refund: kind is a name of small letters and _.")
    return BalanceRefunds(str(settings["table"]), str(settings.get("endpoint") or ""), str(settings.get("region") or ""), kind=kind)
