"""The laboratory, on loopback, for tests: it answers as a real one would, and loses an answer when told to."""

import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

KEY = b"a key of the tests"


class System:
    """As ``with System() as system``: knows the certificate ``GC-1``, and nothing else."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {"GC-1": {"status": "valid", "data": {"issued_on": "2026-10-01"}}}
        self.silent = False
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = hmac.new(KEY, body, hashlib.sha256).hexdigest()
                if system.silent or self.headers["X-Signature"] != signed:
                    system.silent = False
                    self.send_error(503)
                    return
                answer = system.known.get(json.loads(body)["number"], {"status": "not_found", "data": {}})
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "System":
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def notice(self) -> tuple[dict[str, str], bytes]:
        """Something that it tells by itself, signed."""
        about = {"merchant": "m1", "order_id": "o1", "fact": "appraised", "at": "2026-11-20T10:00:00+08:00"}
        body = json.dumps({**about, "line_id": "l1", "data": {"genuine": True, "tag_intact": True}}).encode()
        return {"x-signature": hmac.new(KEY, body, hashlib.sha256).hexdigest()}, body
