"""``aftersales rules replay CASE_ID``: every decision on a case of the running system, made again from what is stored of it.

What ``GET /v1/merchant/cases/{case_id}/decisions`` says. 0 when each gives the same answer, or is a person's that no rules had a
word in; 1 when one differs or was not kept, or the case's steps are not intact; 2 when nothing runs, or there is no such case.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import httpx

from infra.local.client import Client, Refused
from infra.local.home import DEFAULT, Home, NoHome
from infra.local.token import token

#: What comes of a decision that is as it should be.
SOUND = frozenset({"same", "person"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which case, and whose."""
    parser.add_argument("case_id", metavar="CASE_ID", help="the case")
    parser.add_argument("--merchant", default="m1", help="whose case (default: m1)")
    parser.add_argument("--locale", default="en", help="the language of texts (default: en)")
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the local system (default: .local)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Ask, print, and say by the status whether all is as it was."""
    try:
        home = Home.there(args.home)
        with Client(home.url, token(home, "admin", args.merchant, ""), args.locale) as client:
            found = client.get(f"/merchant/cases/{args.case_id}/decisions")
    except Refused as refused:
        if args.json:
            print(json.dumps(refused.said, ensure_ascii=False))
        print(f"aftersales rules replay: {refused.said.get('detail')} {refused.said.get('todo')}", file=sys.stderr)
        return 2
    except (NoHome, OSError, ValueError) as error:
        print(f"aftersales rules replay: {error}", file=sys.stderr)
        return 2
    except httpx.TransportError as error:
        print(f"aftersales rules replay: nothing answers: {error}. Start it with `make run` first.", file=sys.stderr)
        return 2
    print(json.dumps(found, ensure_ascii=False) if args.json else "\n".join(lines(found)))
    return 0 if found["intact"] and all(one["replay"] in SOUND for one in found["decisions"]) else 1


def lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    told = [f"{found['case_id']}: {len(found['decisions'])} decisions" + ("" if found["intact"] else ", steps not intact")]
    for one in found["decisions"]:
        told.append(f"  {one['at']} {one['by']}: {one['outcome']} by {one['rule']}, {one['rules_version']}: {one['replay']}")
        told += [f"    {d['what']}: stored {d['stored']}, again {d['again']}" for d in one["differs"]]
    return told
