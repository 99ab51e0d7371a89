"""Routes as SF tells them of the truth about parcels: its own codes and words, three months back, to those who know a phone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from aftersales.tracking import Passage, Scan
from infra.local.sandbox.parcels import Parcel, Parcels

BEIJING = timezone(timedelta(hours=8))

#: Routes of parcels are kept so long.
KEPT = timedelta(days=90)

#: Numbers in one question.
MOST = 10

#: What SF calls what happens; it tells nothing of a label alone.
CODES: dict[Passage, str] = {
    Passage.PICKED_UP: "50",
    Passage.IN_TRANSIT: "30",
    Passage.OUT_FOR_DELIVERY: "44",
    Passage.AT_STATION: "125",
    Passage.SIGNED: "80",
    Passage.REJECTED: "70",
    Passage.PROBLEM: "70",
    Passage.DAMAGED: "33",
    Passage.LOST: "33",
    Passage.RETURNING: "648",
    Passage.RETURNED: "80",
}

#: States that are never told.
SILENT = frozenset({Passage.REGISTERED, Passage.CANCELLED})


def is_known(parcels: Parcels, number: str) -> Parcel | None:
    """The parcel, where SF drives it."""
    parcel = parcels.parcel(number)
    return parcel if parcel is not None and parcel.carrier == "sf" else None


def routes_of(parcels: Parcels, number: str, now: float) -> dict[str, Any]:
    """One entry of ``routeResps``; without routes for a number that SF does not know, or knows no longer."""
    scans = parcels.shown(number) if is_known(parcels, number) else ()
    since = datetime.fromtimestamp(now, BEIJING) - KEPT
    told = [scan for scan in scans if scan.state not in SILENT and scan.at >= since]
    return {"mailNo": number, "routes": [_line(scan) for scan in told]}


def refused(parcels: Parcels, numbers: Sequence[str], tail: str) -> bool:
    """Whether one of the parcels is nobody's of this phone."""
    found = [is_known(parcels, number) for number in numbers]
    return any(parcel is not None and not parcel.belongs_to(tail) for parcel in found)


def _line(scan: Scan) -> dict[str, str]:
    at = f"{scan.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    return {"acceptTime": at, "acceptAddress": scan.city, "opCode": scan.code or CODES.get(scan.state, "31"), "remark": scan.text}
