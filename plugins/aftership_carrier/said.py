"""Said: what AfterShip says of one number, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from aftersales.tracking import CARRIED, Found, Passage, Scan, Trace, masked
from plugins.aftership_carrier.word import carrier_of, passage_of

#: Carriers' times without a zone are China's.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")

#: Where our key stands in what AfterShip keeps for us.
FIELD = "aftersales_key"

#: Grams of the units in which it tells weights.
_GRAMS = {"kg": Decimal(1_000), "g": Decimal(1), "lb": Decimal("453.59237"), "oz": Decimal("28.349523125")}

#: No parcel weighs a tonne: what says so is another unit.
HEAVIEST_G = Decimal(1_000_000)


def key_of(tracking: Mapping[str, Any]) -> str:
    """The key under which we had it followed; "" where somebody else did."""
    return _text(_table(tracking.get("custom_fields")).get(FIELD))


def trace_of(key: str, asked: str, tracking: Mapping[str, Any]) -> Trace | None:
    """What a tracking says of a waybill that was asked about as ``asked``; None where it says nothing yet.

    A number that AfterShip has not looked for at all (``tracked_count`` 0) has no answer; one that it has not found so far is
    NOT_YET, and one that it gave up (Expired) without ever finding it NEVER.
    """
    tag, subtag, scans = _text(tracking.get("tag")), _text(tracking.get("subtag")), scans_of(tracking)
    if not scans and (not tag or (tag == "Pending" and tracking.get("tracked_count") == 0)):
        return None
    found = Found.KNOWN
    if not scans and tag in ("Pending", "Expired"):
        found = Found.NEVER if tag == "Expired" else Found.NOT_YET
    real = carrier_of(tracking.get("slug"))
    over = tag in ("Delivered", "Expired") or subtag == "Exception_011"
    return Trace(key, found, scans, real if real != asked else "", over, frozen=tag == "Expired" and bool(scans))


def scans_of(tracking: Mapping[str, Any]) -> tuple[Scan, ...]:
    """All checkpoints in order, each once by its ``hash``; one whose time cannot be read has no place among them."""
    said = tracking.get("checkpoints")
    once: dict[Any, Scan] = {}
    for checkpoint in said if isinstance(said, list) else []:
        scan = _scan(checkpoint) if isinstance(checkpoint, dict) else None
        if scan is not None:
            once.setdefault(_text(checkpoint.get("hash")) or scan, scan)
    weight_g, weighed = _weight_g(_table(tracking.get("shipment_weight"))), False
    told = []
    for scan in sorted(set(once.values()), key=lambda scan: scan.order):
        first = not weighed and weight_g is not None and scan.state in CARRIED
        weighed = weighed or first
        told.append(Scan(scan.at, scan.state, scan.code, scan.text, scan.city, weight_g) if first else scan)
    return tuple(told)


def instant_of(said: Any) -> datetime | None:
    """When it was, in the zone that is named, else in China's; None where it cannot be read."""
    try:
        at = datetime.fromisoformat(_text(said))
        return (at if at.tzinfo else at.replace(tzinfo=CHINA)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _scan(checkpoint: Mapping[str, Any]) -> Scan | None:
    at, subtag, tag = (_text(checkpoint.get(name)) for name in ("checkpoint_time", "subtag", "tag"))
    when, state = instant_of(at), passage_of(subtag, tag)
    if when is None or state is Passage.NOT_FOUND:
        return None
    city = _text(checkpoint.get("city")) or _text(checkpoint.get("location"))
    return Scan(when, state, (subtag or tag or "none")[:64], masked(_text(checkpoint.get("message"))), masked(city))


def _weight_g(said: Mapping[str, Any]) -> int | None:
    try:
        grams = Decimal(_text(said.get("value")) or "0") * _GRAMS.get(_text(said.get("unit")).lower(), Decimal(0))
        return int(grams.to_integral_value()) if 0 < grams < HEAVIEST_G else None
    except InvalidOperation:
        return None


def _table(said: Any) -> Mapping[str, Any]:
    return said if isinstance(said, dict) else {}


def _text(said: Any) -> str:
    """A word or number as text that can be stored."""
    plain = str(said).strip() if isinstance(said, str | int | float) and not isinstance(said, bool) else ""
    return plain.encode(errors="replace").decode()
