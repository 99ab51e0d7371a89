"""The image of the vision unit: what its recipe copies, and that it works through Lambda's own runtime client.

No container engine is needed. The recipe is read, the folder that it copies is made as ``make package`` makes it (for this
machine), and the handler runs from that folder alone, fed by a runtime API on loopback.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.follow import PHOTO_QUEUE
from infra.bundle import BOUNDS, LAMBDA, MIB, PROFILES, ROOT, VISION, VISION_ZIP, belonging, stage, this_machine
from infra.image import TASK, lay, recipe
from infra.local.client import until
from infra.local.mall import STRAWBERRIES, Shop
from infra.local.photos import drawn
from infra.local.system import System
from infra.local.worker import sqs_record
from infra.package import build
from tests.package.lambda_api import Lambda
from tests.package.test_package import ALONE, link, run_alone

#: What Lambda's base image brings for a function in Python: its runtime client.
BROUGHT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
CLIENT = f"import runpy, sys\nhandler = sys.argv.pop()\n{ALONE}sys.argv = ['awslambdaric', handler]\n"
CLIENT += "runpy.run_module('awslambdaric', run_name='__main__')\n"
CLAIM = {"kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}


@pytest.fixture(scope="module")
def ours() -> frozenset[str]:
    """Every file of ours that belongs into the image, listed before it is made."""
    return belonging(VISION)


@pytest.fixture(scope="module")
def context(ours: frozenset[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the image is built from, made for this machine."""
    folder = tmp_path_factory.mktemp("image")
    built, size = build(VISION, this_machine(), folder / "work")
    print(f"vision image: {size / MIB:.0f} MiB, at most {VISION.max_bytes / MIB:.0f} MiB")
    return lay(VISION, built / "deployment.zip", folder / "context")


@pytest.fixture(scope="module")
def instructions(context: Path) -> list[tuple[str, str]]:
    """The recipe's instructions in order."""
    text = (context / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def said(instructions: list[tuple[str, str]], word: str) -> list[str]:
    """What follows each instruction of that name."""
    return [rest for name, rest in instructions if name == word]


# --- the recipe -----------------------------------------------------------------------------------------------------
def test_the_recipe_copies_what_is_there_and_installs_nothing(context: Path, instructions: list[tuple[str, str]]) -> None:
    """All that goes into the image lies beside the recipe, tested; nothing but the base is fetched to build it."""
    assert recipe(VISION).read_text() == (context / "Dockerfile").read_text()
    assert {name for name, _ in instructions} == {"ARG", "FROM", "ENV", "COPY", "RUN", "USER", "CMD"}
    assert said(instructions, "COPY") == [f"{TASK}/ /var/task/"]
    assert (context / TASK / "app.py").is_file()
    assert {path.name for path in context.iterdir()} == {"Dockerfile", TASK}


def test_the_base_is_lambdas_python_by_its_digest(instructions: list[tuple[str, str]]) -> None:
    """The image stands on the Python that the wheels were chosen for, and cannot be built on a tag that moved."""
    arguments = dict(argument.partition("=")[::2] for argument in said(instructions, "ARG"))
    assert arguments["BASE"].endswith(f"lambda-python:{LAMBDA.python}")
    assert arguments["DIGEST"] == ""
    assert said(instructions, "FROM") == ["${BASE}@${DIGEST}"]


def test_nobody_in_the_image_can_change_it(context: Path, instructions: list[tuple[str, str]]) -> None:
    """It runs as a user that owns nothing, and every file can be read by all and written by its owner only."""
    assert [int(number) for number in said(instructions, "USER")[0].split(":")] == [65534, 65534]
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (context / TASK).rglob("*")}
    assert modes == {(True, 0o755), (False, 0o644)}


def test_recipe_and_template_bound_the_libraries_alike(instructions: list[tuple[str, str]]) -> None:
    """The image is as bounded elsewhere as the function is in the cloud."""
    assert dict(pair.split("=") for pair in said(instructions, "ENV")[0].split()) == BOUNDS


