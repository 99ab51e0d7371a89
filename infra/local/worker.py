"""The worker: the vision function in a process of its own, fed from the local queue as Lambda feeds it from SQS.

``python -m infra.local.worker`` works for the home that AFTERSALES_HOME names, until SIGTERM. Its ready file says that it does.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from aftersales import redaction
from aftersales.ports import Job, JobQueue
from functions.follow import PHOTO_QUEUE
from infra.local.gateway import context
from infra.local.home import Home, write

log = logging.getLogger("worker")

#: How often the queue is asked; a look takes less than a millisecond.
EVERY_S = 0.05
AFTER_FAILURE_S = 0.5

Handler = Callable[[dict[str, Any], Any], Any]


def main() -> int:
    """Work until SIGTERM or SIGINT."""
    redaction.install()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    home = Home.there(Path(os.environ["AFTERSALES_HOME"]))
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    from infra.vision import app

    queue = app.registry().queue
    write(home.folder / "worker.json", {"pid": os.getpid()})
    log.info("working on %s", home.folder)
    while not ended.is_set():
        try:
            busy = step(queue, app.look_at_photos)
        except Exception:
            log.exception("the queue could not be read; trying again")
            ended.wait(AFTER_FAILURE_S)
            continue
        if not busy:
            ended.wait(EVERY_S)
    return 0


def step(queue: JobQueue, handler: Handler) -> bool:
    """Do one job, if there is any; whether there was. One that fails stays hidden for a while and comes back."""
    jobs = queue.receive(PHOTO_QUEUE, 1)
    for job in jobs:
        answer = handler({"Records": [sqs_record(job)]}, context("look_at_photos"))
        if not (answer or {}).get("batchItemFailures"):
            queue.done(PHOTO_QUEUE, job)
            log.info("done: %s", dict(job.body))
    return bool(jobs)


def sqs_record(job: Job) -> dict[str, Any]:
    """A job in the shape Lambda hands it on from SQS."""
    return {
        "messageId": job.receipt,
        "receiptHandle": job.receipt,
        "body": json.dumps(dict(job.body)),
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:local:local:{PHOTO_QUEUE}",
    }


if __name__ == "__main__":
    sys.exit(main())
