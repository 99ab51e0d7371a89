"""Ordinary goods 普通商品: seven-day no-reason returns, returns for faults, money back before signing, claims for damage."""

from __future__ import annotations

from aftersales.case import Kind
from aftersales.evidence import EvidenceKind, Requirement
from aftersales.failure import Failure
from aftersales.vertical import Offer, Vertical
from verticals.general.amount import amount
from verticals.general.price import TELLS, price_lower, price_protected
from verticals.general.rules import (
    CLAIM_REASONS,
    REFUND_REASONS,
    RETURN_REASONS,
    arrived,
    claim_by_person,
    claim_window,
    fault_shown,
    freight,
    no_return,
    not_signed,
    paid,
    pieces,
    pieces_or_freight,
    return_window,
    shipped_long_ago,
)

VERTICAL = Vertical(
    name="general",
    version="1",
    package=__name__,
    offers=(
        Offer(
            kind=Kind.REFUND_ONLY,
            when=(paid, pieces_or_freight, not_signed),
            reasons=REFUND_REASONS,
            requires=(),
            rules=(price_protected, price_lower, freight),
            amount=amount,
        ),
        Offer(
            kind=Kind.RETURN_REFUND,
            when=(paid, pieces, arrived, return_window, no_return),
            reasons=RETURN_REASONS,
            requires=(),  # a no-reason return needs no proof; a fault's photo is asked for by ``fault_shown``
            rules=(shipped_long_ago, fault_shown, freight),
            amount=amount,
            goods_back=True,
        ),
        Offer(
            kind=Kind.CLAIM,
            when=(paid, pieces, arrived, claim_window),
            reasons=CLAIM_REASONS,
            requires=(Requirement((EvidenceKind.PHOTO, EvidenceKind.VIDEO), 1, "requires.photo"),),
            rules=(claim_by_person, price_protected, price_lower, freight),
            amount=amount,
        ),
    ),
    tells=TELLS,
    failures={
        "price.over": Failure.PAST_WINDOW,
        "order.unpaid": Failure.ORDER_STATE,
        "refund_only.signed": Failure.ORDER_STATE,
        "arrived.not_shipped": Failure.ORDER_STATE,
        "arrived.not_signed": Failure.ORDER_STATE,
        "pieces.taken": Failure.CAP,
        "window.over": Failure.PAST_WINDOW,
        "claim.over": Failure.PAST_WINDOW,
        "no_return.opened": Failure.OPENED_GOODS,
    },
)
