"""What travels over the API: request bodies and views. Unknown fields, fractions and negative amounts never get past here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from aftersales.case import Ending, Event, Fault, Kind, State
from aftersales.decision import Outcome, Source, Verdict
from aftersales.evidence import EvidenceKind, EvidenceState
from aftersales.order import DiscountKind, Order, OrderStatus
from aftersales.parcel import Disposition, ParcelState
from aftersales.refund import Cause, RefundState

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:@-]+$")]
Word = Annotated[str, Meta(max_length=64)]
Title = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=1000)]
Minor = Annotated[int, Meta(ge=0, le=10**12, description="whole minor units of the order's currency (fen, cents)")]
Pieces = Annotated[int, Meta(ge=1, le=100_000)]
Percent = Annotated[int, Meta(ge=1, le=100)]
At = Annotated[datetime, Meta(tz=True)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class Body(Struct, forbid_unknown_fields=True):
    """What a client sends."""


class View(Struct):
    """What a client gets."""


# --- orders -----------------------------------------------------------------------------------------------------------
class BuyerBody(Body):
    """The buyer of an order."""

    id: Id
    phone: Annotated[str, Meta(max_length=32, pattern=r"^[0-9+ -]*$")] = ""
    tier: Word = ""
    locale: Word = "zh-CN"


class LineBody(Body):
    """One line; prices include tax unless ``tax_minor`` says what came on top for the line."""

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


class DiscountBody(Body):
    """A discount over ``lines``, or over all lines when null."""

    kind: DiscountKind
    amount_minor: Minor
    lines: Annotated[list[Id], Meta(max_length=500)] | None = None


class FreightBody(Body):
    """Freight charged and taken off."""

    charged_minor: Minor = 0
    discount_minor: Minor = 0


class PaymentBody(Body):
    """One payment; ``transaction_id`` is the channel's number."""

    payment_id: Id
    channel: Word
    transaction_id: Annotated[str, Meta(min_length=1, max_length=64)]
    paid_minor: Minor
    paid_at: At | None = None


class ShipmentBody(Body):
    """A parcel: carrier code and waybill number."""

    carrier: Annotated[str, Meta(min_length=1, max_length=32)]
    number: Annotated[str, Meta(min_length=4, max_length=40, pattern=r"^[A-Za-z0-9-]+$")]


class OrderBody(Body):
    """The order snapshot a mall pushes."""

    order_id: Id
    merchant: Id
    buyer: BuyerBody
    currency: Currency
    status: OrderStatus
    lines: Annotated[list[LineBody], Meta(min_length=1, max_length=500)]
    payments: Annotated[list[PaymentBody], Meta(min_length=1, max_length=20)]
    discounts: Annotated[list[DiscountBody], Meta(max_length=100)] = []
    freight: FreightBody = msgspec.field(default_factory=FreightBody)
    paid_at: At | None = None
    shipped_at: At | None = None
    signed_at: At | None = None
    shipment: ShipmentBody | None = None

    def order(self) -> Order:
        """The core's value of it."""
        return msgspec.convert(msgspec.to_builtins(self), Order)


class FactBody(Body):
    """A later fact about an order: what happened, and when."""

    fact: OrderStatus
    at: At
    shipment: ShipmentBody | None = None


class LineMoney(View):
    """What was paid for one line after all discounts, and how many of its pieces no case speaks for."""

    line_id: str
    goods_minor: int
    tax_minor: int
    pieces: int
    pieces_free: int


class OrderView(View):
    """An order as we keep it."""

    order_id: str
    merchant: str
    status: OrderStatus
    version: int
    currency: str
    paid_minor: int
    refundable_minor: int
    freight_minor: int
    lines: list[LineMoney]
    cases: list[str]


class Choice(View):
    """A preset reason, in words."""

    code: str
    text: str
    fault: Fault


class Need(View):
    """Evidence that is required, in words."""

    kinds: list[EvidenceKind]
    at_least: int
    text: str


class Why(View):
    """A reason in words, with its stable code."""

    code: str
    text: str


class OfferView(View):
    """What one kind of case would mean for one line now. ``why_not`` is empty when it is offered."""

    kind: Kind
    offered: bool
    why_not: list[Why]
    reasons: list[Choice]
    evidence: list[Need]
    max_minor: int
    goods_back: bool
    rules: str


class LineOptions(View):
    """The kinds of case one line offers now."""

    line_id: str
    title: str
    vertical: str
    pieces_free: int
    offers: list[OfferView]


class OptionsView(View):
    """What a buyer may ask for, and why not the rest."""

    order_id: str
    currency: str
    refundable_minor: int
    freight_minor: int
    lines: list[LineOptions]


# --- cases ------------------------------------------------------------------------------------------------------------
class ItemBody(Body):
    """Pieces of one line; ``share_percent`` of them is bad (100 when left out)."""

    line_id: Id
    pieces: Pieces
    share_percent: Percent = 100


Items = Annotated[list[ItemBody], Meta(max_length=500)]


class CaseBody(Body):
    """A draft. No ``items`` with ``freight`` true asks for the freight alone. ``submit`` hands it in at once (一键退款)."""

    order_id: Id
    kind: Kind
    reason: Word
    items: Items = []
    freight: bool = False
    asked_minor: Annotated[int, Meta(ge=1, le=10**12)] | None = None
    note: Text = ""
    submit: bool = False


