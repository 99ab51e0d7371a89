"""Words: 17TRACK's statuses, error codes and numbers of carriers, and what they mean to us."""

from __future__ import annotations

from aftersales.tracking import Passage

P = Passage

#: The nine main statuses. They are also the first part of every sub-status, and most of them a milestone's name.
MAIN: dict[str, Passage] = {
    "NotFound": P.NOT_FOUND,
    "InfoReceived": P.REGISTERED,
    "InTransit": P.IN_TRANSIT,
    "Expired": P.EXPIRED,
    "AvailableForPickup": P.AT_STATION,
    "OutForDelivery": P.OUT_FOR_DELIVERY,
    "DeliveryFailure": P.PROBLEM,
    "Delivered": P.SIGNED,
    "Exception": P.PROBLEM,
}

#: Milestones (``stage``) that are called otherwise than a main status.
STAGE: dict[str, Passage] = {
    "PickedUp": P.PICKED_UP,
    "Departure": P.IN_TRANSIT,
    "Arrival": P.IN_TRANSIT,
    "Returning": P.RETURNING,
    "Returned": P.RETURNED,
}

#: Sub-statuses that say more than their main status does.
SUB: dict[str, Passage] = {
    "NotFound_Other": P.NOT_FOUND,
    "NotFound_InvalidCode": P.NOT_FOUND,
    "InfoReceived": P.REGISTERED,
    "InTransit_PickedUp": P.PICKED_UP,
    "InTransit_Other": P.IN_TRANSIT,
    "InTransit_Departure": P.IN_TRANSIT,
    "InTransit_Arrival": P.IN_TRANSIT,
    "InTransit_CustomsProcessing": P.CUSTOMS_PENDING,
    "InTransit_CustomsReleased": P.CUSTOMS_RELEASED,
    "InTransit_CustomsRequiringInformation": P.CUSTOMS_HELD,
    "Expired_Other": P.EXPIRED,
    "AvailableForPickup_Other": P.AT_STATION,
    "OutForDelivery_Other": P.OUT_FOR_DELIVERY,
    "DeliveryFailure_Other": P.PROBLEM,
    "DeliveryFailure_NoBody": P.PROBLEM,
    "DeliveryFailure_Security": P.PROBLEM,
    "DeliveryFailure_Rejected": P.REJECTED,
    "DeliveryFailure_InvalidAddress": P.PROBLEM,
    "Delivered_Other": P.SIGNED,
    "Exception_Other": P.PROBLEM,
    "Exception_Returning": P.RETURNING,
    "Exception_Returned": P.RETURNED,
    "Exception_NoBody": P.PROBLEM,
    "Exception_Security": P.PROBLEM,
    "Exception_Damage": P.DAMAGED,
    "Exception_Rejected": P.REJECTED,
    "Exception_Delayed": P.PROBLEM,
    "Exception_Lost": P.LOST,
    "Exception_Destroyed": P.LOST,
    "Exception_Cancel": P.CANCELLED,
}

#: Codes of one number that was not taken or is not answered about …
ALREADY, NOT_REGISTERED, NOTHING_YET = -18019901, -18019902, -18019909
#: … of the account's means, which only its owner can change …
SPENT = frozenset({-18019907, -18019908})
#: … and of a whole call: too many a second.
TOO_OFTEN = -18010014

#: Our codes and 17TRACK's numbers. ``s10`` has none: whose post it is, 17TRACK finds in the number itself.
NUMBERS: dict[str, int] = {
    "post": 3011, "ems": 3013, "hongkongpost": 8011, "usps": 21051, "royalmail": 11031, "canadapost": 3041,
    "deutschepost": 7044, "japanpost": 10021, "singpost": 19131, "auspost": 1151, "koreapost": 11051, "laposte": 6051,
    "postnl": 14044, "russianpost": 18031, "dhl": 100001, "ups": 100002, "fedex": 100003, "dpd": 100007, "amazon": 100308,
    "ontrac": 100049, "lasership": 100052, "landmark": 100021, "purolator": 100042, "canpar": 100146, "speedee": 100447,
    "yodel": 100017, "yunexpress": 190008, "yanwen": 190012, "4px": 190094, "cainiao": 190271,
}  # fmt: skip
AUTO = "s10"

#: Further numbers under which the same companies run, and others that a mistaken buyer may mean.
_ALSO: dict[int, str] = {
    7041: "dhl", 7047: "dhl", 7048: "dhl", 11033: "royalmail", 11054: "koreapost", 14041: "postnl", 100004: "fedex",
    100010: "dpd", 100012: "sf", 100072: "dpd", 100228: "jd",
}  # fmt: skip
_OURS = {number: code for code, number in NUMBERS.items()} | _ALSO


def passage_of(sub: str, stage: str) -> Passage:
    """What a sub-status or milestone means: one that is new means what its main status does, and without that a problem.

    A problem is nobody's evidence that the carrier has the goods: what is not understood proves nothing.
    """
    for known in (SUB.get(sub), MAIN.get(sub.partition("_")[0]), STAGE.get(stage), MAIN.get(stage.partition("_")[0])):
        if known is not None:
            return known
    return P.PROBLEM


def carrier_of(number: object) -> str:
    """Our code for 17TRACK's number of a carrier; "" for one that we have no code for."""
    return _OURS.get(number, "") if isinstance(number, int) else ""
