"""Running the embedded engine: one process per data folder, gone when its parent is gone."""

import atexit
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from infra.local.engine.client import index_stream
from infra.local.engine.installation import CannotInstall, Installed, Kind, installed

#: dynoxide's data inside the data folder.
DATABASE = "db.sqlite"
READY_TIMEOUT_S = 20.0
#: ministack writes its snapshot while it stops.
STOP_TIMEOUT_S = 60.0
FREE_PORT_TRIES = 3

# Started in place of the engine, it asks the kernel to end this process with its parent and then becomes the engine. Done
# here and not in preexec_fn, which must not be used where threads run. The parent may have died in between: getppid tells.
_WITH_PARENT = """
import ctypes, os, sys
if sys.platform == "linux":
    PR_SET_PDEATHSIG, SIGTERM = 1, 15
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class EngineFailed(Exception):
    """The engine did not start or ended by itself; the message holds the end of its log."""


class EngineLocked(Exception):
    """Another process runs an engine on this data folder; the message names it. Nothing was started."""


def endpoint_given() -> str | None:
    """Give the endpoint that the environment names in DYNAMODB_ENDPOINT, or None: then an engine is ours to start."""
    return os.environ.get("DYNAMODB_ENDPOINT") or None


class Engine:
    """A DynamoDB-compatible engine on loopback; ``with Engine(folder) as engine: engine.endpoint``.

    ``data_dir`` keeps the data, and its log in ``engine.log``; None keeps everything in memory, for tests. ``port`` 0 picks a
    free one. Where DYNAMODB_ENDPOINT is set, that is the endpoint and nothing is started, locked or ended.

    The engine ends with the thread that started it (that is how the kernel counts parents), so start it from one that lasts.
    """

    def __init__(self, data_dir: Path | None = None, port: int = 0) -> None:
        self._data_dir = data_dir
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._endpoint: str | None = None

    @property
    def endpoint(self) -> str:
        """The URL that clients talk to. Raises EngineFailed before ``start`` and after the end."""
        if self._endpoint is None:
            raise EngineFailed("the engine is not started")
        return self._endpoint

    @property
    def pid(self) -> int | None:
        """The engine's process, or None where nothing was started."""
        return self._process.pid if self._process else None

    def start(self) -> str:
        """Start the engine, wait until it answers, and give its endpoint.

        Raises EngineLocked when the data folder is in use, CannotInstall before ``make setup``, and EngineFailed when it does
        not answer in time.
        """
        if self._endpoint is not None:
            return self._endpoint
        self._endpoint = endpoint_given()
        if self._endpoint is not None:
            return self._endpoint
        engine = installed()
        if engine is None:
            raise CannotInstall("no engine is installed here: run make setup, or set DYNAMODB_ENDPOINT")
        if self._data_dir is not None:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(self._data_dir)
            if not engine.crash_durable:
                print("database: ministack, NOT crash-durable: data reaches the disk when it is stopped in order")
        atexit.register(self.stop)
        try:
            if engine.kind is Kind.DYNOXIDE and self._data_dir is not None:
                self._prepare(engine, self._data_dir / DATABASE)
            self._endpoint = self._launch(engine)
        except BaseException:
            self.stop()
            raise
        return self._endpoint

    def stop(self) -> None:
        """End the engine in order and free the data folder. Harmless when nothing runs."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the engine as a crash would (SIGKILL), for tests. Raises EngineFailed where it was not ours to start."""
        if self._process is None:
            raise EngineFailed("only an engine that was started here can be killed")
        self._end(signal.SIGKILL)

    def wait(self) -> None:
        """Return when the engine has ended; at once where nothing was started."""
        if self._process is not None:
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _prepare(self, engine: Installed, database: Path) -> None:
        """Index the stream's records; a new database is made by the engine first."""
        if not (database.is_file() and index_stream(database)):
            self._launch(engine)
            self._quit(signal.SIGTERM)
            index_stream(database)

    def _launch(self, engine: Installed) -> str:
        """Start the process and give its endpoint; tries again where somebody took the free port first."""
        said = ""
        for _ in range(1 if self._port else FREE_PORT_TRIES):
            port = self._port or _free_port()
            with _log(self._data_dir) as log:
                self._process = self._spawn(engine, port, log)
                if _answers(self._process, port, log):
                    return f"http://127.0.0.1:{port}"
                self._process.kill()
                self._process.wait()
                said = _said(log)
        self._process = None
        raise EngineFailed(f"{engine.kind} did not answer: {said[-500:] or 'it said nothing'}")

    def _spawn(self, engine: Installed, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command, settings = _command(engine, port, self._data_dir)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WITH_PARENT, str(os.getpid()), *command],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the parent, which ends the engine when it no longer needs it.
            start_new_session=True,
            # The engine holds the lock as well: the folder is free only when both are gone.
            pass_fds=() if self._lock is None else (self._lock,),
        )

    def _end(self, number: signal.Signals) -> None:
        atexit.unregister(self.stop)
        self._endpoint = None
        self._quit(number)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _quit(self, number: signal.Signals) -> None:
        """End the process; the folder stays locked."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(engine: Installed, port: int, data_dir: Path | None) -> tuple[list[str], dict[str, str]]:
    """Give the engine's command line and what its environment needs beside ours."""
    if engine.kind is Kind.DYNOXIDE:
        stored = [] if data_dir is None else ["--db-path", str(data_dir / DATABASE)]
        return [str(engine.program), "serve", "--host", "127.0.0.1", "--port", str(port), *stored], {}
    # It listens on every address unless it is told otherwise.
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "PERSIST_STATE": "0"}
    if data_dir is not None:
        settings |= {"PERSIST_STATE": "1", "STATE_DIR": str(data_dir / "state")}
    return [str(engine.program)], settings


def _take_lock(data_dir: Path) -> int:
    """Give the open lock file of the folder; the lock lasts as long as anybody holds it open. Raises EngineLocked."""
    lock = os.open(data_dir / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode().strip() or "unknown"
        os.close(lock)
        raise EngineLocked(f"{data_dir} is in use by process {holder}: end that one first, or choose another folder") from None
    os.truncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _log(data_dir: Path | None) -> IO[bytes]:
    """Open the engine's log, begun anew at each start; for an engine in memory, a file that vanishes."""
    return tempfile.TemporaryFile() if data_dir is None else (data_dir / "engine.log").open("w+b")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> bool:
    """Wait until the engine answers; False when it ended or the time is over.

    Both engines log their address once it is theirs. An answer alone is not enough: where the port was taken, somebody else
    gives it.
    """
    end = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        if f"http://127.0.0.1:{port}" in _said(log) and _responds(port):
            return True
        time.sleep(0.005)
    return False


def _responds(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _said(log: IO[bytes]) -> str:
    """Give the log so far. Reads beside the file's position, which the engine shares and writes at."""
    return os.pread(log.fileno(), 100_000, 0).decode(errors="replace").strip()
