"""Presales 预售: a deposit first, the balance later, and a shop that ships in time or pays the deposit back double, by itself."""

from __future__ import annotations

from aftersales.case import Kind
from aftersales.evidence import EvidenceKind, Requirement
from aftersales.fact import Field, FieldKind, Tells
from aftersales.failure import Failure
from aftersales.vertical import Offer, Vertical
from verticals.presale.amount import after_arrival, before_shipping
from verticals.presale.arrival import arrived, claim_by_person, claim_window, fault_shown, return_window
from verticals.presale.deposit import ADVANCE, DINGJIN
from verticals.presale.reasons import CLAIM_REASONS, REFUND_REASONS, RETURN_REASONS
from verticals.presale.rules import balance, cannot_deliver, deposit, double, kept, late, not_signed, paid, pieces
from verticals.presale.watch import watch

VERTICAL = Vertical(
    name="presale",
    version="1",
    package=__name__,
    offers=(
        Offer(
            kind=Kind.REFUND_ONLY,
            when=(paid, pieces, not_signed, kept, late),
            reasons=REFUND_REASONS,
            requires=(),
            rules=(balance, deposit, cannot_deliver, double),
            amount=before_shipping,
        ),
        Offer(
            kind=Kind.RETURN_REFUND,
            when=(paid, pieces, arrived, return_window),
            reasons=RETURN_REASONS,
            requires=(),
            rules=(fault_shown,),
            amount=after_arrival,
            goods_back=True,
        ),
        Offer(
            kind=Kind.CLAIM,
            when=(paid, pieces, arrived, claim_window),
            reasons=CLAIM_REASONS,
            requires=(Requirement((EvidenceKind.PHOTO, EvidenceKind.VIDEO), 1, "requires.photo"),),
            rules=(claim_by_person,),
            amount=after_arrival,
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
    },
    needs=(
        Field("deposit_minor", FieldKind.MINOR, required=True, text="needs.deposit_minor"),
        Field("deposit_kind", FieldKind.TEXT, required=True, one_of=(DINGJIN, ADVANCE), text="needs.deposit_kind"),
        Field("deposit_payment", FieldKind.TEXT, text="needs.deposit_payment"),
        Field("price_minor", FieldKind.MINOR, text="needs.price_minor"),
        Field("ship_by_days", FieldKind.WHOLE, text="needs.ship_by_days"),
        Field("balance_from", FieldKind.INSTANT, text="needs.balance_from"),
        Field("balance_until", FieldKind.INSTANT, text="needs.balance_until"),
    ),
    tells=(Tells("balance_paid", per_line=True), Tells("seller_cancelled", per_line=True)),
    watch=watch,
)
