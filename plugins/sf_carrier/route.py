"""Routes: where parcels are, asked ten numbers at a time, each time with one phone. SF tells nobody of a parcel by itself here."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aftersales.errors import AftersalesError, ChannelBusy, Unknown
from aftersales.tracking import CARRIED, Found, Passage, Scan, Trace, Waybill, masked
from plugins.sf_carrier.wire import Answer, Wire
from plugins.sf_carrier.word import NO_NUMBER, instant, passage_of, speaks_of_phone

log = logging.getLogger(__name__)

SERVICE = "EXP_RECE_SEARCH_ROUTES"

#: Numbers in one question (error 8003 of SF's list, read 2026-11).
MOST = 10

#: What a number is: SF's own, or ours of an order.
WAYBILL, ORDER = "1", "2"


def traced(wire: Wire, waybills: Sequence[Waybill]) -> tuple[Trace, ...]:
    """What is known of each. Those that share a phone are asked about together; what gave no answer is left out.

    Raises Unknown or ChannelBusy where nothing was answered at all.
    """
    found: list[Trace] = []
    failed: AftersalesError | None = None
    for tail, group in _by_tail(waybills).items():
        for start in range(0, len(group), MOST):
            try:
                found += _asked(wire, group[start : start + MOST], tail)
            except (Unknown, ChannelBusy) as error:
                failed = error
                log.warning("SF gave no answer about %d parcels: %s", len(group), type(error).__name__)
    if failed is not None and not found:
        raise failed
    return tuple(found)


def is_carried(wire: Wire, key: str) -> bool:
    """Whether SF has the goods of our order, or had them. Raises Unknown or ChannelBusy."""
    said = wire.call(SERVICE, _question(ORDER, [key], ""))
    if not said.done:
        raise Unknown(f"SF answers {said.code[:8]} about routes.")
    return any(scan.state in CARRIED for scans in _scans(said).values() for scan in scans)


# --- inside -----------------------------------------------------------------------------------------------------------
def _by_tail(waybills: Sequence[Waybill]) -> dict[str, list[Waybill]]:
    groups: dict[str, list[Waybill]] = {}
    for waybill in waybills:
        tail = "".join(c for c in waybill.phone if c.isascii() and c.isdigit())[-4:]
        groups.setdefault(tail, []).append(waybill)
    return groups


def _question(kind: str, numbers: Sequence[str], tail: str) -> dict[str, Any]:
    said: dict[str, Any] = {"language": "zh-CN", "trackingType": kind, "trackingNumber": list(numbers), "methodType": "1"}
    return said | ({"checkPhoneNo": tail} if tail else {})


def _asked(wire: Wire, group: Sequence[Waybill], tail: str) -> list[Trace]:
    """The answer about some with one phone. What spoils it for all of them is asked about one by one."""
    numbers = list(dict.fromkeys(waybill.number for waybill in group))
    said = wire.call(SERVICE, _question(WAYBILL, numbers, tail))
    if said.done:
        scans = _scans(said)
        return [_told(waybill, scans.get(waybill.number, ())) for waybill in group]
    spoilt = Found.NEVER if said.code in NO_NUMBER else Found.OTHER_PARTY if tail and speaks_of_phone(said.message) else None
    if spoilt is None:
        raise Unknown(f"SF answers {said.code[:8]} about routes.")
    if len(numbers) == 1:
        return [Trace(waybill.key, spoilt, over=spoilt is Found.NEVER) for waybill in group]
    return [trace for number in numbers for trace in _asked(wire, [w for w in group if w.number == number], tail)]


def _told(waybill: Waybill, scans: tuple[Scan, ...]) -> Trace:
    over = bool(scans) and scans[-1].state in (Passage.SIGNED, Passage.RETURNED)
    return Trace(waybill.key, Found.KNOWN if scans else Found.NOT_YET, scans, over=over)


def _scans(said: Answer) -> dict[str, tuple[Scan, ...]]:
    """Number → its scans, in the order in which they happened. Raises Unknown for what cannot be read."""
    try:
        routes = [(str(each["mailNo"]).upper(), each.get("routes") or ()) for each in said.data.get("routeResps") or ()]
        return {number: _read(lines) for number, lines in routes}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unknown("SF's routes cannot be read.") from error


def _read(lines: Sequence[Mapping[str, Any]]) -> tuple[Scan, ...]:
    told = sorted(((instant(str(line["acceptTime"])), line) for line in lines), key=lambda pair: pair[0])
    scans: list[Scan] = []
    for at, line in told:
        code = str(line.get("opCode") or "")
        state = passage_of(code, [scan.code for scan in scans])
        text, city = masked(str(line.get("remark") or "")), str(line.get("acceptAddress") or "")[:40]
        scans.append(Scan(at, state, code, text, city))
    return tuple(scans)
