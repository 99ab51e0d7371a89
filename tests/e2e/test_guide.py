"""A person who has never seen the code follows the guide, word for word, in a copy of this checkout."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.home import ROOT

pytestmark = pytest.mark.e2e

GUIDES = ("guide-vertical.md", "guide-vertical.zh-CN.md")
READY_WITHIN_S, COMMAND_S = 120, 120
COPIED = (
    "aftersales",
    "functions",
    "infra",
    "models",
    "plugins",
    "verticals",
    "requirements",
    "app.py",
    "Makefile",
    "pyproject.toml",
)
#: What decides whether `make setup` has anything to do; a copy is as fresh as what it was copied from.
INPUTS = ("pyproject.toml", "requirements", "infra/local/engine")


def commands(guide: str) -> list[str]:
    """The lines of the guide's shell blocks, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / guide).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of code and every table of the system in that checkout, by its path."""
    tops = (folder / top for top in ("aftersales", "functions", "plugins", "verticals", "infra"))
    files = (path for top in tops for path in sorted(top.rglob("*")) if path.suffix in {".py", ".toml", ".tmpl"})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout with an environment of its own, in which what is installed here is found and nothing is fetched."""
    copy = tmp_path / "main"
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "train"))
        else:
            shutil.copy(source, copy / name)
    for path in (found for name in INPUTS for found in (copy / name, *(copy / name).rglob("*"))):
        os.utime(path, (0, 0))
    (copy / ".tools").symlink_to(ROOT / ".tools")
    environment = copy / ".venv"
    venv.create(environment, symlinks=True)
    places = {name: Path(where) for name, where in sysconfig.get_paths("venv", {"base": str(environment)}).items()}
    (places["purelib"] / "here.pth").write_text(f"{copy}\n{sysconfig.get_path('purelib')}\n")
    script = places["scripts"] / "aftersales"
    script.write_text(f"#!{places['scripts'] / 'python'}\nimport sys\nfrom aftersales.command import main\nsys.exit(main())\n")
    script.chmod(0o755)
    return copy


class Terminal:
    """Types commands in the checkout; the one that stays has a terminal of its own, which Ctrl-C ends."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONIOENCODING": "utf-8",
        }
        self.environment.pop("AFTERSALES_STAGE", None)
        self.staying: list[subprocess.Popen[bytes]] = []

    def type(self, command: str) -> str:
        """What the command prints; it has to succeed."""
        if command == "make run":
            return self._stay(command)
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.checkout, env=self.environment, capture_output=True, timeout=COMMAND_S, check=False
        )
        assert done.returncode == 0, f"{command}: {(done.stdout + done.stderr).decode(errors='replace')[-3000:]}"
        return done.stdout.decode()

    def _stay(self, command: str) -> str:
        log = self.checkout / "run.log"
        with log.open("wb") as out:
            words = ["bash", "-c", f"exec {command}"]
            self.staying.append(
                subprocess.Popen(words, cwd=self.checkout, env=self.environment, stdout=out, stderr=out, start_new_session=True)
            )
        ends = time.monotonic() + READY_WITHIN_S
        while "Ctrl-C ends everything" not in log.read_text(encoding="utf-8", errors="replace"):
            assert self.staying[-1].poll() is None, log.read_text(encoding="utf-8", errors="replace")[-3000:]
            assert time.monotonic() < ends, log.read_text(encoding="utf-8", errors="replace")[-3000:]
            time.sleep(0.2)
        return ""

    def end(self) -> None:
        """Ctrl-C, for whoever stays."""
        for process in self.staying:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


@pytest.fixture
def terminal(checkout: Path) -> Iterator[Terminal]:
    """One that is left with nothing running."""
    found = Terminal(checkout)
    yield found
    found.end()


def test_the_guide_brings_a_trade_of_ones_own_into_the_running_system(terminal: Terminal) -> None:
    """In under ten commands, none of which is more than a line, the new trade answers over HTTP; the core stays as it was."""
    typed, before = commands(GUIDES[0]), contents(terminal.checkout)
    assert len(typed) < 10
    said = [terminal.type(command) for command in typed]
    assert "reaches gold" in said[3]
    order, options = json.loads(said[-2]), json.loads(said[-1])
    assert order["order_id"] == "jewelry-1"
    [line] = options["lines"]
    offers = {offer["kind"]: offer for offer in line["offers"]}
    assert line["vertical"] == "jewelry"
    assert (offers["refund_only"]["offered"], offers["refund_only"]["max_minor"]) == (True, 9800)
    assert offers["return_refund"]["why_not"][0]["code"] == "jewelry.arrived"
    assert [name for name, content in contents(terminal.checkout).items() if before.get(name) != content] == [
        "infra/stages/local.toml"
    ]


def test_both_guides_give_the_same_commands() -> None:
    """Who reads Chinese types what who reads English types."""
    assert commands(GUIDES[0]) == commands(GUIDES[1])
