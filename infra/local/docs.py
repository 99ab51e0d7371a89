"""The command ``aftersales docs``: tables of states, trades, thresholds and errors, printed from the code they describe.

``--check`` writes nothing and fails when a file is stale, so that a document can never say what the code no longer does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeVar

from aftersales import case, parcel, refund, rules
from aftersales.errors import AftersalesError
from aftersales.evidence import Requirement
from aftersales.fact import Field
from aftersales.lookup import Ask
from aftersales.testing.scenario import Scenario, read
from aftersales.text import text
from aftersales.vertical import Merchant, Offer, Vertical

ROOT = Path(__file__).resolve().parents[2]
S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)

HEADER = """<!-- Printed by `aftersales docs` from the code; edit the code and run it again. -->
# Tables
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One table of states as it is printed. ``rows`` are (state, event, state after)."""

    title: str
    start: str
    rows: tuple[tuple[str, str, str], ...]
    timeouts: Mapping[str, timedelta]
    terminal: Iterable[str]
    notes: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``--check``."""
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a generated file is stale")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Write the documents, or with ``--check`` name the stale ones and give 1."""
    stale = []
    for name, make in DOCUMENTS.items():
        path, content = Path(args.root, name), make()
        if path.is_file() and path.read_text(encoding="utf-8") == content:
            continue
        stale.append(name)
        if not args.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            print(f"wrote {name}")
    if args.check and stale:
        print(f"stale: {', '.join(stale)}. Run `aftersales docs` and commit what it writes.", file=sys.stderr)
        return 1
    return 0


# --- states -----------------------------------------------------------------------------------------------------------
def machines() -> tuple[Machine, ...]:
    """Case, parcel and refund leg, straight from their tables."""
    aside = ", ".join(f"`{e}`" for e in sorted(case.ASIDE))
    carried = "; ".join(f"`{state}` by {what}" for state, what in case.CARRIED.items())
    polls = ", ".join(length(p) for p in refund.POLLS)
    later = ", ".join(f"`{c}`" for c in sorted(refund.LATER))
    return (
        Machine(
            "Case",
            case.State.DRAFT,
            _rows(case.TRANSITIONS),
            _waits(case.TIMEOUTS),
            case.TERMINAL,
            (
                f"Carried, with no deadline of their own: {carried}.",
                f"In every open state, changing nothing: {aside}.",
                "Where it takes two persons, silence in `reviewing` and `awaiting_payment` asks them (`second_person_asked`).",
                "`reopened` only after a lapse while evidence was awaited, and only while the kind is still offered.",
            ),
        ),
        Machine(
            "Parcel",
            parcel.ParcelState.AWAITING_SHIPMENT,
            _rows(parcel.PARCEL_TRANSITIONS),
            _waits(parcel.PARCEL_TIMEOUTS),
            parcel.PARCEL_TERMINAL,
        ),
        Machine(
            "Refund leg",
            refund.RefundState.RESERVED,
            _rows(refund.REFUND_TRANSITIONS),
            {},
            refund.REFUND_TERMINAL,
            (
                f"Looked at again after {polls}; the last length repeats, and news begins anew.",
                f"Still processing after {length(refund.OVERDUE)}: a ticket with the channel's number, never a second refund.",
                f"`failed` is tried again by itself for {later}; every other cause waits for a person.",
            ),
        ),
    )


def _rows(table: Mapping[tuple[S, E], S]) -> tuple[tuple[str, str, str], ...]:
    return tuple((str(state), str(event), str(after)) for (state, event), after in table.items())


def _waits(timeouts: Mapping[S, timedelta]) -> dict[str, timedelta]:
    return {str(state): wait for state, wait in timeouts.items()}


def machine(one: Machine) -> str:
    """The diagram, the table of transitions and the timeouts of one machine."""
    ways: dict[tuple[str, str], list[str]] = {}
    for state, event, after in one.rows:
        ways.setdefault((state, after), []).append(event)
    drawn = [f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in ways.items()]
    drawn = [f"    [*] --> {one.start}", *drawn, *(f"    {state} --> [*]" for state in sorted(one.terminal))]
    diagram = "\n".join(["```mermaid", "stateDiagram-v2", *drawn, "```"])
    moves = table(("state", "event", "after"), ((f"`{a}`", f"`{e}`", f"`{b}`") for a, e, b in one.rows))
    silence = {state: after for state, event, after in one.rows if event == "deadline_passed"}
    waits = table(
        ("state", "waits", "what silence means"),
        ((f"`{s}`", length(one.timeouts[s]), f"`{after}`") for s, after in silence.items() if s in one.timeouts),
    )
    parts = [f"## {one.title}", diagram, moves, *([waits] if one.timeouts else []), *one.notes]
    return "\n\n".join(parts)


