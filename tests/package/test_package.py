"""What is built is what runs: the bundle is complete, for the right machine, small enough, and answers by itself."""

import json
import struct
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from infra.bundle import (
    API,
    LAMBDA,
    MIB,
    PACKAGES,
    ROOT,
    VISION_ZIP,
    BuildFailed,
    Target,
    Unit,
    belonging,
    check,
    stage,
    this_machine,
)
from infra.package import STAGE, build
from infra.template import assemble, lint

#: What the Lambda runtime brings: boto3 and what it needs.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")

ALONE = "import json, sys\nsys.path[:] = sys.argv[1:] + [part for part in sys.path if 'site-packages' not in part]\n"

ASK = """
import app
event = {
    "resource": "/v1/openapi.json", "path": "/v1/openapi.json", "httpMethod": "GET",
    "headers": {"accept": "application/json"}, "multiValueHeaders": {"accept": ["application/json"]},
    "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": None, "stageVariables": None,
    "requestContext": {"resourcePath": "/v1/openapi.json", "httpMethod": "GET", "stage": "live", "identity": {}},
    "body": None, "isBase64Encoded": False,
}
answer = app.app(event, None)
print(json.dumps({"answer": answer, "modules": sorted(sys.modules), "file": app.__file__}))
"""

READ = """
from aftersales.registry import Registry
reading = Registry({"ports": {"reasons": "text_reason"}}).reasons.read("The milk arrived rotten", "en")
print(json.dumps({"reason": reading.reason, "sure": reading.sure, "modules": sorted(sys.modules)}))
"""

HOLIDAY = """
import datetime
from aftersales.registry import Registry
day = Registry({"ports": {"workdays": "china_workdays"}}).workdays.day(datetime.date(2026, 10, 1))
print(json.dumps({"holiday": day.holiday}))
"""

RULES = """
import decimal
from aftersales.ruling import standard
from aftersales.ruling.fact import FACTS, FactType
from functions.sheet import as_jdm, as_xlsx
from plugins.zen_rules import build
kinds = {FactType.YES_NO: False, FactType.WHOLE: 0, FactType.AMOUNT: decimal.Decimal(0), FactType.TEXT: None}
figures = {fact.name: fact.values[0] if fact.values else kinds[fact.type] for fact in FACTS}
table = standard.table()
fired = build({}).run(table, {**figures, "kind": "return_refund", "amount_is_small": True})
same = as_jdm(as_xlsx(standard.FILE.read_bytes())) == table.text
print(json.dumps({"rule": fired.outputs["rule"], "same": same}))
"""

IMPORT_ALL = """
import importlib, pathlib
root = pathlib.Path(sys.argv[1])
files = [file.relative_to(root) for top in ("functions", "plugins", "verticals") for file in root.joinpath(top).rglob("*.py")]
names = sorted(".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files)
for name in names:
    importlib.import_module(name)
print(json.dumps({"imported": names}))
"""


