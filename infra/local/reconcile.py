"""``aftersales reconcile``: a channel's bill of one day matched with a ledger, difference by difference.

The ledger is a file of JSON lines, one refund each: ``{"key", "order", "transaction_id", "amount_minor", "currency",
"accepted_at", "status"}``. It may hold other days; those next to the bill's count at midnight. Differences are an answer, not an
error: the exit status is 0 for them, and 2 only when the files cannot be read.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from aftersales.bill import Bill
from aftersales.errors import AftersalesError, Invalid
from aftersales.reconcile import Reconciled, read_ledger, reconcile
from aftersales.reconcile.difference import Difference, told

CHANNELS = ("wechatpay", "alipay")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the channel, the files and the day."""
    parser.add_argument("--channel", choices=CHANNELS, required=True, help="whose bill it is")
    parser.add_argument("--bill", type=Path, required=True, metavar="FILE", help="the trade bill as the channel gives it")
    parser.add_argument("--ledger", type=Path, required=True, metavar="FILE.jsonl", help="our refunds, one JSON object per line")
    parser.add_argument("--date", required=True, metavar="YYYY-MM-DD", help="the day of the bill, in Beijing")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print the differences and the totals; 2 when an input cannot be read."""
    try:
        with reconcile(bill_of(args.channel, args.bill), read_ledger(args.ledger), day_of(args.date)) as found:
            for piece in _document(found) if args.json else _table(found):
                sys.stdout.write(piece)
    except AftersalesError as error:
        if args.json:
            print(json.dumps({"code": error.code, "detail": error.message, "todo": error.todo, "details": error.details}))
        print(f"aftersales reconcile: {error.message} {error.todo}".rstrip(), file=sys.stderr)
        return 2
    if found.other_day:
        print(
            f"aftersales reconcile: {found.other_day} of {found.theirs.count} refunds on the bill are of another day than "
            f"{args.date}: is it the right bill?",
            file=sys.stderr,
        )
    return 0


def bill_of(channel: str, path: Path) -> Bill:
    """The bill in ``path``, not yet read."""
    bill: Bill = importlib.import_module(f"plugins.{channel}_refund.bill").read_bill(path)
    return bill


def day_of(text: str) -> date:
    """The day ``text`` names. Raises Invalid."""
    try:
        if re.fullmatch(r"2\d{3}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Invalid(f"{text!r} is not a day.", todo="Give --date as YYYY-MM-DD.", found=text)


# --- what is printed, piece by piece: there may be more differences than memory -----------------------------------------
def _document(found: Reconciled) -> Iterator[str]:
    yield '{"differences": ['
    for number, difference in enumerate(found.differences):
        yield (",\n " if number else "\n ") + json.dumps(difference.plain())
    yield f'], "totals": {json.dumps(found.totals)}}}\n'


def _table(found: Reconciled) -> Iterator[str]:
    for number, difference in enumerate(found.differences):
        if not number:
            yield f"{'class':<12} {'refund':<40} {'ours':>16} {'bill':>16}  what\n"
        yield _row(difference)
    tally = found.tally
    if not any(tally.differences.values()):
        yield "No differences.\n"
    yield f"\n{found.bill.channel}, {found.day.isoformat()}\n"
    yield f"  our ledger   {found.ours.count:>9,} refunds  {_sums(found.ours.minor)}\n"
    yield f"  the bill     {found.theirs.count:>9,} refunds  {_sums(found.theirs.minor)}\n"
    yield f"  agree        {tally.matched:>9,} refunds  {_sums(tally.matched_minor)}\n"
    for kind, count in tally.differences.items():
        yield f"  {kind:<12} {count:>9,}\n" if count else ""
    yield f"  at midnight  {len(tally.midnight):>9,}  (the bill of the day beside may have them)\n"
    yield f"  to query     {tally.to_query:>9,}  (only the channel knows how they ended)\n"


def _row(one: Difference) -> str:
    minors = ("" if minor is None else told(minor, one.currency) for minor in (one.ours_minor, one.theirs_minor))
    ours, theirs = minors
    return f"{one.kind:<12} {one.key:<40} {ours:>16} {theirs:>16}  {one.text}\n"


def _sums(minor: dict[str, int]) -> str:
    return ", ".join(told(amount, currency) for currency, amount in sorted(minor.items())) or "nothing"
