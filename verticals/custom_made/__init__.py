"""Goods made to order 定制: what was agreed when ordering counts, also for cancelling once making began; faults always count."""

from __future__ import annotations

from aftersales.case import Kind
from aftersales.evidence import EvidenceKind, Requirement
from aftersales.fact import Field, FieldKind, Tells
from aftersales.failure import Failure
from aftersales.remedy import REPLACED, Remedy
from aftersales.vertical import Offer, Vertical
from verticals.custom_made.amount import amount, cancelled, remade
from verticals.custom_made.making import FINISHED, STARTED
from verticals.custom_made.rules import (
    CANCEL_REASONS,
    CLAIM_REASONS,
    REMAKE_REASONS,
    RETURN_REASONS,
    arrived,
    as_agreed,
    claim_by_person,
    fault_shown,
    fault_window,
    freight,
    making,
    no_return,
    not_signed,
    paid,
    pieces,
    pieces_or_freight,
    return_window,
)

PHOTO = Requirement((EvidenceKind.PHOTO, EvidenceKind.VIDEO), 1, "requires.photo")

VERTICAL = Vertical(
    name="custom_made",
    version="1",
    package=__name__,
    offers=(
        Offer(
            kind=Kind.REFUND_ONLY,
            when=(paid, pieces_or_freight, not_signed, making),
            reasons=CANCEL_REASONS,
            requires=(),
            rules=(freight,),
            amount=cancelled,
        ),
        Offer(
            kind=Kind.RETURN_REFUND,
            when=(paid, pieces, arrived, return_window, no_return),
            reasons=RETURN_REASONS,
            requires=(),  # a no-reason return needs no proof; a fault's photo is asked for by ``fault_shown``
            rules=(fault_shown, as_agreed, freight),
            amount=amount,
            goods_back=True,
        ),
        Offer(
            kind=Kind.EXCHANGE,
            when=(paid, pieces, arrived, fault_window),
            reasons=REMAKE_REASONS,
            requires=(PHOTO,),
            rules=(as_agreed,),
            amount=remade,
            goods_back=True,
            remedy=Remedy.REPLACEMENT,
        ),
        Offer(
            kind=Kind.CLAIM,
            when=(paid, pieces, arrived, fault_window),
            reasons=CLAIM_REASONS,
            requires=(PHOTO,),
            rules=(as_agreed, claim_by_person, freight),
            amount=amount,
        ),
    ),
    failures={
        "order.unpaid": Failure.ORDER_STATE,
        "cancel.signed": Failure.ORDER_STATE,
        "arrived.not_shipped": Failure.ORDER_STATE,
        "arrived.on_its_way": Failure.ORDER_STATE,
        "pieces.taken": Failure.CAP,
        "window.over": Failure.PAST_WINDOW,
        "fault.over": Failure.PAST_WINDOW,
    },
    tells=(
        Tells(STARTED, (), per_line=True),
        Tells(FINISHED, (), per_line=True),
        Tells(REPLACED, (Field("case_id", FieldKind.TEXT), Field("reason", FieldKind.TEXT)), per_line=True),
    ),
)
