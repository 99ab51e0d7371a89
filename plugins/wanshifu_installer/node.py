"""Nodes: what the platform says happened to a work order, as facts of ours. Names and phones of technicians are not taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from aftersales.errors import Invalid
from aftersales.fact import OrderFact, Plain

#: The platform tells local times of Beijing without a zone.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


class Meaning(StrEnum):
    """What a node means to us."""

    APPOINTED = "appointed"
    ARRIVED = "arrived"
    SERIAL = "serial"
    INSTALLED = "installed"
    INSPECTED = "inspected"
    CANNOT_INSTALL = "cannot_install"


#: The platform's words. ``reserve_customer`` is published; the others are ours until a contract names them (README.md).
NODES: dict[str, Meaning] = {
    "reserve_customer": Meaning.APPOINTED,
    "sign_in": Meaning.ARRIVED,
    "serial_number": Meaning.SERIAL,
    "serve_complete": Meaning.INSTALLED,
    "serve_inspect": Meaning.INSPECTED,
    "serve_impossible": Meaning.CANNOT_INSTALL,
}

#: What a technician may find, in the platform's words and in ours.
VERDICTS = {"fault": "fault", "no_fault": "no_fault", "misuse": "misuse", "damaged": "damaged"}

#: Values of a node's data that we take over, and under which names.
_TAKEN: dict[Meaning, dict[str, str]] = {
    Meaning.APPOINTED: {"appointTime": "visit_at"},
    Meaning.ARRIVED: {},
    Meaning.SERIAL: {"serialNo": "serial"},
    Meaning.INSTALLED: {"serialNo": "serial", "pictureIds": "photos", "reportNo": "report"},
    Meaning.INSPECTED: {"result": "verdict", "serialNo": "serial", "pictureIds": "photos", "reportNo": "report"},
    Meaning.CANNOT_INSTALL: {"reason": "reason"},
}

#: The line of an order in the platform's own field for our number: ``ORDER/LINE``.
APART = "/"


def number_of(order_id: str, line_id: str) -> str:
    """What a work order about this line is called with the platform (its ``thirdOrderId``)."""
    return f"{order_id}{APART}{line_id}"


def fact_of(meaning: Meaning, line_id: str, data: Mapping[str, Any], source: str, now: datetime) -> OrderFact:
    """The fact that a node tells; one without a time of its own is of now. Raises Invalid for data that makes no sense."""
    at = _instant(data.get("operateTime")) if data.get("operateTime") else now
    if at > now + timedelta(minutes=10):
        raise Invalid("A node lies in the past.", found=at.isoformat(), where="data.operateTime")
    told: dict[str, Plain] = {}
    for theirs, ours in _TAKEN[meaning].items():
        value = data.get(theirs)
        if value is None or value == "":
            continue
        told[ours] = _value(theirs, value)
    if meaning is Meaning.INSPECTED and told.get("verdict") not in VERDICTS.values():
        raise Invalid("An inspection has a result.", expected=sorted(VERDICTS), found=data.get("result"), where="data.result")
    if meaning is Meaning.SERIAL and not told.get("serial"):
        raise Invalid("A serial number is told.", where="data.serialNo")
    return OrderFact(f"installer.{meaning}", at, line_id, source, told)


def status_of(meanings: Iterable[tuple[Meaning, datetime]]) -> str:
    """How far a work order is: the latest thing that happened to it, whatever came late; ``ordered`` before anything did."""
    ranked = [m for m, _ in sorted(meanings, key=lambda pair: pair[1]) if m not in (Meaning.SERIAL, Meaning.INSPECTED)]
    return str(ranked[-1]) if ranked else "ordered"


def _value(name: str, value: Any) -> Plain:
    if name == "appointTime":
        return _instant(value).isoformat()
    if name == "result":
        return VERDICTS.get(str(value), str(value)[:64])
    if isinstance(value, list):
        return " ".join(str(part)[:64] for part in value[:20])
    return str(value).strip()[:200]


def _instant(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise Invalid("This is no time of the form 2020-08-05 08:00:00.", found=str(value)[:40]) from None
    return (found if found.tzinfo else found.replace(tzinfo=BEIJING)).astimezone(UTC)
