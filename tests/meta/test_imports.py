import json
import subprocess
import sys
from pathlib import Path
from pkgutil import iter_modules, walk_packages

import pytest

import aftersales
import plugins
import verticals

ROOT = Path(__file__).resolve().parents[2]

#: Loaded inside the function that needs them, if at all: each costs a cold start tens to hundreds of milliseconds.
HEAVY = {
    "PIL",
    "anyio",
    "boto3",
    "botocore",
    "cryptography",
    "cv2",
    "httpx",
    "jinja2",
    "jwt",
    "numpy",
    "onnxruntime",
    "pi_heif",
    "rapidocr",
    "requests",
    "stripe",
    "zxingcpp",
}

#: Development only: nothing that is deployed may need them.
TOOLS = {"hypothesis", "moto", "onnx", "pytest", "schemathesis", "sklearn", "torch"}

CORE = sorted(m.name for m in walk_packages(aftersales.__path__, "aftersales.") if not m.name.startswith("aftersales.testing"))
PLUGINS = sorted(m.name for m in iter_modules(plugins.__path__, "plugins."))
TRADES = sorted(m.name for m in iter_modules(verticals.__path__, "verticals."))


def loaded(*modules: str) -> set[str]:
    """The top-level names that a fresh interpreter has loaded after importing these modules."""
    code = "import importlib, json, sys; [importlib.import_module(m) for m in sys.argv[1:]]; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code, *modules], cwd=ROOT, capture_output=True, text=True, check=True)
    found = {name.partition(".")[0] for name in json.loads(ran.stdout)}
    return {name for name in found if not name.startswith("_sysconfigdata")}  # the library's own, named after the machine


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What an interpreter of this environment loads for itself (path files of editable installs, say)."""
    return loaded()


def test_the_app_starts_light():
    """Importing the app loads routes and use cases, and nothing that only some requests need."""
    if not (ROOT / "app.py").is_file():
        pytest.skip("there is no app.py yet")
    found = loaded("app")
    assert found & (HEAVY | TOOLS) == set()
    assert {"aftersales", "functions", "chalice"} <= found


READ_WORDS = """
import app, json, pathlib, sys
from aftersales.registry import Registry
reasons = Registry.from_file(pathlib.Path(sys.argv[1]), with_secrets=False).reasons
said = reasons.read("收到的草莓烂了一半", "zh-CN")
print(json.dumps({"reason": said.reason, "modules": sorted(sys.modules)}))
"""


@pytest.mark.parametrize("stage", ["aws", "local"])
def test_the_app_reads_words_and_stays_light(stage):
    """With its model of reasons loaded and used, the API still has no library that photos or training need."""
    file = ROOT / "infra" / "stages" / f"{stage}.toml"
    ran = subprocess.run([sys.executable, "-c", READ_WORDS, file], cwd=ROOT, capture_output=True, text=True, check=True)
    said = json.loads(ran.stdout)
    assert said["reason"] == "spoiled_or_damaged_on_arrival"
    assert {name.partition(".")[0] for name in said["modules"]} & (HEAVY | TOOLS) == set()


def test_the_core_needs_the_standard_library_only(bare):
    """Every module of the published package can be imported with nothing installed beside it."""
    assert loaded(*CORE) - bare - set(sys.stdlib_module_names) == {"aftersales"}


def test_trades_need_the_core_only(bare):
    """A trade is data and pure functions: it loads the core and the standard library."""
    assert TRADES
    assert loaded(*TRADES) - bare - set(sys.stdlib_module_names) == {"aftersales", "verticals"}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_is_cheap_to_import(plugin):
    """Switching a plugin on costs nothing before it is used: heavy packages come with the first call."""
    assert loaded(plugin) & (HEAVY | TOOLS) == set()


def test_scenarios_can_be_read_without_the_tools_of_tests():
    """The docs print scenarios, so builders and runner load neither pytest nor Hypothesis."""
    assert loaded("aftersales.testing.builders", "aftersales.testing.scenario") & (HEAVY | TOOLS) == set()
