"""Remedy: what a buyer is given in place of money, and how far that is.

::

    approved ─► goods are back ─┬─ the wanted thing is dearer ─► awaiting_payment ─► paid ─┐
                                └──────────────────────────────────────────────────────────┴─► fulfilling ─► sent ─► done
    failed, not there in time, not paid ─► a person decides anew, or silence does: money in its place
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Remedy(StrEnum):
    """What the buyer is given once a case is approved."""

    MONEY = "money"
    REPLACEMENT = "replacement"
    REPAIR = "repair"


class Stage(StrEnum):
    """How far a promised thing is."""

    PROMISED = "promised"
    BEGUN = "begun"  # somebody is at it
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"  # a person decides anew
    MONEY = "money"  # money is given in its place


#: The fact with which a mall tells what a line's pieces may be exchanged for: ``sku``, ``title``, ``price_minor`` of one piece.
EXCHANGEABLE = "exchangeable"

#: Facts that an order keeps once a thing was given: with ``reason`` and ``case_id``. A replacement counts anew from there.
REPLACED = "replaced"
REPAIRED = "repaired"

KEPT_AS: dict[Remedy, str] = {Remedy.REPLACEMENT: REPLACED, Remedy.REPAIR: REPAIRED}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The thing that a buyer wants in exchange, as the mall told it; ``price_minor`` is what one piece of it costs this buyer."""

    sku: str
    title: str
    price_minor: int


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised in place of money. Without ``wanted`` a replacement is the same thing again.

    ``extra_minor`` is what the buyer pays on top for a dearer thing, with ``payment_id`` once it is paid. ``goods_here``: what was
    sold has come back and was accepted. ``reason`` says why it failed.
    """

    remedy: Remedy
    stage: Stage = Stage.PROMISED
    wanted: Wanted | None = None
    extra_minor: int = 0
    payment_id: str = ""
    goods_here: bool = False
    carrier: str = ""
    number: str = ""
    sent_at: datetime | None = None
    reason: str = ""

    @property
    def in_force(self) -> bool:
        """Whether the thing is still to be given, and not money."""
        return self.stage not in (Stage.DONE, Stage.MONEY)
