"""Jewelry: what is offered for rings and stones, for which reasons, judged by which rules."""

from aftersales.case import Kind
from aftersales.evidence import EvidenceKind, Requirement
from aftersales.fact import Field, FieldKind, Tells
from aftersales.failure import Failure
from aftersales.lookup import Ask
from aftersales.vertical import Offer, Vertical

from aftersales_jewelry.piece import appraised, certified, made_to_order, tag_shown
from aftersales_jewelry.rules import (
    CLAIM_REASONS,
    REFUND_REASONS,
    RETURN_REASONS,
    amount,
    arrived,
    claim_window,
    not_shipped,
    paid,
    pieces,
    window,
)

PHOTO = Requirement((EvidenceKind.PHOTO, EvidenceKind.VIDEO), 1, "requires.photo")
CERTIFICATE = Ask("gem_certificate", ("valid", "revoked", "not_found"))

VERTICAL = Vertical(
    name="jewelry",
    version="1",
    package=__name__,
    offers=(
        Offer(
            kind=Kind.REFUND_ONLY,
            when=(paid, pieces, not_shipped),
            reasons=REFUND_REASONS,
            requires=(),
            rules=(),
            amount=amount,
        ),
        Offer(
            kind=Kind.RETURN_REFUND,
            when=(paid, pieces, arrived, window, made_to_order),
            reasons=RETURN_REASONS,
            requires=(),
            rules=(tag_shown, appraised, certified),
            amount=amount,
            goods_back=True,
            asks=(CERTIFICATE,),
        ),
        Offer(
            kind=Kind.CLAIM,
            when=(paid, pieces, arrived, claim_window),
            reasons=CLAIM_REASONS,
            requires=(PHOTO,),
            rules=(certified,),
            amount=amount,
            asks=(CERTIFICATE,),
        ),
    ),
    failures={"pieces.taken": Failure.CAP, "window.over": Failure.PAST_WINDOW, "claim.over": Failure.PAST_WINDOW},
    needs=(
        Field("certificate", text="data.certificate"),
        Field("engraved", FieldKind.YES_NO, text="data.engraved"),
        Field("sized", FieldKind.YES_NO, text="data.sized"),
    ),
    tells=(
        Tells(
            "appraised",
            (Field("genuine", FieldKind.YES_NO, required=True), Field("tag_intact", FieldKind.YES_NO, required=True)),
            per_line=True,
        ),
    ),
)
