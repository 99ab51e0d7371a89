"""Bundles: what is put into the zip or image of one Lambda unit, for which machine, and whether it is all there.

Chalice alone would leave our packages out without a word and copy the Python that happens to run. So a unit is staged in a
folder of its own, its wheels are installed for the target, Chalice packs that folder, and what came out is looked through.
"""

import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("aftersales", "functions", "plugins", "verticals")
#: Part of the Lambda runtime (boto3) or brought by Chalice itself.
NOT_BUNDLED = frozenset({"boto3", "chalice"})
#: Left out of our own folders: what no running function reads. ``local.toml`` is the stage of the system on one machine.
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "tests", "*.md", "local.toml")
#: Left out of data folders besides: the scripts that train and measure a model.
LEFT_OUT_OF_DATA = shutil.ignore_patterns("__pycache__", "*.pyc", "tests", "*.md", "local.toml", "*.py", "*.pt")
LeftOut = Callable[[Any, list[str]], set[str]]
HEAVY = ("PIL", "cv2", "numpy", "onnxruntime")
MIB = 1024 * 1024
#: AWS's limit for an unzipped bundle, layers included (Lambda quotas, read 2026-11).
LAMBDA_MAX_BYTES = 250 * MIB
#: Ours for an image, far below Lambda's own 10 GB: what is larger says that something slipped in.
IMAGE_MAX_BYTES = 450 * MIB
#: Threads and memory of the libraries that look at photos, said before they are loaded: one photo, one core, two heaps.
#: What was freed is given back: left to itself glibc keeps ever larger blocks, and the process a hundred MB more.
BOUNDS = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
}
ELF_MACHINES = {"aarch64": 183, "arm64": 183, "x86_64": 62}


class BuildFailed(Exception):
    """The bundle or its template is not what must be deployed; the message lists everything that is wrong."""


@dataclass(frozen=True, slots=True)
class Target:
    """The machine a bundle is for. ``python`` is "3.13", ``platform`` as uv names it: "aarch64-manylinux_2_28"."""

    python: str
    platform: str

    @property
    def machine(self) -> str:
        """The CPU, as in the names of compiled modules."""
        return self.platform.partition("-")[0]

    @property
    def architecture(self) -> str:
        """The CPU in Lambda's words."""
        return {"aarch64": "arm64"}.get(self.machine, self.machine)

    @property
    def cpython(self) -> str:
        """The tag of compiled modules: "cpython-313"."""
        return "cpython-" + self.python.replace(".", "")


#: Python 3.13 because 3.11's Lambda image is too old for the wheels of numpy and onnxruntime (glibc 2.26).
LAMBDA = Target("3.13", "aarch64-manylinux_2_28")
#: What ``--machine`` of infra/package.py may name.
MACHINES = {target.architecture: target for target in (LAMBDA, replace(LAMBDA, platform="x86_64-manylinux_2_28"))}


def this_machine() -> Target:
    """The target that runs right here, for tests of what was built."""
    cpu = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    system = "apple-darwin" if sys.platform == "darwin" else "manylinux_2_28"
    return Target(f"{sys.version_info.major}.{sys.version_info.minor}", f"{cpu}-{system}")


@dataclass(frozen=True, slots=True)
class Unit:
    """One deployable zip, or an ``image``. ``requirements`` names the lists it needs, ``data`` the folders it reads beside code.

    ``memory_mb`` also sets the share of a CPU (1769 MB are one, Lambda's documentation, read 2026-11). ``pays`` says whether it
    talks to payment channels and checks tokens, and so reads secrets. ``unused`` are requirements of its lists that it does not
    load, ``without`` packages that it must not hold. ``variables`` are put into its environment as they are.
    """

    name: str
    app: str
    requirements: tuple[str, ...]
    data: tuple[str, ...]
    max_bytes: int
    memory_mb: int
    timeout_s: int
    pays: bool
    without: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    image: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def brought(self) -> frozenset[str]:
        """Requirements that are not installed. An image takes its own boto3 along: what its base holds, its base decides."""
        return (NOT_BUNDLED - {"boto3"} if self.image else NOT_BUNDLED) | frozenset(self.unused)


