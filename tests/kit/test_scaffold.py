"""What the generator writes passes its own tests, the linter and the type checker at once, and is written over nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aftersales import command
from aftersales.errors import Conflict, Invalid
from aftersales.kits import KITS
from aftersales.scaffold import plugin, write

BIN = Path(sys.executable).parent
LONGEST = "a_name_that_is_as_long_as_a_name_can_be_"[: write.MOST - 1] + "x"


def run(folder: Path, *words: str) -> str:
    """What the tool says when it runs in the folder; it has to succeed."""
    done = subprocess.run([str(BIN / words[0]), *words[1:]], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def new(tmp_path, capsys):
    """Type ``aftersales new-…`` in an empty folder; gives the folder that it wrote."""

    def new(*words: str) -> Path:
        assert command.main([*words, "--into", str(tmp_path)]) == 0
        assert "wrote" in capsys.readouterr().out
        [folder] = tmp_path.iterdir()
        return folder

    return new


def test_a_new_trade_passes_its_own_tests(new):
    """Its kit, its scenarios and its limits, before anybody has changed a word; and the check finds nothing wrong."""
    folder = new("new-vertical", "jewelry")
    assert " passed" in run(folder, "pytest", "-q", "-p", "no:cacheprovider")
    said = json.loads(run(folder, "aftersales", "check", ".", "--json"))
    [checked] = said["checked"]
    assert (checked["name"], checked["problems"], checked["level"]) == ("jewelry", [], {"claimed": "silver", "reached": "gold"})
    assert "18 of 18 scenarios" in run(folder, "aftersales", "scenario", ".")


@pytest.mark.parametrize("port", sorted(plugin.SHAPES))
def test_a_new_plugin_passes_the_kit_of_its_port(new, port):
    """Each template is a working plugin of its port, against a system on loopback where it talks to one."""
    folder = new("new-plugin", "gem_book", "--port", port)
    assert " passed" in run(folder, "pytest", "-q", "-p", "no:cacheprovider")
    said = json.loads(run(folder, "aftersales", "check", ".", "--json"))
    assert said["checked"][0]["level"] == {"claimed": "silver", "reached": "silver"}


@pytest.mark.parametrize("words", [("new-vertical",), *(("new-plugin", "--port", port) for port in sorted(plugin.SHAPES))])
def test_what_is_written_is_clean_whatever_its_name(new, words):
    """Lint, format and strict types hold for the longest name, in which lines are longest."""
    assert len(LONGEST) == write.MOST
    folder = new(words[0], LONGEST, *words[1:])
    for tool in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        run(folder, *tool)
    run(folder, "mypy", "--cache-dir", str(folder / ".cache"))


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("Jewelry", "jewelry"),
        ("ring-sizes", "ring_sizes"),
        ("ring sizes", "ring_sizes"),
        ("a__b", "a_b"),
        ("_ring", "ring"),
        ("ring_", "ring"),
        ("9rings", "rings"),
        ("../rings", "rings"),
        ("r" * 41, "r" * 40),
        ("珠宝", "ring_sizes"),
        ("", "ring_sizes"),
    ],
)
def test_what_is_no_name_is_refused_with_a_better_one(name, better):
    """Orders, folders and modules are called by it, so it is small letters, digits and single underscores."""
    with pytest.raises(Invalid) as refusal:
        write.checked(name, "verticals")
    assert better in refusal.value.todo


@pytest.mark.parametrize(("name", "group"), [("class", "verticals"), ("lambda", "plugins")])
def test_a_word_of_pythons_is_refused(name, group):
    """``class`` can be no name in code."""
    with pytest.raises(Invalid, match="Python"):
        write.checked(name, group)


@pytest.mark.parametrize(("name", "group"), [("general", "verticals"), ("vision", "plugins")])
def test_a_name_that_is_taken_is_refused(name, group):
    """Ours would be used in its place, without a word."""
    with pytest.raises(Conflict, match="the system itself"):
        write.checked(name, group)
    assert write.checked(name, "plugins" if group == "verticals" else "verticals") == name


def test_nothing_is_written_over(tmp_path, capsys):
    """A folder of that name stays as it is, and nothing half-written is left beside it."""
    mine = tmp_path / "aftersales-jewelry"
    mine.mkdir()
    (mine / "work.txt").write_text("of a week")
    assert command.main(["new-vertical", "jewelry", "--into", str(tmp_path)]) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert [p.name for p in tmp_path.rglob("*")] == ["aftersales-jewelry", "work.txt"]


@pytest.mark.parametrize("into", ["nowhere", "file"])
def test_a_place_that_is_no_folder_is_refused(tmp_path, capsys, into):
    """What is written goes where it was told to, or nowhere."""
    (tmp_path / "file").touch()
    assert command.main(["new-vertical", "jewelry", "--into", str(tmp_path / into)]) == 2
    assert "no folder" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_port_without_a_template_is_told_with_its_kit(tmp_path, capsys):
    """Who adds a store reads which protocol and which kit; who mistypes a port reads the names."""
    for kit in KITS:
        if kit.port not in plugin.SHAPES:
            assert command.main(["new-plugin", "mine", "--port", kit.port, "--into", str(tmp_path)]) == 2
            said = capsys.readouterr().err
            assert kit.protocol in said
            assert kit.module in said
    assert command.main(["new-plugin", "mine", "--port", "stor", "--into", str(tmp_path)]) == 2
    assert "source" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
