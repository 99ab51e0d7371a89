"""The worker of batches: the app's function for them in a process of its own, fed from the local queue as Lambda feeds it from SQS.

``python -m infra.local.batches`` works for the home that AFTERSALES_HOME names, until SIGTERM. Its ready file says that it does.
Killed in the midst of a batch, its successor takes the same job up at once; what was decided stays decided.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from threading import Event

from aftersales import redaction
from functions.batches import QUEUE
from infra.bundle import API
from infra.local.home import Home
from infra.local.worker import AFTER_FAILURE_S, EVERY_S, Marks, bound, handle, step

log = logging.getLogger("batches")


def main() -> int:
    """Work until SIGTERM or SIGINT."""
    redaction.install()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    bound(API.memory_mb)
    marks = Marks(Home.there(Path(os.environ["AFTERSALES_HOME"])), "batches")
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    import app

    queue, work = app.registry().queue, app.run_batches
    marks.ready()
    log.info("working on %s", marks.home.folder)
    while not ended.is_set():
        try:
            if left := marks.left():  # by a process before this one; nobody else looks at this home's batches
                log.warning("a worker before this one ended at %s", dict(left.body))
                marks.end()
                handle(QUEUE, queue, work, left)
            busy = step(QUEUE, queue, work, marks)
        except Exception:
            log.exception("the queue could not be read; trying again")
            ended.wait(AFTER_FAILURE_S)
            continue
        if not busy:
            ended.wait(EVERY_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
