"""``aftersales quote ORDER.json REQUESTS.json``: what refunds would be made of, planned one on top of the other.

It is the planning of the API over files: money only, windows and eligibility are not judged. ORDER is the body of
``PUT /v1/orders/{id}``; REQUESTS is a list of ``{"kind", "lines": [{"line_id", "pieces"}], "amount_minor", "freight", "fault"}``.
Each request is planned as if the earlier accepted ones had been carried out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aftersales.case import Fault, Item, Kind
from aftersales.entry import Turn
from aftersales.errors import AftersalesError, Invalid
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.plan import Plan, Terms, Wish, carried_out, reserved

#: Kinds that move no money by themselves.
IN_KIND = (Kind.EXCHANGE, Kind.REPAIR)
FIELDS = ("kind", "lines", "amount_minor", "freight", "fault")


@dataclass(frozen=True, slots=True)
class Planned:
    """The answer to one request; ``code`` is ``ok``, or the stable code of the error that ``detail`` words."""

    accepted: bool
    code: str
    detail: str
    amount_minor: int
    components: dict[str, int]
    fee_minor: int
    legs: list[dict[str, str | int]]
    refundable_after_minor: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files."""
    parser.add_argument("order", type=Path, metavar="ORDER.json", help="the order, as it is pushed")
    parser.add_argument("requests", type=Path, metavar="REQUESTS.json", help="what is asked for, a list")
    parser.add_argument("--turn", choices=[str(t) for t in Turn], default=str(Turn.AS_PAID), help="which payment gives first")
    parser.add_argument("--fee-permille", type=int, default=0, help="kept back from goods unless the seller is at fault")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print the plans; 2 when a file cannot be read or the order does not add up."""
    try:
        if not 0 <= args.fee_permille <= 1000:
            raise Invalid("A fee lies between 0 and 1000 thousandths.", found=args.fee_permille)
        ledger, asked = order_of(args.order), requests_of(args.requests)
    except AftersalesError as error:
        problem = {"code": error.code, "detail": error.message, "todo": error.todo, "details": error.details}
        if args.json:
            print(json.dumps(problem, default=str))
        print(f"aftersales quote: {error.message} {error.todo}".rstrip(), file=sys.stderr)
        return 2
    found = quote(ledger, asked, Terms(args.fee_permille, Turn(args.turn)))
    if args.json:
        print(json.dumps({"requests": [asdict(p) for p in found]}))
    else:
        print("\n".join(_row(n, p, ledger.currency) for n, p in enumerate(found, 1)))
    return 0


def quote(ledger: Ledger, asked: list[Any], terms: Terms) -> list[Planned]:
    """One answer per request, in order."""
    found, at = [], datetime.now(UTC)
    for number, one in enumerate(asked, 1):
        case_id = f"q{number}"
        try:
            made, after = reserved(ledger, case_id, wish, terms, at) if (wish := wish_of(one, ledger.currency)) else (None, ledger)
        except AftersalesError as error:
            found.append(_answer(error.code, error.message, None, ledger))
            continue
        ledger = carried_out(after, case_id, at)
        found.append(_answer("ok", "", made, ledger))
    return found


def wish_of(one: Any, currency: str) -> Wish | None:
    """What one request asks of the money; None for a kind that moves none. Raises Invalid for whatever is not of the form."""
    if not isinstance(one, Mapping) or set(one) - set(FIELDS):
        raise Invalid("A request is an object with these fields.", expected=list(FIELDS), found=one)
    try:
        kind, fault = Kind(one.get("kind") or Kind.REFUND_ONLY), Fault(one.get("fault") or Fault.NONE)
    except ValueError as error:
        raise Invalid(str(error)) from error
    amount, freight, lines = one.get("amount_minor"), one.get("freight") is not None and one["freight"], one.get("lines") or []
    if amount is not None and type(amount) is not int:
        raise Invalid("An amount is a whole number of minor units, or null.", found=repr(amount))
    if not isinstance(freight, bool) or not isinstance(lines, list):
        raise Invalid("freight is true or false, lines is a list.", found=[repr(freight), repr(lines)])
    items = tuple(_item(line) for line in lines)
    return None if kind in IN_KIND else Wish(items, None if amount is None else Money(amount, currency), freight, fault)


def _item(line: Any) -> Item:
    if not isinstance(line, Mapping) or set(line) != {"line_id", "pieces"} or not isinstance(line["line_id"], str):
        raise Invalid("A line is an object with line_id and pieces.", found=repr(line))
    if type(line["pieces"]) is not int or line["pieces"] < 1:
        raise Invalid("Pieces are a whole number from 1.", found=repr(line["pieces"]))
    return Item(line["line_id"], line["pieces"])


def _answer(code: str, detail: str, made: Plan | None, ledger: Ledger) -> Planned:
    parts = {"goods": made.goods.minor, "freight": made.freight.minor, "tax": made.tax.minor} if made else {}
    legs: list[dict[str, str | int]] = [
        {"payment_id": leg.payment.payment_id, "amount_minor": leg.goods_minor + leg.freight_minor + leg.tax_minor}
        for leg in (made.legs if made else ())
    ]
    return Planned(
        accepted=code == "ok",
        code=code,
        detail=detail,
        amount_minor=made.amount.minor if made else 0,
        components={"goods": 0, "freight": 0, "tax": 0} | parts,
        fee_minor=made.fee.minor if made else 0,
        legs=legs,
        refundable_after_minor=ledger.refundable.minor,
    )


def _row(number: int, planned: Planned, currency: str) -> str:
    if not planned.accepted:
        return f"{number}. refused ({planned.code}): {planned.detail}"
    parts = ", ".join(f"{name} {Money(minor, currency)}" for name, minor in planned.components.items() if minor)
    legs = ", ".join(f"{leg['payment_id']} {Money(int(leg['amount_minor']), currency)}" for leg in planned.legs)
    left = Money(planned.refundable_after_minor, currency)
    return f"{number}. {Money(planned.amount_minor, currency)} ({parts or 'nothing'}) from {legs or 'no payment'}; {left} is left"


# --- files ------------------------------------------------------------------------------------------------------------
def order_of(path: Path) -> Ledger:
    """The money of the order in a file. Raises Invalid, UnbalancedOrder with the difference named."""
    import msgspec

    from functions.body import OrderBody

    try:
        said = _told(msgspec.json.decode(_read(path).removeprefix(b"\xef\xbb\xbf")))
        return Ledger.open(msgspec.convert(said, type=OrderBody).order())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"{path.name} is no order: {error}", todo="It is the body of PUT /v1/orders/{id}.") from error


def _told(said: Any) -> Any:
    """``said`` without the fields that are null: programs write them for what they leave out."""
    if isinstance(said, dict):
        return {name: _told(value) for name, value in said.items() if value is not None}
    return [_told(one) for one in said] if isinstance(said, list) else said


def requests_of(path: Path) -> list[Any]:
    """The requests in a file, each still to be looked at. Raises Invalid."""
    try:
        said = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path.name} is no JSON: {error}") from error
    if not isinstance(said, list):
        raise Invalid(f"{path.name} is not a list of requests.")
    return said


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.") from error
