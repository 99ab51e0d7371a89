"""Failures: the nine known ones (RF-5) in one table. How each is detected, and what buyer and shop read, with a next step.

Sentences are in ``texts.toml``: ``failure.<words>`` and ``failure.<words>.next`` for the buyer, the same with ``.shop`` behind for
the shop where that reads something else. The buyer's are neutral about what is the shop's own matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from aftersales.decision import Finding, Verdict
from aftersales.errors import AftersalesError, AllowanceSpent, OverRefund, PiecesTaken, Rejected
from aftersales.failure import Failure
from aftersales.parcel import Parcel, ParcelState
from aftersales.refund import LATER, Cause
from aftersales.text import text
from aftersales.tracking import CARRIED, Trail
from aftersales.vertical import Vertical


class Audience(StrEnum):
    """Who reads it."""

    BUYER = "buyer"
    SHOP = "shop"


class Sign(StrEnum):
    """What tells of a failure that is neither a trade's check, an error nor a channel's cause."""

    ASKED_TOO_MUCH = "asked_too_much"  # more than the pieces are worth
    SEAL_BROKEN = "seal_broken"  # found by the shop's inspection
    NO_WAYBILL = "no_waybill"  # the goods are awaited, and no number was told
    NO_SCAN = "no_scan"  # told, and no word of it since
    UNSEEN = "unseen"  # told, its carrier asked, and nobody has had it since
    TAKEN_AS_ARRIVED = "taken_as_arrived"  # no word until the deadline
    NOT_SENT = "not_sent"  # no number until the deadline
    UNKNOWN_NUMBER = "unknown_number"  # told, and its carrier knows no such parcel
    LOST = "lost"
    TURNED_BACK = "turned_back"


#: States of a parcel that say by themselves what is missing.
_SIGNS = {ParcelState.LAPSED: Sign.NOT_SENT, ParcelState.LOST: Sign.LOST, ParcelState.TURNED_BACK: Sign.TURNED_BACK}

#: How long after it was told a parcel without any word of it counts as missing.
QUIET = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Row:
    """One way a failure shows. ``words`` names its sentences; ``by_trade``: a failed check whose trade says so, too."""

    failure: Failure
    words: str
    by_trade: bool = False
    errors: tuple[type[AftersalesError], ...] = ()
    causes: tuple[Cause, ...] = ()
    signs: tuple[Sign, ...] = ()
    waits: bool = False  # passes by itself although no cause says so

    @property
    def passes(self) -> bool:
        """Whether it passes by itself: nobody has to do anything."""
        return self.waits or (bool(self.causes) and LATER.issuperset(self.causes))


F = Failure

#: All there is. The first row of a failure is its general one.
TABLE: tuple[Row, ...] = (
    Row(F.ORDER_STATE, "order_state", by_trade=True),
    Row(F.CAP, "cap", by_trade=True, errors=(OverRefund, PiecesTaken), signs=(Sign.ASKED_TOO_MUCH,)),
    Row(F.CAP, "allowance", errors=(AllowanceSpent,)),
    Row(F.CHANNEL_LIMITS, "channel_limits", causes=(Cause.OVER_LIMIT,)),
    Row(F.CHANNEL_LIMITS, "channel_gap", causes=(Cause.TOO_SOON,)),
    Row(F.MERCHANT_ACCOUNT, "merchant_account", causes=(Cause.NOT_ENOUGH,)),
    Row(F.OPENED_GOODS, "opened_goods", by_trade=True, signs=(Sign.SEAL_BROKEN,)),
    Row(F.PAST_WINDOW, "past_window", by_trade=True),
    Row(F.RISK_CONTROL, "risk_control", causes=(Cause.RISK_CONTROL,)),
    Row(F.SYNC_DELAY, "sync_delay", causes=(Cause.NOT_SYNCED,)),
    Row(F.MISSING_LOGISTICS, "no_waybill", signs=(Sign.NO_WAYBILL,)),
    Row(F.MISSING_LOGISTICS, "no_scan", signs=(Sign.NO_SCAN,), waits=True),
    Row(F.MISSING_LOGISTICS, "unseen", signs=(Sign.UNSEEN,)),
    Row(F.MISSING_LOGISTICS, "taken_as_arrived", signs=(Sign.TAKEN_AS_ARRIVED,), waits=True),
    Row(F.MISSING_LOGISTICS, "not_sent", signs=(Sign.NOT_SENT,)),
    Row(F.MISSING_LOGISTICS, "unknown_number", signs=(Sign.UNKNOWN_NUMBER,)),
    Row(F.MISSING_LOGISTICS, "lost", signs=(Sign.LOST,)),
    Row(F.MISSING_LOGISTICS, "turned_back", signs=(Sign.TURNED_BACK,)),
)


@dataclass(frozen=True, slots=True)
class Worded:
    """A failure as somebody reads it: what is wrong, and the next step. ``passes``: it passes by itself."""

    failure: Failure
    text: str
    next: str
    passes: bool


def worded(failure: Failure, locale: str, audience: Audience, /, **data: object) -> Worded:
    """The failure in the reader's words. ``data`` fills the places of its sentences; ``sign`` picks the row of that sign."""
    rows = [row for row in TABLE if row.failure is failure]
    return said(next((r for r in rows if data.get("sign") in r.signs), rows[0]), locale, audience, **data)


