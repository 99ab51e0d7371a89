"""Gate: the way to a channel. It keeps to the channel's rate, and away from one that does not answer.

Every call about a refund goes through it but one: sending an accepted refund to another card, which a person asks for, once, and
right after the channel was asked.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from aftersales.channel import Limits
from aftersales.errors import ChannelBusy, Rejected
from aftersales.gate import Ended
from aftersales.registry import Registry

T = TypeVar("T")

log = logging.getLogger(__name__)

#: A turn that comes this soon is waited for on the spot: writing it down and coming again costs more.
PATIENCE = timedelta(seconds=0.5)

#: How often in a row; then others are faster, and the work behind this one should not wait any longer.
WAITS = 4


def enter(registry: Registry, channel: str, limits: Limits | None = None) -> None:
    """Have one call counted, which is then made. ``limits`` are the channel's own, unless they are another's than a channel's.

    Raises ChannelBusy: nothing was sent, ``details['until']`` says when to come again.
    """
    gate, limits = registry.gate, limits or limits_of(registry, channel)
    if gate is None:
        return
    waits = 0
    while (until := gate.enter(channel, limits, now := registry.clock.now())) is not None:
        if waits == WAITS or until - now > PATIENCE:
            raise _busy(channel, until)
        time.sleep(max(0.0, (until - now).total_seconds()))
        if registry.clock.now() <= now:  # a clock that stands, in a test
            raise _busy(channel, until)
        waits += 1


def heard(registry: Registry, channel: str, call: Callable[[], T], limits: Limits | None = None) -> T:
    """What a call says for which :func:`enter` has let in; the gate hears how it ended."""
    limits = limits or limits_of(registry, channel)
    try:
        said = call()
    except Exception as error:
        _leave(registry, channel, limits, Ended.REFUSED if isinstance(error, (Rejected, ChannelBusy)) else Ended.SILENT)
        raise
    _leave(registry, channel, limits, Ended.GOOD)
    return said


def limits_of(registry: Registry, channel: str) -> Limits:
    """What the channel allows; nothing is known of one that cannot be had, and the call itself tells that.

    A process without secrets (it looks at photos, and may approve) has no channels.
    """
    try:
        return registry.channel(channel).limits
    except Exception as error:  # noqa: BLE001 (whatever a plugin breaks at: the call itself is where it counts)
        log.debug("the limits of %s are not known here: %s", channel, type(error).__name__)
        return Limits()


def until_of(busy: ChannelBusy) -> datetime | None:
    """When to come again, if the channel's gate said it."""
    until = busy.details.get("until")
    return until if isinstance(until, datetime) else None


def _busy(channel: str, until: datetime) -> ChannelBusy:
    return ChannelBusy(f"The channel {channel} takes no calls just now.", todo="Send the same request again later.", until=until)


def _leave(registry: Registry, channel: str, limits: Limits, ended: Ended) -> None:
    gate = registry.gate
    if gate is None:
        return
    try:
        gate.leave(channel, limits, registry.clock.now(), ended)
    except Exception:  # the answer is worth more than the gate's knowledge of it
        log.exception("the gate of %s was not told that a call ended: %s", channel, ended)
