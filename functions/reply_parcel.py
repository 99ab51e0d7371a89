"""Reply parcel: goods on their way back, as they are answered: the parcel, its trail, its inspection, its pickup."""

from __future__ import annotations

from datetime import datetime

from aftersales.decision import Verdict
from aftersales.goods import Disposition
from aftersales.parcel import ParcelState
from aftersales.pickup import PickupState, Refusal
from aftersales.tracking import Passage
from functions.reply_base import FailureView, FindingView, View


class CountView(View):
    """What was found of one line, in pieces. ``wrong`` ones had other goods in their place, which go back to the buyer."""

    line_id: str
    sound: int
    flawed: int
    quarantine: int
    scrap: int
    missing: int
    wrong: int


class BackView(View):
    """Pieces that stock is told of, and when it took them in; None while it did not."""

    line_id: str
    disposition: Disposition
    pieces: int
    told_at: datetime | None


class ScanView(View):
    """One line of a carrier's trace: what happened in our words, its own words, and its own code."""

    at: datetime
    state: Passage
    text: str
    said: str
    city: str
    code: str
    weight_g: int | None


class TrailView(View):
    """What carriers say of the parcel, and the check list it has to pass before silence may accept it.

    ``verdict`` is of the whole list. ``silent_since``: nobody has answered since. ``with_case``: it travels in that case's parcel.
    """

    carrier: str
    state: Passage | None
    text: str
    verdict: Verdict
    checks: list[FindingView]
    scans: list[ScanView]
    heard_at: datetime | None
    silent_since: datetime | None
    with_case: str


class ParcelView(View):
    """The goods on their way back. ``counts`` and ``evidence`` are of the inspection, the latter the shop's photos by their ids.

    ``apart`` is the case about the pieces that did not come. ``restock`` is for the shop: what its stock is told.
    """

    state: ParcelState
    carrier: str
    number: str
    due_at: datetime | None
    disposition: Disposition | None
    note: str
    counts: list[CountView]
    evidence: list[str]
    apart: str | None
    restock: list[BackView]
    failure: FailureView | None
    trail: TrailView | None = None


class PickupView(View):
    """How far the pickup at the door is. ``at`` is as much of the door as reminds its owner; ``wanted_*`` another slot, asked for.

    ``text`` says how it stands, ``next`` what to do where it will not happen. The price is in minor units, once it was told;
    ``kept_minor`` of it is kept back from the refund. ``drop_off``: nobody comes, the goods are brought to a station until ``end``
    under the ``number``.
    """

    state: PickupState
    company: str
    start: datetime
    end: datetime
    wanted_start: datetime | None
    wanted_end: datetime | None
    at: str
    number: str
    price_minor: int | None
    currency: str
    payer: str
    kept_minor: int
    drop_off: bool
    refusal: Refusal | None
    text: str
    next: str


class PriceView(View):
    """What a pickup would cost, in minor units, and who bears it: ``buyer`` or ``merchant``.

    ``kept_minor`` of it would be kept back from the refund as it stands: nothing where the shop bears it.
    """

    price_minor: int
    currency: str
    payer: str
    company: str
    kept_minor: int
