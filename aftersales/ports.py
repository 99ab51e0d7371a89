"""Ports: what the outside must do for us. Structural: implement the methods, inherit nothing.

Each port has a fake and a contract kit in ``aftersales.testing``; a plugin passes the kit before it is called one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from aftersales.batch import Batch
from aftersales.case import Case
from aftersales.change import Change
from aftersales.channel import Card, Limits, RefundNotice, RefundOrder, RefundReceipt
from aftersales.complaint import Reading
from aftersales.evidence import Evidence
from aftersales.gate import Ended
from aftersales.goods import Disposition
from aftersales.lookup import Heard, Lookup, Subject
from aftersales.order import Order
from aftersales.photo import PhotoQuestion, PhotoReport, Sameness
from aftersales.pickup import Booking, Pickup, Slot, Told, Wish
from aftersales.query import CaseFile, OrderFile, Page, Query
from aftersales.refund import Refund
from aftersales.ruling.fact import Figures
from aftersales.ruling.table import Fired, Table
from aftersales.tracking import Pace, Pushed, Trace, Waybill
from aftersales.workday import Day

if TYPE_CHECKING:
    from aftersales.bill import Bill

T = TypeVar("T")


# --- Store ------------------------------------------------------------------------------------------------------------
class Store(Protocol):
    """Durable state. Reads are strongly consistent except in queries over several records."""

    #: How many due shards there are; ``DueBy.shard`` runs from 0 to this.
    due_shards: int

    def order(self, merchant: str, order_id: str) -> OrderFile | None:
        """The order with its money, None when it was never pushed. One request."""

    def case(self, case_id: str) -> CaseFile | None:
        """The case with its records, None when there is none. One request."""

    def commit(self, change: Change) -> None:
        """Write all of ``change`` or nothing.

        Raises StaleVersion when a version moved (also for one that must be new), ClaimTaken when a name is taken, AllowanceSpent
        when a spend would exceed its cap, and
        IdempotencyMismatch when the answer's key was used already (the caller then looks it up with :class:`AnswerTo`).
        """

    def orders(self, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], OrderFile]:
        """Orders by (merchant, order id) with their money; those never pushed are left out. One request for every fifty.

        Neither the ids of their cases nor proofs are read: a person's decision looks at none of them.
        """

    def commit_all(self, changes: Sequence[Change]) -> None:
        """Write all of several changes or nothing, as :meth:`commit` does one, and raise as it does.

        Raises Invalid above a hundred items together, and where two of them write one item. None of them has an answer.
        """

    def find(self, query: Query[T], cursor: str | None = None, limit: int = 50) -> Page[T]:
        """A page of what ``query`` describes. Raises Invalid for a cursor that is not ours."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One stored record as the stream tells it, before and after a commit; ``before`` is None when it is new."""

    before: Case | Refund | Evidence | Order | Pickup | Batch | None
    after: Case | Refund | Evidence | Order | Pickup | Batch
    case_id: str = ""


class Stream(Protocol):
    """What happened after a commit, at least once and in order per case. The store's plugin reads its own records."""

    def seen(self, record: Mapping[str, Any]) -> Seen | None:
        """What a stream record says; None for one that nothing follows from (an index, an answer, a removal)."""

    def about(self, record: Mapping[str, Any]) -> Mapping[str, str]:
        """What names the record that a stream record is about; told even where :meth:`seen` breaks. No personal data."""

    def stored(self, about: Mapping[str, str]) -> Seen | None:
        """That record as it is stored now, told as if it were new; None when it is gone or nothing follows from it."""


# --- Files ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Upload:
    """How a client uploads: POST (multipart, ``fields`` first, then ``file``) to ``url`` until ``expires_at``."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime
    max_bytes: int


class Files(Protocol):
    """Evidence files. Keys are ``/``-separated paths that we make up."""

    def upload(self, key: str, content_type: str, max_bytes: int, now: datetime) -> Upload:
        """A signed upload for exactly this key, type and at most this size, valid for a quarter of an hour."""

    def url(self, key: str, now: datetime) -> str:
        """A signed download address, valid for five minutes."""

    def read(self, key: str, max_bytes: int) -> bytes | None:
        """The bytes, None when nothing was uploaded. Raises Invalid when the file is larger than ``max_bytes``."""

    def write(self, key: str, content: bytes, content_type: str) -> None:
        """Store what we made ourselves (an overlay)."""

    def delete(self, key: str) -> None:
        """The file is gone when this returns, its addresses lead to nothing; nothing happens where there was none."""


# --- Money ------------------------------------------------------------------------------------------------------------
class RefundChannel(Protocol):
    """Sends money back where it came from. The same key is paid once, whatever the number of calls."""

    #: What it allows; callers keep to it, so that an error of the channel is an exception.
    limits: Limits

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask for the refund. Raises Rejected (final: nothing moved) or Unknown (it may have moved: ask with ``find``)."""

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """What became of it; None when the channel knows no such refund. Raises Unknown when it does not answer."""

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:
        """The callback, verified over its raw bytes. ``headers`` has lower-case names. Raises BadSignature; never a side effect.

        Raises Unknown where the channel has to be asked what it announces, and does not say yet: it shall tell again.
        """


