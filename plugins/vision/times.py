"""Time: can the photo have been taken when its EXIF block says, given when the order was paid and what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aftersales.decision import Finding, Source, Verdict

#: Clocks of cameras go wrong by minutes; phones take theirs from the network.
SLACK = timedelta(hours=1)
#: Local time without an offset may be that of any zone: UTC is at most 14 h behind it (Kiritimati) and 12 h ahead (Baker Island).
BEHIND, AHEAD = timedelta(hours=14), timedelta(hours=12)
#: A camera whose clock was never set begins at the first of January of some year before this one.
SET_SINCE = 2020


def look(taken_at: datetime | None, since: datetime | None, until: datetime | None) -> Finding:
    """``vision.time``: ``time_differs`` where the photo must be older than ``since`` or later than ``until``, both aware or None.

    ``taken_at`` is aware, or local time of an unknown zone and then given the benefit of every zone. ``data`` has ``taken_at`` as
    ISO 8601 and, where it differs, ``hours`` (at least) before the order (below 0) or after the present.
    """
    if taken_at is None or never_set(taken_at) or (since is None and until is None):
        return Finding("vision.time", Verdict.PASS, "vision.no_time")
    earliest, latest = span(taken_at)
    data: tuple[tuple[str, str | float], ...] = (("taken_at", taken_at.isoformat()),)
    if since is not None and latest + SLACK < since:
        return _differs((("hours", _hours(latest - since)), *data))
    if until is not None and earliest - SLACK > until:
        return _differs((("hours", _hours(earliest - until)), *data))
    return Finding("vision.time", Verdict.PASS, "vision.time_fits", data=data)


def span(taken_at: datetime) -> tuple[datetime, datetime]:
    """The first and the last instant, in UTC, that ``taken_at`` can mean; its year is neither the first nor the last there is."""
    if taken_at.tzinfo is not None:
        return taken_at.astimezone(UTC), taken_at.astimezone(UTC)
    local = taken_at.replace(tzinfo=UTC)
    return local - BEHIND, local + AHEAD


def never_set(taken_at: datetime) -> bool:
    """Whether this is what a camera says whose clock nobody has set."""
    return taken_at.year < SET_SINCE and (taken_at.month, taken_at.day) == (1, 1)


def _differs(data: tuple[tuple[str, str | float], ...]) -> Finding:
    """EXIF is the sender's word and is easily wrong without any bad will: half as sure as a fact."""
    return Finding("vision.time", Verdict.UNSURE, "vision.time_differs", Source.MODEL, 0.5, data)


def _hours(length: timedelta) -> float:
    return round(length.total_seconds() / 3600, 1)
