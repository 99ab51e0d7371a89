"""Show: a parcel as this platform tells it, line by line, the newest first, with its own codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, timezone
from typing import Any

from aftersales.company import company_of
from aftersales.tracking import Passage, Scan
from infra.local.sandbox.journey import area_of
from infra.local.sandbox.parcels import Parcel, Parcels

BEIJING = timezone(timedelta(hours=8))

#: The advanced code and its name for what happened (its documents, read 2026-11). No code says that a parcel is lost.
CODES: dict[Passage, tuple[str, str]] = {
    Passage.REGISTERED: ("101", "已下单"),
    Passage.PICKED_UP: ("103", "已揽收"),
    Passage.IN_TRANSIT: ("1002", "干线"),
    Passage.OUT_FOR_DELIVERY: ("5", "派件"),
    Passage.AT_STATION: ("501", "投柜或驿站"),
    Passage.SIGNED: ("301", "本人签收"),
    Passage.REJECTED: ("14", "拒签"),
    Passage.RETURNING: ("6", "退回"),
    Passage.RETURNED: ("4", "退签"),
    Passage.PROBLEM: ("204", "派件异常"),
    Passage.DAMAGED: ("209", "破损"),
    Passage.LOST: ("2", "疑难"),
    Passage.CANCELLED: ("401", "已销单"),
    Passage.CUSTOMS_PENDING: ("10", "待清关"),
    Passage.CUSTOMS_HELD: ("13", "清关异常"),
    Passage.CUSTOMS_RELEASED: ("12", "已清关"),
}

#: After these it follows a parcel no longer.
ARRIVED = frozenset({Passage.SIGNED, Passage.RETURNED})

#: Who answers only those that name the phone of one party.
BY_PHONE = frozenset({"sf", "zto"})


def carrier_of(com: str) -> str:
    """The company behind a code of the platform's; "" for none."""
    company = company_of(com)
    return company.code if company is not None and com == com.lower() else ""


def shown(parcels: Parcels, com: str, number: str, phone: str, now: float | None = None) -> tuple[Scan, ...] | None:
    """What the platform finds for this company, number and phone: () where there is nothing yet, None for a stranger's phone."""
    parcel = parcels.parcel(number)
    if parcel is None or parcel.carrier != carrier_of(com):
        return ()
    if parcel.carrier in BY_PHONE and not (phone and parcel.belongs_to(phone)):
        return None
    return parcels.shown(number, now)


def result(parcels: Parcels, com: str, number: str, scans: Sequence[Scan]) -> dict[str, Any]:
    """The answer to a question, and ``lastResult`` of what is told."""
    parcel = parcels.parcel(number)
    last = scans[-1] if scans else None
    code, _ = _code(last) if last is not None else ("0", "")
    return {
        "message": "ok", "nu": number, "ischeck": "1" if last is not None and last.state in ARRIVED else "0", "com": com,
        "status": "200", "condition": "00", "state": code, "data": [_line(scan) for scan in reversed(scans)],
        "routeInfo": _route(parcel, last),
    }  # fmt: skip


def nothing(com: str, number: str, why: str) -> dict[str, Any]:
    """``lastResult`` where nothing was found."""
    return {
        "message": f"快递公司参数异常：{why}",
        "nu": number,
        "ischeck": "0",
        "com": com,
        "status": "201",
        "state": "0",
        "data": [],
    }


def _line(scan: Scan) -> dict[str, Any]:
    code, name = _code(scan)
    at = f"{scan.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    return {
        "time": at, "ftime": at, "context": scan.text, "location": "", "areaCode": None, "areaName": area_of(scan.city) or None,
        "areaCenter": None, "areaPinYin": None, "status": name, "statusCode": code,
    }  # fmt: skip


def _code(scan: Scan) -> tuple[str, str]:
    return (scan.code, "") if scan.code else CODES[scan.state]


def _route(parcel: Parcel | None, last: Scan | None) -> dict[str, Any]:
    if parcel is None:
        return {}
    places = {"from": parcel.sender.city, "cur": last.city if last else "", "to": parcel.receiver.city}
    return {name: {"name": area_of(city)} for name, city in places.items() if city}
