"""Parcel: goods that a buyer of the mall sends back: handed over in the sandbox's truth, by a script, and told to the API.

::

    send_back(shop, buyer, case_id)                                         # honest; the script "normal"
    send_back(shop, buyer, case_id, script="empty_box", weight_g=1_600)     # forged; the scripts are in sandbox/journey.py
    send_back(shop, buyer, other_id, joins=case_id)                         # in the same parcel, and said so

A parcel that is only told and never handed over is ``script="invented"``: no carrier knows it.
"""

from __future__ import annotations

import secrets
from typing import Any

from aftersales.digit import fits_luhn, fits_s10
from aftersales.place import city_of
from infra.local.client import Client
from infra.local.mall import Shop, home_of, phone_of

#: What numbers begin with, and how many digits follow; others are thirteen digits.
FORMS = {"sf": ("SF", 13), "yto": ("YT", 13), "jt": ("JT", 13), "jd": ("JDV", 12), "deppon": ("DPK", 12)}

#: Posts that number by S10, and the country in their numbers.
POSTS = {"usps": "US", "japanpost": "JP", "hongkongpost": "HK", "singpost": "SG", "royalmail": "GB", "post": "CN", "ems": "CN"}


def send_back(
    shop: Shop,
    buyer: Client,
    case_id: str,
    *,
    script: str = "normal",
    carrier: str = "yto",
    number: str = "",
    weight_g: int = 1_000,
    joins: str = "",
    sub: str = "b1",
) -> dict[str, Any]:
    """Hand the goods of a case over and tell the waybill; the case as it stands then. Raises Refused where that is not taken.

    ``sub`` is whose goods they are, ``weight_g`` what they should weigh, ``number`` a number that is told in place of a fresh one.
    ``joins`` is a case with a parcel on its way in which these goods travel.
    """
    told = {"carrier": carrier, "number": number or fresh_number(carrier)}
    if joins:
        on_its_way = buyer.get(f"/cases/{joins}")["parcel"]
        told = {"carrier": on_its_way["carrier"], "number": on_its_way["number"], "with_case": joins}
    else:
        hand_over(shop, **told, script=script, weight_g=weight_g, sub=sub)
    said: dict[str, Any] = buyer.post(f"/cases/{case_id}/shipment", told)
    return said


def hand_over(
    shop: Shop, number: str, carrier: str, *, script: str = "normal", weight_g: int = 1_000, sub: str = "b1"
) -> dict[str, Any]:
    """Let a parcel set out from the buyer to the shop, or do what its script says, without telling the API. Gives the two ends."""
    terms = shop.system.home.registry().merchant(shop.merchant)
    sender = {"city": home_of(sub).city, "tail": phone_of(sub)[-4:]}
    ends = {"sender": sender, "receiver": {"city": city_of(terms.return_address), "tail": terms.return_phone[-4:]}}
    about = {"provider": "parcels", "number": number, "carrier": carrier, "script": script, "weight_g": weight_g}
    shop.system.lever("parcel", {**about, **ends})
    return ends


def fresh_number(carrier: str) -> str:
    """A number as this carrier gives them, nobody's so far."""
    if carrier in POSTS:
        serial = f"{secrets.randbelow(10**8):08d}"
        return next(f"LZ{serial}{check}{POSTS[carrier]}" for check in "0123456789" if fits_s10(serial, check))
    if carrier == "olddominion":
        serial = f"777{secrets.randbelow(10**7):07d}"
        return next(f"{serial}{check}" for check in "0123456789" if fits_luhn(serial, check))
    letters, digits = FORMS.get(carrier, ("", 13))
    return f"{letters}{secrets.randbelow(9 * 10 ** (digits - 1)) + 10 ** (digits - 1)}"
