"""Lambda's runtime API on loopback, and the process that it feeds: for tests of what is deployed.

The protocol is AWS's ("Using the Lambda runtime API", version 2018-06-01, read 2026-11): the process asks for the next event and
posts its answer or an error. As Lambda does, it ends a process that takes too long, and starts a fresh one after a death.
"""

import json
import os
import signal
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, NamedTuple, Self
from uuid import uuid4

BASE = "/2018-06-01/runtime"
#: How often it is looked whether anything happened.
LOOK_S = 0.02
START_S = 60.0


class Outcome(NamedTuple):
    """What became of an event: ``answer``, ``error``, ``init error``, ``crashed`` or ``timed out``, and what was said."""

    kind: str
    said: Any = None


class Lambda:
    """One function with one process, as ``with Lambda(command, environment, folder, log) as function:``."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path, log: Path) -> None:
        self._command, self._environment, self._folder, self._log = command, environment, folder, log
        self.starts = 0
        self._events: Queue[tuple[str, dict[str, Any], float, bool]] = Queue()
        self._outcomes: Queue[tuple[str, Outcome]] = Queue()
        self._server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"function": self}))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(LOOK_S,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._server.shutdown()
        self._server.server_close()

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def invoke(self, event: dict[str, Any], timeout_s: float = 60.0, *, dies: bool = False) -> Outcome:
        """Hand the event to the process, started where none runs. ``dies``: the kernel kills it once it has the event."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        request = str(uuid4())
        self._events.put((request, event, timeout_s, dies))
        ends = time.monotonic() + timeout_s + START_S
        while time.monotonic() < ends:
            try:
                answered, outcome = self._outcomes.get(timeout=LOOK_S)
            except Empty:
                if self._process is None or self._process.poll() is not None:
                    return Outcome("crashed", self._process and self._process.returncode)
                continue
            if answered in (request, ""):
                if outcome.kind in ("timed out", "init error"):
                    self._kill()
                return outcome
        raise AssertionError(f"nothing came back: {self._log.read_text(errors='replace')[-2000:]}")

    def _start(self) -> None:
        self._kill()
        self.starts += 1
        self._events, self._outcomes = Queue(), Queue()
        told = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}", "LAMBDA_TASK_ROOT": str(self._folder)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env={**self._environment, **told}, cwd=self._folder, stdout=log, stderr=log, start_new_session=True
            )

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    # --- what the handler of a request calls ----------------------------------------------------------------------------
    def next(self) -> tuple[str, dict[str, Any], float, bool] | None:
        """The next event for the process that asks; None once it is gone."""
        events, process = self._events, self._process
        while process is not None and process.poll() is None:
            try:
                return events.get(timeout=LOOK_S)
            except Empty:
                continue
        return None

    def handed_over(self, request: str, timeout_s: float, *, dies: bool) -> None:
        """The process has the event: from now on its time counts."""
        outcomes = self._outcomes
        if dies:
            self._kill()
            return

        def late() -> None:
            time.sleep(timeout_s)
            outcomes.put((request, Outcome("timed out")))

        Thread(target=late, daemon=True).start()

    def said(self, request: str, outcome: Outcome) -> None:
        """The process has answered."""
        self._outcomes.put((request, outcome))


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Nothing: a process that is killed hangs up."""


class _Handler(BaseHTTPRequestHandler):
    function: Lambda
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert self.path == f"{BASE}/invocation/next", self.path
        found = self.function.next()
        if found is None:
            self.close_connection = True
            return
        request, event, timeout_s, dies = found
        self._reply(
            200,
            json.dumps(event).encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": request,
                "Lambda-Runtime-Deadline-Ms": str(int(1000 * (time.time() + timeout_s))),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:local:000000000000:function:look-at-photos",
            },
        )
        self.function.handed_over(request, timeout_s, dies=dies)

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
        parts = self.path.removeprefix(BASE).strip("/").split("/")
        if parts == ["init", "error"]:
            self.function.said("", Outcome("init error", said))
        elif len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
            self.function.said(parts[1], Outcome({"response": "answer"}.get(parts[2], parts[2]), said))
        else:
            self._reply(404, b"{}", {})
            return
        self._reply(202, b"{}", {})

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nothing: the tests say what went wrong."""
