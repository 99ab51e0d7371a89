"""Virtual goods 虚拟商品: codes, memberships, downloads and top-ups, refunded as far as they were not used."""

from __future__ import annotations

from aftersales.case import Kind
from aftersales.evidence import EvidenceKind, Requirement
from aftersales.fact import Field, FieldKind, Tells
from aftersales.failure import Failure
from aftersales.vertical import Offer, Vertical
from verticals.virtual.amount import amount, claimed
from verticals.virtual.answer import ASKS, NEEDS
from verticals.virtual.rules import (
    CLAIM_REASONS,
    REFUND_REASONS,
    answered,
    claim_by_person,
    claim_window,
    consent,
    expired,
    kept,
    latest,
    left,
    not_told_used,
    paid,
    pieces,
    window,
)

SHOWN = (EvidenceKind.PHOTO, EvidenceKind.VIDEO, EvidenceKind.CHAT)

VERTICAL = Vertical(
    name="virtual",
    version="1",
    package=__name__,
    offers=(
        Offer(
            kind=Kind.REFUND_ONLY,
            when=(paid, pieces, window, not_told_used),
            reasons=REFUND_REASONS,
            requires=(),
            rules=(answered, left, consent, expired, latest, kept),
            amount=amount,
            asks=ASKS,
        ),
        Offer(
            kind=Kind.CLAIM,
            when=(paid, pieces, claim_window),
            reasons=CLAIM_REASONS,
            requires=(Requirement(SHOWN, 1, "requires.picture"),),
            rules=(claim_by_person,),
            amount=claimed,
            asks=ASKS,
        ),
    ),
    failures={
        "order.unpaid": Failure.ORDER_STATE,
        "pieces.taken": Failure.CAP,
        "window.over": Failure.PAST_WINDOW,
        "claim.over": Failure.PAST_WINDOW,
    },
    needs=NEEDS,
    tells=(Tells("redeemed", (Field("left", FieldKind.WHOLE), Field("entitlement")), per_line=True),),
)
