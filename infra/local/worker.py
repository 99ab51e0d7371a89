"""The worker: the vision function in a process of its own, fed from the local queue as Lambda feeds it from SQS.

``python -m infra.local.worker`` works for the home that AFTERSALES_HOME names, until SIGTERM. Its ready file says that it does.

It looks at one photo at a time and has as much memory as the function in the cloud. After many photos, or when it holds more than a
photo needs, it begins anew, under the same process id. At a photo that kills it, its successor counts one failure: five times, and
the photo is put aside, where a person sees it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from aftersales import redaction
from aftersales.ports import Job, JobQueue
from aftersales.registry import Registry
from functions import follow
from functions.follow import PHOTO_QUEUE
from infra.bundle import MIB, VISION
from infra.local.gateway import context
from infra.local.home import Home, read, write

log = logging.getLogger("worker")

#: How often the queue is asked; a look takes less than a millisecond.
EVERY_S = 0.05
AFTER_FAILURE_S = 0.5
#: A fresh process after this many photos, or above this memory (MB): what a library leaks stays small. Reading words needs 900.
MOST_JOBS, MOST_MB = 1_000, 1_000

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(slots=True)
class Marks:
    """What outlasts the process: that it is ready, and the job it is at."""

    home: Home
    part: str = "worker"

    def ready(self) -> None:
        """Say that this process works."""
        write(self.home.folder / f"{self.part}.json", {"pid": os.getpid()})

    def begin(self, job: Job) -> None:
        """Say which job is begun. It outlives the process, not the machine: a power cut is no photo's fault."""
        self._at.write_text(json.dumps({"body": dict(job.body), "receipt": job.receipt}), encoding="utf-8")

    def end(self) -> None:
        """Say that no job is begun."""
        self._at.unlink(missing_ok=True)

    def left(self) -> Job | None:
        """The job that a process before this one began and never ended."""
        try:
            said = read(self._at)
        except ValueError:  # it died while it wrote this: at no photo
            return None
        return Job(said["body"], said["receipt"]) if said else None

    @property
    def _at(self) -> Path:
        return self.home.folder / f"{self.part}-job.json"


def main() -> int:
    """Work until SIGTERM or SIGINT."""
    args = _arguments()
    redaction.install()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    bound(VISION.memory_mb)
    marks = Marks(Home.there(Path(os.environ["AFTERSALES_HOME"])))
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    from infra.vision import app

    registry = app.registry()
    count_death(registry, marks)
    marks.ready()
    log.info("working on %s", marks.home.folder)
    done = 0
    while not ended.is_set():
        try:
            busy = step(PHOTO_QUEUE, registry.queue, app.look_at_photos, marks)
        except Exception:
            log.exception("the queue could not be read; trying again")
            ended.wait(AFTER_FAILURE_S)
            continue
        done += busy
        if done >= args.most_jobs or held_mb() > args.most_mb:
            log.info("beginning anew after %d photos, holding %d MB", done, held_mb())
            os.execv(sys.executable, [sys.executable, "-m", "infra.local.worker", *sys.argv[1:]])  # noqa: S606 (ourselves)
        if not busy:
            ended.wait(EVERY_S)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.worker", description="Looks at the photos of a local system.")
    parser.add_argument("--most-jobs", type=int, default=MOST_JOBS, help="photos until it begins anew")
    parser.add_argument("--most-mb", type=int, default=MOST_MB, help="memory at which it begins anew")
    return parser.parse_args()


def count_death(registry: Registry, marks: Marks) -> None:
    """Count the death of a process before this one, at the job that it was at; put the job aside when that was often enough."""
    job = marks.left()
    if job is None:
        return
    log.warning("a worker before this one died at %s", dict(job.body))
    if follow.died(registry, job.body):
        registry.queue.done(PHOTO_QUEUE, job)
    marks.end()


def step(name: str, queue: JobQueue, handler: Handler, marks: Marks | None = None) -> bool:
    """Do one job of the queue of that name, if there is any; whether there was. One that fails comes back after a while."""
    jobs = queue.receive(name, 1)
    for job in jobs:
        if marks:
            marks.begin(job)
        try:
            handle(name, queue, handler, job)
        finally:
            if marks:
                marks.end()  # whatever went wrong, this process lives
    return bool(jobs)


def handle(name: str, queue: JobQueue, handler: Handler, job: Job) -> None:
    """Let the function do this job, which is done then unless the function says otherwise."""
    answer = handler({"Records": [sqs_record(job, name)]}, context(name))
    if not (answer or {}).get("batchItemFailures"):
        queue.done(name, job)
        log.info("done: %s", dict(job.body))


def bound(memory_mb: int) -> None:
    """Give this process no more memory than the function has: what asks for more fails alone, and leaves the machine to others."""
    with suppress(ValueError, OSError):  # not every system knows this limit
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * MIB, memory_mb * MIB))


def held_mb() -> int:
    """The memory that this process holds now, in MB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize() // MIB


def sqs_record(job: Job, queue: str = PHOTO_QUEUE) -> dict[str, Any]:
    """A job in the shape Lambda hands it on from SQS."""
    return {
        "messageId": job.receipt,
        "receiptHandle": job.receipt,
        "body": json.dumps(dict(job.body)),
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:local:local:{queue}",
    }


if __name__ == "__main__":
    sys.exit(main())
