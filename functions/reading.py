"""Reading: what the buyer's words say, kept as a finding. It passes always, and decides nothing."""

from __future__ import annotations

import logging

from aftersales.case import Case
from aftersales.complaint import Complaint, Reading
from aftersales.decision import Finding, Source, Verdict
from aftersales.errors import AftersalesError
from aftersales.registry import Registry
from aftersales.vertical import Vertical

log = logging.getLogger(__name__)

CHECK = "text.reason"
_C = Complaint
#: What the reasons that a buyer can choose say in words; of two, either will do. Other codes of a trade are compared with nothing.
CHOSEN: dict[str, tuple[Complaint, ...]] = {
    "spoiled": (_C.SPOILED,),
    "damaged": (_C.SPOILED,),
    "faulty": (_C.DEFECT, _C.SPOILED),
    "not_as_described": (_C.DIFFERENT,),
    "short_weight": (_C.SHORT,),
    "wrong_goods": (_C.WRONG,),
    "pieces_missing": (_C.WRONG, _C.SHORT),
    "late_shipping": (_C.LATE,),
    "out_of_stock": (_C.LATE,),
    "not_received": (_C.LATE,),
    "freight_overcharged": (_C.SERVICE, _C.OTHER),
    "changed_mind": (_C.OTHER, _C.TASTE),
    "wrong_order": (_C.OTHER,),
    "no_reason": (_C.OTHER, _C.TASTE),
    "opened": (_C.TASTE, _C.OTHER),
}


def read(registry: Registry, text: str, locale: str) -> Reading | None:
    """How the text is read; None where no reader is switched on or it cannot read: a claim waits for no reader."""
    reader = registry.reasons
    if reader is None:
        return None
    try:
        return reader.read(text, locale)
    except AftersalesError as error:
        log.error("words cannot be read: %s", error.message)  # noqa: TRY400  # no trace wanted
        return None


def findings_of(registry: Registry, case: Case) -> tuple[Finding, ...]:
    """What the note of the case says, none where the buyer wrote nothing."""
    told = read(registry, case.note, case.locale) if case.note.strip() else None
    if told is None:
        return ()
    data: tuple[tuple[str, str | int | float | bool], ...] = (("reason", str(told.reason)), ("sure", told.sure))
    if told.second:
        data = (data[0], ("second", str(told.second)), data[1])
    return (Finding(CHECK, Verdict.PASS, f"text.{told.reason}", Source.MODEL, told.confidence, data),)


def agrees(told: Reading, chosen: str) -> bool | None:
    """Whether the words say what the buyer chose; None where the reader is not sure, or the choice says nothing."""
    if not told.sure or chosen not in CHOSEN:
        return None
    return told.reason in CHOSEN[chosen] or told.second in CHOSEN[chosen]


def means(vertical: Vertical, complaint: Complaint) -> frozenset[str]:
    """The kinds of case that this trade offers for a complaint."""
    return frozenset(
        str(offer.kind) for offer in vertical.offers if any(complaint in CHOSEN.get(r.code, ()) for r in offer.reasons)
    )
