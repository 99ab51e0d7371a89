"""The list of what there is, and the switch in the stage file."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from aftersales import command
from aftersales.console.activate import switched
from aftersales.errors import BadSettings
from tests.installed import install

ROOT = Path(__file__).resolve().parents[2]
TOYS = "from dataclasses import replace\nfrom verticals.general import VERTICAL as G\nVERTICAL = replace(G, name='toys')\n"


@pytest.fixture
def stage(tmp_path):
    """A stage file with a trade of ours, one of a package, a source of a package, and comments."""
    path = tmp_path / "shop.toml"
    path.write_text(
        """
[verticals]
# in the order in which they were opened
active = [
    "general",  # everything else
    "toys",
]

[sources]
gem = "gem_book"
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """Install the packages of ``toys`` and ``gem_book`` with this code for one test."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def toys(code: str = TOYS, requires: str | None = None) -> None:
        site = tmp_path / "site"
        manifest = 'kind = "vertical"\nlevel = "silver"\nsummary = "Toys"\n'
        install(
            site,
            "aftersales-toys",
            {"consoletoys/__init__.py": code, "consoletoys/manifest.toml": manifest},
            {"aftersales.verticals": {"toys": "consoletoys"}},
            requires,
        )
        build = "def build(settings):\n    return object()\n"
        install(site, "aftersales-gems", {"consolegems/__init__.py": build}, {"aftersales.plugins": {"gem_book": "consolegems"}})

    yield toys
    for name in ("consoletoys", "consolegems"):
        sys.modules.pop(name, None)


def listed(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> dict[str, dict[str, object]]:
    """What ``aftersales plugins --json`` says, by name."""
    assert command.main(["plugins", "--json", *words]) == status
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)["offered"]}


def test_what_is_there_is_listed_with_its_level(toys, stage, capsys):
    """Ours and a package's, active or merely available, with the level that the manifest claims."""
    toys()
    rows = listed(capsys, "--stage", str(stage))
    assert {"kind": "vertical", "package": "aftersales-toys 1.0", "level": "silver", "state": "active"}.items() <= rows[
        "toys"
    ].items()
    assert {"package": "", "state": "active", "required": True}.items() <= rows["general"].items()
    assert (rows["fresh"]["state"], rows["gem_book"]["used_as"]) == ("available", ["sources.gem"])
    assert command.main(["plugins", "--stage", str(stage)]) == 0
    assert "Toys" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "requires", "says"),
    [("1 / 0", None, "ZeroDivisionError"), (TOYS, "aftersales>=99,<100", ">=99,<100"), ("X = 1", None, "no VERTICAL")],
)
def test_what_is_broken_is_listed_with_why(toys, stage, capsys, code, requires, says):
    """The operator reads which package it is and what is wrong; it is no failure unless it has to work."""
    toys(code, requires)
    rows = listed(capsys, "--stage", str(stage))
    assert rows["toys"]["state"] == "broken"
    assert says in str(rows["toys"]["why"])
    stage.write_text(stage.read_text(encoding="utf-8").replace("[sources]", 'required = ["toys"]\n\n[sources]'), encoding="utf-8")
    assert listed(capsys, "--stage", str(stage), status=1)["toys"]["required"] is True


def test_what_is_switched_on_and_not_there_is_listed(stage, capsys):
    """A misspelt or uninstalled name is not simply missing from the list."""
    rows = listed(capsys, "--stage", str(stage))
    assert (rows["toys"]["state"], rows["gem_book"]["state"]) == ("broken", "broken")
    assert "nothing offers it" in str(rows["toys"]["why"])


def test_a_stage_file_that_cannot_be_read_is_told(tmp_path, capsys):
    """The file's name is in the message."""
    assert command.main(["plugins", "--stage", str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err


def test_the_switch_keeps_what_else_stands_there(stage, capsys):
    """On at the end, off again; tables and comments outside the list stay as they are, and twice is once."""
    for words, active in (
        (("fresh",), ["general", "toys", "fresh"]),
        (("fresh",), ["general", "toys", "fresh"]),
        (("fresh", "--off"), ["general", "toys"]),
    ):
        assert command.main(["activate", *words, "--stage", str(stage)]) == 0
        assert tomllib.loads(stage.read_text(encoding="utf-8"))["verticals"]["active"] == active
    text = stage.read_text(encoding="utf-8")
    assert "# in the order in which they were opened" in text
    assert 'gem = "gem_book"' in text
    assert str(stage) in capsys.readouterr().out


@pytest.mark.parametrize("name", ["no_such_trade", "toys"])
def test_what_is_not_available_is_not_switched_on(stage, name, capsys):
    """A misspelt name would be left out at the next start: it is refused now, and nothing is written."""
    before = stage.read_bytes()
    assert command.main(["activate", name, "--stage", str(stage)]) == 2
    assert name in capsys.readouterr().err
    assert stage.read_bytes() == before


def test_what_breaks_can_be_switched_off(toys, stage):
    """Off needs nothing of the package, which may be what is wrong."""
    toys("1 / 0")
    assert command.main(["activate", "toys", "--stage", str(stage), "--off"]) == 0
    assert tomllib.loads(stage.read_text(encoding="utf-8"))["verticals"]["active"] == ["general"]


@pytest.mark.parametrize("text", ["", "[verticals]\n", "[verticals]\nactive = 'fresh'\n", "[verticals\n"])
def test_a_stage_file_without_a_list_is_refused(text):
    """Where there is no list, none is guessed."""
    with pytest.raises(BadSettings):
        switched(text, "fresh", on=True)


def test_our_own_stage_files_can_be_switched():
    """The files that the guide changes have the form that the switch understands."""
    for path in sorted((ROOT / "infra" / "stages").glob("*.toml")):
        before = path.read_text(encoding="utf-8")
        on = switched(before, "jewelry", on=True)
        assert tomllib.loads(on)["verticals"]["active"][-1] == "jewelry"
        off = switched(on, "jewelry", on=False)
        assert tomllib.loads(off) == tomllib.loads(before)
