"""Parts: a line that the mall sold as one and that is made of others becomes one line per part, when the order is pushed.

::

    set, 2 sets at 40.00, 10.00 off      →  set.pot  2 × 24.00, 6.00 off
      pot  1 × 24.00                        set.tea  4 ×  8.00, 4.00 off
      tea  2 ×  8.00

Values are fixed at order time. Discount and tax of the line are shared out by value (largest remainder); a discount of the order
that names the line means its parts. The same snapshot gives the same lines.
"""

from __future__ import annotations

from typing import Any

from aftersales.errors import Invalid
from aftersales.money import Money
from aftersales.order import Order
from aftersales.registry import Registry

MOST_LINES = 500  # of an order, parts counted
MOST_PIECES = 100_000
LONGEST_ID = 64

Snapshot = dict[str, Any]


def spread(order: Snapshot) -> Snapshot:
    """The pushed snapshot with its parts as lines. Raises Invalid, naming the place, for parts that do not make up their line."""
    made: dict[str, list[Snapshot]] = {}
    lines: list[Snapshot] = []
    for line in order["lines"]:
        parts = line.pop("parts")
        found = _lines(line, parts, order["currency"]) if parts else [line]
        if parts:
            made[line["line_id"]] = found
        lines += found
    if len(lines) > MOST_LINES:
        raise Invalid(f"An order has at most {MOST_LINES} lines, parts counted.", where="lines", found=len(lines))
    return {**order, "lines": lines, "discounts": [_discount(d, made) for d in order["discounts"]]}


def check_trades(registry: Registry, order: Order) -> None:
    """Raise Invalid for a line of a trade around others that has no parts, and for parts of a line whose trade is around none."""
    for line in order.lines:
        outer, _, inner = line.vertical.partition(":")
        is_around = registry.vertical(outer).around is not None
        if line.part and not is_around:
            raise Invalid("A line of this trade has no parts.", where=f"lines.{line.part.of}.vertical", found=outer)
        if not line.part and (is_around or inner):
            raise Invalid("A line of this trade is made of parts.", where=f"lines.{line.line_id}.parts", found=line.vertical)


def _lines(line: Snapshot, parts: list[Snapshot], currency: str) -> list[Snapshot]:
    """The line as lines of its parts."""
    where = f"lines.{line['line_id']}.parts"
    _check(line, parts, where)
    worth = [part["value_minor"] * part["pieces"] for part in parts]
    weights = worth if any(worth) else [1] * len(parts)
    money = {
        name: [share.minor for share in Money(line[name], currency).split(weights)] for name in ("discount_minor", "tax_minor")
    }
    return [
        {
            "line_id": f"{line['line_id']}.{part['part_id']}",
            "sku": part["sku"],
            "title": part["title"],
            "vertical": f"{line['vertical']}:{part['vertical']}",
            "unit_price_minor": part["value_minor"],
            "pieces": part["pieces"] * line["pieces"],
            "category": part["category"],
            **{name: shares[number] for name, shares in money.items()},
            "terms": {**part["terms"], **line["terms"]},
            "data": part["data"],
            "part": {
                "of": line["line_id"],
                "each": part["pieces"],
                "gift": part["gift"],
                "worth_minor": part["worth_minor"],
            },
        }
        for number, part in enumerate(parts)
    ]


def _check(line: Snapshot, parts: list[Snapshot], where: str) -> None:
    ids = [part["part_id"] for part in parts]
    if len(set(ids)) != len(ids):
        raise Invalid("No two parts of a line share an id.", where=where, found=ids)
    if line["data"]:
        raise Invalid("What a trade needs to know is told with each part.", where=f"lines.{line['line_id']}.data")
    if all(part["gift"] for part in parts):
        raise Invalid("Something of a line is no gift.", where=where)
    for part in parts:
        if ":" in part["vertical"]:
            raise Invalid("A part has no parts.", where=f"{where}.{part['part_id']}.vertical", found=part["vertical"])
        if len(line["line_id"]) + 1 + len(part["part_id"]) > LONGEST_ID:
            limit = f"{LONGEST_ID} characters"
            raise Invalid("The ids of a line and its part are one id.", where=where, expected=limit, found=part["part_id"])
        if part["pieces"] * line["pieces"] > MOST_PIECES:
            raise Invalid("Too many pieces.", where=f"{where}.{part['part_id']}.pieces", expected=f"at most {MOST_PIECES}")
    price, total = line["unit_price_minor"], sum(part["value_minor"] * part["pieces"] for part in parts)
    if total != price:
        raise Invalid(
            f"The parts of a line are worth {total}, the line costs {price}: {abs(total - price)} "
            f"too {'much' if total > price else 'little'}.",
            todo="Send what each part is worth in one piece of the line, so that value times pieces adds up to its price.",
            where=where,
            expected=price,
            found=total,
            difference_minor=total - price,
        )


def _discount(discount: Snapshot, made: dict[str, list[Snapshot]]) -> Snapshot:
    """The discount with the parts in the place of the lines that it names."""
    if discount["lines"] is None:
        return discount
    named = [[part["line_id"] for part in made[i]] if i in made else [i] for i in discount["lines"]]
    return {**discount, "lines": [line_id for ids in named for line_id in ids]}
