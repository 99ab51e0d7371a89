"""Story: narration of a demo. What happens, what was stored, and claims that are checked as they are told."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.local.engine import dynamodb_client
from infra.local.home import Home

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WIDTH = 130
_ID = re.compile(r"[0-9a-f]{32}")


class NotTrue(Exception):
    """The demo claimed something that is not so."""


@dataclass(slots=True)
class Story:
    """One demo being told, step by step, over one home's table and files."""

    home: Home
    steps: int = 0
    checks: int = 0
    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    _files: set[str] = field(default_factory=set)
    _client: DynamoDBClient | None = None

    def step(self, title: str) -> None:
        """Begin the next step."""
        self.steps += 1
        print(f"\n{self.steps:2}. {title}", flush=True)

    def tell(self, *lines: str) -> None:
        """Say something under the step."""
        for line in lines:
            print(textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="      "), flush=True)

    def check(self, claim: str, true: object, found: object = None) -> None:
        """Claim something. Raises NotTrue, with what was found instead, when it is not so."""
        if not true:
            raise NotTrue(f"not true: {claim}" + ("" if found is None else f" (found: {found})"))
        self.checks += 1
        print(f"    ✓ {claim}", flush=True)

    def stored(self) -> None:
        """Say which items and files are new or changed since the last time."""
        items = dict(self._items())
        fresh = sorted(key for key in items if key not in self._known)
        changed = sorted(key for key in items if key in self._known and items[key] != self._known[key])
        self._known = items
        folder = self.home.folder / "files"
        files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} if folder.is_dir() else set()
        files = {name for name in files if not name.startswith(".")}
        new_files, self._files = sorted(files - self._files), files
        for sign, keys in (("+", fresh), ("~", changed)):
            for line in _grouped(keys):
                print(f"      {sign} {line}")
        for name in new_files:
            print(f"      + file {_short(name)}")

    def _items(self) -> Iterable[tuple[tuple[str, str], str]]:
        """Every item's key with the mark of its last write."""
        if self._client is None:
            self._client = dynamodb_client(self.home.engine_url)
        for page in self._client.get_paginator("scan").paginate(TableName=self.home.table):
            for item in page["Items"]:
                yield (item["PK"]["S"], item["SK"]["S"]), str(sorted(item.items()))


def _grouped(keys: Iterable[tuple[str, str]]) -> list[str]:
    """Keys a line per partition. Photo prints and idempotent answers are many and alike: counted, not listed."""
    partitions: dict[str, list[str]] = {}
    for pk, sk in keys:
        kind = pk.partition("#")[0]
        partitions.setdefault({"PHOTO": "PHOTO#…", "IDEM": "IDEM#…"}.get(kind, pk), []).append(sk)
    told = {"PHOTO#…": "photo, under {n} words", "IDEM#…": "answer kept for 24 h, {n} in all"}
    lines = []
    for pk, sks in partitions.items():
        what = told[pk].format(n=len(sks)) if pk in told else ", ".join(_short(sk) for sk in sks)
        lines.append(f"{_short(pk)}: {what}")
    return lines


def _short(text: str) -> str:
    """A key with its long ids cut, as people read it."""
    return _ID.sub(lambda found: f"{found[0][:6]}…", text)


def cny(minor: int) -> str:
    """An amount as people read it."""
    return f"CNY {minor // 100}.{minor % 100:02d}"


def findings(said: Iterable[Mapping[str, Any]]) -> list[str]:
    """Findings, a line each."""
    return [f"{f['check']:21} {f['verdict']:7} {f['source']:5} {f['confidence']:.2f}  {f['text']}" for f in said]
