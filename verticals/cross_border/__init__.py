"""Goods from across a border 跨境商品: clearance, import taxes and international freight, returns inside customs' days."""

from __future__ import annotations

from aftersales.case import Kind
from aftersales.evidence import EvidenceKind, Requirement
from aftersales.fact import Field, FieldKind
from aftersales.failure import Failure
from aftersales.vertical import Offer, Vertical
from verticals.cross_border.amount import amount
from verticals.cross_border.regime import reasons_of, regimes
from verticals.cross_border.rules import (
    arrived,
    claim_by_person,
    claim_window,
    cleared,
    customs_days,
    fault_shown,
    freight,
    no_return,
    not_delivered,
    paid,
    pieces,
    pieces_or_freight,
    return_window,
)
from verticals.cross_border.standing import ASK, TELLS

NEEDS = (
    Field("regime", one_of=tuple(regimes())),  # cn_retail_import where it is left out
    Field("gnum", FieldKind.WHOLE),  # the line's number on the declaration; its place in the order where it is left out
    Field("hs"),
    Field("declared_on", FieldKind.DAY),
    Field("vat_permille", FieldKind.PERMILLE),
    Field("consumption_permille", FieldKind.PERMILLE),
    Field("duty_permille", FieldKind.PERMILLE),
    Field("indivisible", FieldKind.YES_NO),
    Field("quota_left_minor", FieldKind.MINOR),
    Field("item_duty_minor", FieldKind.MINOR),  # of the whole line, part of its tax
    Field("standard_freight_minor", FieldKind.MINOR),  # of the whole order
)

VERTICAL = Vertical(
    name="cross_border",
    version="1",
    package=__name__,
    offers=(
        Offer(
            kind=Kind.REFUND_ONLY,
            when=(paid, pieces_or_freight, not_delivered),
            reasons=reasons_of(Kind.REFUND_ONLY),
            requires=(),
            rules=(cleared, freight),
            amount=amount,
            asks=(ASK,),
        ),
        Offer(
            kind=Kind.RETURN_REFUND,
            when=(paid, pieces, arrived, return_window, no_return),
            reasons=reasons_of(Kind.RETURN_REFUND),
            requires=(),  # a no-reason return needs no proof; a fault's photo is asked for by ``fault_shown``
            rules=(customs_days, fault_shown, freight),
            amount=amount,
            goods_back=True,
            asks=(ASK,),
        ),
        Offer(
            kind=Kind.CLAIM,
            when=(paid, pieces, arrived, claim_window),
            reasons=reasons_of(Kind.CLAIM),
            requires=(Requirement((EvidenceKind.PHOTO, EvidenceKind.VIDEO), 1, "requires.photo"),),
            rules=(claim_by_person, freight),
            amount=amount,
        ),
    ),
    failures={
        "order.unpaid": Failure.ORDER_STATE,
        "refund_only.signed": Failure.ORDER_STATE,
        "arrived.not_shipped": Failure.ORDER_STATE,
        "arrived.not_signed": Failure.ORDER_STATE,
        "pieces.taken": Failure.CAP,
        "window.over": Failure.PAST_WINDOW,
        "claim.over": Failure.PAST_WINDOW,
        "no_return.opened": Failure.OPENED_GOODS,
    },
    needs=NEEDS,
    tells=TELLS,
)
