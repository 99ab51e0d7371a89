"""Schedule: calls the app's scheduled functions every so many minutes of the local clock, and at once when that clock jumps.

After each pass ``swept.json`` says up to which instant silence was heard, for whoever moved the clock and waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from infra.local.engine import dynamodb_client, sweep_expired
from infra.local.gateway import context
from infra.local.home import Home, write

log = logging.getLogger("schedule")

MINUTE = timedelta(minutes=1)
#: Functions that are called less often than every minute, as the app says.
SELDOM = {"follow_parcels": timedelta(minutes=5), "reconcile_bills": timedelta(minutes=30), "expire_originals": timedelta(hours=1)}
#: AWS deletes what has expired within days; once an hour of the local clock does the same here.
EXPIRY_EVERY = timedelta(hours=1)
LOOK_S = 0.05
AFTER_FAILURE_S = 1.0

Handler = Callable[[dict[str, Any], Any], Any]


class Scheduler:
    """The schedules. :meth:`run` in a thread of its own. ``swept`` is called after each pass."""

    def __init__(self, home: Home, handlers: Mapping[str, Handler], swept: Callable[[], None] = lambda: None) -> None:
        self._home, self._handlers, self._swept = home, handlers, swept
        self._clock = home.clock()
        self._stopped = Event()
        self._next: datetime | None = None
        self._expiry: datetime | None = None
        self._not_before: dict[str, datetime] = {}

    def stop(self) -> None:
        """End after the pass under way."""
        self._stopped.set()

    def run(self) -> None:
        """Keep the schedules until :meth:`stop`. Whatever fails is logged and tried again."""
        while not self._stopped.is_set():
            try:
                self.step()
            except Exception:
                log.exception("a schedule failed; trying again")
                self._stopped.wait(AFTER_FAILURE_S)
            self._stopped.wait(LOOK_S)

    def step(self) -> bool:
        """One pass, if a minute of the local clock has gone by; whether there was one."""
        now = self._clock.now()
        if self._next is not None and now < self._next:
            return False
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "resources": [], "version": "0"}
        event |= {"id": "local", "account": "local", "region": "local", "time": now.isoformat()}
        for name, handler in self._handlers.items():
            if now < self._not_before.get(name, now):
                continue
            self._not_before[name] = now + SELDOM.get(name, MINUTE)
            try:
                handler(event, context(name))
            except Exception:  # each is a function of its own in the cloud: one that fails stops no other
                log.exception("%s failed; what it left is due again the next time", name)
        if self._expiry is None or now >= self._expiry:
            sweep_expired(dynamodb_client(self._home.engine_url), self._home.table, now)
            self._expiry = now + EXPIRY_EVERY
        self._next = now + MINUTE
        write(self._home.swept_file, {"until": now.isoformat()})
        self._swept()
        return True
