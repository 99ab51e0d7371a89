"""Refunds through WeChat Pay (APIv3): create, query, notice. See README.md for settings and for what each answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.wechatpay_refund.client import WechatPayRefunds
from plugins.wechatpay_refund.setting import Setting


def build(settings: Mapping[str, Any]) -> WechatPayRefunds:
    """The channel; nothing is read, connected or imported yet. Raises BadSettings for settings that cannot work."""
    return WechatPayRefunds(Setting.parse(settings))
