"""Refunds to bank cards through UnionPay's online gateway (5.1.0): create, query, notice. README.md says what each answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.unionpay_refund.client import UnionPayRefunds
from plugins.unionpay_refund.setting import Setting


def build(settings: Mapping[str, Any]) -> UnionPayRefunds:
    """The channel; nothing is read, connected or imported yet. Raises BadSettings for settings that cannot work."""
    return UnionPayRefunds(Setting.parse(settings))
