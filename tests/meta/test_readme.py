"""What the READMEs say of the trades is so."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| \[[^\]]+\]\(verticals/(\w+)/README\.md\) \|.*\| (\d+) \|$", re.MULTILINE)
PLAYED = {
    p.parent.name: len(tomllib.loads(p.read_text(encoding="utf-8"))["scenario"]) for p in ROOT.glob("verticals/*/scenarios.toml")
}


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_every_trade_is_listed_with_its_scenarios(name):
    """A reader finds all trades in both languages, each with as many scenarios as it has."""
    told = {trade: int(count) for trade, count in ROW.findall((ROOT / name).read_text(encoding="utf-8"))}
    assert told == PLAYED
