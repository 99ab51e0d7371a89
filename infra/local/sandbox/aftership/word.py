"""AfterShip's words for what happened to a parcel, and its names of the carriers that the sandbox plays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from aftersales.tracking import Passage, Scan

P = Passage

SLUGS: dict[str, str] = {
    "post": "china-post", "ems": "china-ems", "hongkongpost": "hong-kong-post", "japanpost": "japan-post",
    "royalmail": "royal-mail", "singpost": "singapore-post", "usps": "usps", "dhl": "dhl", "ups": "ups", "fedex": "fedex",
    "dpd": "dpd", "olddominion": "old-dominion", "sf": "sf-express", "yunexpress": "yunexpress", "yanwen": "yanwen", "4px": "4px",
    "cainiao": "cainiao",
}  # fmt: skip

SUBTAGS: dict[Passage, str] = {
    P.REGISTERED: "InfoReceived_001",
    P.PICKED_UP: "InTransit_002",
    P.IN_TRANSIT: "InTransit_001",
    P.CUSTOMS_PENDING: "InTransit_006",
    P.CUSTOMS_HELD: "Exception_004",
    P.CUSTOMS_RELEASED: "InTransit_005",
    P.OUT_FOR_DELIVERY: "OutForDelivery_001",
    P.AT_STATION: "AvailableForPickup_001",
    P.SIGNED: "Delivered_001",
    P.REJECTED: "Exception_003",
    P.RETURNING: "Exception_010",
    P.RETURNED: "Exception_011",
    P.PROBLEM: "AttemptFail_001",
    P.DAMAGED: "Exception_012",
    P.LOST: "Exception_013",
    P.CANCELLED: "Exception_020",
    P.EXPIRED: "Expired_001",
}

_CHINA = timezone(timedelta(hours=8))


def subtag_of(scan: Scan) -> str:
    """The subtag of a scan: its own raw code, where it has one."""
    return scan.code or SUBTAGS.get(scan.state, "InTransit_001")


def checkpoint_of(scan: Scan, slug: str) -> dict[str, Any]:
    """A scan as a checkpoint, its instant with the zone of where it was made."""
    subtag = subtag_of(scan)
    told = f"{scan.at.isoformat()} {subtag} {scan.city} {scan.text}"
    return {
        "hash": hashlib.sha256(told.encode()).hexdigest()[:32],
        "slug": slug,
        "checkpoint_time": scan.at.astimezone(_CHINA).isoformat(),
        "location": scan.city or None,
        "city": scan.city or None,
        "message": scan.text,
        "tag": subtag.partition("_")[0],
        "subtag": subtag,
    }


def tracking_of(
    row: Mapping[str, Any], slug: str, scans: tuple[Scan, ...], *, expired: bool, looked: int, weight_g: int | None
) -> dict[str, Any]:
    """The whole of what is known of a number, checkpoints in order."""
    subtag = "Expired_001" if expired else subtag_of(scans[-1]) if scans else "Pending_001"
    weight = {"unit": "kg", "value": weight_g / 1000} if weight_g and scans else None
    return {
        "id": identity_of(row),
        "created_at": datetime.fromtimestamp(row["since"], UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "tracking_number": row["number"],
        "slug": slug or "unrecognized",
        "active": not row["stopped"],
        "custom_fields": {"aftersales_key": row["key"]} if row["key"] else None,
        "shipment_weight": weight,
        "tag": subtag.partition("_")[0],
        "subtag": subtag,
        "tracked_count": looked,
        "checkpoints": [checkpoint_of(scan, slug) for scan in scans],
    }


def identity_of(row: Mapping[str, Any]) -> str:
    """The platform's own id of a tracking: 32 characters."""
    return hashlib.sha256(f"tracking {row['id']}".encode()).hexdigest()[:32]
