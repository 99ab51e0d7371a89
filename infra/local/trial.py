"""``aftersales rules trial FILE.json --since DATE``: what a draft of rules would have decided otherwise of past cases.

All pages of ``POST /v1/merchant/rules/trial`` at the running local system added up, one merchant's. DATE is a day (from its
beginning in Shanghai) or an instant with its offset. 0 when the trial was made, whatever came of it; 1 where the table has errors;
2 when nothing runs, the file cannot be read, or DATE is none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from infra.local.client import Client, Refused
from infra.local.home import DEFAULT, Home, NoHome
from infra.local.token import token

SHANGHAI = ZoneInfo("Asia/Shanghai")
PATH = "/merchant/rules/trial"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the draft, since when, and whose."""
    parser.add_argument("file", type=Path, metavar="FILE.json", help="the draft, a table as JDM")
    parser.add_argument("--since", required=True, metavar="DATE", help="cases opened from this day on, or from this instant on")
    parser.add_argument("--merchant", default="m1", help="whose cases (default: m1)")
    parser.add_argument("--locale", default="en", help="the language of texts (default: en)")
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the local system (default: .local)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Ask for every page, and print the sum."""
    try:
        home, draft, since = Home.there(args.home), json.loads(args.file.read_bytes()), instant(args.since)
        with Client(home.url, token(home, "admin", args.merchant, ""), args.locale) as client:
            found = tried(client, draft, since)
    except Refused as refused:
        if args.json:
            print(json.dumps(refused.said, ensure_ascii=False))
        print(f"aftersales rules trial: {refused.said.get('detail')} {refused.said.get('todo')}", file=sys.stderr)
        return 1 if refused.code == "bad_table" else 2
    except (NoHome, OSError, ValueError, RecursionError) as error:
        print(f"aftersales rules trial: {error}", file=sys.stderr)
        return 2
    except httpx.TransportError as error:
        print(f"aftersales rules trial: nothing answers: {error}. Start it with `make run` first.", file=sys.stderr)
        return 2
    print(json.dumps(found, ensure_ascii=False) if args.json else "\n".join(lines(found)))
    return 0


def tried(client: Client, draft: Any, since: datetime) -> dict[str, Any]:
    """All pages as one document."""
    counts: Counter[tuple[str, str]] = Counter()
    money: dict[str, Counter[str]] = {}
    changed: list[Any] = []
    cases = left_out = 0
    cursor: str | None = ""
    while cursor is not None:
        page = client.post(PATH, {"table": draft, "since": since.isoformat(), "cursor": cursor, "limit": 100})
        cases, left_out, cursor = cases + page["cases"], left_out + page["left_out"], page["cursor"]
        changed += page["changed"]
        counts.update({(c["was"], c["would"]): c["cases"] for c in page["counts"]})
        for sums in page["money"]:
            money.setdefault(sums["currency"], Counter()).update({n: sums[n] for n in ("was_minor", "would_minor")})
    return {
        "since": since.isoformat(),
        "cases": cases,
        "left_out": left_out,
        "counts": [{"was": was, "would": would, "cases": number} for (was, would), number in sorted(counts.items())],
        "money": [
            {"currency": currency, "was_minor": sums["was_minor"], "would_minor": sums["would_minor"]}
            for currency, sums in sorted(money.items())
        ],
        "changed": changed,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    return [
        f"{found['cases']} cases since {found['since']}, {len(found['changed'])} otherwise"
        + (f", {found['left_out']} left out" if found["left_out"] else ""),
        *(f"  {c['was']} → {c['would']}: {c['cases']}" for c in found["counts"]),
        *(f"  {m['currency']}, minor units, paid without a person: {m['was_minor']} → {m['would_minor']}" for m in found["money"]),
        *(f"  {c['case_id']}: {c['was']} → {c['would']} (row {c['row']}) {c['text']}" for c in found["changed"]),
    ]


def instant(told: str) -> datetime:
    """The instant a DATE means. Raises ValueError."""
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        raise ValueError(f"--since is a day or an instant, not {told[:40]!r}") from None
    if found.tzinfo is None and len(told) > len("2026-11-01"):
        raise ValueError("an instant says its offset, as in 2026-11-01T00:00:00+08:00")
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)
