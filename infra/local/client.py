"""Client: one person talking to the local API. Used by the seed, the demo, the tests; nothing in it is special to any of them."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx

T = TypeVar("T")

#: How long a condition is waited for, and how often it is looked at.
WAIT_S, LOOK_S = 20.0, 0.02


class Refused(Exception):
    """The API answered with a problem; ``code`` is its stable code, ``said`` the whole of it."""

    def __init__(self, method: str, path: str, status: int, said: Mapping[str, Any]) -> None:
        super().__init__(f"{method} {path}: {status} {said.get('code')}: {said.get('detail')}")
        self.status, self.said = status, said
        self.code = str(said.get("code", ""))


def plain_http(**options: Any) -> httpx.Client:
    """An HTTP client for this machine: no proxy, and no certificates to load (it trusts nobody over TLS, and needs nobody)."""
    return httpx.Client(trust_env=False, timeout=30, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), **options)


class Client:
    """A person with a token. Paths are below ``/v1``; a POST makes up its Idempotency-Key unless one is given."""

    def __init__(self, url: str, token: str, locale: str = "en") -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": locale}
        self._http = plain_http(base_url=f"{url}/v1", headers=headers)
        self._files = plain_http()  # where files go needs no token, and shall not see it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._files.close()

    # --- plain HTTP ---------------------------------------------------------------------------------------------------
    def send(self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str) -> httpx.Response:
        """The response, whatever it is. ``headers`` are named with ``_`` for ``-`` (``if_match="3"``)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST":
            named["Idempotency-Key"] = key or str(uuid4())
        content = {} if body is None else {"json": body}
        return self._http.request(method, path, headers=named, **content)

    def get(self, path: str) -> Any:
        """What is there. Raises Refused."""
        return self._said("GET", path)

    def post(self, path: str, body: Any = None, **how: str) -> Any:
        """The answer to a POST. Raises Refused."""
        return self._said("POST", path, body, **how)

    def put(self, path: str, body: Any, **how: str) -> Any:
        """The answer to a PUT. Raises Refused."""
        return self._said("PUT", path, body, **how)

    def patch(self, path: str, body: Any, **how: str) -> Any:
        """The answer to a PATCH. Raises Refused."""
        return self._said("PATCH", path, body, **how)

    def _said(self, method: str, path: str, body: Any = None, **how: str) -> Any:
        response = self.send(method, path, body, **how)
        said = response.json()
        if response.is_error:
            raise Refused(method, path, response.status_code, said)
        return said

    # --- what people do -----------------------------------------------------------------------------------------------
    def upload(self, case_id: str, content: bytes, content_type: str = "image/jpeg", kind: str = "photo") -> str:
        """Hand in a file the way a browser does: ask for an upload, post the form to where it says. Gives the evidence's id."""
        return self._place(f"/cases/{case_id}/evidence", content, content_type, kind=kind)

    def prove(self, order_id: str, content: bytes, role: str, content_type: str = "image/jpeg", line_id: str = "l1") -> str:
        """Put a picture of the shop's own on record with an order. Gives its id."""
        proof = self._place(f"/orders/{order_id}/proofs", content, content_type, role=role, line_id=line_id)
        self.post(f"/orders/{order_id}/proofs/{proof}/hand-in")
        return proof

    def _place(self, path: str, content: bytes, content_type: str, **about: str) -> str:
        place = self.post(path, {**about, "content_type": content_type, "bytes": len(content)})
        sent = self._files.post(place["url"], data=place["fields"], files={"file": ("file", content, content_type)})
        if sent.is_error:
            raise Refused("POST", "/files/upload", sent.status_code, sent.json())
        return str(place["evidence_id"])

    def claim(self, photo: bytes | None = None, **draft: Any) -> dict[str, Any]:
        """Open a case, hand in a photo if there is one, and submit it."""
        case_id = self.post("/cases", draft)["case_id"]
        if photo is not None:
            self.upload(case_id, photo)
        submitted: dict[str, Any] = self.post(f"/cases/{case_id}/submit")
        return submitted

    def case_in(self, case_id: str, *states: str, within_s: float = WAIT_S) -> dict[str, Any]:
        """The case once it is in one of ``states``. Raises TimeoutError naming where it stands instead."""

        def look() -> dict[str, Any] | None:
            case: dict[str, Any] = self.get(f"/cases/{case_id}")
            last[:] = [case["state"]]
            return case if case["state"] in states else None

        last: list[str] = []
        return until(look, lambda: f"case {case_id} is {last[0]}, not {' or '.join(states)}", within_s)


def until(look: Callable[[], T | None], what: Callable[[], str], within_s: float = WAIT_S) -> T:
    """What ``look`` gives once it gives something true. Raises TimeoutError with ``what`` was waited for in vain."""
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"after {within_s:.0f} s: {what()}")
        time.sleep(LOOK_S)
