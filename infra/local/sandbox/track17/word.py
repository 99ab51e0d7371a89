"""17TRACK's words for what happened to a parcel, and its numbers of the carriers that the sandbox plays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta, timezone
from typing import Any

from aftersales.tracking import Passage, Scan

P = Passage

CARRIERS: dict[str, int] = {
    "post": 3011, "ems": 3013, "hongkongpost": 8011, "japanpost": 10021, "royalmail": 11031, "singpost": 19131, "usps": 21051,
    "dhl": 100001, "ups": 100002, "fedex": 100003, "dpd": 100007, "sf": 100012, "yunexpress": 190008, "yanwen": 190012,
    "4px": 190094, "cainiao": 190271,
}  # fmt: skip

SUBS: dict[Passage, str] = {
    P.REGISTERED: "InfoReceived",
    P.PICKED_UP: "InTransit_PickedUp",
    P.IN_TRANSIT: "InTransit_Other",
    P.CUSTOMS_PENDING: "InTransit_CustomsProcessing",
    P.CUSTOMS_HELD: "InTransit_CustomsRequiringInformation",
    P.CUSTOMS_RELEASED: "InTransit_CustomsReleased",
    P.OUT_FOR_DELIVERY: "OutForDelivery_Other",
    P.AT_STATION: "AvailableForPickup_Other",
    P.SIGNED: "Delivered_Other",
    P.REJECTED: "DeliveryFailure_Rejected",
    P.RETURNING: "Exception_Returning",
    P.RETURNED: "Exception_Returned",
    P.PROBLEM: "DeliveryFailure_Other",
    P.DAMAGED: "Exception_Damage",
    P.LOST: "Exception_Lost",
    P.CANCELLED: "Exception_Cancel",
    P.EXPIRED: "Expired_Other",
}

#: Milestones that are not called like a main status.
STAGES = {
    "InTransit_PickedUp": "PickedUp",
    "InTransit_Departure": "Departure",
    "InTransit_Arrival": "Arrival",
    "Exception_Returning": "Returning",
    "Exception_Returned": "Returned",
}

_CHINA = timezone(timedelta(hours=8))


def sub_of(scan: Scan) -> str:
    """The sub-status of a scan: its own raw code, where it has one."""
    return scan.code or SUBS.get(scan.state, "InTransit_Other")


def event_of(scan: Scan) -> dict[str, Any]:
    """A scan as an event: its instant three times over, as 17TRACK tells it."""
    sub, local = sub_of(scan), scan.at.astimezone(_CHINA)
    return {
        "time_iso": local.isoformat(),
        "time_utc": scan.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "time_raw": {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M:%S}", "timezone": "+08:00"},
        "description": scan.text,
        "location": scan.city,
        "stage": STAGES.get(sub) or (None if sub == "InTransit_Other" else sub.partition("_")[0]),
        "sub_status": sub,
        "address": {"country": "CN", "state": None, "city": scan.city or None, "street": None, "postal_code": None},
    }


def info_of(scans: tuple[Scan, ...], *, expired: bool, carrier: int, weight_g: int | None) -> dict[str, Any]:
    """``track_info``: where it is, every event (the latest first), and what it weighs."""
    events = [event_of(scan) for scan in reversed(scans)]
    sub = "Expired_Other" if expired else sub_of(scans[-1]) if scans else "NotFound_Other"
    provider = {"key": carrier, "name": "sandbox", "country": "CN"}
    return {
        "latest_status": {"status": sub.partition("_")[0], "sub_status": sub, "sub_status_descr": None},
        "latest_event": events[0] if events else None,
        "misc_info": {"weight_raw": None, "weight_kg": f"{weight_g / 1000:.3f}" if weight_g and scans else None},
        "tracking": {"providers": [{"provider": provider, "events": events}] if events else []},
    }


def entry_of(row: Mapping[str, Any], carrier: int, info: Mapping[str, Any] | None) -> dict[str, Any]:
    """One number in an answer or a message."""
    entry = {"number": row["number"], "carrier": carrier, "param": None, "tag": row["key"]}
    return entry | ({"track_info": info} if info is not None else {})
