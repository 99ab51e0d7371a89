"""``aftersales call METHOD PATH [BODY.json]``: one request to the running local system, as whoever a developer wants to be.

PATH is below ``/v1``. Prints what the API answers; 1 when it refuses, 2 when nothing runs or the body cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import httpx

from infra.local.client import Client
from infra.local.home import DEFAULT, Home, NoHome
from infra.local.token import ROLES, token

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: Who is called when nobody is named: the buyer and the mall of the seeded orders.
NAMES = {"buyer": "b1", "integrator": "mall"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the request and who asks."""
    parser.add_argument("method", choices=METHODS, metavar="METHOD", help=", ".join(METHODS))
    parser.add_argument("path", metavar="PATH", help="such as /orders/o1/options")
    parser.add_argument("body", nargs="?", type=Path, metavar="BODY.json", help="a file with the body")
    parser.add_argument("--role", choices=ROLES, default="buyer", help="what the person is (default: buyer)")
    parser.add_argument("--merchant", default="m1", help="whose shop (default: m1)")
    parser.add_argument("--sub", default="", help="who the person is (default: b1 for a buyer, else the role's name with -1)")
    parser.add_argument("--locale", default="en", help="the language of texts (default: en)")
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the local system (default: .local)")


def main(args: argparse.Namespace) -> int:
    """Send it, and print the answer."""
    try:
        home = Home.there(args.home)
        body = json.loads(args.body.read_text(encoding="utf-8")) if args.body else None
        who = token(home, args.role, args.merchant, args.sub or NAMES.get(args.role, ""))
        with Client(home.url, who, args.locale) as client:
            answer = client.send(args.method, args.path.removeprefix("/v1"), body)
    except (NoHome, OSError, ValueError) as error:
        print(f"call: {error}", file=sys.stderr)
        return 2
    except httpx.TransportError as error:
        print(f"call: nothing answers: {error}. Start it with `make run` first.", file=sys.stderr)
        return 2
    is_json = "json" in answer.headers.get("content-type", "")
    print(json.dumps(answer.json(), ensure_ascii=False, indent=2) if is_json else answer.text)
    return 0 if answer.is_success else 1
