"""Whatever is wrong with a package, the check says it by name, and says what to do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aftersales import command
from aftersales.audit.problem import Problem, reached
from aftersales.audit.subject import find
from aftersales.audit.verdict import judged, read
from aftersales.errors import NotFound
from aftersales.manifest import Level

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The package of a new trade, as it was written."""
    folder = tmp_path_factory.mktemp("sound")
    assert command.main(["new-vertical", "jewelry", "--into", str(folder)]) == 0
    return folder / "aftersales-jewelry"


@pytest.fixture
def package(sound, tmp_path):
    """A copy of it to spoil; ``package.spoil(file, old, new)`` changes one thing in it."""
    folder = tmp_path / "aftersales-jewelry"
    shutil.copytree(sound, folder)
    return folder


CODE, TEXTS, SCENARIOS = (f"src/aftersales_jewelry/{name}" for name in ("rules.py", "texts.toml", "scenarios.toml"))
INIT, MANIFEST, README = (f"src/aftersales_jewelry/{name}" for name in ("__init__.py", "manifest.toml", "README.md"))
SHOWS = 'outcome = "ask_evidence"\nbecause = ["jewelry.fault_shown"]'
LOOK = '    """Has the order been paid, and not been cancelled?"""\n'

SPOILT = [
    # the package
    pytest.param("pyproject.toml", '"aftersales>=0.1,<0.2"', '"aftersales>=99,<100"', "compatible.not", ">=99,<100", id="version"),
    pytest.param("pyproject.toml", '["aftersales>=0.1,<0.2"]', "[]", "compatible.missing", "aftersales", id="no version"),
    pytest.param(
        "pyproject.toml", '"aftersales>=0.1,<0.2"', '"aftersales>=0.1"', "compatible.open", "upper end", id="open version"
    ),
    pytest.param(MANIFEST, 'kind = "vertical"', 'kind = "plugin"\nport = "source"', "manifest.kind", "vertical", id="wrong kind"),
    pytest.param(MANIFEST, "kind", "sort", "manifest.wrong", "sort", id="manifest not understood"),
    pytest.param(README, "as read on", "", "", "", id="a README that still has its sources"),
    pytest.param("tests/test_jewelry.py", "VerticalContract", "Kit", "tests.kit", "VerticalContract", id="no kit in its tests"),
    # what it offers
    pytest.param(INIT, "VERTICAL = ", "TRADE = ", "vertical.none", "VERTICAL", id="no VERTICAL"),
    pytest.param(INIT, 'name="jewelry"', 'name="gems"', "vertical.name", "'gems'", id="another name"),
    pytest.param(INIT, 'version="1"', 'version=""', "vertical.version", "version", id="no version of its own"),
    pytest.param(INIT, "kind=Kind.RETURN_REFUND", "kind=Kind.REFUND_ONLY", "vertical.offers", "twice", id="one kind twice"),
    pytest.param(INIT, '"""The trade', '1 / 0\n"""The trade', "import.breaks", "(__init__.py:1)", id="breaks when imported"),
    pytest.param(INIT, '"""The trade', 'raise SystemExit\n"""The trade', "import.breaks", "SystemExit", id="ends the process"),
    pytest.param(
        INIT, "VERTICAL = V", "while True:\n    pass\nVERTICAL = V", "import.breaks", "10 s (__init__.py:", id="loops when imported"
    ),
    pytest.param(INIT, "VERTICAL = Vertical(", "VERTICAL = Vertical((", "source.unreadable", "__init__.py", id="is no Python"),
    # texts
    pytest.param(
        TEXTS, '"window.open" = "Inside', '"window.opened" = "Inside', "texts.missing", "[en]", id="one language lacks a text"
    ),
    pytest.param(TEXTS, '"reason.faulty" = "质量问题"\n', "", "texts.missing", "[zh-CN]", id="a reason nobody can read"),
    pytest.param(
        TEXTS, "{days} 天退货期已于 {last_day}", "{days} 天退货期已于昨天", "texts.unlike", "{last_day}", id="unlike figures"
    ),
    pytest.param(
        TEXTS, "；15 天内发现质量问题", "；30 天内发现质量问题", "texts.unlike", "zh-CN says 30", id="another limit in Chinese"
    ),
    pytest.param(TEXTS, "told within 15 days", "told within 14 days", "texts.unlike", "en says 14", id="another limit in English"),
    pytest.param(SCENARIOS, "pieces = 5", "peices = 5", "scenario.fails", "no word peices", id="a word that scenarios do not know"),
    # rules
    pytest.param(CODE, LOOK, LOOK + "    raise KeyError('grade')\n", "rule.raises", "KeyError: 'grade'", id="raises"),
    pytest.param(CODE, LOOK, LOOK + "    while True:\n        pass\n", "rule.loops", "rule paid", id="loops"),
    pytest.param(
        CODE,
        LOOK,
        LOOK + "    while True:\n        try:\n            pass\n        except Exception:\n            pass\n",
        "rule.loops",
        "rule paid",
        id="loops and catches",
    ),
    pytest.param(CODE, LOOK, LOOK + "    return None  # type: ignore\n", "rule.nonsense", "NoneType", id="answers nothing"),
    pytest.param(CODE, 'found("paid", Verdict.PASS', 'found("paid", "fine"', "rule.nonsense", "Finding", id="no verdict"),
    pytest.param(CODE, 'f"jewelry.{check}"', 'f"gems.{check}"', "rule.name", "jewelry.paid", id="checks under another name"),
    pytest.param(CODE, '"order.paid"', '"order.settled"', "texts.missing", "order.settled", id="a reason without a text"),
    pytest.param(
        CODE, '"window.over", days=days, last_day=last_day', '"window.over", days=days', "rule.figures", "last_day", id="a figure"
    ),
    pytest.param(CODE, 'found("arrived"', 'found("paid"', "rule.twice", "jewelry.paid", id="two rules, one check"),
    pytest.param(CODE, "sorted(data.items())", "sorted(data.items(), reverse=True)", "rule.data", "sorted", id="data out of order"),
    pytest.param(
        CODE,
        LOOK,
        LOOK + "    TICKS.append(1)\n    if len(TICKS) % 2:\n        return found('paid', Verdict.UNSURE, 'order.cancelled')\n",
        "rule.changes",
        "rule paid",
        id="changes its mind",
    ),
    pytest.param(
        CODE, "    freight = freight_due", "    1 / 0\n    freight = freight_due", "rule.raises", "amount of", id="an amount raises"
    ),
    pytest.param(
        CODE,
        "freight=freight)\n",
        "freight=freight).__class__(*(facts.order.lines[0].line_id,) * 4)\n",
        "amount.nonsense",
        "Quote",
        id="odd amount",
    ),
    # the world
    pytest.param(
        CODE,
        "from datetime import timedelta",
        "import socket\nfrom datetime import timedelta",
        "source.world",
        "socket",
        id="network",
    ),
    pytest.param(CODE, LOOK, LOOK + "    open('/dev/null').close()\n", "source.world", "open()", id="a file"),
    pytest.param(
        CODE, "import timedelta", "import datetime, timedelta\nBEGUN = datetime.now()", "source.clock", "datetime.now()", id="clock"
    ),
    pytest.param(
        CODE,
        "from datetime import timedelta",
        "import yaml\nfrom datetime import timedelta",
        "source.import",
        "yaml",
        id="a library",
    ),
    pytest.param(INIT, "VERTICAL = ", "sum(range(400_000_000))\nVERTICAL = ", "import.slow", "processor", id="slow to load"),
    pytest.param(CODE, "def fault(facts: Facts) -> Fault", "def fault(facts)", "source.untyped", "fault()", id="untyped"),
    # scenarios
    pytest.param(
        SCENARIOS, 'amount = "107.50"', 'amount = "99.50"', "scenario.fails", "expected CNY 99.50, found CNY 107.50", id="fails"
    ),
    pytest.param(SCENARIOS, "taken = 5", "taking = 5", "scenario.fails", "taking", id="an unknown word"),
    pytest.param(SCENARIOS, 'kind = "return_refund"', 'kind = "repair"', "scenario.fails", "repair", id="a kind it has not"),
    pytest.param(
        SCENARIOS, SHOWS, 'photos = ["unchecked"]\noutcome = "approve"', "scenario.missing", "fault_shown", id="a silent rule"
    ),
    pytest.param(SCENARIOS, "[[scenario]]", "[[scenarios]]", "scenario.none", "scenarios.toml", id="no scenarios"),
    pytest.param(
        CODE, "FAULT_DAYS = 15", "FAULT_DAYS = 15\nMOST_PIECES = 3", "scenario.limit", "MOST_PIECES", id="a limit nobody tests"
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "code", "says"), SPOILT)
def test_what_is_wrong_is_named_with_what_to_do(package, file, old, new, code, says):
    """One thing is spoilt at a time; the check names exactly that thing, and what to do about it."""
    path = package / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new, 1 if code not in ("scenario.none", "scenario.fails", "tests.kit") else -1)
    path.write_text(
        text.replace("FAULTS = {", "TICKS: list[int] = []\nFAULTS = {") if code == "rule.changes" else text, encoding="utf-8"
    )
    [subject] = find(str(package))
    runs = code.partition(".")[0] in ("vertical", "import", "texts", "rule", "amount", "scenario")
    problems = judged(subject).problems if runs else tuple(read(subject)[1])
    found = [problem for problem in problems if problem.code == code]
    if not code:
        assert not problems
        return
    assert found, problems
    assert any(says in f"{one.where} {one.what} {one.todo}" for one in found), found
    assert all(one.todo for one in problems)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (MANIFEST, "manifest.missing"),
        (README, "readme.sources"),
        (TEXTS, "texts.none"),
        (SCENARIOS, "scenario.none"),
        ("src/aftersales_jewelry/py.typed", "source.py_typed"),
        ("tests/test_jewelry.py", "tests.kit"),
    ],
)
def test_what_is_not_there_is_named(package, file, code):
    """A file that is missing is told by its name."""
    (package / file).unlink()
    [subject] = find(str(package))
    assert code in {problem.code for problem in judged(subject).problems}


