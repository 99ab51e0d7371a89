"""Reading: what the platform says of one parcel, line by line, as scans of ours."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from aftersales.errors import Unknown
from aftersales.place import city_of
from aftersales.tracking import Scan, masked
from plugins.kuaidi100_carrier.passage import NAMES, passage_of

log = logging.getLogger(__name__)

#: Times come without a zone, and are China's.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

#: Lines that are read of one parcel, the newest first; no parcel has more.
LINES = 500

#: Longer codes are none.
LONGEST_CODE = 8

_WIDE = {ord("０") + n: str(n) for n in range(10)}
_BRACKET = re.compile(r"\s*[【\[]([^】\]]{1,40})[】\]]")
_WEIGHT = re.compile(r"重量\s*[为:：]?\s*(\d{1,5}(?:\.\d{1,3})?)\s*(kg|公斤|千克|斤|g|克)(?![a-z])", re.IGNORECASE)
_GRAMS = {"g": 1, "克": 1, "斤": 500}


def scans_of(data: object) -> tuple[Scan, ...]:
    """The scans of ``data``, in order. A line without a readable time is left out; raises Unknown where that is every one."""
    if not isinstance(data, list):
        raise Unknown("Kuaidi100's trace is no list.")
    found = [scan for line in data[:LINES] if (scan := _scan(line)) is not None]
    if len(found) < min(len(data), LINES):
        log.warning("Kuaidi100 tells %d lines that cannot be read", min(len(data), LINES) - len(found))
        if not found:
            raise Unknown("Kuaidi100's trace cannot be read.")
    return tuple(sorted(found, key=lambda scan: scan.order))


def _scan(line: object) -> Scan | None:
    if not isinstance(line, Mapping):
        return None
    at = _instant(line.get("ftime")) or _instant(line.get("time"))
    if at is None:
        return None
    text = str(line.get("context") or "").translate(_WIDE)
    code = str(line.get("statusCode") or "").strip() or NAMES.get(str(line.get("status") or "").strip(), "")
    code = code[:LONGEST_CODE]
    return Scan(at, passage_of(code, text), code, masked(text), _city(line, text), _weight_g(text))


def _instant(said: object) -> datetime | None:
    """``2026-11-20 10:00:00`` is ten o'clock in China; None for what is no time."""
    try:
        at = datetime.fromisoformat(said.strip() if isinstance(said, str) else "")
        return (at if at.tzinfo else at.replace(tzinfo=BEIJING)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _city(line: Mapping[str, Any], text: str) -> str:
    """Of ``浙江,杭州市,余杭区`` the city; else the one in the brackets that the sentence begins with, or the location; "" for none.

    Not any city in the sentence: it may be where the parcel goes next.
    """
    begins = _BRACKET.match(text)
    said = (line.get("areaName"), begins[1] if begins else "", line.get("location"))
    return next((city for place in said if (city := city_of(str(place or "")))), "")


def _weight_g(text: str) -> int | None:
    """Grams, where a sentence tells a weight: no field does."""
    said = _WEIGHT.search(text)
    if said is None:
        return None
    return int(Decimal(said[1]) * _GRAMS.get(said[2].lower(), 1000)) or None
