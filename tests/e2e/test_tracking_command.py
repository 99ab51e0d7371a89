"""``aftersales tracking``: what a number says by itself, without asking any carrier."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AFTERSALES = str(Path(sys.executable).parent / "aftersales")


def tracking(*words: str) -> subprocess.CompletedProcess[str]:
    """The command with these words."""
    return subprocess.run([AFTERSALES, "tracking", *words], capture_output=True, text=True, timeout=60, check=False)


def told(*words: str) -> Any:
    """Its JSON document."""
    ran = tracking(*words, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("words", "rows", "country"),
    [
        pytest.param(["RB123456785GB"], [("S10 registered letter", "royalmail", True)], "GB", id="right"),
        pytest.param(["RB123456786GB"], [("S10 registered letter", "royalmail", False)], "GB", id="wrong_digit"),
        pytest.param(["RB123456785XX"], [("S10 registered letter", "s10", False)], "", id="no_such_country"),
        pytest.param(
            ["rb 123 456 785 us", "--carrier", "USPS"], [("S10 registered letter", "usps", True)], "US", id="written_apart"
        ),
        pytest.param(["SF1234567890123", "--carrier", "顺丰"], [("SF Express, form only", "sf", True)], "", id="form_only"),
        pytest.param(["1Z5R89390357567127"], [("UPS 1Z", "ups", True)], "", id="ups"),
        pytest.param(["1Z5R89390357567128"], [("UPS 1Z", "ups", False)], "", id="ups_wrong"),
    ],
)
def test_it_tells_format_carrier_and_verdict(words: list[str], rows: list[tuple[str, str, bool]], country: str) -> None:
    """The check digit and the country decide; a form without check digit says so in its name."""
    formats = [{"name": name, "carrier": carrier, "valid": valid} for name, carrier, valid in rows]
    assert told(*words) == {"formats": formats, "country": country}


@pytest.mark.parametrize("number", ["", "hello", "没有单号", "💥" * 40, "9" * 5_000, "-", "SF\udcff1234"])
@pytest.mark.parametrize("carrier", [(), ("--carrier", "sf")], ids=["unstated", "stated"])
def test_garbage_has_no_formats(number: str, carrier: tuple[str, ...]) -> None:
    """That is an answer and no error, whoever is said to have given it."""
    ran = tracking("--json", *carrier, "--", number)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout) == {"formats": [], "country": ""}


def test_the_stated_carrier_comes_first() -> None:
    """Digits that several could have given begin with the one that is named; those with a check digit follow."""
    carriers = [row["carrier"] for row in told("123456789012", "--carrier", "zhongtong")["formats"]]
    assert carriers == ["zto", "fedex", "purolator"]


def test_an_unknown_carrier_is_an_error_that_lists_the_known_ones() -> None:
    """Status 2, and what would do; in JSON where JSON was asked for."""
    ran = tracking("SF1234567890123", "--carrier", "pigeon")
    assert ran.returncode == 2
    assert "'pigeon' is no carrier that is known" in ran.stderr
    assert "yto" in ran.stderr
    ran = tracking("SF1234567890123", "--carrier", "pigeon", "--json")
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["code"] == "unknown_carrier"


def test_a_person_reads_one_line_per_format() -> None:
    """Name, carrier, country and verdict in words."""
    assert tracking("RB123456785GB").stdout == "S10 registered letter (Royal Mail, GB): right\n"
    assert tracking("RB123456784GB").stdout == "S10 registered letter (Royal Mail, GB): wrong\n"
    assert tracking("JT1234567890123").stdout == "J&T Express, form only (J&T Express): has no check digit\n"
    assert tracking("hello").stdout == "No carrier writes a number like this.\n"
