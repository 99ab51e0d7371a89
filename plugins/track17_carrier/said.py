"""Said: what 17TRACK says of one number, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from aftersales.tracking import CARRIED, Found, Passage, Scan, Trace, masked
from plugins.track17_carrier.word import carrier_of, passage_of

#: Carriers' times without a zone are China's.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")

#: No parcel weighs a tonne: what says so is another unit.
HEAVIEST_KG = Decimal(1_000)


def trace_of(key: str, asked: str, said: Mapping[str, Any]) -> Trace | None:
    """What an entry of an answer or a message says of a waybill that was asked about as ``asked``; None where it says nothing.

    A number that nobody has found so far is NOT_YET, also one that is called invalid: a carrier that it is not of calls it so, too.
    """
    info = _table(said.get("track_info"))
    status = _table(info.get("latest_status"))
    main, sub = _text(status.get("status")), _text(status.get("sub_status"))
    scans = scans_of(info)
    if not main and not scans:
        return None
    found = Found.KNOWN if scans or main not in ("", "NotFound") else Found.NOT_YET
    real = carrier_of(said.get("carrier"))
    over = main == "Delivered" or sub == "Exception_Returned"
    return Trace(key, found, scans, real if real != asked else "", over, frozen=main == "Expired")


def scans_of(info: Mapping[str, Any]) -> tuple[Scan, ...]:
    """All scans of all carriers that had the parcel, in order, each once; one whose time cannot be read has no place among them."""
    providers = _tables(_table(info.get("tracking")).get("providers"))
    events = [event for provider in providers for event in _tables(provider.get("events"))]
    events = events or _tables([info.get("latest_event")])
    scans = sorted({scan for event in events if (scan := _scan(event)) is not None}, key=lambda scan: scan.order)
    weight_g, weighed = _weight_g(_table(info.get("misc_info")).get("weight_kg")), False
    told = []
    for scan in scans:
        first = not weighed and weight_g is not None and scan.state in CARRIED
        weighed = weighed or first
        told.append(Scan(scan.at, scan.state, scan.code, scan.text, scan.city, weight_g) if first else scan)
    return tuple(told)


def instant_of(event: Mapping[str, Any]) -> datetime | None:
    """When it was: by ``time_utc``, else ``time_iso``, else the carrier's own words; None where none of them can be read."""
    raw = _table(event.get("time_raw"))
    words = f"{_text(raw.get('date'))}T{_text(raw.get('time'))}{_text(raw.get('timezone'))}"
    for said, zone in ((event.get("time_utc"), UTC), (event.get("time_iso"), CHINA), (words, CHINA)):
        try:
            at = datetime.fromisoformat(_text(said))
            return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _scan(event: Mapping[str, Any]) -> Scan | None:
    at, sub, stage = instant_of(event), _text(event.get("sub_status")), _text(event.get("stage"))
    state = passage_of(sub, stage)
    if at is None or state is Passage.NOT_FOUND:
        return None
    city = _text(_table(event.get("address")).get("city")) or _text(event.get("location"))
    return Scan(at, state, (sub or stage or "none")[:64], masked(_text(event.get("description"))), masked(city))


def _weight_g(said: Any) -> int | None:
    try:
        kilograms = Decimal(_text(said) or "0")
        return int((kilograms * 1000).to_integral_value()) if 0 < kilograms < HEAVIEST_KG else None
    except InvalidOperation:
        return None


def _tables(said: Any) -> list[Mapping[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _table(said: Any) -> Mapping[str, Any]:
    return said if isinstance(said, dict) else {}


def _text(said: Any) -> str:
    """A word or number as text that can be stored."""
    plain = str(said).strip() if isinstance(said, str | int | float) and not isinstance(said, bool) else ""
    return plain.encode(errors="replace").decode()