class CasePatch(Body):
    """What to change on a draft; what is left out stays."""

    reason: Word | None = None
    items: Items | None = None
    freight: bool | None = None
    asked_minor: Annotated[int, Meta(ge=1, le=10**12)] | None = None
    note: Text | None = None


class EvidenceBody(Body):
    """A piece of evidence that is about to be uploaded."""

    bytes: Annotated[int, Meta(ge=1, le=10 * 1024 * 1024)]
    kind: EvidenceKind = EvidenceKind.PHOTO
    content_type: Annotated[str, Meta(max_length=100, pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$")] = "image/jpeg"


class DecisionBody(Body):
    """A person's decision; ``reason`` is what the other side reads."""

    outcome: Outcome
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]


class CounterBody(Body):
    """Another amount, offered to the buyer."""

    amount_minor: Annotated[int, Meta(ge=1, le=10**12)]
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]


class CounterAnswer(Body):
    """The buyer's answer to it."""

    accept: bool


class InspectionBody(Body):
    """What was found in the parcel: accepted with a disposition, or refused with a note."""

    accepted: bool
    disposition: Disposition | None = None
    note: Text = ""


class MessageBody(Body):
    """A message to the other side."""

    text: Annotated[str, Meta(min_length=1, max_length=1000)]


class DeadlineBody(Body):
    """Pause, resume or move a case's deadline (``move_to``), with the reason."""

    action: Annotated[str, Meta(pattern="^(pause|resume|move)$")]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    move_to: At | None = None


class FindingView(View):
    """What one check saw."""

    check: str
    verdict: Verdict
    reason: str
    text: str
    source: Source
    confidence: float
    data: dict[str, str | int | float | bool]


class DecisionView(View):
    """An outcome, the rule that fired, who decided, and everything it rests on."""

    outcome: Outcome
    rule: str
    reason: str
    by: str
    rules_version: str
    findings: list[FindingView]


class DeadlineView(View):
    """Until when, why so long, and what silence means."""

    due_at: datetime | None
    paused: bool
    cause: str
    means: str


class EvidenceView(View):
    """One piece of evidence with short-lived addresses."""

    evidence_id: str
    kind: EvidenceKind
    state: EvidenceState
    by: str
    sha256: str | None
    url: str | None
    overlay_url: str | None
    findings: list[FindingView]


class UploadView(View):
    """How to upload: POST multipart/form-data to ``url``, ``fields`` first, then the file as ``file``."""

    evidence_id: str
    url: str
    fields: dict[str, str]
    expires_at: datetime
    max_bytes: int
    case_version: int


class ParcelView(View):
    """The goods on their way back."""

    state: ParcelState
    carrier: str
    number: str
    due_at: datetime | None
    disposition: Disposition | None
    note: str


class RefundView(View):
    """One leg of the refund. ``payer_minor`` is what the buyer really receives, where the channel says so."""

    key: str
    state: RefundState
    channel: str
    amount_minor: int
    payer_minor: int | None
    channel_id: str
    account: str
    cause: Cause | None
    overdue: bool
    settled_at: datetime | None


class ItemView(View):
    """Pieces of one line a case asks for."""

    line_id: str
    pieces: int
    share_percent: int


class ApprovalView(View):
    """One yes."""

    by: str
    at: datetime
    amount_minor: int
    reason: str


class CaseView(View):
    """A case with everything its reader may see."""

    case_id: str
    order_id: str
    merchant: str
    kind: Kind
    state: State
    ending: Ending | None
    terminal: bool
    order_continues: bool
    version: int
    vertical: str
    reason: str
    note: str
    items: list[ItemView]
    freight: bool
    amount_minor: int
    currency: str
    opened_at: datetime
    updated_at: datetime
    deadline: DeadlineView | None
    decision: DecisionView | None
    approvals: list[ApprovalView]
    missing: list[Need]
    evidence: list[EvidenceView]
    parcel: ParcelView | None
    refunds: list[RefundView]


class CaseRow(View):
    """A case in a list."""

    case_id: str
    order_id: str
    kind: Kind
    state: State
    ending: Ending | None
    amount_minor: int
    currency: str
    opened_at: datetime
    due_at: datetime | None
    tier: str


class CasePage(View):
    """Some cases; ``cursor`` asks for more."""

    cases: list[CaseRow]
    cursor: str | None


class StepView(View):
    """One line of the timeline."""

    seq: int
    at: datetime
    event: Event
    by: str
    before: State
    after: State
    text: str
    data: dict[str, str | int | bool | None]
    chain: str


class TimelineView(View):
    """Who did what, in order, and what comes next by when. ``intact`` says whether the chain of hashes verifies."""

    case_id: str
    state: State
    steps: list[StepView]
    refunds: list[RefundView]
    next: DeadlineView | None
    intact: bool


class NoticeView(View):
    """An in-app notice."""

    key: str
    case_id: str
    order_id: str
    text: str
    at: datetime


class NoticePage(View):
    """Some notices; ``cursor`` asks for more."""

    notices: list[NoticeView]
    cursor: str | None


class Health(View):
    """That the service answers, and as what."""

    status: str
    version: str


class Problem(View):
    """An error, as application/problem+json (RFC 9457). ``code`` is stable; ``todo`` says what the caller can do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    todo: str
    retry: bool
    details: dict[str, Any]
