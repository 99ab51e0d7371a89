"""What a third party has: the wheel, and a package of their own beside it, in an environment that knows nothing of the checkout."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from infra.bundle import API, ROOT, stage, this_machine

EXAMPLE = ROOT / "docs" / "examples" / "aftersales-jewelry"
UV = ROOT / ".tools" / "bin" / "uv"
JUNK = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", ".*_cache", ".hypothesis")

Run = Callable[..., str]


def built(source: Path, into: Path) -> Path:
    """The wheel of the project in ``source``, built with what is installed here."""
    command = [UV, "build", "-q", "--wheel", "--offline", "--no-build-isolation", "--python", sys.executable, "-o", into, source]
    subprocess.run(list(map(str, command)), check=True, timeout=120)
    return max(into.glob("*.whl"), key=lambda wheel: wheel.stat().st_mtime)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published package, built from what belongs in it."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "aftersales", source / "aftersales", ignore=JUNK)
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    return built(source, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example's project."""
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("example") / EXAMPLE.name, ignore=JUNK))


@pytest.fixture(scope="module")
def outside(wheel: Path, example: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program of a fresh environment in which wheel and example are installed; pytest and mypy are those of here."""
    folder = tmp_path_factory.mktemp("outside")
    venv.create(folder / "env", symlinks=True)
    places = {name: Path(where) for name, where in sysconfig.get_paths("venv", {"base": str(folder / "env")}).items()}
    # A plain path: what is installed here is found after their own, and the checkout, an editable install, is not.
    (places["purelib"] / "tools.pth").write_text(sysconfig.get_path("purelib") + "\n")
    wheels = [str(wheel), str(built(example, folder / "dist"))]
    python = str(places["scripts"] / "python")
    subprocess.run(
        [str(UV), "pip", "install", "-q", "--offline", "--no-deps", "--python", python, *wheels], check=True, timeout=120
    )
    (folder / "empty").mkdir()

    def run(*words: str, cwd: Path = folder / "empty", status: int = 0) -> str:
        program = [python, *words[1:]] if words[0] == "python" else [str(places["scripts"] / words[0]), *words[1:]]
        environment = {"PATH": str(places["scripts"]), "HOME": str(folder), "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(program, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_wheel_has_all_that_it_needs_and_nothing_else(wheel: Path) -> None:
    """Templates, texts and the marker for type checkers are in it; the system, its trades and its plugins are not."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [about] = [archive.read(name).decode() for name in names if name.endswith("METADATA")]
    folder = ROOT / "aftersales"
    ours = {
        p.relative_to(ROOT).as_posix() for p in folder.rglob("*") if p.suffix in {".py", ".tmpl", ".toml"} or p.name == "py.typed"
    }
    assert ours - names == set()
    assert {name.partition("/")[0] for name in names} == {"aftersales", "aftersales-0.1.0.dist-info"}
    assert not [line for line in about.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    testing = re.findall(r"Requires-Dist: (\w+)[^;]*; extra == .testing", about)
    assert sorted(testing) == ["hypothesis", "pytest"]


def test_nothing_of_the_checkout_is_seen_from_outside(outside: Run) -> None:
    """Otherwise the rest of these tests would show nothing."""
    code = "import aftersales, importlib.util as u; tops = ('infra', 'verticals', 'functions')\n"
    code += "print(aftersales.__file__, [u.find_spec(top) for top in tops])"
    said = outside("python", "-c", code)
    assert str(ROOT) not in said
    assert "[None, None, None]" in said


def test_the_example_passes_its_own_tests_outside(outside: Run, example: Path) -> None:
    """Both kits, every scenario and the limits, against the wheel."""
    said = outside("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "pythonpath=tests", cwd=example)
    assert int(re.findall(r"(\d+) passed", said)[0]) >= 60


def test_the_example_is_typed_against_the_wheel(outside: Run, example: Path, tmp_path: Path) -> None:
    """The wheel says its types, and strict mode finds nothing missing."""
    outside("python", "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), cwd=example)


def test_the_installed_example_is_checked_by_name(outside: Run) -> None:
    """The commands come with the wheel: what is installed is found, judged, and is what it claims."""
    said = json.loads(outside("aftersales", "check", "aftersales-jewelry", "--json"))
    levels = {one["name"]: one["level"] for one in said["checked"]}
    assert levels == {
        "jewelry": {"claimed": "gold", "reached": "gold"},
        "gem_certificate": {"claimed": "silver", "reached": "silver"},
    }
    assert "scenarios end as written" in outside("aftersales", "scenario", "jewelry")


def test_what_is_available_is_listed_and_activated(outside: Run, tmp_path: Path) -> None:
    """Installing makes it available; a stage file makes it active."""
    stage = tmp_path / "shop.toml"
    stage.write_text('[verticals]\nactive = []  # none yet\n\n[sources]\ngem_certificate = "gem_certificate"\n', encoding="utf-8")
    states = {}
    for _ in range(2):
        offered = json.loads(outside("aftersales", "plugins", "--stage", str(stage), "--json"))["offered"]
        states = {one["name"]: (one["state"], one["level"], one["package"]) for one in offered}
        assert states["gem_certificate"] == ("active", "silver", "aftersales-jewelry 0.1.0")
        if states["jewelry"][0] == "available":
            outside("aftersales", "activate", "jewelry", "--stage", str(stage))
    assert states["jewelry"] == ("active", "gold", "aftersales-jewelry 0.1.0")
    assert "# none yet" in stage.read_text(encoding="utf-8")


def test_a_new_trade_is_written_outside_too(outside: Run, tmp_path: Path) -> None:
    """The generator's templates are in the wheel, and a name that an installed package has is refused."""
    outside("aftersales", "new-vertical", "toys", "--into", str(tmp_path))
    outside("aftersales", "check", str(tmp_path / "aftersales-toys"))
    outside("aftersales", "new-vertical", "jewelry", "--into", str(tmp_path), status=2)


def test_commands_of_the_system_need_a_checkout(outside: Run) -> None:
    """Who types ``run`` with the wheel alone is told what there is."""
    outside("aftersales", "run", status=2)
    assert "checkout" in outside("aftersales", "--help")


def test_the_example_changes_nothing_of_ours() -> None:
    """No file of the system names it: it is found by its entry points alone."""
    found = [
        path.relative_to(ROOT).as_posix()
        for top in ("aftersales", "functions", "plugins", "verticals", "infra", "app.py")
        for path in ([ROOT / top] if (ROOT / top).is_file() else (ROOT / top).rglob("*.py"))
        if re.search(r"aftersales_jewelry|gem_certificate\b", path.read_text(encoding="utf-8"))
    ]
    assert found == []
    assert "jewelry" not in {entry.name for entry in metadata.entry_points(group="aftersales.verticals")}


def test_a_third_partys_trade_is_deployed_with_the_system(example: Path, tmp_path: Path) -> None:
    """``--with`` puts the package beside ours into the bundle, where it is found by its entry point, and brings no other core."""
    stage(API, this_machine(), tmp_path / "stage", guests=[str(example)])
    vendor = tmp_path / "stage" / "vendor"
    code = "import sys; sys.path[:] = [sys.argv[1]] + [p for p in sys.path if 'site-packages' not in p]\n"
    code += "from aftersales.registry import Registry\n"
    code += "found = Registry({'verticals': {'active': ['general', 'jewelry']}})\n"
    code += "print(found.vertical('jewelry').package, dict(found.left_out))"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code, str(vendor)], capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["aftersales_jewelry", "{}"], ran.stderr
    assert not list(vendor.glob("aftersales-*.dist-info"))
