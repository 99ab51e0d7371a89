"""Pickup: a carrier collects the goods at the buyer's door, or gives a label with which they are brought to a station.

One is booked and paid at a time, and never two of them; what is said of a courier here holds for a label as well.

::

    asked ─► calling ─┬─► booked ─┬─► collected
      │        │      └─► failed  ├─► moving ─► booked                      (the carrier moves it)
      │        │                  └─► cancelling ─┬─► cancelled
      └────────┴───────────────► cancelling ──────┴─► asked, the next number (the carrier moves nothing: cancel, then book)

It is on record before the carrier is called, and calling means that it may stand there: no answer changes nothing, the same key is
asked about again. Another number is used only once the carrier says that the one before it stands no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from aftersales.deadline import Deadline
from aftersales.errors import IllegalTransition
from aftersales.place import Place


class PickupState(StrEnum):
    """How far a pickup is."""

    ASKED = "asked"  # on record, and nobody was called
    CALLING = "calling"  # the carrier was called, and has not answered: it may stand
    BOOKED = "booked"
    MOVING = "moving"  # it stands, at the old time or at the new one
    CANCELLING = "cancelling"  # it may stand until the carrier says that it does not
    COLLECTED = "collected"
    CANCELLED = "cancelled"
    FAILED = "failed"  # the carrier will not come, and says why


class PickupEvent(StrEnum):
    """What can happen to it."""

    CALLED = "called"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    MOVE_ASKED = "move_asked"
    CANCEL_ASKED = "cancel_asked"
    GONE = "gone"  # the carrier says that it does not stand
    COLLECTED = "collected"
    ASKED_AGAIN = "asked_again"  # under the next number


S, E = PickupState, PickupEvent

PICKUP_TRANSITIONS: dict[tuple[PickupState, PickupEvent], PickupState] = {
    (S.ASKED, E.CALLED): S.CALLING,
    (S.ASKED, E.REFUSED): S.FAILED,  # its time passed before anybody was called
    (S.ASKED, E.CANCEL_ASKED): S.CANCELLED,  # nobody was called: nothing stands
    (S.CALLING, E.CALLED): S.CALLING,  # the carrier knows nothing of it: it is called again, under the same key
    (S.CALLING, E.CONFIRMED): S.BOOKED,
    (S.CALLING, E.REFUSED): S.FAILED,
    (S.CALLING, E.CANCEL_ASKED): S.CANCELLING,
    (S.CALLING, E.COLLECTED): S.COLLECTED,
    (S.CALLING, E.GONE): S.CANCELLED,
    (S.BOOKED, E.CONFIRMED): S.BOOKED,
    (S.BOOKED, E.REFUSED): S.FAILED,
    (S.BOOKED, E.MOVE_ASKED): S.MOVING,
    (S.BOOKED, E.CANCEL_ASKED): S.CANCELLING,
    (S.BOOKED, E.GONE): S.CANCELLED,  # the carrier cancelled it
    (S.BOOKED, E.COLLECTED): S.COLLECTED,
    (S.MOVING, E.CONFIRMED): S.BOOKED,
    (S.MOVING, E.REFUSED): S.FAILED,
    (S.MOVING, E.CANCEL_ASKED): S.CANCELLING,
    (S.MOVING, E.GONE): S.CANCELLED,
    (S.MOVING, E.COLLECTED): S.COLLECTED,
    (S.CANCELLING, E.CONFIRMED): S.CANCELLING,  # it stands still: it is cancelled again
    (S.CANCELLING, E.REFUSED): S.CANCELLED,
    (S.CANCELLING, E.GONE): S.CANCELLED,
    (S.CANCELLING, E.COLLECTED): S.COLLECTED,  # the courier was faster
    (S.CANCELLED, E.ASKED_AGAIN): S.ASKED,
    (S.FAILED, E.ASKED_AGAIN): S.ASKED,
}

#: States in which nothing stands at the carrier, and never will under this number.
PICKUP_ENDED = frozenset({S.COLLECTED, S.CANCELLED, S.FAILED})

#: When somebody looks next: after a call that may have been lost, and at one that stands.
PICKUP_LOOKS: dict[PickupState, timedelta] = {
    S.ASKED: timedelta(minutes=1),
    S.CALLING: timedelta(minutes=1),
    S.BOOKED: timedelta(hours=1),
    S.MOVING: timedelta(minutes=1),
    S.CANCELLING: timedelta(minutes=1),
}

#: And at a label that stands: whoever follows parcels hears of its first scan before that.
LABEL_LOOK = timedelta(hours=6)


class Refusal(StrEnum):
    """Why a carrier does not come."""

    NO_SERVICE = "no_service"  # not at this address
    SLOT_TAKEN = "slot_taken"  # not at this time
    TOO_HEAVY = "too_heavy"
    BAD_ADDRESS = "bad_address"
    NOT_FOUND = "not_found"  # the courier came, and nobody or nothing was there
    NO_FUNDS = "no_funds"  # the shop's account with the carrier
    OTHER = "other"


class BookingStatus(StrEnum):
    """What a carrier says about a booking."""

    STANDS = "stands"
    COLLECTED = "collected"
    GONE = "gone"  # cancelled, by us or by the carrier
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Slot:
    """When somebody is at the door, from ``start`` to ``end``: aware instants."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody at a door. Shown to nobody but the carrier: :func:`shown` says as much of it as others may read."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    address: str = field(repr=False)

    def shown(self) -> str:
        """What reminds its owner of it, and tells others little: ``王* ****0000 浙江省杭州市…``."""
        return f"{self.name[:1]}* ****{self.phone[-4:]} {self.address[:6]}…"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a carrier is asked for. ``company`` is the code of who drives, ``weight_g`` of all of it.

    Without a slot nobody comes: the goods are brought to a station, and the number is all that is wanted.
    """

    key: str
    company: str
    slot: Slot | None
    sender: Party
    receiver: Party
    weight_g: int
    goods: str


@dataclass(frozen=True, slots=True)
class Booking:
    """What a carrier says of one key. ``ref`` is its own number, with which it is asked; ``number`` the waybill, once it has one.

    ``minor`` is what it costs as far as the carrier says so, ``refusal`` why it will not come.
    """

    key: str
    status: BookingStatus
    ref: str = ""
    company: str = ""
    number: str = ""
    minor: int | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a carrier tells by itself: that something happened to ``key``. ``reply`` is what it wants to hear."""

    key: str
    ref: str = ""
    reply: bytes = b""
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Pickup:
    """The pickup of one case; ``number`` counts bookings, one after the other, and its key is made of it.

    ``wanted`` is the other slot that is asked for while it is moved;
    ``moved``: it is booked in place of another one. ``sender`` is forgotten once it is over. ``since`` is when it came
    into its state or was called last, ``ref`` the carrier's number. ``minor`` is the price that was told, ``payer`` who bears it,
    ``agreed`` what the buyer said yes to where that is the buyer: no more than this is kept back from a refund, whatever it cost.
    ``drop_off``: nobody comes, the goods are brought to a station until the ``slot`` ends. ``origin`` is the city that was named,
    from where the parcel has to begin; it stays when the door is forgotten.
    """

    case_id: str
    merchant: str
    carrier: str
    company: str
    state: PickupState
    slot: Slot
    since: datetime
    deadline: Deadline | None
    number: int = 1
    wanted: Slot | None = None
    moved: bool = False
    sender: Party | None = field(default=None, repr=False)
    weight_g: int = 1_000
    ref: str = ""
    waybill: str = ""
    refusal: Refusal | None = None
    minor: int | None = None
    currency: str = ""
    payer: str = ""
    agreed: int | None = None
    drop_off: bool = False
    origin: Place | None = None
    version: int = 0

    @property
    def key(self) -> str:
        """The booking's name with the carrier."""
        return pickup_key(self.case_id, self.number)

    @property
    def alive(self) -> bool:
        """Whether something stands at the carrier, or may."""
        return self.state not in PICKUP_ENDED