def test_what_hangs_beyond_reach_is_ended(package):
    """A loop inside the interpreter's own code hears no signal: the whole process is ended, and that is said."""
    path = package / CODE
    slow = LOOK + "    sum(x for x in iter(int, 1))\n".replace("sum(x for x in iter(int, 1))", "max(iter(int, 1))")
    path.write_text(path.read_text(encoding="utf-8").replace(LOOK, slow), encoding="utf-8")
    [subject] = find(str(package))
    assert {"hangs", "rule.loops"} & {problem.code for problem in judged(subject, limit_s=8).problems}


def test_what_ends_the_process_is_told(package):
    """A rule that kills its process takes nothing along."""
    path = package / CODE
    path.write_text(path.read_text(encoding="utf-8").replace(LOOK, LOOK + "    import os\n    os._exit(3)\n"), encoding="utf-8")
    [subject] = find(str(package))
    codes = {problem.code for problem in judged(subject).problems}
    assert {"dies", "source.world"} <= codes


def test_a_level_that_is_claimed_and_not_reached_is_wrong(package, capsys):
    """Silver without a kit in its tests is no silver: the check fails until claim and package agree."""
    (package / "tests" / "test_jewelry.py").unlink()
    assert command.main(["check", str(package)]) == 1
    assert "claims silver, reaches bronze" in capsys.readouterr().out
    manifest = package / MANIFEST
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("silver", "bronze"), encoding="utf-8")
    assert command.main(["check", str(package)]) == 0
    assert command.main(["check", str(package), "--level", "silver"]) == 1


