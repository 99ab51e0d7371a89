"""Scenarios: what a trade answers, given in words that a merchant can read, run as tests and shown in the docs.

::

    [[scenario]]
    en = "1 of 5 jin spoiled, told 2 hours after signing, seen on the photo"
    zh = "签收 2 小时，5 斤坏 1 斤，照片核实"
    kind = "claim"
    reason = "spoiled"               # left out: what is offered before a reason is chosen
    signed = "2 h"                   # this long ago, or a local time such as "2026-11-11 15:00"
    photos = ["seen"]                # unchecked, seen, unsure, unusable, reused
    shown_percent = 20
    outcome = "approve"              # not offered, offered, incomplete, approve, reject, ask_evidence, person, two_persons
    amount = "19.90"
    because = []                     # exactly the checks that do not pass

Where a trade knows more of an order::

    data = { deposit_minor = 2000 }                                       # the line's own, as the trade declares it
    told = [{ name = "balance_paid", ago = "8 d", data = { minor = 8000 } }]  # or at = "2026-11-11 15:00"; line = true: of the line
    lookups = [{ source = "entitlements", status = "used", data = { used_at = "2026-11-11T10:00:00+08:00" } }]
    papers = ["inspection"]                                               # further evidence, handed in and uploaded
    payments = [["p1", "20.00"], ["p2", "79.50"]]                         # several, together what the order adds up to
    lines = [{ line_id = "l2", unit_price = "5.00", pieces = 1 }]         # further lines of the same order
    merchant = { small_minor = 0 }                                        # what the merchant has set
    paid = "9 d"                                                          # this long ago
    beyond = "20.00"                                                      # expected: compensation on top
    counted = [12, 12, 4, 6]                                              # pieces on a seen photo, least and most, and bad ones
    bad = 1                                                               # so many of the smaller units that the pieces hold

Of a trade around others, and of lines sold as one::

    around = "general"                                                    # the trade of the part
    line = { part = { of = "set", gift = false, worth_minor = 8000 } }    # of further lines likewise
    also = { l2 = 1 }                                                     # pieces of further lines that are asked about too
    returned = { l2 = 1 }                                                 # pieces that went back before
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import Any

from aftersales import offered
from aftersales.case import Item, Kind
from aftersales.decision import Finding, Source, Verdict
from aftersales.errors import Invalid
from aftersales.evidence import Evidence, EvidenceKind, EvidenceState, missing
from aftersales.fact import OrderFact, Plain
from aftersales.ledger import Ledger
from aftersales.lookup import Lookup, pairs
from aftersales.money import EXPONENTS, Money
from aftersales.order import Freight, Line, Order, OrderStatus, Payment
from aftersales.part import Part
from aftersales.quote import weight
from aftersales.rules import decide
from aftersales.testing.builders import NOW, a_case, a_line, a_merchant, an_evidence, an_order
from aftersales.vertical import Facts, Offer, Quote, Vertical

LENGTH = re.compile(r"(?:\d+ [dhms])(?: \d+ [dhms])*")
UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario as it is written down. ``taken`` pieces are another case's; ``applied`` is when it was handed in."""

    en: str
    zh: str
    kind: Kind
    outcome: str
    reason: str = ""
    pieces: int = 1
    share_percent: int = 100
    freight: bool = False
    asked: str = ""
    state: OrderStatus = OrderStatus.SIGNED
    shipped: str = ""
    signed: str = ""
    applied: str = ""
    now: str = ""
    line: Mapping[str, object] = field(default_factory=dict)
    freight_paid: str = "0"
    taken: int = 0
    photos: tuple[str, ...] = ()
    shown_percent: int | None = None
    window_days: int = 7
    amount: str = ""
    share: str = ""
    because: tuple[str, ...] = ()
    rule: str = ""
    currency: str = "CNY"
    data: Mapping[str, Plain] = field(default_factory=dict)
    told: tuple[Mapping[str, Any], ...] = ()
    lookups: tuple[Mapping[str, Any], ...] = ()
    papers: tuple[str, ...] = ()
    payments: tuple[tuple[str, str], ...] = ()
    lines: tuple[Mapping[str, object], ...] = ()
    merchant: Mapping[str, Any] = field(default_factory=dict)
    paid: str = ""
    beyond: str = ""
    bad: int = 0
    counted: tuple[int, ...] = ()
    around: str = ""
    also: Mapping[str, int] = field(default_factory=dict)
    returned: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Played:
    """What a trade answered. ``because`` names every check that did not pass, ``rule`` the one that decided."""

    outcome: str
    because: tuple[str, ...]
    rule: str
    quote: Quote


