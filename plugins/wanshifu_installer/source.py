"""The source: what the platform knows of a line's work order when asked, and what it tells by itself."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from aftersales.errors import Invalid, Unknown
from aftersales.fact import OrderFact, Plain
from aftersales.lookup import Heard, HeardFact, Lookup, Subject, pairs
from plugins.wanshifu_installer.node import APART, Meaning, fact_of, number_of, status_of
from plugins.wanshifu_installer.setting import Setting
from plugins.wanshifu_installer.sign import NODE, check, message
from plugins.wanshifu_installer.wire import Wire

log = logging.getLogger(__name__)

RECORD = "/order/serveRecord"
DONE, NO_ORDER = "200", "404"

#: What the platform wants to hear, also for what it told before or what means nothing to us: anything else is told again.
THANKS = b'{"retCode":"200","retMsg":"","retData":""}'


class WanshifuInstaller:
    """A :class:`~aftersales.ports.Source` and :class:`~aftersales.ports.Telling`.

    ``now`` is the real time in seconds since 1970: signatures live in it. Safe for threads.
    """

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._setting, self._now = setting, now
        self._wire = Wire(setting, now)

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """How far the work order of the line is, with serial number and findings; ``none`` where there is no work order."""
        if subject.order.merchant != self._setting.merchant:  # order numbers are each merchant's own: this is somebody else's
            return Lookup(self._setting.name, subject.line.line_id, "none", now)
        number = number_of(subject.order.order_id, subject.line.line_id)
        said = self._wire.call(RECORD, {"thirdOrderId": number})
        if said.get("retCode") == NO_ORDER:
            return Lookup(self._setting.name, subject.line.line_id, "none", now)
        record = said.get("retData")
        if said.get("retCode") != DONE or not isinstance(record, dict) or record.get("thirdOrderId") != number:
            raise Unknown(f"The installers' platform answers {str(said.get('retCode'))[:16]}.")
        return self._read(subject.line.line_id, record.get("nodes"), now)

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        """One node of one work order; see :class:`~aftersales.ports.Telling`. A node that means nothing to us tells nothing."""
        check(self._setting.secrets, self._setting.license_id, headers, message(NODE, "", headers, body), self._now())
        try:
            said = json.loads(body)
            word, number, data = said["orderStatus"], said["thirdOrderId"], said.get("data") or {}
            order_id, apart, line_id = str(number).partition(APART)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Invalid("The node is signed and cannot be read.", found=type(error).__name__) from error
        meaning = self._setting.nodes.get(str(word))
        if meaning is None or not apart or not isinstance(data, dict):
            log.info("a node %s tells us nothing", str(word)[:64])
            return Heard((), reply=THANKS)
        fact = fact_of(meaning, line_id, data, self._setting.name, now)
        return Heard((HeardFact(self._setting.merchant, order_id, fact),), reply=THANKS)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _read(self, line_id: str, nodes: Any, now: datetime) -> Lookup:
        """The answer that a record's nodes add up to, each value as it was told last. Raises Unknown for what cannot be read."""
        if not isinstance(nodes, list):
            raise Unknown("The installers' platform's record is not of its form.")
        found: list[tuple[Meaning, OrderFact]] = []
        for node in nodes[:200]:
            meaning = self._setting.nodes.get(str(node.get("orderStatus"))) if isinstance(node, dict) else None
            if meaning is None:
                continue
            try:
                found.append((meaning, fact_of(meaning, line_id, node.get("data") or {}, self._setting.name, now)))
            except (Invalid, AttributeError) as error:
                raise Unknown("The installers' platform's record cannot be read.") from error
        found.sort(key=lambda pair: pair[1].at)
        data: dict[str, Plain] = {}
        for meaning, fact in found:
            data |= _told(meaning, fact)
        status = status_of([(meaning, fact.at) for meaning, fact in found])
        return Lookup(self._setting.name, line_id, status, now, data=pairs(data))


def _told(meaning: Meaning, fact: OrderFact) -> dict[str, Plain]:
    """What one node adds to the answer."""
    said = dict(fact.data or {})
    if meaning is Meaning.INSPECTED:
        return {"verdict": said["verdict"]} | ({"inspected_serial": said["serial"]} if "serial" in said else {})
    found = {name: said[name] for name in ("serial", "reason") if name in said}
    return found | ({"installed_at": fact.at.isoformat()} if meaning is Meaning.INSTALLED else {})
