"""What is known of the machine: its serial numbers and what a technician found."""

from __future__ import annotations

import re

from aftersales.order import Line
from aftersales.remedy import REPAIRED
from aftersales.vertical import Facts
from verticals.appliance.guarantee import since_replaced

_LOOKS_ALIKE = str.maketrans("OQIL", "0011")


def written(serial: object) -> str:
    """A serial number as it is compared: however it was spaced, in capitals, with letters that look like digits as digits."""
    return re.sub(r"[^A-Z0-9]", "", str(serial or "").upper()).translate(_LOOKS_ALIKE)


def installed_serial(facts: Facts, line: Line) -> str:
    """The number of the machine that stands at the buyer's, "" where nobody said: the installer's word, else the shop's."""
    for name in ("installer.serial", "installer.installed"):
        told = since_replaced(facts.order, line, facts.order.told(name, line.line_id))
        if told is not None and written(told.get("serial")):
            return written(told.get("serial"))
    known = facts.lookup("installer", line.line_id)
    replaced = facts.order.told("replaced", line.line_id)
    if replaced is not None:
        return written(replaced.get("serial"))
    return written(known.get("serial") if known else "") or written(line.data.get("serial"))


def found(facts: Facts, line: Line) -> tuple[str, str]:
    """What a technician found (``fault``, ``no_fault``, ``misuse``, ``damaged``) and on which number; "" where nobody looked."""
    told = since_replaced(facts.order, line, facts.order.told("installer.inspected", line.line_id))
    if told is not None:
        return str(told.get("verdict") or ""), written(told.get("serial"))
    known = facts.lookup("installer", line.line_id)
    return (str(known.get("verdict") or ""), written(known.get("inspected_serial"))) if known else ("", "")


def repairs(facts: Facts, line: Line) -> tuple[int, int]:
    """How many repairs the machine had: of the fault that had most of them, and of all."""
    known = [f for f in facts.order.facts if f.name == REPAIRED and f.line_id in (line.line_id, "")]
    since = [f for f in known if since_replaced(facts.order, line, f)]
    reasons = [str(f.get("reason")) for f in since]
    return max((reasons.count(r) for r in reasons), default=0), len(since)


def off_by(one: str, other: str) -> int:
    """By how many characters two numbers differ; of different lengths, by those that are too many as well."""
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))