def read(vertical: Vertical) -> tuple[Scenario, ...]:
    """The scenarios a trade brings; around another one, those that name it. Raises Invalid, naming one that is not understood."""
    inner = vertical.name.partition(":")[2]
    found = (understood(table) for table in written(vertical.package))
    return tuple(scenario for scenario in found if not inner or scenario.around == inner)


def written(package: str) -> tuple[Mapping[str, object], ...]:
    """The scenarios of a package as they are written down. Raises OSError, ValueError or KeyError where there are none."""
    return tuple(tomllib.loads((files(package) / "scenarios.toml").read_text(encoding="utf-8"))["scenario"])


def understood(table: Mapping[str, object]) -> Scenario:
    """The scenario that the words describe. Raises Invalid, the scenario named, for words that it does not know."""
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    unknown = sorted(set(table) - {f.name for f in fields(Scenario)})
    if unknown:
        raise Invalid(f"The scenario {table.get('en', '?')!r} is not understood: there is no word {', '.join(unknown)}")
    try:
        values["kind"] = Kind(values["kind"])  # type: ignore[arg-type]  # anything that is no kind is refused here
        values["state"] = OrderStatus(values.get("state", OrderStatus.SIGNED))  # type: ignore[arg-type]  # as above
        return Scenario(**values)  # type: ignore[arg-type]  # names are checked by the call, values where they are used
    except (TypeError, ValueError, KeyError) as error:
        raise Invalid(f"The scenario {table.get('en', '?')!r} is not understood: {error}") from error


def play(vertical: Vertical, scenario: Scenario) -> Played:
    """What ``vertical`` answers: is it offered, is it complete, and what is decided with the built-in thresholds."""
    vertical = vertical.around(offered.vertical(scenario.around)) if vertical.around and scenario.around else vertical
    offer = vertical.offer(scenario.kind)
    if offer is None:
        raise Invalid(f"{vertical.name} has no {scenario.kind}.", found=scenario.en)
    facts = facts_of(vertical, scenario)
    quote = offer.amount(facts)
    outcome, findings, rule = _answer(offer, facts, quote)
    because = tuple(sorted({f.check for f in findings if f.verdict is not Verdict.PASS}))
    return Played(outcome, because, rule, quote)


def _answer(offer: Offer, facts: Facts, quote: Quote) -> tuple[str, tuple[Finding, ...], str]:
    first = tuple(rule(facts) for rule in offer.when)
    if any(f.verdict is Verdict.FAIL for f in first):
        return "not offered", tuple(f for f in first if f.verdict is Verdict.FAIL), ""
    if not facts.reason:
        return "offered", first, ""
    bare = (replace(e, findings=()) for e in facts.evidence)  # at submission nothing is verified yet
    if missing(offer.required(facts.reason), bare):
        return "incomplete", first, ""
    findings = (*first, *(rule(facts) for rule in offer.rules), *facts.findings)
    decision = decide(facts, findings, weight(facts, offer.remedy, quote.amount))
    return str(decision.outcome), findings, decision.rule


