"""The server: the deployed app over HTTP on loopback, with its stream, its schedules and its files, in one process.

``python -m infra.local.server`` serves the home that AFTERSALES_HOME names, until SIGTERM. It is ready when ``/v1/health`` answers.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from aftersales import redaction
from aftersales.evidence import EvidenceKind
from functions.upload import most_bytes
from infra.local.engine import check_table_name, dynamodb_client
from infra.local.follower import Follower
from infra.local.gateway import LARGEST, Gateway, Reply, build_types, problem
from infra.local.home import HOST, Home
from infra.local.schedule import Scheduler
from infra.local.upload import FORM_BYTES, FileServer

log = logging.getLogger("server")

#: The largest body that is read at all: a video of the largest size, in its form.
READ_MOST = most_bytes(EvidenceKind.VIDEO) + FORM_BYTES
#: How much of a body that is refused is still taken, so that its sender hears why.
DRAIN_MOST, DRAIN_S = 64 * 1024 * 1024, 2.0

Answer = Callable[[str, str, Mapping[str, str], bytes], Reply]


class Server(ThreadingHTTPServer):
    """``answer(method, path, headers, body)`` behind a port of this machine; a thread per connection, kept alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, answer: Answer) -> None:
        self.answer = answer
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name that the library does: nothing here asks a name server."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (the library's signature)
        """A caller that hangs up is no error of ours."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            log.error("a connection broke", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 75  # seconds that a kept connection may rest, as load balancers have it
    server: Server

    def _do(self) -> None:
        begun = time.monotonic()
        reply = self._refusal()
        if reply is None:
            headers = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                reply = self.server.answer(self.command, self.path, headers, body)
            except Exception:
                log.exception("%s %s broke", self.command, self.path.partition("?")[0])
                reply = problem(500, "internal_error", "Something broke on our side.", "Send the same request again.")
        self._send(reply)
        log.info("%s %s %d %.0f ms", self.command, self.path.partition("?")[0], reply.status, 1000 * (time.monotonic() - begun))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = do_CONNECT = _do  # noqa: N815 (the library's names)

    def _refusal(self) -> Reply | None:
        """Why this request is not read, None when it is."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self.close_connection = True
            return problem(411, "length_required", "A body comes with its Content-Length.")
        most = READ_MOST if self.path.startswith("/files/") else LARGEST
        if int(length) > most:
            self.close_connection = True
            self._drain(min(int(length), DRAIN_MOST))
            return problem(413, "payload_too_large", f"A request has at most {most} bytes.", "Photos go to the upload address.")
        return None

    def _drain(self, left: int) -> None:
        """Take what the sender is already sending, for a while: who is still sending does not listen."""
        self.connection.settimeout(DRAIN_S)
        until = time.monotonic() + DRAIN_S
        try:
            while left > 0 and time.monotonic() < until and self.rfile.read(min(left, 1 << 16)):
                left -= 1 << 16
        except TimeoutError:
            return

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 (the library's signature)
        """What the library refuses by itself (no HTTP, unknown methods, endless lines), as a problem too."""
        self.close_connection = True
        status = 405 if code == 501 else int(code)
        names = {400: "bad_request", 405: "method_not_allowed", 414: "uri_too_long", 431: "headers_too_large"}
        self._send(problem(status, names.get(status, "bad_request"), f"{message or 'The request cannot be read'}."))

    def log_message(self, *_: Any) -> None:
        """Say nothing: ``_do`` writes one line per request."""


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    redaction.install()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    home = Home.there(Path(os.environ["AFTERSALES_HOME"]))
    _table(home)
    import app

    build_types(app.ROUTES)
    registry = app.registry()
    gateway = Gateway(app.app)
    files = FileServer(registry.files, registry.clock)  # type: ignore[arg-type]  # the stage file says local_files
    follower = Follower(home, app.follow_stream)
    # What carriers say is heard before silence counts: a clock that jumps by days passes both at once.
    names = ("follow_parcels", "sweep_deadlines", "poll_refunds", "reconcile_bills", "expire_originals")
    schedules = {name: getattr(app, name) for name in names}
    scheduler = Scheduler(home, schedules, follower.wake)

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path.startswith("/files/"):
            return files.answer(method, path, headers, body)
        try:
            return gateway.answer(method, path, headers, body)
        finally:
            if method != "GET":
                follower.wake()

    server = Server(home.ports["server"], answer)
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threads = [Thread(target=t, name=n, daemon=True) for n, t in (("stream", follower.run), ("schedule", scheduler.run))]
    for thread in (*threads, Thread(target=server.serve_forever, args=(0.05,), name="http", daemon=True)):
        thread.start()
    log.info("serving %s", home.url)
    ended.wait()
    server.shutdown()
    follower.stop()
    scheduler.stop()
    for thread in threads:
        thread.join(5)
    server.server_close()
    return 0


def _table(home: Home) -> None:
    """Make the table where there is none."""
    from plugins.dynamodb_store.schema import create

    if create(dynamodb_client(home.engine_url), check_table_name(home.table)):
        log.info("made the table %s", home.table)


if __name__ == "__main__":
    sys.exit(main())
