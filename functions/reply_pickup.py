"""Replies about pickups at the door: what everybody concerned may read of one."""

from __future__ import annotations

from functions.reply import View


class PriceView(View):
    """What a pickup would cost, in minor units, and who bears it: ``buyer`` or ``merchant``.

    ``kept_minor`` of it would be kept back from the refund as it stands: nothing where the shop bears it.
    """

    price_minor: int
    currency: str
    payer: str
    company: str
    kept_minor: int