def differences(scenario: Scenario, played: Played) -> list[str]:
    """What was answered otherwise than expected, in words; empty when all is as written."""
    answers: list[tuple[str, object, object]] = [
        ("outcome", scenario.outcome, played.outcome),
        ("because", tuple(sorted(scenario.because)), played.because),
    ]
    if scenario.amount:
        answers.append(("amount", str(_money(scenario.amount, scenario.currency)), str(played.quote.amount)))
    if scenario.beyond:
        answers.append(("beyond", str(_money(scenario.beyond, scenario.currency)), str(played.quote.beyond)))
    if scenario.share:
        answers.append(("share", Fraction(scenario.share), Fraction(*played.quote.share)))
    if scenario.rule:
        answers.append(("rule", scenario.rule, played.rule))
    return [f"{name}: expected {expected}, found {found}" for name, expected, found in answers if expected != found]


# --- from words to facts ----------------------------------------------------------------------------------------------
def facts_of(vertical: Vertical, scenario: Scenario) -> Facts:
    """The facts a scenario describes."""
    now = _instant(scenario.now, NOW) if scenario.now else NOW
    order = _order(vertical, scenario, now)
    ledger, offer = Ledger.open(order), vertical.offer(scenario.kind)
    if scenario.taken:
        ledger, _ = ledger.hold("another", (Item("l1", scenario.taken),))
    facts = Facts(
        order=order,
        ledger=ledger,
        merchant=a_merchant(window_days=scenario.window_days, **scenario.merchant),
        kind=scenario.kind,
        items=_items(scenario),
        now=now,
        reason=scenario.reason,
        freight=scenario.freight,
        asked=_money(scenario.asked, scenario.currency) if scenario.asked else None,
        evidence=(
            *(_photo(f"e{n}", word, scenario) for n, word in enumerate(scenario.photos, 1)),
            *(an_evidence(evidence_id=f"p{n}", kind=EvidenceKind(kind)) for n, kind in enumerate(scenario.papers, 1)),
        ),
        case=a_case(submitted_at=_instant(scenario.applied, now)) if scenario.applied else None,
        lookups=tuple(_lookup(told, now) for told in scenario.lookups),
        self_evident=offer is not None and offer.is_self_evident(scenario.reason),
    )
    return replace(facts, ledger=_returned(vertical, scenario, facts)) if scenario.returned else facts


def _items(scenario: Scenario) -> tuple[Item, ...]:
    of = scenario.pieces * int(scenario.data["unit_holds"]) if scenario.bad else 0
    first = (Item("l1", scenario.pieces, scenario.share_percent, bad=scenario.bad, of=of),) if scenario.pieces else ()
    return (*first, *(Item(line_id, pieces) for line_id, pieces in scenario.also.items()))


def _returned(vertical: Vertical, scenario: Scenario, facts: Facts) -> Ledger:
    """The ledger after those pieces went back, for what the trade pays for that."""
    items = tuple(Item(line_id, pieces) for line_id, pieces in scenario.returned.items())
    offer = vertical.offer(Kind.RETURN_REFUND)
    assert offer is not None, "what went back before was a return"
    quote = offer.amount(replace(facts, kind=offer.kind, items=items, reason="no_reason", asked=None, case=None))
    ledger, _ = facts.ledger.hold("before", items)
    for number, leg in enumerate(ledger.legs(quote.goods.minor, quote.freight.minor, quote.tax.minor), 1):
        ledger = ledger.reserve(f"Rbefore-{number}", "before", leg, facts.now)
    return ledger.gone("before")


