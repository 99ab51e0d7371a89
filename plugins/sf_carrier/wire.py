"""One signed question and its answer. SF signs no answers: HTTPS vouches for them. What cannot be read is Unknown."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import ChannelBusy, Unknown
from plugins.sf_carrier.setting import Setting
from plugins.sf_carrier.sign import digest
from plugins.sf_carrier.word import BUSY, DONE, NOT_LET_IN, PASSED

if TYPE_CHECKING:
    import httpx

#: Ten parcels with all their routes are far smaller; what is not, comes from somebody else.
LARGEST = 1 << 21


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: whether it was done, the code and the sentence, and its data. Numbers with a point are exact."""

    done: bool
    code: str
    message: str
    data: Mapping[str, Any]


class Wire:
    """Calls the platform over one pool of connections per process. ``now`` is the real time in seconds: digests live in it."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._lock = setting, now, Lock()
        self._pool: httpx.Client | None = None

    def call(self, service: str, said: Mapping[str, Any]) -> Answer:
        """The answer; one with a code of :data:`~plugins.sf_carrier.word.NOT_LET_IN` says that nothing was done.

        Raises Unknown for silence, another status than 200 and what is not of its form; ChannelBusy where we asked too often.
        """
        import httpx

        client = self._client()
        try:
            body = self._exchange(client, client.build_request("POST", self._setting.base_url, data=self._form(service, said)))
        except httpx.TransportError as error:
            raise Unknown(f"SF gave no answer: {type(error).__name__}.") from error
        return _read(body)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def _form(self, service: str, said: Mapping[str, Any]) -> dict[str, str]:
        data = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace").decode()
        timestamp = str(int(self._now() * 1000))
        return {
            "partnerID": self._setting.partner_id,
            "requestID": str(uuid.uuid4()),
            "serviceCode": service,
            "timestamp": timestamp,
            "msgDigest": digest(data, timestamp, self._setting.checkword),
            "msgData": data,
        }

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._pool is None:
                times = httpx.Timeout(self._setting.read_s, connect=self._setting.connect_s)
                self._pool = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)
            return self._pool

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> bytes:
        """The raw answer. The whole of it has a limit: a trickle would never run into ``read_s``."""
        until, parts, size = time.monotonic() + self._setting.total_s, [], 0
        request.headers["Accept-Encoding"] = "identity"
        response = client.send(request, stream=True)
        try:
            if response.status_code != 200:
                raise Unknown(f"SF answers {response.status_code}.")
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("SF's answer does not end.")
        finally:
            response.close()
        return b"".join(parts)


def _read(body: bytes) -> Answer:
    """The answer in its two envelopes: the platform's around the service's, which is JSON in a string."""
    try:
        outer = json.loads(body)
        passed = str(outer["apiResultCode"])
        if passed != PASSED:
            return _turned_away(passed, str(outer.get("apiErrorMsg") or ""))
        said = outer["apiResultData"]
        inner = json.loads(said, parse_float=Decimal) if isinstance(said, str) else said
        code, done = str(inner.get("errorCode") or ""), str(inner["success"]).lower() == "true"
        data = inner.get("msgData")
        return Answer(done and code == DONE, code, str(inner.get("errorMsg") or ""), data if isinstance(data, dict) else {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unknown("SF's answer is not of its form.") from error


def _turned_away(code: str, message: str) -> Answer:
    """What the platform says before a service is asked, or in its place."""
    if code == BUSY:
        raise ChannelBusy("SF takes no more calls just now.", found=code)
    if code not in NOT_LET_IN:
        raise Unknown(f"SF answers {code[:8]}.")
    return Answer(done=False, code=code, message=message, data={})
