"""HTTP on loopback: a thread per connection, faults of the wire acted out, nothing left open after ``stop``."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, cast

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.loopback import LooksReal, is_loopback
from infra.local.sandbox.provider import Reply

Answer = Callable[[str, str, Mapping[str, str], bytes], Reply]

#: A body above this is not a refund.
LARGEST = 1 << 20


class Server:
    """``answer(method, path, headers, body)`` behind a port of this machine (0: a free one). Raises LooksReal for other hosts."""

    def __init__(self, name: str, host: str, port: int, answer: Answer) -> None:
        if not is_loopback(host):
            raise LooksReal(f"the sandbox listens on loopback only, not on {host}")
        self._http = _Http((host, port), answer)
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, name=name, daemon=True)
        self.url = f"http://{host}:{self._http.server_address[1]}"

    def start(self) -> None:
        """Begin answering."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and close every connection."""
        self._http.ending.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Answer) -> None:
        self.answer, self.ending = answer, Event()
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name that the library does: nothing here asks a name server."""
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that it can be closed at the end."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has ended."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is part of the game; anything else is a fault of the sandbox and is shown."""
        if not isinstance(sys.exception(), ConnectionError) and not self.ending.is_set():
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Close the port and every connection; a thread still waiting on one wakes up and ends."""
        super().server_close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # its caller has closed it already


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Http

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST:
            self.close_connection = True
            return
        body = self.rfile.read(length)
        reply = self.server.answer(self.command, self.path, cast("Mapping[str, str]", self.headers), body)
        if reply.kind is Kind.HANG:
            self.server.ending.wait(reply.seconds)
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.kind is Kind.TRICKLE:
            self._trickle(reply)
            return
        cut = reply.kind is Kind.CUT
        self.wfile.write(reply.body[: len(reply.body) // 2] if cut else reply.body)
        self.wfile.flush()
        self.close_connection = self.close_connection or cut

    def finish(self) -> None:
        """Let go of both ends, also of a caller who hung up before all was written: the library would leave the first one open."""
        try:
            super().finish()
        finally:
            self.rfile.close()

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _do  # noqa: N815 (the names are the library's)

    def _trickle(self, reply: Reply) -> None:
        for i in range(len(reply.body)):
            self.wfile.write(reply.body[i : i + 1])
            self.wfile.flush()
            time.sleep(reply.seconds / len(reply.body))

    def log_message(self, *_: Any) -> None:
        """Say nothing: what happened stands in the truth."""
