"""Whereabouts: what carriers say of a parcel and what the check list makes of it, as everybody concerned may read it."""

from __future__ import annotations

from collections.abc import Callable

from aftersales.decision import Finding
from aftersales.text import text
from aftersales.tracking import Trail
from functions import tracked
from functions.context import Context
from functions.reply_base import FindingView
from functions.reply_parcel import ScanView, TrailView


def trail_view(ctx: Context, trail: Trail | None, shown: Callable[[Finding], FindingView]) -> TrailView | None:
    """The trail as it stands; ``shown`` words a finding. None where nobody is asked at this stage."""
    if trail is None:
        return None
    last = trail.last
    known = f"passage.{last.state}" if last else "trail.none" if trail.tracer or trail.lead else "trail.nobody"
    return TrailView(
        carrier=trail.carrier,
        state=last.state if last else None,
        text=text("functions", known, ctx.locale),
        verdict=tracked.verdict(trail),
        checks=[shown(finding) for finding in trail.checks],
        scans=[
            ScanView(
                at=scan.at,
                state=scan.state,
                text=text("functions", f"passage.{scan.state}", ctx.locale),
                said=scan.text,
                city=scan.city,
                code=scan.code,
                weight_g=scan.weight_g,
            )
            for scan in trail.scans
        ],
        heard_at=trail.heard_at,
        silent_since=trail.silent_since,
        with_case=trail.lead,
    )
