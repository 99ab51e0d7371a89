"""Fresh produce 生鲜: claims within 24 hours of signing by photo and share of spoilage; money back before shipping."""

from __future__ import annotations

from aftersales.case import Kind
from aftersales.evidence import EvidenceKind, Requirement
from aftersales.failure import Failure
from aftersales.vertical import Offer, Vertical
from verticals.fresh.amount import amount
from verticals.fresh.rules import (
    CLAIM_REASONS,
    NEEDS,
    REFUND_REASONS,
    RETURN_REASONS,
    claim_window,
    freight,
    not_signed,
    paid,
    photo_verified,
    pieces,
    pieces_or_freight,
    return_window,
    returnable,
    share_agrees,
)

VERTICAL = Vertical(
    name="fresh",
    version="1",
    package=__name__,
    offers=(
        Offer(
            kind=Kind.REFUND_ONLY,
            when=(paid, pieces_or_freight, not_signed),
            reasons=REFUND_REASONS,
            requires=(),
            rules=(freight,),
            amount=amount,
        ),
        Offer(
            kind=Kind.CLAIM,
            when=(paid, pieces, claim_window),
            reasons=CLAIM_REASONS,
            requires=(Requirement((EvidenceKind.PHOTO, EvidenceKind.VIDEO), 1, "requires.photo"),),
            rules=(photo_verified, share_agrees, freight),
            amount=amount,
        ),
        Offer(
            kind=Kind.RETURN_REFUND,
            when=(paid, pieces, return_window, returnable),
            reasons=RETURN_REASONS,
            requires=(),
            rules=(freight,),
            amount=amount,
            goods_back=True,
        ),
    ),
    on_signing="notice.signed",
    needs=NEEDS,
    failures={
        "order.unpaid": Failure.ORDER_STATE,
        "refund_only.signed": Failure.ORDER_STATE,
        "return.not_signed": Failure.ORDER_STATE,
        "claim.not_signed": Failure.ORDER_STATE,
        "pieces.taken": Failure.CAP,
        "return.over": Failure.PAST_WINDOW,
        "claim.over": Failure.PAST_WINDOW,
    },
)