def length(time: timedelta) -> str:
    """A length of time as people say it: ``7 d``, ``48 h``, ``15 min``."""
    for seconds, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        number, rest = divmod(int(time.total_seconds()), seconds)
        if not rest and (unit != "d" or number > 3):
            return f"{number} {unit}"
    return f"{time.total_seconds():g} s"


# --- trades -----------------------------------------------------------------------------------------------------------
def verticals() -> tuple[Vertical, ...]:
    """The trades in this repository, by name."""
    folder = import_module("verticals")
    names = sorted(found.name for found in iter_modules(folder.__path__) if found.ispkg)
    return tuple(import_module(f"verticals.{name}").VERTICAL for name in names)


def trade(vertical: Vertical) -> str:
    """What one trade offers, with reasons, requirements and every scenario."""
    head = (import_module(vertical.package).__doc__ or "").strip()
    parts = [f"## Trade: {vertical.name} (version {vertical.version})", head]
    for offer in vertical.offers:
        parts += [f"### {vertical.name}: {offer.kind}", _terms(vertical, offer), _reasons(vertical, offer)]
    parts += _declared(vertical)
    if vertical.on_signing:
        told = " / ".join(text(vertical.package, vertical.on_signing, locale) for locale in ("zh-CN", "en"))
        parts += [f"**On signing** the buyer is told: {told}"]
    scenarios = table(("kind", "given", "", "outcome", "amount", "because of"), (_scenario(s) for s in read(vertical)))
    return "\n\n".join([*parts, f"### {vertical.name}: scenarios", scenarios])


def _declared(vertical: Vertical) -> list[str]:
    """What the trade needs to know of a line, which facts it understands, and whom it asks."""
    parts = []
    if vertical.needs:
        rows = (_field(vertical, field) for field in vertical.needs)
        parts += [f"### {vertical.name}: a line's data", table(("name", "is", "needed", "what it says"), rows)]
    if vertical.tells:
        facts = ((f"`{t.name}`", "a line" if t.per_line else "the order", ", ".join(map(_short, t.fields))) for t in vertical.tells)
        parts += [f"### {vertical.name}: facts", table(("fact", "about", "data"), facts)]
    asks = dict.fromkeys(ask for offer in vertical.offers for ask in offer.asks)
    if asks:
        heads = ("source", "for", "statuses it knows", "data", "keeps it")
        parts += [f"### {vertical.name}: whom it asks", table(heads, (_ask(vertical, ask) for ask in asks))]
    return parts


def _ask(vertical: Vertical, ask: Ask) -> tuple[str, ...]:
    def named(name: str, key: str) -> str:
        return " ".join((f"`{name}`", " / ".join(vertical.text(key, locale) for locale in ("zh-CN", "en"))))

    kinds = ", ".join(f"`{offer.kind}`" for offer in vertical.offers if ask in offer.asks)
    statuses = ", ".join(named(status, f"source.{ask.source}.{status}") for status in ask.statuses)
    source = named(ask.source, f"source.{ask.source}")
    return source, kinds, statuses, ", ".join(map(_short, ask.fields)), "yes" if ask.holds else ""


def _field(vertical: Vertical, field: Field) -> tuple[str, ...]:
    kind = ", ".join(f"`{value}`" for value in field.one_of) or str(field.kind)
    told = " / ".join(vertical.text(field.text, locale) for locale in ("zh-CN", "en")) if field.text else ""
    return f"`{field.name}`", kind, "yes" if field.required else "", told


def _short(field: Field) -> str:
    return f"`{field.name}` ({field.kind}{', needed' if field.required else ''})"


def _terms(vertical: Vertical, offer: Offer) -> str:
    terms = [
        text(vertical.package, f"rules.{offer.kind}", locale, window_days=Merchant("").window_days) for locale in ("zh-CN", "en")
    ]
    needed = "; ".join(_need(vertical, r) for r in offer.requires) or "nothing"
    back = "the goods come back" if offer.goods_back else "nothing comes back"
    return "\n".join([*(f"> {told}\n>" for told in terms), f"> Required: {needed}. Parcel: {back}."])


def _need(vertical: Vertical, requirement: Requirement) -> str:
    kinds = " or ".join(requirement.kinds)
    return f"{requirement.at_least} × {kinds} ({text(vertical.package, requirement.text, 'zh-CN', at_least=requirement.at_least)})"