API = Unit("api", "app.py", ("api",), ("infra/stages", "models/reason"), 64 * MIB, 1024, 60, pays=True, without=HEAVY)
VISION = Unit(
    "vision",
    "infra/vision/app.py",
    ("api", "vision", "ocr"),
    ("infra/stages", "models"),
    IMAGE_MAX_BYTES,
    2048,
    120,
    pays=False,
    without=("cryptography", "httpx", "jwt", "zen"),  # what opens strangers' files signs nothing, calls nobody and decides nothing
    unused=("cryptography", "defusedxml", "httpx", "openpyxl", "pyjwt", "xlsxwriter", "zen-engine"),
    image=True,
    variables=BOUNDS,
)
#: The same without the reader of words, which a zip has no room for.
VISION_ZIP = replace(
    VISION, requirements=("api", "vision"), max_bytes=LAMBDA_MAX_BYTES, image=False, without=(*VISION.without, "rapidocr")
)
#: API Gateway waits no longer for an answer (quota of REST APIs, read 2026-11).
ANSWER_TIMEOUT_S = 29
#: Functions with more time (s) and memory (MB) than their unit: the most time that Lambda gives, on a whole CPU, for a day of many
#: refunds. Its memory stays the same whatever their number. Erasing an hour's files is many small requests one after
#: another, and so is a batch.
LARGER = {"reconcile_bills": (900, 1769), "expire_originals": (300, 1024), "run_batches": (300, 1024)}
UNITS = {unit.name: unit for unit in (API, VISION)}
#: How the vision unit is deployed: ``--vision`` of infra/package.py.
PROFILES = {"image": VISION, "zip": VISION_ZIP}
#: Plugins with a library that only those stages bundle which switch them on, and its list of requirements.
EXTRAS = {"stripe_refund": "stripe"}


def needed(unit: Unit, stage_file: Path) -> Unit:
    """The unit with the libraries that the stage's channels need beyond what every stage has."""
    channels = tomllib.loads(stage_file.read_text(encoding="utf-8")).get("channels", {})
    used = {plugin.partition(":")[0] for plugin in channels.values()}
    lists = sorted({EXTRAS[plugin] for plugin in used if plugin in EXTRAS and unit.pays})
    return replace(unit, requirements=(*unit.requirements, *lists))


def belonging(unit: Unit, root: Path = ROOT) -> frozenset[str]:
    """The files of ours that the zip must hold: every module, and the unit's data."""
    folders = [*((name, LEFT_OUT) for name in PACKAGES), *((name, LEFT_OUT_OF_DATA) for name in unit.data)]
    files = ((file, left_out) for name, left_out in folders for file in (root / name).rglob("*") if file.is_file())
    kept = (file.relative_to(root) for file, left_out in files if not _is_left_out(file, left_out))
    return frozenset({"app.py", "chalice/app.py", *(file.as_posix() for file in kept)})


def stage(unit: Unit, target: Target, folder: Path, root: Path = ROOT, guests: Iterable[str] = ()) -> None:
    """Fill ``folder`` with a Chalice project of the unit: app, our packages, its wheels, the ``guests``, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    vendor = folder / "vendor"
    vendor.mkdir(parents=True)
    shutil.copy(root / unit.app, folder / "app.py")
    (folder / "requirements.txt").touch()  # Chalice would build for the running Python; the wheels are in vendor already
    for package in PACKAGES:
        shutil.copytree(root / package, vendor / package, ignore=LEFT_OUT)
    for name in unit.data:
        if (root / name).exists():
            shutil.copytree(root / name, vendor / name, ignore=LEFT_OUT_OF_DATA)
    _install_wheels(unit, target, vendor, root)
    _install_guests(tuple(guests), target, vendor)
    _configure(unit, target, folder)


def pack(unit: Unit, folder: Path, out: Path) -> Path:
    """Let Chalice pack the staged folder into ``out`` (``sam.json`` and the zip) and give the zip's path."""
    shutil.rmtree(out, ignore_errors=True)
    chalice = Path(sys.executable).parent / "chalice"
    _run(
        [str(chalice), "--project-dir", str(folder), "package", "--stage", "live", str(out.resolve())],
        f"Chalice cannot pack {unit.name}",
        # Chalice imports the app: it must leave no compiled files in vendor, and asks for a region that it does not use.
        {"PYTHONDONTWRITEBYTECODE": "1", "AWS_DEFAULT_REGION": "us-east-1"},
    )
    return out / "deployment.zip"


def check(unit: Unit, target: Target, bundle: Path, expected: frozenset[str]) -> int:
    """Give the unzipped size in bytes. Raises BuildFailed with every fault when the zip is not what the unit needs."""
    with zipfile.ZipFile(bundle) as archive:
        names = frozenset(archive.namelist())
        size = sum(entry.file_size for entry in archive.infolist())
        compiled = {name: archive.open(name).read(20) for name in names if re.search(r"\.so(\.\d+)*$", name)}
    faults = [
        *(f"missing: {name}" for name in sorted(expected - names)),
        *(f"does not belong in it: {name}" for name in sorted(names) if _strange(unit, name)),
        *(f"built for another machine: {name}" for name, head in sorted(compiled.items()) if not _fits(target, name, head)),
    ]
    if size > unit.max_bytes:
        faults.append(f"unzipped it has {size / MIB:.1f} MiB, at most {unit.max_bytes / MIB:.0f} MiB are wanted")
    if faults:
        raise BuildFailed(f"the bundle {unit.name} is wrong:\n  " + "\n  ".join(faults))
    return size


