"""What the plugin is told: the platform's address, our account with it, and how orders are placed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aftersales.errors import BadSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CARD = re.compile(r"[0-9]{10}")

#: How a return is ordered: by the service for returns to a warehouse, or as any parcel from the buyer to the shop.
ORDERS = ("reverse", "express")

#: Who pays SF: the sender, the receiver, or a third party; each on the account of the card where one is given.
PAY_METHODS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Setting:
    """``partner_id`` and ``checkword`` are ours with the platform; ``monthly_card`` is the account that is charged.

    ``collects``: whether it may be asked to fetch goods, and not for routes alone. ``product`` is SF's code of the service that is
    booked and priced, ``template`` the one that was agreed for returns. Times in seconds: to connect, between two pieces of an
    answer, for a whole answer.
    """

    base_url: str
    partner_id: str
    checkword: str = field(repr=False)
    collects: bool
    monthly_card: str = field(repr=False)
    orders: str
    product: int
    pay_method: int
    template: str
    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Setting:
        """The settings of a stage file. Raises BadSettings."""
        for name in ("base_url", "partner_id", "checkword"):
            if not str(said.get(name) or "").strip():
                raise BadSettings(f"sf_carrier: the setting {name} is missing.")
        collects, card = _is_true(said.get("collects", True)), str(said.get("monthly_card") or "").strip()
        if (collects or card) and not _CARD.fullmatch(card):
            raise BadSettings("sf_carrier: monthly_card has ten digits; without one, set collects to false.")
        orders = str(said.get("orders") or ORDERS[0])
        if orders not in ORDERS:
            raise BadSettings(f"sf_carrier: orders is one of {', '.join(ORDERS)}.")
        pay_method = _whole("pay_method", said, 1)
        if pay_method not in PAY_METHODS:
            raise BadSettings("sf_carrier: pay_method is 1, 2 or 3.")
        return cls(
            base_url=_url(str(said["base_url"])),
            partner_id=str(said["partner_id"]).strip(),
            checkword=str(said["checkword"]).strip(),
            collects=collects,
            monthly_card=card,
            orders=orders,
            product=_whole("product", said, 2),
            pay_method=pay_method,
            template=str(said.get("template") or "").strip(),
            connect_s=_number("connect_s", said, 3),
            read_s=_number("read_s", said, 5),
            total_s=_number("total_s", said, 8),
        )


def _is_true(said: object) -> bool:
    return str(said).strip().lower() in ("true", "1", "yes")


def _url(value: str) -> str:
    """HTTPS everywhere; plain HTTP to this machine only, where the sandbox is."""
    plain = value.strip().rstrip("/")
    to = urlsplit(plain)
    local = to.scheme == "http" and to.hostname in _LOOPBACK
    if (not (to.scheme == "https" and to.hostname) and not local) or to.query or to.fragment:
        raise BadSettings("sf_carrier: base_url is an https address without query and fragment.")
    return plain


def _whole(name: str, said: Mapping[str, Any], default: int) -> int:
    text = str(said.get(name, default)).strip()
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 100_000):
        raise BadSettings(f"sf_carrier: {name} is a whole number above 0.")
    return int(text)


def _number(name: str, said: Mapping[str, Any], default: float) -> float:
    try:
        number = float(said.get(name, default))
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < 60:
        raise BadSettings(f"sf_carrier: {name} is a number above 0 and below 60.")
    return number
