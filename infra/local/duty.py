"""``aftersales duty FILE.json``: import taxes of a cross-border order, and what of them comes back with a return.

FILE is one object. Amounts are minor units (fen), rates fractions such as 0.13, days ``2026-03-01`` or null (not yet)::

    {"lines": [{"value_minor": 100000, "qty": 1, "returned_qty": 1, "vat_rate": 0.13, "consumption_rate": 0.15, "duty_rate": 0}],
     "freight_minor": 0, "released_on": "2026-03-01", "applied_on": "2026-03-20", "arrived_on": "2026-04-10",
     "indivisible": false, "quota_left_minor": null, "tax_bill": null}

A line may say ``returned_before_qty`` (pieces that went back earlier), and ``hs`` with ``declared_on`` beside the lines in place of
its rates. ``tax_bill`` is customs' own, in the words of CEB816 and in yuan: ``{"lines": [{"gnum": 1, "customsTax": "0",
"valueAddedTax": "91.00", "consumptionTax": "0"}]}``, one for each line; it wins over every rate.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from aftersales.errors import AftersalesError, Invalid
from aftersales.money import Money
from verticals.cross_border.duty import Answer, Basis, Declared, Rates, Returned, Taxes, Window, answer, last_days
from verticals.cross_border.rates import rates_on

MOST_MINOR = 10**12
#: Digits of a rate that mean anything: what a sum of binary fractions leaves behind them (0.1 + 0.2) is noise.
RATE_PLACES = 12
DAYS = ("released_on", "applied_on", "arrived_on", "declared_on")
FIELDS = ("lines", "freight_minor", *DAYS, "indivisible", "quota_left_minor", "tax_bill")
NAMES = ("line_id", "sku", "title")  # of a line: read by people only
LINE = (
    "value_minor", "qty", "returned_qty", "returned_before_qty", "consumption_rate", "vat_rate", "duty_rate", "hs", "gnum", *NAMES,
)  # fmt: skip
BILL = ("customsTax", "consumptionTax", "valueAddedTax")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file."""
    parser.add_argument("file", type=Path, metavar="FILE.json", help="the goods, the days and, where there is one, the tax bill")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print the taxes and the refund; 2 when the file cannot be read as it should be."""
    try:
        said = returned_of(_read(args.file))
        found = answer(said)
    except AftersalesError as error:
        if args.json:
            print(
                json.dumps({"code": error.code, "detail": error.message, "todo": error.todo, "details": error.details}, default=str)
            )
        where = f" ({error.details['where']})" if "where" in error.details else ""
        print(f"aftersales duty: {error.message}{where} {error.todo}".rstrip(), file=sys.stderr)
        return 2
    notes = notes_of(said, found)
    print(json.dumps(_as_json(found, notes)) if args.json else "\n".join((*_rows(found), *notes)))
    return 0


def notes_of(said: Returned, found: Answer) -> list[str]:
    """What a person has to know about the answer."""
    notes = []
    if said.released_on is None:
        notes.append("Not released: no tax was levied, so all of it comes back.")
    else:
        apply_by, arrive_by = last_days(said.released_on)
        days = f"Released on {said.released_on}: applied for until {apply_by}, back until {arrive_by}, both days included."
        open_ones = {Window.NOT_APPLIED: "Not applied for yet.", Window.NOT_ARRIVED: "Not back yet: nothing comes back before."}
        notes += [f"{days} {open_ones.get(found.window, '')}".rstrip()]
    if found.basis is Basis.GENERAL:
        notes.append(
            "General trade: beyond the list's CNY 5,000 or the buyer's yearly amount. It never counted towards that amount, and "
            "whether customs gives the tax back is customs' decision."
        )
    return notes


def _as_json(found: Answer, notes: list[str]) -> dict[str, Any]:
    lines = [
        {
            "dutiable_minor": line.dutiable_minor,
            **{f"{name}_minor": minor for name, minor in asdict(line.taxes).items()},
            "tax_minor": line.taxes.total,
            "refund_minor": line.refund_minor,
            "due_in_time_minor": line.due_minor,
            "quota_returned_minor": line.quota_minor,
        }
        for line in found.lines
    ]
    return {
        "lines": lines,
        "tax_refund_minor": found.tax_refund_minor,
        "quota_returned_minor": found.quota_returned_minor,
        "rule": found.rule,
        "notes": notes,
    }


def _rows(found: Answer) -> list[str]:
    def cny(minor: int) -> str:
        return str(Money(minor, "CNY"))

    rows = [
        f"{n}. on {cny(line.dutiable_minor)}: duty {cny(line.taxes.duty)}, consumption tax {cny(line.taxes.consumption)}, "
        f"VAT {cny(line.taxes.vat)}; refund {cny(line.refund_minor)}"
        for n, line in enumerate(found.lines, 1)
    ]
    whole = f"tax refund {cny(found.tax_refund_minor)}, yearly amount given back {cny(found.quota_returned_minor)} ({found.rule})"
    return [*rows, whole]


# --- the file ---------------------------------------------------------------------------------------------------------
def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path.name} is no JSON: {error}.") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def returned_of(said: Any) -> Returned:
    """The return that the document describes. Raises Invalid, the place named, for whatever is not of the form."""
    _object(said, FIELDS, "the document")
    rows = said.get("lines")
    if not isinstance(rows, list) or not rows:
        raise Invalid("There is at least one line.", where="lines")
    declared_on = _day(said, "declared_on")
    lines, pieces, before = zip(*(_line(row, f"lines[{n}]", declared_on) for n, row in enumerate(rows)), strict=True)
    return Returned(
        lines,
        pieces,
        before,
        _whole(said, "freight_minor", "freight_minor", 0),
        released_on=_day(said, "released_on"),
        applied_on=_day(said, "applied_on"),
        arrived_on=_day(said, "arrived_on"),
        indivisible=_flag(said, "indivisible"),
        quota_left_minor=None if said.get("quota_left_minor") is None else _whole(said, "quota_left_minor", "quota_left_minor"),
        bill=None if said.get("tax_bill") is None else _bill(said["tax_bill"], len(lines)),
    )


def _object(said: Any, fields: tuple[str, ...], where: str) -> None:
    if not isinstance(said, Mapping):
        raise Invalid("This is no object.", where=where)
    unknown = sorted(set(said) - set(fields))
    if unknown:
        raise Invalid(f"Nothing is known of {', '.join(unknown)}.", todo=f"It has {', '.join(fields)}.", where=where)


def _line(row: Any, where: str, declared_on: date | None) -> tuple[Declared, int, int]:
    _object(row, LINE, where)
    qty = _whole(row, "qty", f"{where}.qty")
    back = _whole(row, "returned_qty", f"{where}.returned_qty")
    before = _whole(row, "returned_before_qty", f"{where}.returned_before_qty", 0)
    if qty < 1 or back + before > qty:
        raise Invalid("At least one piece was sold, and no more go back than were sold.", where=f"{where}.returned_qty", found=back)
    rates = _rates(row, where)
    if rates is None and isinstance(row.get("hs"), str) and declared_on is not None:
        rates = rates_on(row["hs"], declared_on)
    return Declared(_whole(row, "value_minor", f"{where}.value_minor"), qty, rates), back, before


def _rates(row: Mapping[str, Any], where: str) -> Rates | None:
    """The rates that the line says itself; None where it says no VAT."""
    vat, consumption, duty = (_rate(row, name, f"{where}.{name}") for name in ("vat_rate", "consumption_rate", "duty_rate"))
    if (consumption or 0) >= 1:
        raise Invalid("A consumption tax is less than the price it is part of.", where=f"{where}.consumption_rate")
    return None if vat is None else Rates(vat, consumption or Fraction(0), duty)


def _rate(row: Mapping[str, Any], name: str, where: str) -> Fraction | None:
    if row.get(name) is None:
        return None
    value = _decimal(row[name], where)
    if not 0 <= value <= 10:
        raise Invalid("A rate is a fraction such as 0.13.", where=where, found=str(value)[:40])
    return Fraction(round(value, RATE_PLACES))


def _decimal(value: Any, where: str) -> Decimal:
    try:
        found = Decimal(value) if type(value) in (int, str, Decimal) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or not -MOST_MINOR < found < MOST_MINOR:
        raise Invalid("This is no plain number.", where=where, found=str(value)[:40])
    return found


def _whole(said: Mapping[str, Any], name: str, where: str, default: int | None = None) -> int:
    value = said.get(name)
    if value is None and default is not None:
        return default
    if type(value) is not int or not 0 <= value <= MOST_MINOR:
        raise Invalid(f"{name} is a whole number from 0.", where=where, found=str(value)[:40])
    return value


def _day(said: Mapping[str, Any], name: str) -> date | None:
    value = said.get(name)
    try:
        found = None if value is None else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Invalid(f"{name} is a day such as 2026-03-01, or null.", where=name, found=str(value)[:40]) from None
    if found is not None and (value != found.isoformat() or not 2000 <= found.year <= 2999):
        raise Invalid(f"{name} is a day such as 2026-03-01, or null.", where=name, found=str(value)[:40])
    return found


def _flag(said: Mapping[str, Any], name: str) -> bool:
    value = said.get(name)
    if value is not None and not isinstance(value, bool):
        raise Invalid(f"{name} is true or false.", where=name, found=str(value)[:40])
    return bool(value)


def _bill(said: Any, lines: int) -> tuple[Taxes, ...]:
    """The taxes of each line, in the order of the lines: by ``gnum`` (from 1) where the bill says it."""
    rows = said if isinstance(said, list) else said.get("lines") if isinstance(said, Mapping) else None
    if rows is None and isinstance(said, Mapping) and lines == 1:
        rows = [said]  # of one line, its head says all
    if not isinstance(rows, list) or len(rows) != lines:
        raise Invalid("A tax bill has one entry for each line.", where="tax_bill.lines", expected=lines)
    found: dict[int, Taxes] = {}
    for n, row in enumerate(rows, 1):
        where = f"tax_bill.lines[{n - 1}]"
        _object(row, ("gnum", "gcode", "taxPrice", "taxNo", "status", *BILL), where)
        gnum = _whole(row, "gnum", f"{where}.gnum", n)
        found[gnum] = Taxes(*(_fen(row, name, f"{where}.{name}") for name in BILL))
    if set(found) != set(range(1, lines + 1)):
        raise Invalid("A tax bill names each line once, from 1.", where="tax_bill.lines", found=sorted(found))
    return tuple(found[n] for n in range(1, lines + 1))


def _fen(row: Mapping[str, Any], name: str, where: str) -> int:
    fen = _decimal(row.get(name, 0) or 0, where).scaleb(2)
    if fen != int(fen) or not 0 <= fen <= MOST_MINOR:
        raise Invalid("A tax is an amount of yuan and whole fen, from 0.", where=where, found=str(row[name])[:40])
    return int(fen)
