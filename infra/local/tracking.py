"""``aftersales tracking NUMBER``: in which ways a parcel's number is written, and whether its check digit and country are right.

With ``--json``: ``{"formats": [{"name", "carrier", "valid"}], "country"}``. ``valid`` is the verdict on check digit and country; a
form that has neither is told as true where the number has that form, and its name says "form only": it proves nothing. What nobody
writes has no formats. ``country`` is that of the post by S10, ISO 3166-1, and "" for every other number. No carrier is asked.
"""

from __future__ import annotations

import argparse
import json
import sys

from aftersales.company import COMPANIES, company_of
from aftersales.waybill import NO_NUMBER, Format, country_of, formats_of

VERDICT = {True: "right", False: "wrong", None: "has no check digit"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the number and its carrier."""
    parser.add_argument("number", metavar="NUMBER", help="the number, as it is written")
    parser.add_argument("--carrier", default="", help="who is said to carry it, by code or name: its formats come first")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print the formats; 2 for a carrier that is not known."""
    company = company_of(args.carrier)
    if args.carrier.strip() and company is None:
        todo = f"Name one of: {', '.join(sorted(COMPANIES))}."
        if args.json:
            problem = {"code": "unknown_carrier", "detail": "No carrier is known by this name.", "todo": todo}
            print(json.dumps(problem))
        print(f"aftersales tracking: {args.carrier!r} is no carrier that is known. {todo}", file=sys.stderr)
        return 2
    found = tuple(f for f in formats_of(args.number, company.code if company else "") if f.name != NO_NUMBER)
    country = country_of(args.number)
    if args.json:
        rows = [{"name": f.name, "carrier": f.carrier, "valid": f.valid is not False} for f in found]
        print(json.dumps({"formats": rows, "country": country}))
    else:
        print("\n".join(_told(f, country) for f in found) or "No carrier writes a number like this.")
    return 0


def _told(found: Format, country: str) -> str:
    of = f", {country}" if country and found.name.startswith("S10") else ""
    return f"{found.name} ({COMPANIES[found.carrier].en}{of}): {VERDICT[found.valid]}"