def of_error(error: AftersalesError, locale: str, audience: Audience) -> Worded | None:
    """The failure that an error tells of: the one it names in its details, or that of its class or its channel's cause."""
    named, sign = error.details.get("failure"), error.details.get("sign")
    if named is not None:
        return worded(Failure(named), locale, audience, **{**error.details, "sign": sign})
    if isinstance(error, Rejected) and "cause" in error.details:
        return of_cause(Cause(error.details["cause"]), locale, audience)
    row = next((r for r in TABLE if r.errors and isinstance(error, r.errors)), None)
    return said(row, locale, audience) if row else None


def of_cause(cause: Cause | None, locale: str, audience: Audience) -> Worded | None:
    """The failure that a channel's cause tells of; None for one that is not of the nine."""
    row = next((r for r in TABLE if cause in r.causes), None)
    return said(row, locale, audience) if row else None


def of_findings(vertical: Vertical, findings: Iterable[Finding], locale: str, audience: Audience) -> Worded | None:
    """The failure that the first failed check tells of whose trade names one."""
    for finding in findings:
        if finding.verdict is Verdict.FAIL and finding.reason in vertical.failures:
            return worded(vertical.failures[finding.reason], locale, audience, **dict(finding.data))
    return None


def sign_of(parcel: Parcel, trail: Trail | None, now: datetime) -> Sign | None:
    """What is missing of a parcel on its way back; None when nothing is."""
    if parcel.state is ParcelState.AWAITING_SHIPMENT:
        return Sign.UNKNOWN_NUMBER if parcel.turn and not parcel.number else Sign.NO_WAYBILL
    if parcel.state in _SIGNS:
        return _SIGNS[parcel.state]
    if trail is not None and any(scan.state in CARRIED for scan in trail.scans):
        return None
    silent = parcel.state is ParcelState.IN_TRANSIT and parcel.sent_at is not None and now - parcel.sent_at >= QUIET
    return None if not silent else Sign.NO_SCAN if trail is None else Sign.UNSEEN


def reason_of(cause: Cause | str, locale: str, audience: Audience) -> tuple[str, str]:
    """(what is wrong, what happens now or what to do) for any cause of a channel, one of the nine or not."""
    known = of_cause(Cause(cause), locale, audience)
    if known:
        return known.text, known.next
    return _text(f"cause.{cause}", locale, audience), _text(f"next.{cause}", locale, audience)


def said(row: Row, locale: str, audience: Audience, /, **data: object) -> Worded:
    """One row in the reader's words."""
    key = f"failure.{row.words}"
    return Worded(row.failure, _text(key, locale, audience, **data), _text(f"{key}.next", locale, audience, **data), row.passes)


def _text(key: str, locale: str, audience: Audience, /, **data: object) -> str:
    """The sentence for this audience: the shop's own, else the one for all."""
    own = f"{key}.shop"
    if audience is Audience.SHOP and (found := text("functions", own, locale, **data)) != own:
        return found
    return text("functions", key, locale, **data)
