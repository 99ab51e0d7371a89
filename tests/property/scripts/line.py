"""The line between the plugins and the providers: the bytes of every call are handed over in this process, without a socket.

What a socket would do (hang, cut off, refuse to connect) is done to the HTTP library as it would see it. Everything above is real:
the plugins' own clients, their signatures, and the providers' own answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from infra.local.sandbox.fault import Kind
from infra.local.sandbox.provider import Reply

Answer = Callable[[str, str, Mapping[str, str], bytes], Reply]

#: Where the plugins believe the providers to be; nothing listens there.
NOWHERE = "http://127.0.0.1:9"


class Line(httpx.BaseTransport):
    """One line for all providers. ``answer`` is what stands at its other end now; None: nobody does."""

    def __init__(self) -> None:
        self.answer: Answer | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The provider's reply, as the wire brings it. Raises what the library raises when the wire fails."""
        if self.answer is None:
            raise httpx.ConnectError("nobody is there", request=request)
        path, body = request.url.raw_path.decode("ascii"), request.read()
        reply = self.answer(request.method, path, request.headers, body)
        if reply.kind is Kind.HANG:
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(reply.status, headers=dict(reply.headers), stream=_Stream(reply))


class _Stream(httpx.SyncByteStream):
    """The body of an answer; half of it and then nothing, where the connection is cut."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        body = self._reply.body
        if self._reply.kind is Kind.CUT:
            yield body[: len(body) // 2]
            raise httpx.RemoteProtocolError("the connection was cut")
        yield body


@contextmanager
def laid(line: Line) -> Iterator[None]:
    """Clients that are made inside call over ``line``."""
    usual = httpx.Client

    def client(**how: Any) -> httpx.Client:
        return usual(**how, transport=line)

    httpx.Client = client  # type: ignore[assignment, misc]  # the plugins make their clients themselves, on the first call
    try:
        yield
    finally:
        httpx.Client = usual  # type: ignore[misc]  # see above