class Gate(Protocol):
    """Who may call a channel now: its rate, and a breaker that opens when it does not answer. Shared by all processes."""

    def enter(self, channel: str, limits: Limits, now: datetime) -> datetime | None:
        """None: call now, one call is counted. Else the instant to come again."""

    def leave(self, channel: str, limits: Limits, now: datetime, ended: Ended) -> None:
        """How the call ended. Nothing is stored where that is no news."""


class Redirects(Protocol):
    """A refund channel that can send an accepted refund elsewhere once the payer's account turns out to be closed."""

    def redirect(self, order: RefundOrder, channel_id: str, card: Card) -> RefundReceipt:
        """Send the same refund to another card of the buyer's. Raises Rejected (the card is not taken) or Unknown."""


class Bills(Protocol):
    """A refund channel that tells, the day after, what it did."""

    def bill(self, day: date, into: Path) -> Bill | None:
        """The bill of a day (Beijing) as a file in the folder ``into``, checked against its checksum.

        None when nothing was traded that day. Raises Unknown while it is not ready or cannot be had.
        """


# --- Verification -----------------------------------------------------------------------------------------------------
class PhotoVerifier(Protocol):
    """Looks at one photo. Bad evidence is a Finding, never an exception."""

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """Findings ``vision.*``: MISSING where another photo would help, UNSURE where a person must look."""

    def watch(self, video: bytes, question: PhotoQuestion) -> PhotoReport:
        """The same for a video: a few of its frames are looked at, and the one that shows most is reported on."""

    def same(self, features: bytes, others: bytes) -> Sameness:
        """Whether two pictures, by the ``features`` of their reports, are one. Features that cannot be read give None."""


class ReasonReader(Protocol):
    """Reads what a buyer complains of. Every text has an answer: one that says nothing is ``OTHER``, and not sure."""

    def read(self, text: str, locale: str) -> Reading:
        """What the text is about. ``locale`` is the language to assume where the text has no letters."""


# --- Outside systems that know about what was sold -----------------------------------------------------------------------
class Source(Protocol):
    """Knows about what was sold: whether a voucher was used, a parcel cleared customs, a machine was installed.

    A trade names the sources it wants asked (:class:`~aftersales.lookup.Ask`); the stage file names the plugin behind each.
    """

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """What it knows about the subject's line. Changes nothing. Raises Unknown when it does not answer."""


class Holding(Protocol):
    """A source that keeps a thing as it is, so that it is not used up between the check and the refund.

    Each call may come twice, late, or never; the same subject's key always means the same hold. A hold that nobody ends is given
    up by the source itself after some days.
    """

    def hold(self, subject: Subject, now: datetime) -> Lookup:
        """Keep it if it still can be, and say what it is now; ``held`` says whether it is kept. Raises Unknown: it may be kept."""

    def consume(self, subject: Subject, now: datetime) -> None:
        """Make it void for good; done already is done. Raises Unknown, and Rejected when it is not kept for this key."""

    def release(self, subject: Subject, now: datetime) -> None:
        """Let it go; nothing happens where this key keeps nothing. Raises Unknown."""


class Shelving(Protocol):
    """A source of stock that takes goods in. The call may come twice, late, or lose its answer; one key is taken once."""

    def put_back(self, key: str, sku: str, pieces: int, disposition: Disposition, now: datetime) -> None:
        """So many pieces are back and go there; only sound ones may be sold again. Done already is done.

        Raises Unknown (it may have taken them), and Rejected when it does not take them: nobody sells this sku, say.
        """


class Telling(Protocol):
    """A source that tells by itself, at ``/v1/callbacks/{source}``."""

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        """What it tells, verified over the raw bytes. ``headers`` has lower-case names. Raises BadSignature; no side effect."""


