"""Words: AfterShip's tags, subtags, codes and names of carriers, and what they mean to us."""

from __future__ import annotations

from aftersales.tracking import Passage

P = Passage

#: The nine tags. They are also the first part of every subtag.
TAGS: dict[str, Passage] = {
    "Pending": P.NOT_FOUND,
    "InfoReceived": P.REGISTERED,
    "InTransit": P.IN_TRANSIT,
    "OutForDelivery": P.OUT_FOR_DELIVERY,
    "AttemptFail": P.PROBLEM,
    "Delivered": P.SIGNED,
    "AvailableForPickup": P.AT_STATION,
    "Exception": P.PROBLEM,
    "Expired": P.EXPIRED,
}

#: Subtags that say more than their tag does. The others (moved, delayed, wrong address, held for payment …) mean what it means.
SUBTAGS: dict[str, Passage] = {
    "InTransit_002": P.PICKED_UP,  # accepted by the carrier
    "InTransit_005": P.CUSTOMS_RELEASED,
    "InTransit_006": P.CUSTOMS_PENDING,
    "OutForDelivery_002": P.AT_STATION,  # of older versions
    "Exception_003": P.REJECTED,
    "Exception_004": P.CUSTOMS_HELD,
    "Exception_010": P.RETURNING,
    "Exception_011": P.RETURNED,
    "Exception_012": P.DAMAGED,
    "Exception_013": P.LOST,
    "Exception_018": P.CUSTOMS_HELD,  # documents that an authority wants are missing
    "Exception_020": P.CANCELLED,
    "Exception_021": P.LOST,  # disposed of
}

#: Code of a number that is followed already.
EXISTS = 4003

#: Our codes and AfterShip's names. ``s10`` has none: whose post it is, AfterShip finds in the number itself.
SLUGS: dict[str, str] = {
    "post": "china-post", "ems": "china-ems", "hongkongpost": "hong-kong-post", "usps": "usps", "royalmail": "royal-mail",
    "canadapost": "canada-post", "deutschepost": "deutsch-post", "japanpost": "japan-post", "singpost": "singapore-post",
    "auspost": "australia-post", "koreapost": "korea-post", "laposte": "la-poste-colissimo", "postnl": "postnl-international",
    "russianpost": "russian-post", "dhl": "dhl", "ups": "ups", "fedex": "fedex", "dpd": "dpd", "ontrac": "ontrac",
    "lasership": "lasership", "landmark": "landmark-global", "olddominion": "old-dominion", "purolator": "purolator",
    "canpar": "canpar", "yodel": "yodel", "yunexpress": "yunexpress", "yanwen": "yanwen", "4px": "4px", "cainiao": "cainiao",
}  # fmt: skip
AUTO = "s10"

#: Further names under which the same companies run, and others that a mistaken buyer may mean.
_ALSO: dict[str, str] = {
    "dhl-germany": "dhl", "dhl-global-mail": "dhl", "dhl-global-mail-asia": "dhl", "dhl-pieceid": "dhl", "dpd-de": "dpd",
    "dpd-uk": "dpd", "fedex-uk": "fedex", "tnt": "fedex", "parcel-force": "royalmail", "postnl": "postnl", "postnl-3s": "postnl",
    "colissimo": "laposte", "sf-express": "sf", "sfb2c": "sf", "sto": "sto",
}  # fmt: skip
_OURS = {slug: code for code, slug in SLUGS.items()} | _ALSO


def passage_of(subtag: str, tag: str) -> Passage:
    """What a subtag means: one that is new means what its tag does, and without that a problem.

    A problem is nobody's evidence that the carrier has the goods: what is not understood proves nothing.
    """
    return SUBTAGS.get(subtag) or TAGS.get(subtag.partition("_")[0]) or TAGS.get(tag) or P.PROBLEM


def carrier_of(slug: object) -> str:
    """Our code for AfterShip's name of a carrier; "" for one that we have no code for."""
    return _OURS.get(slug, "") if isinstance(slug, str) else ""