@pytest.fixture(scope="module")
def ours() -> set[str]:
    """Every module of ours, listed before the bundle is built."""
    return {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


@pytest.fixture(scope="module")
def for_lambda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of the api unit, as it is deployed."""
    folder, size = build(API, LAMBDA, tmp_path_factory.mktemp("lambda"))
    print(f"api: {size / MIB:.1f} MiB unzipped, at most {API.max_bytes / MIB:.0f} MiB")
    return folder / "deployment.zip"


@pytest.fixture(scope="module")
def for_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The api unit as it would be built for this machine, unzipped."""
    folder = tmp_path_factory.mktemp("here")
    built, _ = build(API, this_machine(), folder / "work")
    with zipfile.ZipFile(built / "deployment.zip") as archive:
        archive.extractall(folder / "unzipped")
    return folder / "unzipped"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what Lambda brings, and nothing else of this environment."""
    return link(tmp_path_factory.mktemp("runtime"), *RUNTIME)


def link(folder: Path, *names: str) -> Path:
    """The folder, with links to these packages of this environment."""
    folder.mkdir(exist_ok=True)
    for name in names:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin)
        source = source.parent if source.name == "__init__.py" else source
        (folder / source.name).symlink_to(source)
    return folder


def contents(bundle: Path) -> list[str]:
    """The names in a zip."""
    with zipfile.ZipFile(bundle) as archive:
        return archive.namelist()


def run_alone(script: str, *paths: Path) -> Any:
    """What the script prints in an interpreter that sees only these paths and the standard library."""
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "TABLE": "aftersales-test"}
    command = [sys.executable, "-I", "-S", "-c", ALONE + script, *map(str, paths)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_module_of_ours_is_in_the_zip(ours: set[str], for_lambda: Path) -> None:
    """Chalice drops what it does not know without a word; here nothing of ours is missing."""
    assert len(ours) > len(PACKAGES)
    assert ours - set(contents(for_lambda)) == set()


def test_nothing_local_is_deployed(for_lambda: Path) -> None:
    """Neither tests nor the local system nor compiled leftovers nor what Lambda brings reach the cloud."""
    tops = {name.partition("/")[0] for name in contents(for_lambda)}
    assert tops.isdisjoint({"tests", "docs", "boto3", "botocore", "numpy", "cv2", "PIL", "onnxruntime", "pytest"})
    assert [name for name in contents(for_lambda) if name.startswith("infra/local") or name.endswith(".pyc")] == []
    assert [name for name in contents(for_lambda) if name.startswith("infra/")] == ["infra/stages/aws.toml"]


def test_compiled_modules_are_for_lambda(for_lambda: Path) -> None:
    """Every compiled module is for 64-bit ARM and, where it is bound to a version, for CPython 3.13."""
    with zipfile.ZipFile(for_lambda) as archive:
        compiled = {name: archive.read(name)[:20] for name in archive.namelist() if name.endswith(".so")}
    assert compiled
    for name, head in compiled.items():
        assert struct.unpack_from("<H", head, 18) == (183,), name  # EM_AARCH64
        assert "cpython-313-aarch64" in name or ".abi3." in name, name


def test_the_api_bundle_keeps_its_size(for_lambda: Path) -> None:
    """Unzipped it stays under 64 MiB, a third of them the rules engine's one library, which a start does not load."""
    with zipfile.ZipFile(for_lambda) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    print(f"api: {size / MIB:.1f} MiB unzipped")
    assert 1 * MIB < size <= 64 * MIB


def test_what_was_built_answers_with_nothing_but_itself(for_here: Path, runtime: Path) -> None:
    """The same bundle, built for this machine and unzipped alone, serves a request without anything of this environment."""
    said = run_alone(ASK, for_here, runtime)
    assert said["file"] == str(for_here / "app.py")
    assert said["answer"]["statusCode"] == 200
    assert json.loads(said["answer"]["body"])["openapi"].startswith("3.1")
    assert {"numpy", "cv2", "PIL", "onnxruntime"}.isdisjoint(said["modules"])


def test_what_was_built_reads_words_with_nothing_but_itself(for_here: Path) -> None:
    """The weights are in the bundle, and reading with them loads nothing but the standard library."""
    said = run_alone(READ, for_here)
    assert (said["reason"], said["sure"]) == ("spoiled_or_damaged_on_arrival", True)
    assert {"numpy", "onnxruntime", "msgspec", "boto3"}.isdisjoint(said["modules"])


def test_what_was_built_knows_holidays_with_nothing_but_itself(for_here: Path) -> None:
    """The calendar and the table beside it are in the bundle: deadlines move in the cloud, too."""
    assert run_alone(HOLIDAY, for_here) == {"holiday": "national_day"}


def test_what_was_built_runs_rules_with_nothing_but_itself(for_here: Path) -> None:
    """The engine, the default set and both sides of Excel are in the bundle: tables are run and edited in the cloud, too."""
    assert run_alone(RULES, for_here) == {"rule": "merchant.small_amount", "same": True}


def test_every_module_loads_from_the_bundle_alone(for_here: Path, runtime: Path) -> None:
    """No use case, plugin or trade needs a library at import that the bundle lacks: it would first be seen in the cloud."""
    imported = run_alone(IMPORT_ALL, for_here, runtime)["imported"]
    assert {"functions.cases", "plugins.dynamodb_store.store", "verticals"} <= set(imported)


def test_the_vision_unit_has_all_it_imports(tmp_path: Path, runtime: Path) -> None:
    """As a zip, too, the vision unit's app and its heavy libraries load from its own folder alone, and a calendar: it approves."""
    stage(VISION_ZIP, this_machine(), tmp_path / "stage")
    link(tmp_path / "chalice", "chalice")  # its runtime comes into the zip when Chalice packs it
    script = "import app, cv2, numpy, onnxruntime, PIL.Image\n"
    script += "seen = {'numpy': numpy.__file__, 'app': app.__file__, 'photos': type(app.registry().photos).__module__}\n"
    script += "import datetime\nseen['holiday'] = app.registry().workdays.day(datetime.date(2026, 10, 1)).holiday\n"
    script += "print(json.dumps(seen))"
    said = run_alone(script, tmp_path / "stage", tmp_path / "stage" / "vendor", runtime, tmp_path / "chalice")
    assert said["numpy"].startswith(str(tmp_path))
    assert said["app"] == str(tmp_path / "stage" / "app.py")
    assert said["photos"].startswith("plugins.vision")
    assert said["holiday"] == "national_day"


def test_the_template_of_this_build_passes_cfn_lint(for_lambda: Path, tmp_path: Path) -> None:
    """What Chalice wrote for the app, completed, has no fault that cfn-lint can find, and reads its own stream and queue."""
    written = json.loads((for_lambda.parent / "sam.json").read_text())
    template = assemble([(API, written)], ROOT / "infra" / "stages" / f"{STAGE}.toml")
    (tmp_path / "template.json").write_text(json.dumps(template))
    lint(tmp_path / "template.json")
    events = [event for found in template["Resources"].values() for event in found["Properties"].get("Events", {}).values()]
    streams = [event["Properties"]["Stream"] for event in events if event["Type"] == "DynamoDB"]
    assert streams == [{"Fn::GetAtt": ["Table", "StreamArn"]}]
    assert {event["Type"] for event in events} == {"DynamoDB", "Schedule", "SQS"}
    queues = [event["Properties"]["Queue"] for event in events if event["Type"] == "SQS"]
    assert queues == [{"Fn::GetAtt": ["BatchesQueue", "Arn"]}]
    erasing = [name for name, one in template["Resources"].items() if "s3:DeleteObject" in json.dumps(one)]
    assert len(erasing) == 1, "the schedule that erases has its right by its name"


# --- the gate itself ------------------------------------------------------------------------------------------------


def elf(machine: int) -> bytes:
    """The head of a compiled module for a CPU."""
    return b"\x7fELF" + bytes(14) + struct.pack("<H", machine)


def small_project(folder: Path) -> Path:
    """A project that is small enough to see through."""
    for package in PACKAGES:
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").touch()
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """A zip with these files."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


SMALL = Unit("small", "app.py", (), (), 1000, 128, 10, pays=False, without=("numpy",))
SOUND = dict.fromkeys(("app.py", "chalice/app.py", *(f"{package}/__init__.py" for package in PACKAGES)), b"")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"plugins/__init__.py": None}, "missing: plugins/__init__.py", id="module-left-out"),
        pytest.param({"chalice/app.py": None}, "missing: chalice/app.py", id="runtime-left-out"),
        pytest.param({"tests/test_a.py": b""}, "does not belong in it: tests/test_a.py", id="test"),
        pytest.param({"infra/local/run.py": b""}, "does not belong in it: infra/local/run.py", id="local-system"),
        pytest.param({"boto3/__init__.py": b""}, "does not belong in it: boto3/__init__.py", id="brought-by-lambda"),
        pytest.param({"numpy/__init__.py": b""}, "does not belong in it: numpy/__init__.py", id="another-units"),
        pytest.param({"x.so": elf(62)}, "built for another machine: x.so", id="other-cpu"),
        pytest.param(
            {"y.cpython-311-aarch64-linux-gnu.so": elf(183)}, "built for another machine: y.cpython-311", id="other-python"
        ),
        pytest.param({"app.py": b"#" * 1001}, "unzipped it has", id="too-big"),
    ],
)
def test_a_wrong_bundle_ends_the_build(tmp_path: Path, change: dict[str, bytes | None], complaint: str) -> None:
    """Each fault alone is named and fails the check."""
    files = {name: content for name, content in {**SOUND, **change}.items() if content is not None}
    with pytest.raises(BuildFailed) as failed:
        check(SMALL, LAMBDA, zipped(tmp_path / "small.zip", files), belonging(SMALL, small_project(tmp_path / "project")))
    assert complaint in str(failed.value)
    assert len(str(failed.value).splitlines()) == 2


def test_a_sound_bundle_passes_and_tells_its_size(tmp_path: Path) -> None:
    """A bundle with everything that belongs in it, for its machine, is accepted."""
    files = {**SOUND, "x.abi3.so": elf(183), "z.cpython-313-aarch64-linux-gnu.so": elf(183)}
    assert check(SMALL, LAMBDA, zipped(tmp_path / "small.zip", files), belonging(SMALL, small_project(tmp_path / "project"))) == 40


def test_a_target_reads_as_the_machine_it_is() -> None:
    """Lambda's target is Python 3.13 on 64-bit ARM; this machine's target is the interpreter that runs here."""
    assert (LAMBDA.cpython, LAMBDA.machine) == ("cpython-313", "aarch64")
    assert this_machine().cpython == sys.implementation.cache_tag
    assert Target("3.14", "x86_64-manylinux_2_28").machine == "x86_64"
