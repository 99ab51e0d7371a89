"""The membership system: points are given once per key, however often it is called."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from aftersales.errors import Rejected, Unknown
from aftersales.signed import DONE, NOT_THERE, REFUSED, Setting, Wire
from plugins.mall_points.wire import CONTRACT, opened


class MallPoints:
    """:class:`~aftersales.ports.Points`. ``now`` is the real time in seconds since 1970, for signatures. Safe for threads."""

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._wire = Wire(CONTRACT, setting, opened, now)

    def give(self, key: str, merchant: str, buyer_id: str, points: int, reason: str, now: datetime) -> None:  # noqa: ARG002
        """They are the buyer's, once; see :class:`~aftersales.ports.Points`."""
        gift = {"key": key, "merchant": merchant, "points": points, "reason": reason}
        answer = self._wire.call("POST", f"/members/{quote(buyer_id, safe='')}/points", gift)
        if answer.status in (REFUSED, NOT_THERE):
            refusal = str(answer.said.get("error", ""))[:64]
            raise Rejected("The membership system does not give these points.", key=key, refusal=refusal)
        if answer.status != DONE:
            raise self._wire.unknown(answer)
        if answer.said.get("gift") != gift:
            raise Unknown("The membership system's answer is about something else.", status=answer.status)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()
