"""Replies: what clients get."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import field

from aftersales.case import Ending, Event, Fault, Kind, Lane, State
from aftersales.decision import Outcome
from aftersales.entry import Payout
from aftersales.evidence import EvidenceKind, EvidenceState, ProofRole
from aftersales.order import OrderStatus
from aftersales.refund import Cause, RefundState
from aftersales.remedy import Remedy, Stage
from functions.reply_base import FailureView, FindingView, View
from functions.reply_parcel import ParcelView, PickupView


class LineMoney(View):
    """What was paid for one line after all discounts, and how many of its pieces no case speaks for."""

    line_id: str
    goods_minor: int
    tax_minor: int
    pieces: int
    pieces_free: int


class CostView(View):
    """What a carrier cost the shop for bringing a case's goods back, and how much of it was kept back from the buyer's refund."""

    key: str
    case_id: str
    cost_minor: int
    currency: str
    kept_minor: int
    at: datetime


class OrderView(View):
    """An order as we keep it. ``watch_at`` is when one of its trades looks at it by itself, null where none does.

    ``pickups`` are memos: they change nothing that may be refunded.
    """

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
    pickups: list[CostView]
    watch_at: datetime | None


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
    failure: FailureView | None = None


class OneClickView(View):
    """Up to ``most_minor``, and for these ``reasons``, a case that is handed in at once is as a rule paid at once."""

    most_minor: int
    reasons: list[str]
    text: str


class OfferView(View):
    """What one kind of case would mean for one line now. ``why_not`` is empty when it is offered.

    ``one_click`` is null where somebody or something has to look first, or goods have to come back.
    """

    kind: Kind
    offered: bool
    why_not: list[Why]
    reasons: list[Choice]
    evidence: list[Need]
    max_minor: int
    goods_back: bool
    remedy: Remedy
    rules: str
    one_click: OneClickView | None = None


class LineOptions(View):
    """The kinds of case one line offers now; ``agreed`` is what the buyer confirmed when ordering, in words."""

    line_id: str
    title: str
    vertical: str
    pieces_free: int
    agreed: list[str]
    offers: list[OfferView]


class OptionsView(View):
    """What a buyer may ask for, and why not the rest."""

    order_id: str
    currency: str
    refundable_minor: int
    freight_minor: int
    lines: list[LineOptions]


class WordView(View):
    """What the rules had said."""

    outcome: Outcome
    rule: str
    text: str


class DecisionView(View):
    """An outcome, the rule that fired, who decided, and everything it rests on.

    For staff: the ``row`` of the rules that held (0: findings decided), what it had ``seen`` by fact, amounts in main units, and
    what the rules had said (``ruled``) where somebody or something decided otherwise.
    """

    outcome: Outcome
    rule: str
    reason: str
    by: str
    rules_version: str
    findings: list[FindingView]
    failure: FailureView | None
    row: int = 0
    seen: dict[str, str | int | bool | None] = field(default_factory=dict)
    ruled: WordView | None = None


class DeadlineView(View):
    """Until when, why so long, and what silence means. ``provisional``: the holidays of its year are not announced yet."""

    due_at: datetime | None
    paused: bool
    cause: str
    means: str
    provisional: bool = False


class EvidenceView(View):
    """One piece of evidence with short-lived addresses.

    Who handed it in sees the original; for everybody else ``masked`` is true and ``url`` a copy without faces and personal data,
    once there is one. Where there is no address ``text`` says why. ``role`` marks the shop's own proofs.
    """

    evidence_id: str
    kind: EvidenceKind
    role: ProofRole | None
    line_id: str
    state: EvidenceState
    by: str
    added_at: datetime
    sha256: str | None
    url: str | None
    masked: bool
    overlay_url: str | None
    erased_at: datetime | None
    text: str
    findings: list[FindingView]


class ComparedView(View):
    """One side's picture or paper in the comparison. ``counts``: a proof of how things were, from before the claim.

    ``text`` is what a comparison with the dispatch photos says of the buyer's picture, or what the shop's proof is worth.
    """

    evidence_id: str
    side: Literal["buyer", "shop"]
    kind: EvidenceKind
    role: ProofRole | None
    added_at: datetime
    url: str | None
    counts: bool
    text: str


class UploadView(View):
    """How to upload: POST multipart/form-data to ``url``, ``fields`` first, then the file as ``file``.

    ``case_version`` is 0 where it belongs to no case.
    """

    evidence_id: str
    url: str
    fields: dict[str, str]
    expires_at: datetime
    max_bytes: int
    case_version: int


class AccountChoice(View):
    """An account that the buyer may name for a refund that cannot go back, and the text that is agreed to, with its version."""

    to: str
    text: str
    consent: str


class RefundView(View):
    """One leg of the refund. ``payer_minor`` is what the buyer really receives, where the channel says so.

    ``cause`` comes in words: ``text`` says what is wrong, ``next`` what happens now or what to do. ``replaces`` is the number that
    this leg stands in for, ``accounts`` what the buyer may agree to.
    """

    key: str
    number: int
    payout: Payout
    replaces: str
    state: RefundState
    channel: str
    amount_minor: int
    payer_minor: int | None
    channel_id: str
    account: str
    cause: Cause | None
    text: str
    next: str
    failure: FailureView | None
    accounts: list[AccountChoice]
    overdue: bool
    settled_at: datetime | None


class WantedView(View):
    """The thing wanted in exchange; ``price_minor`` of one piece, as the mall told it."""

    sku: str
    title: str
    price_minor: int


class RemedyView(View):
    """What is given in place of money, in words, and how far it is. The case's deadline says by when.

    ``extra_minor`` is what the buyer pays on top, ``refund_minor`` what goes back with it.
    """

    remedy: Remedy
    stage: Stage
    text: str
    wanted: WantedView | None
    extra_minor: int
    paid: bool
    refund_minor: int
    carrier: str
    number: str
    sent_at: datetime | None
    reason: str


class ItemView(View):
    """Pieces of one line a case asks for."""

    line_id: str
    pieces: int
    share_percent: int
    bad: int | None = None


class ApprovalView(View):
    """One yes; ``on_behalf`` is in whose place it was said, for staff."""

    by: str
    at: datetime
    amount_minor: int
    reason: str
    on_behalf: str | None = None


class CaseView(View):
    """A case with everything its reader may see. ``beyond_minor`` is owed on top of the amount, as compensation.

    ``answer_by`` is until when the shop promised an answer, null where it promised none; ``late``: it did not come by then.
    For staff: ``lane`` says how hard it is, ``lane_why`` what speaks for that now, ``clerk`` who claimed it.
    """

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
    beyond_minor: int
    currency: str
    opened_at: datetime
    updated_at: datetime
    deadline: DeadlineView | None
    decision: DecisionView | None
    approvals: list[ApprovalView]
    missing: list[Need]
    evidence: list[EvidenceView]
    comparison: list[ComparedView]
    parcel: ParcelView | None
    pickup: PickupView | None
    refunds: list[RefundView]
    remedy: RemedyView | None
    apart_of: str | None
    category: str = ""
    lane: Lane | None = None
    lane_why: list[str] = field(default_factory=list)
    clerk: str = ""
    claimed_at: datetime | None = None
    answer_by: datetime | None = None
    late: bool = False


class CaseRow(View):
    """A case in a list, with the same meanings as in the case itself: what was promised, and for staff who has it."""

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
    category: str = ""
    lane: Lane | None = None
    clerk: str = ""
    claimed_at: datetime | None = None
    answer_by: datetime | None = None
    late: bool = False


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
    failure: FailureView | None
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
    """That the service answers, and as what. ``left_out`` names the trades and sources that are switched on and broken."""

    status: str
    version: str
    left_out: list[str] = field(default_factory=list)


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
