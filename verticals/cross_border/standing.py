"""What customs said: where the parcel stands, when it was released, what was levied, and what became of a return.

Two ways lead here: facts that were pushed (:attr:`Order.facts`) and the answer to our own question (:attr:`Facts.lookups`). The
latest word counts, by customs' own time and not by when it reached us.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from aftersales.fact import Field, FieldKind, OrderFact, Tells, instant_of
from aftersales.lookup import Ask, Lookup
from aftersales.order import Line
from aftersales.vertical import Facts
from verticals.cross_border.duty import Taxes

#: Customs counts its days in Beijing, wherever the shop is.
BEIJING = ZoneInfo("Asia/Shanghai")

#: No declaration is known; under way; let in; not let in (turned back, returned, detained for good); a processing error.
STATUSES = ("none", "waiting", "released", "failed", "error")
#: A line's word is worth less the further left it stands, None (nobody asked, or no answer) before all of them.
_CERTAIN = ("error", "waiting", "released", "none", "failed")
BILL_STATUSES = ("generated", "summarised", "void")

CLEARANCE, TAX_BILL, TAX_STATUS = "customs.clearance", "customs.tax_bill", "customs.tax_status"
RETURN, DECISION = "customs.return", "customs.decision"

_TAXES = (
    Field("duty_minor", FieldKind.MINOR),
    Field("consumption_minor", FieldKind.MINOR),
    Field("vat_minor", FieldKind.MINOR),
)
TELLS = (
    Tells(
        CLEARANCE,
        (Field("status", required=True, one_of=STATUSES), Field("code"), Field("invt_no")),
    ),
    Tells(
        TAX_BILL,
        (
            Field("gnum", FieldKind.WHOLE, required=True),
            *(Field(f.name, f.kind, required=True) for f in _TAXES),
            Field("tax_no"),
            Field("status", one_of=BILL_STATUSES),
        ),
    ),
    Tells(TAX_STATUS, (Field("tax_no", required=True), Field("status", required=True, one_of=BILL_STATUSES))),
    Tells(
        RETURN,
        (
            Field("status", required=True, one_of=STATUSES),
            Field("code"),
            Field("invt_no"),
            Field("arrived_on", FieldKind.DAY),
        ),
    ),
    Tells(DECISION, (Field("item_duty_back", FieldKind.YES_NO, required=True),)),
)
SOURCE = "customs"
ASK = Ask(
    SOURCE,
    STATUSES,
    fields=(
        Field("code"),
        Field("invt_no"),
        Field("at", FieldKind.INSTANT),
        Field("released_on", FieldKind.DAY),
        Field("return_status", one_of=STATUSES),
        Field("tax_no"),
        Field("tax_status", one_of=BILL_STATUSES),
        *_TAXES,
    ),
)


def _told(facts: Facts, name: str) -> list[OrderFact]:
    """All facts of that name, the latest last; of two at one time the one told last."""
    return sorted((f for f in facts.order.facts if f.name == name), key=lambda fact: fact.at)


def _asked(facts: Facts, line: Line) -> Lookup | None:
    """What customs' agent answered about the line, as far as it is an answer."""
    found = facts.lookup(SOURCE, line.line_id)
    return found if found is not None and found.status in STATUSES else None


def clearance_of(facts: Facts, line: Line) -> str | None:
    """Where the line's parcel stands, None where nobody has said."""
    told, asked = _told(facts, CLEARANCE), _asked(facts, line)
    if asked is None or (told and asked.status == "none"):
        return str(told[-1].get("status")) if told else None
    at = instant_of(asked.get("at")) or asked.asked_at
    return str(told[-1].get("status")) if told and told[-1].at > at else asked.status


def clearance(facts: Facts) -> str | None:
    """The least certain word on the lines asked about (on all of them where only the freight is)."""
    found = {clearance_of(facts, line) for line in facts.lines or facts.order.lines}
    return None if None in found else next((status for status in _CERTAIN if status in found), None)


def released_on(facts: Facts, line: Line) -> date | None:
    """The day in Beijing on which customs let the parcel in: the first that was told."""
    days = [f.at.astimezone(BEIJING).date() for f in _told(facts, CLEARANCE) if f.get("status") == "released"]
    asked = _asked(facts, line)
    known = instant_of(asked.get("released_on"), day=True) if asked else None
    return min([*days, *([known.date()] if isinstance(known, datetime) else [])], default=None)


def gnum_of(facts: Facts, line: Line) -> int:
    """The line's number on the declaration: what it says itself, else its place in the order, from 1."""
    said = line.data.get("gnum")
    own = [x.line_id for x in facts.order.lines if x.vertical == line.vertical]
    return said if type(said) is int and said > 0 else own.index(line.line_id) + 1


def bill_of(facts: Facts, line: Line) -> Taxes | None:
    """What the electronic tax bill says was levied on the whole line, in fen; None without a bill that still counts."""
    number = gnum_of(facts, line)
    told = [f for f in _told(facts, TAX_BILL) if f.get("gnum") == number]
    if told:
        last = told[-1]
        void = {f.get("tax_no") for f in _told(facts, TAX_STATUS) if f.get("status") == "void"}
        gone = last.get("status") == "void" or (last.get("tax_no") is not None and last.get("tax_no") in void)
        return None if gone else _taxes([last.get(f.name) for f in _TAXES])
    asked = _asked(facts, line)
    return _taxes([asked.get(f.name) for f in _TAXES]) if asked and asked.get("tax_status") != "void" else None


def _taxes(values: list[object]) -> Taxes | None:
    duty, consumption, vat = (value if type(value) is int else None for value in values)
    return None if duty is None or consumption is None or vat is None else Taxes(duty, consumption, vat)


def return_of(facts: Facts, line: Line) -> tuple[str | None, date | None]:
    """What customs said of the return (None: nothing yet), and the day on which the goods were back where it was told."""
    told, asked = _told(facts, RETURN), _asked(facts, line)
    days = [instant_of(f.get("arrived_on"), day=True) for f in told]
    arrived = next((day.date() for day in reversed(days) if day is not None), None)
    if told:
        return str(told[-1].get("status")), arrived
    said = asked.get("return_status") if asked else None
    return (str(said) if said in STATUSES else None), arrived


def item_duty_back(facts: Facts) -> bool:
    """Whether customs decided that the duty per item goes back."""
    told = _told(facts, DECISION)
    return bool(told) and told[-1].get("item_duty_back") is True