def test_the_one_command_of_the_recipe_goes_well(
    context: Path, ours: frozenset[str], instructions: list[tuple[str, str]], tmp_path: Path
) -> None:
    """All that is in the image can be compiled ahead: tried with this machine's Python, nothing of ours is left to a cold start."""
    (command,) = (json.loads(line) for line in said(instructions, "RUN"))
    assert (Path(command[0]).name, command[1:3], command[-1]) == (f"python{LAMBDA.python}", ["-m", "compileall"], "/var/task")
    shutil.copytree(context / TASK, tmp_path / TASK)
    done = subprocess.run([sys.executable, *command[1:-1], str(tmp_path / TASK)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    compiled = {file.parents[1] / f"{file.name.split('.')[0]}.py" for file in (tmp_path / TASK).rglob("*.pyc")}
    assert {tmp_path / TASK / name for name in ours if name.endswith(".py")} - compiled == set()


# --- its contents -----------------------------------------------------------------------------------------------------
def test_the_image_holds_what_the_zip_holds_and_the_reader_of_words(context: Path, ours: frozenset[str]) -> None:
    """Every module, model and stage of ours is in both; OCR is in the image alone, build tools and tests are in neither."""
    held = {path.relative_to(context / TASK).as_posix() for path in (context / TASK).rglob("*") if path.is_file()}
    assert (ours - held, VISION.data) == (set(), VISION_ZIP.data)
    tops = {name.partition("/")[0] for name in held}
    assert {"cv2", "numpy", "onnxruntime", "PIL", "rapidocr", "zxingcpp", "boto3"} <= tops
    assert tops.isdisjoint({"pip", "setuptools", "wheel", "uv", "torch", "pytest", "tests", "docs", "cryptography", "jwt"})
    assert [name for name in held if name.endswith((".pyc", ".pt")) or name.startswith(("infra/local/", "infra/vision/"))] == []


def test_every_wheel_in_the_image_is_locked_by_its_hash(context: Path) -> None:
    """Nothing got in past the lists: each package has the version, and at least one hash, that requirements/ state."""
    locked: dict[str, str] = {}
    for name in VISION.requirements:
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
        entries = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+).*--hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
        locked |= {plain(name): version for name, version in entries}
    found = dict(path.name.removesuffix(".dist-info").rsplit("-", 1) for path in (context / TASK).glob("*.dist-info"))
    assert len(found) > 10
    assert {plain(name): version for name, version in found.items()}.items() - locked.items() == set()


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_zip_profile_fits_lambda(tmp_path: Path) -> None:
    """Without the reader of words, and with all models, it stays below what Lambda unpacks, on the CPU that it is deployed to."""
    stage(VISION_ZIP, LAMBDA, tmp_path / "stage")
    size = sum(path.stat().st_size for path in (tmp_path / "stage" / "vendor").rglob("*") if path.is_file())
    print(f"vision zip: {size / MIB:.1f} MiB unzipped, at most {VISION_ZIP.max_bytes / MIB:.0f} MiB")
    assert 150 * MIB < size < VISION_ZIP.max_bytes - 3 * MIB  # Chalice's runtime and the app come on top
    assert not (tmp_path / "stage" / "vendor" / "rapidocr").exists()
    assert PROFILES == {"image": VISION, "zip": VISION_ZIP}


READ = """
from PIL import Image, ImageDraw, ImageFont
import numpy
picture = Image.new("RGB", (640, 480), "white")
ImageDraw.Draw(picture).text((30, 60), "ORDER A1001", font=ImageFont.load_default(48), fill="black")
from plugins.vision import ocr
print(json.dumps([text for text, sure, corners in ocr.lines(numpy.asarray(picture))] if ocr.able() else None))
"""


def test_the_image_reads_words_and_the_zip_says_that_it_cannot(context: Path, tmp_path: Path) -> None:
    """With nothing but itself the image reads print; the zip finds no reader, and no fault."""
    assert run_alone(READ, context / TASK) == ["ORDER A1001"]
    stage(VISION_ZIP, this_machine(), tmp_path / "stage")
    assert run_alone(READ, tmp_path / "stage" / "vendor") is None


WATCH = """
import cv2, numpy, pathlib, tempfile
from plugins.vision import video
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder, "film.mp4")
    film = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), 10, (320, 240))
    for n in range(20):
        frame = numpy.full((240, 320, 3), 12 * n, numpy.uint8)
        cv2.circle(frame, (40 + 12 * n, 120), 30, (0, 0, 255), -1)
        film.write(frame)
    film.release()
    print(json.dumps(len(video.frames(file.read_bytes()))))
"""


def test_the_image_takes_frames_from_a_video(context: Path) -> None:
    """The child that opens videos finds our code and its libraries in the image's folder."""
    assert run_alone(WATCH, context / TASK) >= 2


# --- the handler, through Lambda's runtime client ---------------------------------------------------------------------
@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A mall whose photos nobody looks at: its worker is not there."""
    with System(tmp_path_factory.mktemp("lambda") / "home") as running:
        running.kill("worker")
        yield running


@pytest.fixture
def start(context: Path, instructions: list[tuple[str, str]], system: System, tmp_path: Path) -> Iterator[Callable[[str], Lambda]]:
    """Start the image's process with a handler: in its folder, with its environment, seeing nothing else of this machine."""
    brought = link(tmp_path / "brought", *BROUGHT)
    opened: list[Lambda] = []
    before = listing(context / TASK)

    def start(handler: str) -> Lambda:
        command = [sys.executable, "-I", "-S", "-B", "-c", CLIENT, str(context / TASK), str(brought), handler]
        environment = {**BOUNDS, **system.home.environment(), "AWS_DEFAULT_REGION": "us-east-1", "HOME": "/nowhere"}
        opened.append(Lambda(command, environment, context / TASK, tmp_path / "log").__enter__())
        return opened[-1]

    yield start
    for function in opened:
        function.__exit__()
    print((tmp_path / "log").read_text(encoding="utf-8", errors="replace")[-4000:])
    assert listing(context / TASK) == before, "the image's folder cannot be written in Lambda"


@pytest.fixture
def function(start: Callable[[str], Lambda], instructions: list[tuple[str, str]]) -> Lambda:
    """The process with the recipe's own handler."""
    (handler,) = json.loads(said(instructions, "CMD")[0])
    return start(handler)


def listing(folder: Path) -> set[str]:
    """Every file below a folder."""
    return {str(path) for path in folder.rglob("*")}


def a_job(system: System, order_id: str, seed: int) -> tuple[str, dict[str, Any]]:
    """A claim with a photo: its case, and the message that waits in the photo queue."""
    Shop(system, "m1").sell(order_id, replace(STRAWBERRIES, picture=None), "b1", signed=2)
    with system.client("buyer", "b1") as buyer:
        case_id = buyer.claim(drawn(seed), order_id=order_id, **CLAIM)["case_id"]
    queue = system.home.registry().queue

    def taken() -> dict[str, Any] | None:
        for job in queue.receive(PHOTO_QUEUE, 10):
            queue.done(PHOTO_QUEUE, job)
            if job.body["case_id"] == case_id:
                return sqs_record(job)
        return None

    return case_id, until(taken, lambda: "the claim's photo never came into the queue")


def state(system: System, case_id: str) -> str:
    """Where a case stands."""
    with system.client("buyer", "b1") as buyer:
        return str(buyer.get(f"/cases/{case_id}")["state"])


def findings(system: System, case_id: str) -> list[str]:
    """What was seen on a case's photo."""
    with system.client("buyer", "b1") as buyer:
        return [f["check"] for f in buyer.get(f"/cases/{case_id}")["evidence"][0]["findings"]]


def test_a_broken_job_comes_back_and_the_others_are_done(system: System, function: Lambda) -> None:
    """Of an event with two photo jobs the good one is verified and judged; the broken one alone is named, to be tried again."""
    case_id, good = a_job(system, "l-two", 21)
    broken = {**good, "messageId": "broken", "body": json.dumps({"case_id": case_id})}

    outcome = function.invoke({"Records": [broken, good]})

    assert outcome == ("answer", {"batchItemFailures": [{"itemIdentifier": "broken"}]})
    assert {"vision.readable", "vision.lit"} <= set(findings(system, case_id))
    assert state(system, case_id) != "verifying"


def test_a_photo_that_kills_the_process_takes_no_other_with_it(system: System, function: Lambda) -> None:
    """The kernel kills the process at one photo: the next ones are looked at by a fresh one, and so is that one, later."""
    jobs = [a_job(system, f"l-kill-{number}", 30 + number) for number in range(3)]

    outcomes = [function.invoke({"Records": [record]}, dies=number == 1).kind for number, (_, record) in enumerate(jobs)]
    states = [state(system, case_id) == "verifying" for case_id, _ in jobs]
    again = function.invoke({"Records": [jobs[1][1]]})

    assert (outcomes, function.starts) == (["answer", "crashed", "answer"], 2)
    assert states == [False, True, False]
    assert again == ("answer", {"batchItemFailures": []})
    assert state(system, jobs[1][0]) != "verifying"


def test_a_photo_that_takes_too_long_is_tried_again(system: System, function: Lambda) -> None:
    """Lambda ends a process that is over its time; nothing half-done is left, and the photo is looked at by the next one."""
    case_id, record = a_job(system, "l-late", 41)

    assert function.invoke({"Records": [record]}, timeout_s=0.001).kind == "timed out"
    assert state(system, case_id) == "verifying"
    assert function.invoke({"Records": [record]}) == ("answer", {"batchItemFailures": []})
    assert (state(system, case_id) != "verifying", function.starts) == (True, 2)


def test_a_handler_that_is_not_there_is_said_at_the_start(start: Callable[[str], Lambda]) -> None:
    """A wrong command in the template is an error of initialisation that names the handler: no photo is ever lost to it."""
    outcome = start("app.look_at_nothing").invoke({"Records": []})
    assert outcome.kind == "init error"
    assert "look_at_nothing" in outcome.said["errorMessage"]
