"""The worker: one photo after another in a bounded process that is renewed, and what becomes of a photo it dies of."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aftersales.ports import Job
from aftersales.testing.queue import FakeQueue
from functions import follow
from functions.follow import PHOTO_QUEUE
from infra.bundle import BOUNDS, VISION
from infra.local import worker
from infra.local.child import Child
from infra.local.client import until
from infra.local.home import Home
from infra.local.mall import STRAWBERRIES, Shop
from infra.local.photos import drawn
from infra.local.system import System
from tests.mall import Mall

pytestmark = pytest.mark.e2e

PLAIN = replace(STRAWBERRIES, picture=None)  # whose claims have one picture alone to be looked at
CLAIM = {"kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A running system of this test alone."""
    with System(tmp_path / "home") as running:
        yield running


def claims(system: System, name: str, count: int) -> list[str]:
    """Handed-in claims with a photo each."""
    found = []
    for number in range(count):
        order_id = f"{name}-{number}"
        Shop(system, "m1").sell(order_id, PLAIN, "b1", signed=2)
        with system.client("buyer", "b1") as buyer:
            found.append(buyer.claim(drawn(len(name) * 100 + number), order_id=order_id, **CLAIM)["case_id"])
    return found


def looked_at(system: System, case_ids: list[str]) -> None:
    """Wait until nobody has to look at them any more."""
    with system.client("buyer", "b1") as buyer:
        for case_id in case_ids:
            until(lambda c=case_id: buyer.get(f"/cases/{c}")["state"] != "verifying", lambda c=case_id: f"{c} is verifying", 60)  # type: ignore[misc]


def environment(pid: int) -> dict[str, str]:
    """What a process was told when it began."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.partition("=")[::2] for pair in pairs if pair)


def test_it_is_bounded_before_it_loads_anything(system: System) -> None:
    """Threads, heaps and memory of the process that opens strangers' files are limited, as they are in the cloud."""
    pid = system.pid("worker")
    assert pid is not None
    assert environment(pid).items() >= BOUNDS.items()
    limits = Path(f"/proc/{pid}/limits").read_text()
    (data,) = [line.split()[3] for line in limits.splitlines() if line.startswith("Max data size")]
    assert int(data) == VISION.memory_mb * 1024 * 1024
    looked_at(system, claims(system, "bound", 1))
    assert len(list(Path(f"/proc/{pid}/task").iterdir())) <= 3


def test_it_begins_anew_and_loses_nothing(system: System, tmp_path: Path) -> None:
    """Renewed after every photo, the worker keeps its process id, is never started again by others, and finishes every claim."""
    system.kill("worker")
    child = Child("infra.local.worker", "--most-jobs", "1", environment=system.home.environment(), log=tmp_path / "log")
    child.start()
    try:
        until(lambda: read_pid(system) == child.pid, lambda: "it never was ready", 30)
        looked_at(system, claims(system, "anew", 3))
        until(lambda: child.said(9_999).count("beginning anew after 1 photos") == 3, child.said, 10)
        assert (child.runs, read_pid(system)) == (True, child.pid)
    finally:
        child.stop()


def read_pid(system: System) -> Any:
    """The process that says it is ready."""
    try:
        return json.loads((system.home.folder / "worker.json").read_text())["pid"]
    except FileNotFoundError:
        return None


def test_a_death_is_counted_at_the_photo_it_happened_at(system: System) -> None:
    """Killed in the midst of a photo, the worker's successor counts one failure of that photo, and the claim goes on."""
    pid = system.pid("worker")
    assert pid is not None
    begun = system.home.folder / "worker-job.json"
    os.kill(pid, signal.SIGSTOP)  # so that the photo is begun under our eyes
    (case_id,) = claims(system, "death", 1)
    os.kill(pid, signal.SIGCONT)
    until(begun.exists, lambda: "no photo is begun", 30)
    system.kill("worker")
    system.restart("worker")
    log = (system.home.log / "worker.log").read_text()
    assert log.count("a worker before this one died at") == 1
    looked_at(system, [case_id])


def test_a_photo_that_kills_again_and_again_is_put_aside(tmp_path: Path) -> None:
    """After five deaths a photo waits for a person and is gone from the queue; the four before it were nobody's matter."""
    mall, marks = Mall(), worker.Marks(Home(tmp_path))
    mall.push()
    mall.claim()
    follow.follow(mall.registry, list(mall.store.records))
    (job,) = mall.queue.receive(PHOTO_QUEUE)
    for death in range(1, 6):
        marks.begin(job)
        worker.count_death(mall.registry, marks)
        assert (marks.left(), len(letters(mall))) == (None, death // 5)
    (letter,) = letters(mall)
    assert (letter["about"]["what"], letter["about"]["code"]) == ("photo", "Died")
    mall.queue.expire()
    assert mall.queue.receive(PHOTO_QUEUE) == ()


def letters(mall: Mall) -> list[Any]:
    """What the platform sees to be put aside."""
    return list(mall.must("GET", "/v1/platform/dead-letters", role="platform", merchant="")["tickets"])


def test_a_mark_that_was_half_written_is_no_photos_fault(tmp_path: Path) -> None:
    """A process that died while it wrote its mark died at no photo."""
    marks = worker.Marks(Home(tmp_path))
    marks.begin(Job({"case_id": "c1", "evidence_id": "e1"}, "1"))
    assert marks.left() == Job({"case_id": "c1", "evidence_id": "e1"}, "1")
    (tmp_path / "worker-job.json").write_text('{"body": {"case')
    assert marks.left() is None


def test_a_queue_that_fails_is_no_photos_fault(tmp_path: Path) -> None:
    """A job that was done and could not be taken off the queue killed nobody: no later process counts a death at it."""

    class Shut(FakeQueue):
        def done(self, queue: str, job: Job) -> None:
            raise OSError("the queue is not there")

    queue, marks = Shut(), worker.Marks(Home(tmp_path))
    queue.send(PHOTO_QUEUE, {"case_id": "c1", "evidence_id": "e1"})
    with pytest.raises(OSError, match="not there"):
        worker.step(PHOTO_QUEUE, queue, lambda event, context: {}, marks)
    assert marks.left() is None


def test_what_asks_for_too_much_memory_fails_alone() -> None:
    """A process with the worker's bound is refused what is beyond it, and lives on."""
    code = "from infra.local.worker import bound\nbound(256)\n"
    code += "try:\n    bytearray(300 << 20)\nexcept MemoryError:\n    print('refused')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "refused"), done.stderr


def test_it_knows_what_it_holds() -> None:
    """The memory it is renewed by is what this process really holds: between a few MB and the most it ever held."""
    assert 5 < worker.held_mb() <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 + 1
