"""Tracking: what carriers say of a parcel, in one vocabulary, and what is on record of one that brings goods back.

Scans are a set: told twice, late or out of order they say the same. Where a parcel is now follows from the latest of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from aftersales.deadline import Deadline
from aftersales.decision import Finding

#: Scans that are kept of one parcel: the first ones tell where it began, the last ones where it is.
FIRST_SCANS, LAST_SCANS = 20, 60

#: The longest sentence of a carrier that is kept.
LONGEST_TEXT = 120

#: Phones of couriers and people in a carrier's sentence.
_PHONE = re.compile(r"(?<![0-9A-Za-z])\+?[0-9][0-9 -]{5,17}[0-9](?![0-9A-Za-z])")


class Passage(StrEnum):
    """What happened to a parcel, in our words. The carrier's own code stands beside it."""

    REGISTERED = "registered"  # a label was ordered: nobody has the goods yet
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    CUSTOMS_PENDING = "customs_pending"
    CUSTOMS_HELD = "customs_held"
    CUSTOMS_RELEASED = "customs_released"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AT_STATION = "at_station"  # waits in a locker or shop to be fetched
    SIGNED = "signed"
    REJECTED = "rejected"  # whom it is for did not take it in
    RETURNING = "returning"  # on its way back to the sender
    RETURNED = "returned"
    PROBLEM = "problem"
    DAMAGED = "damaged"
    LOST = "lost"  # or destroyed
    CANCELLED = "cancelled"  # the label, after its number was given
    NOT_FOUND = "not_found"  # the carrier knows no such number
    EXPIRED = "expired"  # nothing changed for so long that the carrier looks no more


#: The carrier has the goods, or had them.
CARRIED = frozenset(
    {
        Passage.PICKED_UP,
        Passage.IN_TRANSIT,
        Passage.CUSTOMS_PENDING,
        Passage.CUSTOMS_HELD,
        Passage.CUSTOMS_RELEASED,
        Passage.OUT_FOR_DELIVERY,
        Passage.AT_STATION,
        Passage.SIGNED,
        Passage.REJECTED,
        Passage.RETURNING,
        Passage.RETURNED,
        Passage.DAMAGED,
        Passage.LOST,
    }
)

#: Of two scans at one instant the one further down counts as the later.
_RANK = {passage: n for n, passage in enumerate(Passage)}


#: Digits as wide as Chinese characters are digits all the same.
_WIDE = {0xFF10 + n: str(n) for n in range(10)}


def masked(text: str) -> str:
    """A carrier's sentence without the phones in it, and not too long."""
    return _PHONE.sub(lambda m: "*" * 4 + m[0][-2:], " ".join(text.translate(_WIDE).split()))[:LONGEST_TEXT]


@dataclass(frozen=True, slots=True)
class Scan:
    """One line of a carrier's trace. ``at`` is an aware instant, ``code`` its raw code, ``city`` the place as it named it."""

    at: datetime
    state: Passage
    code: str = ""
    text: str = ""
    city: str = ""
    weight_g: int | None = None

    @property
    def order(self) -> tuple[datetime, int, str, str]:
        """Scans are told in this order."""
        return self.at, _RANK[self.state], self.city, self.text


def merged(known: Iterable[Scan], told: Iterable[Scan]) -> tuple[Scan, ...]:
    """All scans, each once and in order; of very many the first and the last ones."""
    scans = sorted({*known, *told}, key=lambda scan: (scan.order, scan.code, scan.weight_g or 0))
    return tuple(scans) if len(scans) <= FIRST_SCANS + LAST_SCANS else (*scans[:FIRST_SCANS], *scans[-LAST_SCANS:])


@dataclass(frozen=True, slots=True)
class Waybill:
    """What a carrier is asked about. ``key`` is our name for it, under which it is told by itself; ``phone`` that of one party.

    The number is normalised (:func:`aftersales.waybill.number_of`), the carrier's code one of ours.
    """

    key: str
    carrier: str
    number: str
    phone: str = field(default="", repr=False)