def _reasons(vertical: Vertical, offer: Offer) -> str:
    rows = (
        (f"`{r.code}`", *(text(vertical.package, f"reason.{r.code}", x) for x in ("zh-CN", "en")), r.fault) for r in offer.reasons
    )
    return table(("reason", "zh-CN", "en", "who answers for it"), rows)


def _scenario(one: Scenario) -> tuple[str, ...]:
    amount = f"{one.currency} {one.amount}" if one.amount else ""
    return f"`{one.kind}`", one.en, one.zh, f"**{one.outcome}**", amount, ", ".join(f"`{c}`" for c in one.because)


# --- thresholds and errors --------------------------------------------------------------------------------------------
def thresholds() -> str:
    """The merchant's thresholds, in order."""
    defaults = Merchant("")
    rows = [(str(n), f"`{t.rule}`", _said(t.reason), f"**{t.outcome}**") for n, t in enumerate(rules.THRESHOLDS, 1)]
    rows.append((str(len(rows) + 1), "`merchant.person`", _said("threshold.person"), "**person**"))
    order = (
        "Facts against a claim reject it, gaps are asked for, doubts go to a person. When every check passes, the first row that "
        f"applies decides. Defaults: small up to {defaults.small_minor} minor units, two persons above "
        f"{defaults.two_persons_above_minor}; both are a merchant's settings. Version `{rules.VERSION}`."
    )
    return "\n\n".join(["## Thresholds", order, table(("", "rule", "when", "outcome"), rows)])


def _said(key: str) -> str:
    return " / ".join(text("functions", key, locale) for locale in ("zh-CN", "en"))


def failures() -> str:
    """The nine known failures: how each is detected, and what buyer and shop read, in both languages."""
    known, rows = import_module("functions.failures"), []
    for row in known.TABLE:
        told = [
            f"{said.text} *{said.next}*"
            for audience in known.Audience
            for locale in ("zh-CN", "en")
            for said in (known.said(row, locale, audience),)
        ]
        rows.append((f"`{row.failure}`", _signs(row), *told, "yes" if row.passes else ""))
    note = (
        "A known failure comes with the same sentence and the same next step (*here in italics*) wherever the API tells of it: as "
        "`failure` of an option's reason, a finding, a decision, a parcel, a refund, a ticket and a step of the timeline, and as "
        "`details.failure` and `todo` of an error."
    )
    head = ("failure", "detected by", "buyer, zh-CN", "buyer, en", "shop, zh-CN", "shop, en", "passes by itself")
    return "\n\n".join(["## Failures", note, table(head, rows)])


def _signs(row: Any) -> str:
    """What tells of a failure: trades' checks, errors, a channel's causes, and what the use cases see."""
    trades = [f"{v.name} `{reason}`" for v in verticals() if row.by_trade for reason, f in v.failures.items() if f is row.failure]
    found = [*trades, *(f"error `{e.code}`" for e in row.errors), *(f"cause `{c}`" for c in row.causes)]
    return ", ".join([*found, *(f"sign `{s}`" for s in row.signs)])


def errors() -> str:
    """Every error with its stable code, its status and whether the same request may be sent again."""
    statuses, rows = import_module("functions.http").STATUS, []
    for found in iter_modules(import_module("functions").__path__, "functions."):
        import_module(found.name)  # some of them have errors of their own
    for error in sorted(_descendants(AftersalesError), key=lambda e: e.code):
        status = next(statuses[ancestor] for ancestor in error.__mro__ if ancestor in statuses)
        said = " ".join((error.__doc__ or "").strip().split("\n\n")[0].split()).replace("``", "`")
        rows.append((f"`{error.code}`", str(int(status)), error.__name__, "yes" if error.retry else "", said))
    return "## Errors\n\n" + table(("code", "status", "class", "send again", "what it means"), rows)


def _descendants(error: type[AftersalesError]) -> set[type[AftersalesError]]:
    """The errors of the core and of the use cases; what else this process has loaded does not count."""
    ours = {error} if error.__module__.split(".")[0] in ("aftersales", "functions") else set()
    return ours.union(*(_descendants(child) for child in error.__subclasses__()))


# --- the document -----------------------------------------------------------------------------------------------------
def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars inside a cell are escaped."""
    lines = [list(head), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables() -> str:
    """The whole of ``docs/tables.md``."""
    parts = [HEADER.rstrip(), *map(machine, machines()), thresholds(), *map(trade, verticals()), failures(), errors()]
    return "\n\n".join(parts) + "\n"


DOCUMENTS: dict[str, Callable[[], str]] = {"docs/tables.md": tables}
