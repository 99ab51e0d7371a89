"""``aftersales options ORDER.json --at TIME``: what a buyer may ask for, per line, and why not the rest: the API's own answer.

ORDER is the body of ``PUT /v1/orders/{id}``; it may also hold ``facts``, a list of bodies of ``POST /v1/orders/{id}/facts``.
Nothing is stored, and no outside system is asked.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from aftersales.caller import Caller, Role
from aftersales.errors import AftersalesError, Invalid
from aftersales.money import Money
from aftersales.registry import Registry
from aftersales.testing.channel import FakeChannel
from aftersales.testing.store import FakeStore
from functions import orders
from functions.body import FactBody, OrderBody
from functions.context import Context
from functions.reply import OptionsView

STAGE = Path(__file__).parents[1] / "stages" / "local.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file, the instant and the language."""
    parser.add_argument("order", type=Path, metavar="ORDER.json", help="the order, as it is pushed")
    parser.add_argument("--at", metavar="TIME", help="the instant to answer for, ISO 8601 with an offset; now when left out")
    parser.add_argument("--locale", default="zh-CN", help="the language of the sentences")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print the options; 2 when the order or the instant cannot be understood."""
    try:
        found = options(_read(args.order), _instant(args.at), args.locale)
    except AftersalesError as error:
        problem = {"code": error.code, "detail": error.message, "todo": error.todo, "details": error.details}
        if args.json:
            print(json.dumps(problem, default=str, ensure_ascii=False))
        print(f"aftersales options: {error.message} {error.todo} {_where(error)}".rstrip(), file=sys.stderr)
        return 2
    print(msgspec.json.encode(found).decode() if args.json else _told(found))
    return 0


def options(order: dict[str, Any], now: datetime, locale: str) -> OptionsView:
    """The API's answer about this order at that instant. Raises AftersalesError as the API would."""
    facts = order.pop("facts", [])
    body = _as(OrderBody, order, "order")
    registry = Registry.from_file(STAGE, with_secrets=False)
    registry.put("store", FakeStore())
    for paid in body.payments:
        registry.put(f"channel:{paid.channel}", FakeChannel())
    ctx = Context(registry, Caller("options", Role.INTEGRATOR, body.merchant), now, locale)
    orders.put(ctx, body.order_id, body)
    for number, fact in enumerate(facts):
        orders.add_fact(ctx, body.order_id, _as(FactBody, fact, f"facts[{number}]"))
    return orders.options(ctx, body.order_id)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise Invalid(f"{path.name} cannot be read: {error}", todo="Name a file with one JSON object.") from error
    if not isinstance(found, dict):
        raise Invalid(f"{path.name} holds no JSON object.", expected="an order", found=type(found).__name__)
    if not isinstance(found.get("facts", []), list):
        raise Invalid("facts is a list.", todo="Leave it out where nothing was told.", where="facts")
    return found


def _instant(told: str | None) -> datetime:
    if told is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(told)
    except ValueError as error:
        raise Invalid("--at is no instant.", expected="2026-11-22T10:00:00+08:00", found=told) from error
    if found.tzinfo is None:
        raise Invalid("--at needs an offset from UTC.", expected="2026-11-22T10:00:00+08:00", found=told)
    if not 2000 <= found.year < 2200:
        raise Invalid("--at lies in the years 2000 to 2199.", expected="2026-11-22T10:00:00+08:00", found=told)
    return found.astimezone(UTC)


def _as(kind: type[Any], value: object, where: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at ")
        raise Invalid(
            what + ".", todo="Compare with /v1/openapi.json.", where=at.strip("`").replace("$", where) or where
        ) from error


def _where(error: AftersalesError) -> str:
    return f"({error.details['where']})" if "where" in error.details else ""


def _told(found: OptionsView) -> str:
    def money(minor: int) -> str:
        return str(Money(minor, found.currency))

    rows = [f"{found.order_id}: {money(found.refundable_minor)} can be refunded"]
    for line in found.lines:
        rows.append(f"{line.line_id} {line.title} ({line.vertical}), {line.pieces_free} free")
        for offer in line.offers:
            why = "; ".join(f"{w.text} [{w.code}]" for w in offer.why_not)
            rows.append(f"  {offer.kind}: " + (f"yes, at most {money(offer.max_minor)}" if offer.offered else f"no: {why}"))
    return "\n".join(rows)