# --- Goods on their way -------------------------------------------------------------------------------------------------
class Carrier(Protocol):
    """Collects goods at a door. One key is one booking, however often called; ``ref`` is what it said of it, "" if nothing.

    One with ``labels = True`` besides also books a wish without a slot: nobody comes, the waybill's number is known with the
    booking, and it is collected once the goods were brought to a station.
    """

    #: The codes of those who drive for it; the first is taken where nobody asks for another.
    companies: tuple[str, ...]
    #: Whether a booking can be given another slot; else :meth:`move` raises Rejected, and it is cancelled and booked anew.
    moves: bool
    #: How many days ahead it takes bookings, in the merchant's zone: 2 is the day after tomorrow.
    days_ahead: int

    def book(self, wish: Wish, now: datetime) -> Booking:
        """Ask for it. Refused: nothing stands under this key, and never will. Raises Unknown: it may stand, ask with ``find``."""

    def find(self, key: str, ref: str, now: datetime) -> Booking | None:
        """What became of it; None where the carrier has none of this key. Raises Unknown when it does not answer, or cannot say."""

    def move(self, key: str, ref: str, slot: Slot, now: datetime) -> Booking:
        """Give it another slot; given already is given. Raises Rejected (it stands as it was) or Unknown (one of the two)."""

    def cancel(self, key: str, ref: str, now: datetime) -> None:
        """Cancel it; done already is done. Raises Rejected (it was collected, or cannot be: ``find`` says) or Unknown."""


class Telltale(Protocol):
    """A carrier that tells by itself, at ``/v1/callbacks/{carrier}``, and says beforehand what it costs."""

    def told(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> Told:
        """About which booking it tells, verified over the raw bytes. What happened is asked with ``find``. Raises BadSignature."""

    def price(self, wish: Wish, now: datetime) -> int:
        """What it would cost, minor units of CNY. Books nothing. Raises Rejected (it does not go there) or Unknown."""


class Tracer(Protocol):
    """Knows where parcels are, whoever drives: a carrier itself, or who asks many of them."""

    #: How often it lets itself be asked.
    pace: Pace

    def follows(self, carrier: str) -> bool:
        """Whether it knows parcels of this carrier (a code of ours, :mod:`aftersales.waybill`)."""

    def wants_phone(self, carrier: str) -> bool:
        """Whether this carrier's parcels are told of to those only who name the phone of one party: which proves the party."""

    def trace(self, waybills: Sequence[Waybill], now: datetime) -> tuple[Trace, ...]:
        """What it knows of each, ``pace.batch`` of them at most; one that it gives no answer about is left out.

        Raises Unknown when it does not answer, ChannelBusy when it was asked too often.
        """


class Pushing(Protocol):
    """A tracer that tells by itself, at ``/v1/callbacks/{tracer}``."""

    def subscribe(self, waybills: Sequence[Waybill], now: datetime) -> frozenset[str]:
        """Have these told by itself (``pace.batch`` at most); the keys of those that are, now or already. Raises like ``trace``."""

    def pushed(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> Pushed:
        """What it tells, verified over the raw bytes. ``headers`` has lower-case names. Raises BadSignature; no side effect."""


# --- Rules of merchants -------------------------------------------------------------------------------------------------
class TableEngine(Protocol):
    """Runs a merchant's decision table, one that passed :func:`aftersales.ruling.check.check`."""

    def run(self, table: Table, figures: Figures) -> Fired:
        """The first row that holds for these facts, with its outputs: always the same one. Raises Unknown when it cannot say."""


# --- What buyers collect ------------------------------------------------------------------------------------------------
class Points(Protocol):
    """The mall's membership system. One key is given once, however often it is called, and whatever was lost on the way."""

    def give(self, key: str, merchant: str, buyer_id: str, points: int, reason: str, now: datetime) -> None:
        """Give a buyer so many points, at least one, for ``reason`` (a stable word); given already is given.

        Raises Rejected (final: none were given and none will be under this key), Unknown (they may have been: the same key again).
        """


# --- Moving and telling -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Job:
    """Work for a function of its own. ``receipt`` hands it back to the queue that gave it."""

    body: Mapping[str, str]
    receipt: str = ""


class JobQueue(Protocol):
    """At-least-once delivery of small jobs, one queue per name."""

    def send(self, queue: str, body: Mapping[str, str]) -> None:
        """Hand in a job; it is durable when this returns."""

    def receive(self, queue: str, limit: int = 10) -> tuple[Job, ...]:
        """Jobs nobody else sees for the visibility time; unless ``done`` they come back."""

    def done(self, queue: str, job: Job) -> None:
        """The job is finished and never comes back."""


class Secrets(Protocol):
    """Where keys and passwords are kept. Who caches, renews and hides what is read is ``aftersales.secret``."""

    def read(self, name: str) -> str:
        """The secret as it is now, all of it. Raises BadSettings, naming it and never showing it, when it cannot be had."""


class Workdays(Protocol):
    """Which days people work on, as the notices of their country say. Asked at every deadline: it calls nobody."""

    def day(self, on: date) -> Day | None:
        """What that day is; None where it is not known yet, because the notice of its year has not appeared, or not been told."""


class Clock(Protocol):
    """What time it is; locally a developer can move it."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
