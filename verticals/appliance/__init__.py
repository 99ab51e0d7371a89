"""Large appliances 大件家电: the three guarantees, installation as evidence, exchange and repair in place of money."""

from __future__ import annotations

from aftersales.case import Kind
from aftersales.evidence import EvidenceKind, Requirement
from aftersales.fact import Field, FieldKind, Tells
from aftersales.failure import Failure
from aftersales.lookup import Ask
from aftersales.remedy import EXCHANGEABLE, REPAIRED, REPLACED, Remedy
from aftersales.vertical import Offer, Vertical
from verticals.appliance.amount import amount, exchanged, repaired
from verticals.appliance.proof import (
    cannot_install,
    claim_by_person,
    fault_found,
    fault_told,
    freight,
    in_stock,
    intact,
    repaired_twice,
    replacement_first,
    same_machine,
    told_at_once,
)
from verticals.appliance.rules import (
    CLAIM_REASONS,
    EXCHANGE_REASONS,
    REFUND_REASONS,
    REPAIR_REASONS,
    RETURN_REASONS,
    arrived,
    claim_window,
    exchange_window,
    not_signed,
    paid,
    pieces,
    pieces_or_freight,
    repair_window,
    return_window,
)

TEXT, WHOLE, YES_NO, INSTANT = FieldKind.TEXT, FieldKind.WHOLE, FieldKind.YES_NO, FieldKind.INSTANT
SERIAL = Field("serial", TEXT, text="data.serial")
VERDICTS = ("fault", "no_fault", "misuse", "damaged")

INSTALLER = Ask(
    "installer",
    ("none", "ordered", "appointed", "arrived", "installed", "cannot_install"),
    fields=(
        SERIAL,
        Field("installed_at", INSTANT),
        Field("verdict", TEXT, one_of=VERDICTS),
        Field("inspected_serial", TEXT),
        Field("reason", TEXT),
    ),
)
STOCK = ("available", "none")

VERTICAL = Vertical(
    name="appliance",
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
            kind=Kind.RETURN_REFUND,
            when=(paid, pieces, arrived, return_window),
            reasons=RETURN_REASONS,
            requires=(),
            rules=(intact, cannot_install, same_machine, fault_found, repaired_twice, replacement_first, freight),
            amount=amount,
            goods_back=True,
            asks=(INSTALLER, Ask("stock", STOCK)),
        ),
        Offer(
            kind=Kind.EXCHANGE,
            when=(paid, pieces, arrived, exchange_window),
            reasons=EXCHANGE_REASONS,
            requires=(),
            rules=(intact, same_machine, fault_found, repaired_twice, in_stock),
            amount=exchanged,
            goods_back=True,
            asks=(INSTALLER, Ask("stock", STOCK, holds=True)),
            remedy=Remedy.REPLACEMENT,
        ),
        Offer(
            kind=Kind.REPAIR,
            when=(paid, pieces, arrived, repair_window),
            reasons=REPAIR_REASONS,
            requires=(),
            rules=(same_machine, fault_told),
            amount=repaired,
            asks=(INSTALLER,),
            remedy=Remedy.REPAIR,
        ),
        Offer(
            kind=Kind.CLAIM,
            when=(paid, pieces, arrived, claim_window),
            reasons=CLAIM_REASONS,
            requires=(Requirement((EvidenceKind.PHOTO, EvidenceKind.VIDEO), 1, "requires.photo"),),
            rules=(told_at_once, claim_by_person),
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
        "window.wish_over": Failure.PAST_WINDOW,
        "window.repair_first": Failure.PAST_WINDOW,
        "repair.over": Failure.PAST_WINDOW,
        "claim.over": Failure.PAST_WINDOW,
        "intact.installed": Failure.OPENED_GOODS,
    },
    needs=(
        SERIAL,
        Field("installable", YES_NO, text="data.installable"),
        Field("guarantee_months", WHOLE, text="data.guarantee_months"),
        Field("part_months", WHOLE, text="data.part_months"),
    ),
    tells=(
        Tells("installer.appointed", (Field("visit_at", INSTANT),), per_line=True),
        Tells("installer.arrived", (), per_line=True),
        Tells("installer.serial", (Field("serial", TEXT, required=True),), per_line=True),
        Tells("installer.installed", (SERIAL, Field("photos", TEXT), Field("report", TEXT)), per_line=True),
        Tells(
            "installer.inspected",
            (Field("verdict", TEXT, required=True, one_of=VERDICTS), SERIAL, Field("photos", TEXT), Field("report", TEXT)),
            per_line=True,
        ),
        Tells("installer.cannot_install", (Field("reason", TEXT),), per_line=True),
        Tells(
            EXCHANGEABLE,
            (Field("sku", TEXT, required=True), Field("title", TEXT), Field("price_minor", FieldKind.MINOR, required=True)),
            per_line=True,
        ),
        Tells(REPLACED, (Field("case_id", TEXT), Field("reason", TEXT), SERIAL), per_line=True),
        Tells(REPAIRED, (Field("case_id", TEXT), Field("reason", TEXT)), per_line=True),
    ),
)
