"""System: the database, the provider's sandbox, the server and the workers as child processes on one home folder.

::

    with System(Path(".local")) as system:
        buyer = system.client("buyer", "b1", "m1")
        buyer.get("/orders/20261122-0001/options")

Everything listens on loopback and ends with this process. State survives in the folder; only one system runs on it at a time.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from infra.bundle import BOUNDS
from infra.local import tick
from infra.local.child import Child
from infra.local.client import Client, plain_http, until
from infra.local.engine import Engine, EngineLocked, endpoint_given
from infra.local.home import Home, is_free, read
from infra.local.token import token

T = TypeVar("T")

#: In the order in which they start; they end the other way round.
PARTS = ("engine", "sandbox", "server", "worker", "batches")
#: Those that say in a file of the home that they work; the others answer.
WORKERS = ("worker", "batches")
READY_TIMEOUT_S = 30.0
#: What a predecessor on the same folder needs to end.
FREE_TIMEOUT_S = 5.0


class SystemFailed(Exception):
    """A part did not start; the message holds the end of its log."""


class AlreadyRunning(Exception):
    """Another process runs a system on this folder; the message names it. Nothing was started."""


class System:
    """The whole system on one machine, on durable state in ``home``.

    ``photos`` is a folder of real photos for whoever seeds it. ``delay_s`` is how long the provider takes to pay a refund out.
    ``say`` hears what a person should know.
    """

    def __init__(
        self, home: Path, *, photos: Path | None = None, delay_s: float = 0.3, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.home = Home(home.resolve())
        self.photos = photos
        self._delay_s, self._say = delay_s, say
        self._lock: int | None = None
        self._engine: Engine | None = None
        self._children: dict[str, Child] = {}
        # Children end with the thread that started them: one that lasts as long as the system does.
        self._starter: ThreadPoolExecutor | None = None
        self._http: httpx.Client | None = None

    # --- life ---------------------------------------------------------------------------------------------------------
    def start(self) -> Self:
        """Start every part and wait until each is ready. Raises AlreadyRunning, SystemFailed and what the engine raises."""
        self.home = Home.made(self.home.folder)
        self._lock = _take_lock(self.home.folder)
        self._http = plain_http()
        self._starter = ThreadPoolExecutor(1, "starter")
        try:
            self._settle_ports()
            self._start_engine()
            self._launch("sandbox")
            self._ready("sandbox")
            # Stripe sends its events where its account says, not where a refund says.
            self.lever("webhook", {"provider": "stripe", "url": f"{self.home.url}/v1/callbacks/stripe"})
            self.lever("listener", {"provider": "customs", "url": f"{self.home.url}/v1/callbacks/customs"})
            for tracer in ("track17", "aftership"):
                self.lever("listen", {"provider": tracer, "url": f"{self.home.url}/v1/callbacks/{tracer}"})
            for part in PARTS[2:]:
                self._launch(part)
            for part in PARTS[2:]:
                self._ready(part)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End every part in order. Harmless when nothing runs."""
        for part in reversed(PARTS[1:]):
            if part in self._children:
                self._children.pop(part).stop()
        if self._engine is not None:
            self._engine.stop()
            self._engine = None
        if self._http is not None:
            self._http.close()
            self._http = None
        if self._starter is not None:
            self._starter.shutdown()
            self._starter = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def is_running(self) -> bool:
        """Whether some process runs a system on this folder now."""
        if self._lock is not None:
            return True
        try:
            os.close(_take_lock(self.home.folder))
        except AlreadyRunning:
            return True
        return False

    # --- single parts -------------------------------------------------------------------------------------------------
    def kill(self, part: str) -> None:
        """End one part as a crash would (SIGKILL); the others go on without it."""
        if part == "engine":
            if self._engine is not None:
                self._engine.kill()
        else:
            self._children[part].kill()

    def restart(self, part: str) -> None:
        """Start one part again on its old address, ended first where it runs, and wait until it is ready."""
        if part == "engine":
            if self._engine is not None:
                self._engine.stop()
            self._start_engine()
            return
        self._children[part].stop()
        self._launch(part)
        self._ready(part)

    def pid(self, part: str) -> int | None:
        """The part's process, None while none runs."""
        if part == "engine":
            return self._engine.pid if self._engine else None
        return self._children[part].pid if part in self._children else None

    def ended(self) -> list[str]:
        """The parts that do not run although they should."""
        gone = [name for name, child in self._children.items() if not child.runs]
        return ["engine", *gone] if self._engine_ended() else gone

    # --- what one does with it ----------------------------------------------------------------------------------------
    def client(self, role: str, sub: str = "", merchant: str = "m1", locale: str = "en") -> Client:
        """A person who talks to the API."""
        return Client(self.home.url, token(self.home, role, merchant, sub), locale)

    def pay(self, transaction_id: str, minor: int, paid_at: datetime | None = None, **more: str) -> None:
        """Let a provider's books say that a buyer has paid ``minor`` fen under this number. ``more``: ``provider``, and its own."""
        at = {"paid_at": paid_at.isoformat()} if paid_at else {}
        self.lever("payments", {"transaction_id": transaction_id, "total": minor, **at, **more})

    def truth(self) -> dict[str, Any]:
        """What the provider's books say: payments, refunds and what really was paid."""
        assert self._http is not None  # it is started
        said: dict[str, Any] = self._http.get(f"{self.home.truth_url}/truth").raise_for_status().json()
        return said

    def lever(self, name: str, said: Any) -> None:
        """Pull one of the sandbox's levers: ``payments``, ``faults``, ``balance``, ``clock``, … (see its truth port)."""
        assert self._http is not None  # it is started
        self._http.post(f"{self.home.truth_url}/{name}", json=said).raise_for_status()

    def now(self) -> datetime:
        """The local clock."""
        return self.home.clock().now()

    def tick(self, hours: float) -> list[tick.Moved]:
        """Move the local clock forward, wait until silence was heard, and give what it did."""
        return tick.tick(self.home, timedelta(hours=hours))

    # --- inside -------------------------------------------------------------------------------------------------------
    def _settle_ports(self) -> None:
        """Wait for a predecessor's ports; choose others for those that somebody else has taken."""

        def taken() -> list[str]:
            return [n for n, p in self.home.ports.items() if not is_free(p) and not (n == "engine" and endpoint_given())]

        try:
            until(lambda: not taken(), lambda: "ports are taken", FREE_TIMEOUT_S)
        except TimeoutError:
            lost = taken()
            self.home.move_ports(lost)
            self._say(f"another program has taken the port of {', '.join(lost)}: moved to {self.home.ports}")

    def _start_engine(self) -> None:
        engine = Engine(self.home.folder / "engine", self.home.ports["engine"])

        def start() -> bool:
            try:
                engine.start()
            except EngineLocked:  # its predecessor is about to end
                return False
            return True

        assert self._starter is not None
        starter = self._starter
        until(lambda: starter.submit(start).result(), lambda: "another database runs on this folder", FREE_TIMEOUT_S)
        self._engine = engine

    def _engine_ended(self) -> bool:
        if self._engine is None or endpoint_given():
            return False
        pid = self._engine.pid  # asked without taking its exit status, which is the engine's own to take
        return pid is None or os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _launch(self, part: str) -> None:
        told: list[object] = []
        if part == "sandbox":
            told += ["--port", self.home.ports["sandbox"], "--truth-port", self.home.ports["truth"]]
            told += ["--delay-s", self._delay_s, "--data", self.home.folder / "sandbox"]
        else:
            self.home.take_over_secrets()
        if part in WORKERS:
            (self.home.folder / f"{part}.json").unlink(missing_ok=True)
        log = self.home.log / f"{part}.log"
        environment = {**self.home.environment(), **(BOUNDS if part == "worker" else {})}
        child = Child(f"infra.local.{part}", *map(str, told), environment=environment, log=log)
        self._children[part] = child
        assert self._starter is not None
        self._starter.submit(child.start).result()

    def _ready(self, part: str) -> None:
        child = self._children[part]

        def look() -> bool:
            if not child.runs:
                raise SystemFailed(f"the {part} ended at once; the end of its log:\n{child.said()}")
            if part in WORKERS:
                return read(self.home.folder / f"{part}.json").get("pid") == child.pid
            return self._answers(f"{self.home.url}/v1/health" if part == "server" else f"{self.home.truth_url}/truth")

        try:
            until(look, lambda: "no answer", READY_TIMEOUT_S)
        except TimeoutError as error:
            raise SystemFailed(f"the {part} is not ready {error}; the end of its log:\n{child.said()}") from error

    def _answers(self, url: str) -> bool:
        assert self._http is not None  # it is started
        try:
            return self._http.get(url, timeout=2).is_success
        except httpx.TransportError:
            return False


def _take_lock(folder: Path) -> int:
    """The open lock file of the folder; the lock lasts as long as it is open. Raises AlreadyRunning."""
    lock = os.open(folder / "system.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode().strip() or "unknown"
        os.close(lock)
        raise AlreadyRunning(f"process {holder} runs a system on {folder} already: use that one, or end it first") from None
    os.truncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock
