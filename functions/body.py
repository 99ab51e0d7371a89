"""Bodies: what clients send. Unknown fields, fractions and negative amounts never get past here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from aftersales.case import Kind
from aftersales.complaint import Handling
from aftersales.decision import Outcome
from aftersales.evidence import EvidenceKind, ProofRole
from aftersales.order import DiscountKind, Order, OrderStatus
from aftersales.refund import RefundState
from aftersales.template import LONGEST, Use
from functions import parts

END = r"$(?!\n)"  # Python's ``$`` alone would let a last line's end through, and one waybill pose as two
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:@-]+" + END)]
#: A colleague's ``sub``, or ``me``; "" for nobody, which ``-`` means in a list.
Colleague = Annotated[str, Meta(max_length=64, pattern=r"^(?!-$)[A-Za-z0-9_.:@-]*" + END)]
Word = Annotated[str, Meta(max_length=64)]
Title = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=1000)]
SOME = r"\S"  # at least one sign that can be seen
Minor = Annotated[int, Meta(ge=0, le=10**12, description="whole minor units of the order's currency (fen, cents)")]
Pieces = Annotated[int, Meta(ge=1, le=100_000)]
Percent = Annotated[int, Meta(ge=1, le=100)]
At = Annotated[datetime, Meta(tz=True)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}" + END)]


Bytes = Annotated[int, Meta(ge=1, le=50 * 1024 * 1024)]
MediaType = Annotated[str, Meta(max_length=100, pattern=r"^[a-z]+/[A-Za-z0-9.+-]+" + END)]


class Body(Struct, forbid_unknown_fields=True):
    """What a client sends."""


class Dated(Body):
    """A body with instants: in years that calendars and time zones can compute with, and a mall could mean."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            at = getattr(self, name)
            if isinstance(at, datetime) and not 2000 <= at.year < 2200:
                raise ValueError(f"{name} lies in the years 2000 to 2199")


class Private(Body):
    """A body that holds what nobody may keep: of it only :meth:`remembered` is hashed for the Idempotency-Key."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def remembered(self) -> bytes:
        """What tells this request from another one, and may be kept."""
        raise NotImplementedError


class BuyerBody(Body):
    """The buyer of an order."""

    id: Id
    phone: Annotated[str, Meta(max_length=32, pattern=r"^[0-9+ -]*" + END)] = ""
    tier: Word = ""
    locale: Word = "zh-CN"


class PartBody(Body):
    """A part of a line that is sold as one: ``pieces`` of it in each, ``value_minor`` each, as fixed when ordering.

    ``worth_minor`` is what one costs alone, of a ``gift`` what it costs to keep it; 0 where the buyer was told none.
    """

    part_id: Id
    sku: Title
    title: Title
    vertical: Word
    value_minor: Minor
    pieces: Pieces = 1
    category: Title = ""
    gift: bool = False
    worth_minor: Minor = 0
    terms: dict[Word, str | int | bool] = {}
    data: dict[Word, str | int | bool] = {}


class LineBody(Body):
    """One line; prices include tax unless ``tax_minor`` says what came on top for the line.

    Terms that begin with ``title_`` (``title_en``) are further names of the goods. ``data`` is what the line's trade needs to know
    beside that (docs/tables.md names it for each), ``weight_g`` the grams of one piece as it is sent. A line with ``parts`` becomes
    one line ``LINE.PART`` for each of them; their values times pieces are its unit price.
    """

    line_id: Id
    sku: Title
    title: Title
    vertical: Word
    unit_price_minor: Minor
    pieces: Pieces
    category: Title = ""
    discount_minor: Minor = 0
    tax_minor: Minor = 0
    terms: dict[Word, str | int | bool] = {}
    data: dict[Word, str | int | bool] = {}
    weight_g: Annotated[int, Meta(ge=1, le=10**7)] | None = None
    parts: Annotated[list[PartBody], Meta(max_length=50)] = []


class DiscountBody(Body):
    """A discount over ``lines``, or over all lines when null."""

    kind: DiscountKind
    amount_minor: Minor
    lines: Annotated[list[Id], Meta(max_length=500)] | None = None


class FreightBody(Body):
    """Freight charged and taken off."""

    charged_minor: Minor = 0
    discount_minor: Minor = 0


class PaymentBody(Dated):
    """One payment; ``transaction_id`` is the channel's number."""

    payment_id: Id
    channel: Word
    transaction_id: Annotated[str, Meta(min_length=1, max_length=64)]
    paid_minor: Minor
    paid_at: At | None = None


class ShipmentBody(Body):
    """A parcel: carrier code and waybill number."""

    carrier: Annotated[str, Meta(min_length=1, max_length=32)]
    number: Annotated[str, Meta(min_length=4, max_length=40, pattern=r"^[A-Za-z0-9-]+" + END)]


class PlaceBody(Body):
    """Where something went, as far as parcels are checked by it: no street, no house."""

    province: Annotated[str, Meta(max_length=32)] = ""
    city: Annotated[str, Meta(max_length=32)] = ""
    district: Annotated[str, Meta(max_length=32)] = ""


class ParcelBody(Body):
    """The parcel that brings goods back. ``carrier`` is a code or a name; one waybill serves one case, however it is told.

    ``with_case`` is another case of the same buyer at the same shop whose goods travel in this very parcel.
    """

    carrier: Annotated[str, Meta(min_length=2, max_length=32, pattern=r"^[^\x00-\x1f\x7f]+" + END)]
    number: Annotated[str, Meta(min_length=4, max_length=40, pattern=r"^[A-Za-z0-9-]+" + END)]
    with_case: Id | None = None


class OrderBody(Dated):
    """The order snapshot a mall pushes."""

    order_id: Id
    merchant: Id
    buyer: BuyerBody
    currency: Currency
    status: OrderStatus
    lines: Annotated[list[LineBody], Meta(min_length=1, max_length=500)]
    payments: Annotated[list[PaymentBody], Meta(max_length=20, description="none where nothing was to be paid")]
    discounts: Annotated[list[DiscountBody], Meta(max_length=100)] = []
    freight: FreightBody = msgspec.field(default_factory=FreightBody)
    paid_at: At | None = None
    shipped_at: At | None = None
    signed_at: At | None = None
    shipment: ShipmentBody | None = None
    ship_to: PlaceBody | None = None

    def order(self) -> Order:
        """The core's value of it."""
        return msgspec.convert(parts.spread(msgspec.to_builtins(self)), Order)


class FactBody(Dated):
    """A later fact about an order: what happened, and when.

    ``fact`` is a state of the order, or one that the order's trades understand (docs/tables.md names them): that one has ``data``,
    and a ``line_id`` where it is about one line.
    """

    fact: Word
    at: At
    shipment: ShipmentBody | None = None
    line_id: Annotated[str, Meta(max_length=64)] = ""
    data: dict[Word, str | int | bool] = {}


class ItemBody(Body):
    """Pieces of one line; ``share_percent`` of them is bad (100 when left out).

    Where a piece holds smaller units (a box of five jin), ``bad`` says how many of those in these pieces are instead.
    """

    line_id: Id
    pieces: Pieces
    share_percent: Percent = 100
    bad: Pieces | None = None

    def __post_init__(self) -> None:
        if self.bad is not None and self.share_percent != 100:
            raise ValueError("either bad or share_percent says how much is bad")


Items = Annotated[list[ItemBody], Meta(max_length=500)]


class CaseBody(Body):
    """A draft. No ``items`` with ``freight`` true asks for the freight alone. ``submit`` hands it in at once (一键退款).

    ``wanted`` is the sku that an exchange shall give, "" for the same thing again.
    """

    order_id: Id
    kind: Kind
    reason: Word
    items: Items = []
    freight: bool = False
    asked_minor: Annotated[int, Meta(ge=1, le=10**12)] | None = None
    note: Text = ""
    wanted: Title = ""
    submit: bool = False


class CasePatch(Body):
    """What to change on a draft; what is left out stays."""

    reason: Word | None = None
    items: Items | None = None
    freight: bool | None = None
    asked_minor: Annotated[int, Meta(ge=1, le=10**12)] | None = None
    note: Text | None = None
    wanted: Title | None = None


class EvidenceBody(Body):
    """A piece of evidence that is about to be uploaded: 10 MiB at most, a video 50. ``role`` and ``line_id`` are the shop's."""

    bytes: Bytes
    kind: EvidenceKind = EvidenceKind.PHOTO
    content_type: MediaType = "image/jpeg"
    role: ProofRole | None = None
    line_id: Annotated[str, Meta(max_length=64)] = ""


class ProofBody(Body):
    """A proof of the merchant's that is about to be uploaded: what it shows, and of which line ("": of the whole order)."""

    bytes: Bytes
    role: ProofRole
    kind: EvidenceKind = EvidenceKind.PHOTO
    content_type: MediaType = "image/jpeg"
    line_id: Annotated[str, Meta(max_length=64)] = ""


class OriginalBody(Body):
    """Why somebody wants to see the unmasked file. The other side reads it."""

    reason: Annotated[str, Meta(min_length=4, max_length=200)]


class DecisionBody(Body):
    """A person's decision; ``reason`` is what the other side reads. ``instead`` approves money in place of the thing promised.

    ``unkept``: it is approved although no outside system keeps it from being used.
    """

    outcome: Outcome
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
    instead: Literal["money"] | None = None
    unkept: bool = False


class RefundQuery(Body):
    """Which refunds: a ``month`` (2026-11), or days (``since`` and ``until``, included); or an ``order``, or a buyer's ``phone``.

    Further of one ``channel``, ``state`` or ``payout``.
    """

    month: Word = ""
    since: Word = ""
    until: Word = ""
    order: Word = ""
    phone: Word = ""
    channel: Word = ""
    state: RefundState | None = None
    payout: Literal["refund", "compensation"] | None = None


class CounterBody(Body):
    """Another amount, offered to the buyer. ``unkept``: although no outside system keeps what it is for from being used."""

    amount_minor: Annotated[int, Meta(ge=1, le=10**12)]
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
    unkept: bool = False


class CompensationBody(Body):
    """Money beyond what was paid. A deposit that is owed double is no goodwill: it has a cap of its own."""

    amount_minor: Annotated[int, Meta(ge=1, le=10**12)]
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
    why: Literal["goodwill", "double_deposit"] = "goodwill"


class CounterAnswer(Body):
    """The buyer's answer to it."""

    accept: bool


class MessageBody(Body):
    """A message to the other side."""

    text: Annotated[str, Meta(min_length=1, max_length=1000)]


class ReplyBody(Body):
    """One text of the shop's own, in a language, with ``{places}``.

    ``use`` says whether it is drafted, sent when a case is handed in, or the reason of a decision for which nobody gives another.
    ``handling`` is what is suggested (null: any; answers alone have one). ``reason`` is why the buyer asks, as a complaint or a
    trade's code, or the reason of a check; "" for any.
    """

    locale: Literal["zh-CN", "en"]
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    handling: Handling | None = None
    use: Use = Use.ANSWER
    reason: Annotated[str, Meta(max_length=100)] = ""


class RepliesBody(Body):
    """All texts of the shop's own; where none would do, it is the default."""

    replies: Annotated[list[ReplyBody], Meta(max_length=100)]


class DeadlineBody(Dated):
    """Pause (until ``move_to``, 30 days at most), resume or move a case's deadline (to ``move_to``), with the reason."""

    action: Literal["pause", "resume", "move"]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    move_to: At | None = None