class Found(StrEnum):
    """What a carrier's answer is about."""

    KNOWN = "known"
    NOT_YET = "not_yet"  # it knows nothing of this number so far: young ones are often told late
    NEVER = "never"  # it says for good that there is no such number
    OTHER_PARTY = "other_party"  # the phone belongs neither to who sends it nor to whom it is for


@dataclass(frozen=True, slots=True)
class Trace:
    """What a carrier says of one waybill. ``carrier`` is who really drives, where that is another than was asked about.

    ``over``: it follows it no longer, because it has arrived, or ``frozen``: because nothing has changed for very long.
    """

    key: str
    found: Found
    scans: tuple[Scan, ...] = ()
    carrier: str = ""
    over: bool = False
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a carrier tells by itself: of any number of waybills, each by its key. ``reply`` is what it wants to hear."""

    traces: tuple[Trace, ...]
    reply: bytes = b""
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a carrier lets itself be asked: numbers in one call, between two questions about one number, calls in a second."""

    batch: int = 1
    gap: timedelta = timedelta(minutes=30)
    per_second: int = 0


class Party(StrEnum):
    """Between whom a parcel goes."""

    BUYER = "buyer"
    SHOP = "shop"


@dataclass(frozen=True, slots=True)
class Trail:
    """What is on record of the parcel that brings one case's goods back: whom we ask, when, and what was said.

    ``tracer`` is the name under which somebody is asked, "" where nobody can be; ``turn`` counts the case's waybills and makes the
    key. ``asked_at`` is the last question on record, ``heard_at`` the last answer or word, ``silent_since`` the first question
    that nobody has answered since. ``proved`` are the parties whose phone the carrier took for this parcel, ``denied`` those whose
    it refused. ``label``: the number, the addresses and the time are ours, from a pickup. ``lead`` is the case whose parcel these
    goods travel in, where several go in one. ``checks`` is the check list as it stands.
    """

    case_id: str
    merchant: str
    tracer: str
    carrier: str
    number: str
    since: datetime
    deadline: Deadline | None
    turn: int = 1
    found: Found | None = None
    scans: tuple[Scan, ...] = ()
    over: bool = False
    frozen: bool = False
    subscribed: bool = False
    asked_at: datetime | None = None
    heard_at: datetime | None = None
    silent_since: datetime | None = None
    proved: tuple[Party, ...] = ()
    denied: tuple[Party, ...] = ()
    label: bool = False
    lead: str = ""
    not_before: datetime | None = None  # somebody was asked about a number of this case's a moment before
    elsewhere: bool = False  # the carrier it really goes with has this number in another case
    checks: tuple[Finding, ...] = ()
    version: int = 0

    @property
    def key(self) -> str:
        """This waybill's name with whoever follows it."""
        return trail_key(self.case_id, self.turn)

    @property
    def last(self) -> Scan | None:
        """Where it is; None while nothing is known."""
        return self.scans[-1] if self.scans else None

    def told(self, trace: Trace, now: datetime) -> Trail:
        """The trail with what was said added. What was known stays known: an older word adds what it has.

        Whether it is over, or frozen, says the word that knows the latest scan: a parcel that moves again is followed again.
        """
        scans = merged(self.scans, trace.scans)
        found = Found.KNOWN if scans else trace.found
        known, said = _latest(self.scans), _latest(trace.scans)
        over, frozen = trace.over and said >= known, trace.frozen and said >= known
        over, frozen = over or (self.over and known >= said), frozen or (self.frozen and known >= said)
        carrier = trace.carrier or self.carrier
        return replace(self, found=found, scans=scans, over=over, frozen=frozen, carrier=carrier, heard_at=now, silent_since=None)


def _latest(scans: tuple[Scan, ...]) -> tuple[Any, ...]:
    """What the last of them is, comparable; () where there is none."""
    return max((scan.order for scan in scans), default=())


def trail_key(case_id: str, turn: int) -> str:
    """A pure function of case and turn: ``c1-parcel-1``."""
    return f"{case_id}-parcel-{turn}"


def case_of_trail(key: str) -> tuple[str, int] | None:
    """The case and turn of a key; None for what is none of ours."""
    case_id, apart, turn = key.rpartition("-parcel-")
    return (case_id, int(turn)) if apart and turn.isascii() and turn.isdigit() and len(turn) < 6 else None
