"""Replies about pickups at the door: what everybody concerned may read of one."""

from __future__ import annotations

from functions.reply import View


class PriceView(View):
    """What a pickup would cost, in minor units, and who bears it: ``buyer`` or ``merchant``."""

    price_minor: int
    currency: str
    payer: str
    company: str