def pickup_key(case_id: str, number: int) -> str:
    """A pure function of case and number: whoever books it again books the same."""
    return f"{case_id}-pickup-{number}"


def case_of_pickup(key: str) -> tuple[str, int] | None:
    """The case and number of a key; None for what is none of ours."""
    case_id, apart, number = key.rpartition("-pickup-")
    return (case_id, int(number)) if apart and number.isascii() and number.isdigit() and len(number) < 6 else None


def advance_pickup(pickup: Pickup, event: PickupEvent, now: datetime) -> Pickup:
    """The pickup after ``event``, its next look set. The sender is forgotten where nothing is to be asked of a carrier any more.

    Raises IllegalTransition if the table has no such row.
    """
    state = PICKUP_TRANSITIONS.get((pickup.state, event))
    if state is None:
        raise IllegalTransition(
            f"A pickup that is {pickup.state} cannot be {event.replace('_', ' ')}.",
            todo="Read the case again; its pickup says what is possible.",
            state=str(pickup.state),
            event=str(event),
        )
    look = LABEL_LOOK if pickup.drop_off and state is S.BOOKED else PICKUP_LOOKS.get(state)
    anew = state is not pickup.state or event is E.CALLED
    advanced = replace(
        pickup,
        state=state,
        since=now if anew else pickup.since,
        deadline=Deadline.after(now, look, "look") if look else None,
    )
    if event is E.ASKED_AGAIN:
        return replace(advanced, number=pickup.number + 1, ref="", waybill="", refusal=None)
    return replace(advanced, sender=None) if _forgets(advanced) else advanced


def _forgets(pickup: Pickup) -> bool:
    """Whether nobody's door is needed any more: it is over, or on its way there and not to another slot."""
    if pickup.state in (S.CANCELLING, S.CANCELLED):
        return pickup.wanted is None
    return pickup.state in PICKUP_ENDED


#: What each word of a carrier does to a pickup.
WORDS: Mapping[BookingStatus, PickupEvent] = {
    BookingStatus.STANDS: E.CONFIRMED,
    BookingStatus.COLLECTED: E.COLLECTED,
    BookingStatus.GONE: E.GONE,
    BookingStatus.REFUSED: E.REFUSED,
}