def _is_left_out(file: Path, left_out: LeftOut) -> bool:
    return any(left_out(str(file.parent), [part]) for part in file.parts)


def _strange(unit: Unit, name: str) -> bool:
    """Whether the file must not be deployed: tests, the local system, what Lambda brings, what another unit is for."""
    top = name.partition("/")[0]
    ours_but_not_for_lambda = (
        top in {"tests", "docs"} or name.startswith(("infra/local/", "infra/vision/")) or "__pycache__" in name
    )
    lambdas_own = not unit.image and top in {"boto3", "botocore"}
    return ours_but_not_for_lambda or lambdas_own or top in unit.without


def _fits(target: Target, name: str, head: bytes) -> bool:
    """Whether a compiled module's first 20 bytes and its name say that the target can load it."""
    tag = re.search(r"cpython-\d+", name)
    if tag and tag.group() != target.cpython:
        return False
    if head[:4] != b"\x7fELF":  # a Mac's format; only bundles for tests on this very machine have it
        return "darwin" in target.platform
    return bool(struct.unpack_from("<H", head, 18)[0] == ELF_MACHINES[target.machine])


def _install_wheels(unit: Unit, target: Target, vendor: Path, root: Path) -> None:
    """Install the unit's locked wheels for the target; from uv's cache if all are there, else through the registry."""
    wanted = vendor.parent / "wheels.in"
    wanted.write_text("\n".join(_wanted(unit, root)) + "\n")
    locks = [part for name in unit.requirements for part in ("-c", str(root / "requirements" / f"{name}.txt"))]
    where = ["--target", str(vendor), "--python-version", target.python, "--python-platform", target.platform]
    command = [_uv(), "pip", "install", "-q", *where, "--only-binary", ":all:", *locks, "-r", str(wanted)]
    try:
        _run([*command, "--offline"], "not in the cache")
    except BuildFailed:
        _run(command, f"the wheels of {unit.name} cannot be installed for {target.python} on {target.platform}")
    shutil.rmtree(vendor / "bin", ignore_errors=True)
    (vendor / ".lock").unlink(missing_ok=True)


def _install_guests(guests: tuple[str, ...], target: Target, vendor: Path) -> None:
    """Install packages of third parties, by wheel or folder, without what they need: the core is here, a trade needs no more."""
    if not guests:
        return
    where = ["--target", str(vendor), "--python-version", target.python, "--python-platform", target.platform]
    command = [_uv(), "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--python", sys.executable, *where, *guests]
    _run(command, f"{', '.join(guests)} cannot be installed for {target.python} on {target.platform}")
    shutil.rmtree(vendor / "bin", ignore_errors=True)
    (vendor / ".lock").unlink(missing_ok=True)


def _wanted(unit: Unit, root: Path) -> Iterable[str]:
    """The names that the unit's lists ask for, less what Lambda and Chalice bring."""
    for name in unit.requirements:
        for line in (root / "requirements" / f"{name}.in").read_text().splitlines():
            requirement = line.partition("#")[0].strip()
            if requirement and re.split(r"[<>=!~\[ ]", requirement)[0].lower() not in unit.brought:
                yield requirement


def _configure(unit: Unit, target: Target, folder: Path) -> None:
    """Write Chalice's configuration; what it has no word for is put into the template afterwards."""
    (folder / ".chalice").mkdir(parents=True)
    # Replaced by a policy per function, which needs references that this file cannot hold.
    (folder / ".chalice" / "none.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": []}))
    live = {
        "api_gateway_stage": "live",
        "api_gateway_endpoint_type": "REGIONAL",
        "autogen_policy": False,
        "iam_policy_file": "none.json",
        "lambda_architecture": target.architecture,
        "lambda_memory_size": unit.memory_mb,
        "lambda_timeout": unit.timeout_s,
        "lambda_functions": {
            "api_handler": {"lambda_timeout": ANSWER_TIMEOUT_S},
            **{name: {"lambda_timeout": t, "lambda_memory_size": m} for name, (t, m) in LARGER.items() if unit.pays},
        },
    }
    config = {"version": "2.0", "app_name": "aftersales", "stages": {"live": live}}
    (folder / ".chalice" / "config.json").write_text(json.dumps(config, indent=2))


def _uv() -> str:
    found = ROOT / ".tools" / "bin" / "uv"
    path = str(found) if found.exists() else shutil.which("uv")
    if path is None:
        raise BuildFailed("uv is not here: run make setup")
    return path


def _run(command: list[str], failure: str, extra: dict[str, str] | None = None) -> None:
    """Run the command quietly. Raises BuildFailed with the end of what it said."""
    done = subprocess.run(command, env={**os.environ, **(extra or {})}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"{failure}:\n{(done.stdout + done.stderr).strip()[-2000:]}")
