"""Refunds through Stripe: create, find, notice. See README.md for settings and for what each answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.stripe_refund.client import StripeRefunds
from plugins.stripe_refund.setting import Setting


def build(settings: Mapping[str, Any]) -> StripeRefunds:
    """The channel; nothing is read, connected or imported yet. Raises BadSettings for settings that cannot work."""
    return StripeRefunds(Setting.parse(settings))
