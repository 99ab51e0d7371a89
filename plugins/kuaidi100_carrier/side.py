"""Both sides of the platform in one object: couriers at the door, and where parcels are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.errors import BadSettings
from plugins.kuaidi100_carrier.carrier import Kuaidi100Carrier
from plugins.kuaidi100_carrier.setting import Setting, Tracing
from plugins.kuaidi100_carrier.tracer import Kuaidi100Tracer

#: What each side is asked for.
BOOKING = frozenset({"companies", "moves", "days_ahead", "book", "find", "move", "cancel", "told", "price"})
TRACING = frozenset({"pace", "follows", "wants_phone", "trace", "subscribe", "pushed"})


class Kuaidi100:
    """A carrier, a tracer, or both: what the settings suffice for. Whoever asks for the other side is told what is missing.

    The same settings serve ``[carriers]`` and ``[tracers]``, and a shop that uses one of them need not think of the other.
    """

    def __init__(self, said: Mapping[str, Any]) -> None:
        """Raises BadSettings where neither side can be built."""
        self._booking, self._tracing = _booking(said), _tracing(said)
        if isinstance(self._booking, BadSettings) and isinstance(self._tracing, BadSettings):
            raise BadSettings(f"{self._booking.message} To trace parcels alone: {self._tracing.message}")

    def __getattr__(self, name: str) -> Any:
        """What the side has that knows of it. Raises BadSettings where that side's settings are missing or wrong."""
        side: object
        if name in BOOKING:
            side = self._booking
        elif name in TRACING:
            side = self._tracing
        else:
            raise AttributeError(name)
        if isinstance(side, BadSettings):
            raise BadSettings(side.message)
        return getattr(side, name)

    def close(self) -> None:
        """Close the connections."""
        for side in (self._booking, self._tracing):
            if not isinstance(side, BadSettings):
                side.close()


def _booking(said: Mapping[str, Any]) -> Kuaidi100Carrier | BadSettings:
    try:
        return Kuaidi100Carrier(Setting.parse(said))
    except BadSettings as error:
        return error


def _tracing(said: Mapping[str, Any]) -> Kuaidi100Tracer | BadSettings:
    try:
        return Kuaidi100Tracer(Tracing.parse(said))
    except BadSettings as error:
        return error