def test_a_package_that_offers_nothing_is_told_what_to_add(package, capsys):
    """Without an entry point nobody finds it: the two lines are printed."""
    path = package / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('[project.entry-points."aftersales.verticals"]\njewelry = "aftersales_jewelry"\n', ""), encoding="utf-8"
    )
    assert command.main(["check", str(package)]) == 2
    said = capsys.readouterr().err
    assert "no entry point" in said
    assert "aftersales.verticals" in said


@pytest.mark.parametrize("word", ["no_such_trade", "no/such/folder", "pytest", str(ROOT / "docs")])
def test_a_word_that_names_nothing_is_told(word):
    """A misspelt name, a missing folder, a package that offers nothing, a folder that is none."""
    with pytest.raises(NotFound) as refusal:
        find(word)
    assert refusal.value.todo


def test_an_entry_point_that_leads_nowhere_is_told(package, capsys):
    """A module that is not there is named."""
    path = package / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('jewelry = "aftersales_jewelry"', 'jewelry = "aftersales_gems"'))
    assert command.main(["check", str(package)]) == 2
    assert "aftersales_gems" in capsys.readouterr().err


def test_programs_read_the_same(package, capsys):
    """``--json`` has every problem with its code, and every scenario with what was given, expected and got."""
    scenarios = package / SCENARIOS
    scenarios.write_text(scenarios.read_text(encoding="utf-8").replace('amount = "107.50"', 'amount = "99.50"'), encoding="utf-8")
    assert command.main(["check", str(package), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    [checked] = said["checked"]
    assert (said["ok"], checked["kind"], checked["name"], checked["ok"]) == (False, "vertical", "jewelry", False)
    [failed] = [one for one in checked["problems"] if one["code"] == "scenario.fails"]
    assert failed["wrong"] is True
    [run] = [one for one in checked["scenarios"] if one["differences"]]
    assert (run["expected"]["amount"], run["got"]["amount"], run["given"]["state"]) == ("99.50", "107.50", "paid")


@pytest.mark.parametrize("word", [".", "src/aftersales_jewelry"])
def test_project_and_code_are_the_same_subject(package, word):
    """Whoever names the folder of the code means the package around it."""
    [subject] = find(str(package / word))
    assert (subject.name, subject.package, subject.project) == ("jewelry", "aftersales-jewelry 0.1.0", package.resolve())


def test_the_level_is_the_highest_that_nothing_blocks():
    """Nothing wrong is gold; what blocks a level leaves the one below it."""

    def blocks(level):
        return Problem("x", "here", "wrong", "right it", level)

    assert reached(()) is Level.GOLD
    assert [reached([blocks(level)]) for level in (Level.GOLD, Level.SILVER, Level.BRONZE)] == [
        Level.SILVER,
        Level.BRONZE,
        Level.NONE,
    ]
    assert reached([blocks(Level.GOLD), blocks(Level.SILVER)]) is Level.BRONZE


# --- scenarios --------------------------------------------------------------------------------------------------------
def test_scenarios_are_printed_with_what_was_given_expected_and_got(package, capsys):
    """A difference is pointed out and ends the command with 1; without one it is 0."""
    assert command.main(["scenario", str(package)]) == 0
    assert "18 of 18 scenarios end as written" in capsys.readouterr().out
    scenarios = package / SCENARIOS
    scenarios.write_text(scenarios.read_text(encoding="utf-8").replace('amount = "107.50"', 'amount = "99.50"'), encoding="utf-8")
    assert command.main(["scenario", str(package), "--failed"]) == 1
    said = capsys.readouterr().out
    assert "17 of 18" in said
    for line in (
        "given     kind = 'refund_only'",
        "expected  outcome = 'approve', amount = '99.50'",
        "got       outcome = 'approve', amount = '107.50'",
    ):
        assert line in said


def test_scenarios_of_ours_are_played_by_folder_and_name(capsys):
    """A trade that comes with the system is played like a package's."""
    for word in (str(ROOT / "verticals" / "general"), "general"):
        assert command.main(["scenario", word, "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        [trade] = said["verticals"]
        assert (trade["vertical"], trade["failed"]) == ("general", 0)
        assert len(trade["scenarios"]) == trade["passed"] >= 40


@pytest.mark.parametrize("word", ["no_such_trade", "vision"])
def test_what_has_no_scenarios_is_refused(word, capsys):
    """A plugin, or nothing at all, has none to play."""
    assert command.main(["scenario", word]) == 2
    assert "aftersales scenario:" in capsys.readouterr().err


def test_the_check_is_light():
    """Looking at a package needs the standard library alone: an integrator installs no test tools for it."""
    code = (
        "import aftersales.console.check, aftersales.audit.inside, sys; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"pytest", "hypothesis", "msgspec"} & set(ran.stdout.split())