def _order(vertical: Vertical, scenario: Scenario, now: datetime) -> Order:
    lines = [{**scenario.line, "data": scenario.data}, *scenario.lines]
    paid_at = _instant(scenario.paid, now) if scenario.paid not in ("", "unknown") else now - timedelta(days=2)
    amounts = [(name, _money(amount, scenario.currency).minor) for name, amount in scenario.payments]
    payments = tuple(Payment(name, "wechatpay", f"t-{name}", minor, paid_at) for name, minor in amounts)
    shipped = signed = None
    if scenario.state in (OrderStatus.SIGNED, OrderStatus.FINISHED) and scenario.signed != "unknown":
        signed = _instant(scenario.signed or "2 h", now)
    if scenario.state in (OrderStatus.SHIPPED, OrderStatus.SIGNED, OrderStatus.FINISHED):
        shipped = _instant(scenario.shipped, now) if scenario.shipped else (signed or now) - timedelta(days=1)
    return an_order(
        currency=scenario.currency,
        status=scenario.state,
        lines=tuple(_line(vertical, scenario, line) for line in lines),
        freight=Freight(_money(scenario.freight_paid, scenario.currency).minor),
        paid_at=None if scenario.state is OrderStatus.UNPAID or scenario.paid == "unknown" else paid_at,
        shipped_at=shipped,
        signed_at=signed,
        facts=tuple(_fact(told, now) for told in scenario.told),
        **({"payments": payments} if payments else {}),
    )


def _line(vertical: Vertical, scenario: Scenario, words: Mapping[str, object]) -> Line:
    line: dict[str, Any] = {"vertical": vertical.name, **words}
    if "part" in line:
        line["part"] = Part(**line["part"])
    for name in ("unit_price", "discount", "tax"):
        if name in line:
            line[f"{name}_minor"] = _money(str(line.pop(name)), scenario.currency).minor
    return a_line(**line)


def _fact(words: Mapping[str, Any], now: datetime) -> OrderFact:
    at = _instant(words.get("ago") or words["at"], now)
    return OrderFact(words["name"], at, "l1" if words.get("line") else "", words.get("source", ""), words.get("data", {}))


def _lookup(words: Mapping[str, Any], now: datetime) -> Lookup:
    held = bool(words.get("held"))
    return Lookup(words["source"], words.get("line_id", "l1"), words["status"], now, held, pairs(words.get("data", {})))


def _photo(evidence_id: str, word: str, scenario: Scenario) -> Evidence:
    share = () if scenario.shown_percent is None else (("spoiled_share", scenario.shown_percent / 100),)
    names = ("pieces_min", "pieces_max", "bad_min", "bad_max")
    told = tuple(sorted(zip(names, scenario.counted, strict=False)))
    counted = Finding("vision.pieces", Verdict.PASS, "vision.counted", Source.MODEL, 0.9, told)
    seen = Finding("vision.spoilage", Verdict.PASS, "vision.spoilage_seen", Source.MODEL, 0.9, share)
    findings = {
        "unchecked": (),
        "seen": (seen, counted) if told else (seen,),
        "unsure": (Finding("vision.spoilage", Verdict.UNSURE, "vision.spoilage_unsure", Source.MODEL, 0.5),),
        "unusable": (Finding("vision.sharp", Verdict.MISSING, "vision.blurred", Source.MODEL, 0.9),),
        "reused": (seen, Finding("vision.reused", Verdict.UNSURE, "vision.seen_before", Source.MODEL, 0.9)),
    }[word]
    state = EvidenceState.VERIFIED if findings else EvidenceState.UPLOADED
    return an_evidence(evidence_id=evidence_id, kind=EvidenceKind.PHOTO, state=state, findings=findings)


def _instant(words: str, now: datetime) -> datetime:
    """``now`` less a length such as ``24 h 1 s``, or a local time of the merchant."""
    if not LENGTH.fullmatch(words):
        return datetime.fromisoformat(words).replace(tzinfo=a_merchant().zone)
    parts = re.findall(r"(\d+) ([dhms])", words)
    return now - timedelta(**{UNITS[unit]: int(number) for number, unit in parts})


def _money(amount: str, currency: str) -> Money:
    minor = Decimal(amount).scaleb(EXPONENTS[currency])
    if minor != int(minor):
        raise Invalid("An amount has more digits than its currency.", found=amount)
    return Money(int(minor), currency)
