"""Refunds through Alipay's gateway: refund, query, notice, bill. See README.md for settings and for what each answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.alipay_refund.client import AlipayRefunds
from plugins.alipay_refund.setting import Setting


def build(settings: Mapping[str, Any]) -> AlipayRefunds:
    """The channel; nothing is read, connected or imported yet. Raises BadSettings for settings that cannot work."""
    return AlipayRefunds(Setting.parse(settings))
